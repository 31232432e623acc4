#include "agent/config/secret_source.h"

#include <fmt/format.h>

#include <cstddef>
#include <filesystem>
#include <utility>

#include "agent/config/options.h"
#include "agent/config/text_file.h"
#include "agent/printable.h"

namespace pitot::agent {

namespace {

constexpr std::string_view forms =
    R"(must be a text, or one of { file = "…" }, { env = "…" } and { credential = "…" })";

using Result = std::expected<sinks::Secret, std::string>;

Result from_text(std::string text, std::string_view source) {
    while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
    if (text.empty()) {
        return std::unexpected(fmt::format("must not be empty, as {} is", source));
    }
    return sinks::Secret(std::move(text));
}

Result from_file(const std::filesystem::path& path) {
    const std::string shown = fmt::format("the file \"{}\"", printable(path.native()));
    if (!path.is_absolute()) {
        return std::unexpected(fmt::format("must name a file by its absolute path, got {}", shown));
    }
    auto content = read_file(path, secret_bytes_max);
    if (!content) return std::unexpected(fmt::format("{}: {}", content.error(), shown));
    return from_text(std::move(content->text), shown);
}

Result from_variable(const std::string& name, const Environment& environment) {
    const std::string shown = fmt::format("the environment variable {}", printable(name));
    auto value = environment.variable(name);
    if (!value) return std::unexpected(fmt::format("must be set: {} is not", shown));
    return from_text(std::move(*value), shown);
}

bool is_credential_name(const std::string* name) {
    return name != nullptr && !name->empty() && *name != "." && *name != ".." &&
           !name->contains('/') && !name->contains('\0');
}

Result from_credential(const std::string& name, const Environment& environment) {
    if (!is_credential_name(&name)) {
        return std::unexpected(
            fmt::format("must name a credential, which is a file name without '/', got \"{}\"",
                        printable(name)));
    }
    const auto directory = environment.variable(std::string(credentials_variable));
    if (!directory) {
        return std::unexpected(
            fmt::format("must be passed by the service manager: {} is not set, so there is no "
                        "credential \"{}\"",
                        credentials_variable, printable(name)));
    }
    return from_file(std::filesystem::path(*directory) / name);
}

}  // namespace

std::string passed_later_text() {
    return fmt::format(
        "is not checked here: only the service manager passes credentials; "
        "CREDENTIALS_DIRECTORY={} shows them to root",
        credentials_directory_of_unit);
}

bool is_passed_later(const Table& table, const Environment& environment) {
    return table.entries.size() == 1 && table.entries.front().key == "credential" &&
           is_credential_name(table.entries.front().node.text()) &&
           !environment.variable(std::string(credentials_variable));
}

Result resolve_secret(const Table& table, const Environment& environment) {
    if (table.entries.size() != 1) {
        return std::unexpected(
            fmt::format("{}, got a table of {} keys", forms, table.entries.size()));
    }
    const Entry& entry = table.entries.front();
    const std::string* const value = entry.node.text();
    // The value may be the secret itself, misplaced: only its key is named.
    if (value == nullptr || value->contains('\0')) {
        return std::unexpected(
            fmt::format("{}, got `{}` without a text", forms, printable(entry.key)));
    }
    if (entry.key == "file") return from_file(*value);
    if (entry.key == "env") return from_variable(*value, environment);
    if (entry.key == "credential") return from_credential(*value, environment);
    return std::unexpected(fmt::format("{}, got `{}`", forms, printable(entry.key)));
}

}  // namespace pitot::agent
