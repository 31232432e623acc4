#include "agent/config/references.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/config/secret_source.h"
#include "agent/config/toml_text.h"
#include "agent/printable.h"
#include "protocol/utf8.h"

namespace pitot::agent {

namespace {

constexpr std::string_view forms =
    R"("${NAME}", "${NAME:-text}" or "${NAME:?message}"; a dollar sign before '{' is "$$")";

bool is_name(std::string_view name) {
    return !name.empty() && (name[0] < '0' || name[0] > '9') &&
           std::ranges::all_of(name, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '_';
           });
}

// Takes one text apart.
class Replacer {
public:
    explicit Replacer(ReadContext& context) : context_(context) {}

    std::string operator()(std::string_view text) {
        std::string out;
        while (!text.empty()) {
            const std::size_t dollar = std::min(text.find('$'), text.size());
            if (dollar > 0) is_start_ = false;
            out += text.substr(0, dollar);
            text.remove_prefix(dollar);
            if (text.starts_with("$$")) {
                out += '$';
                text.remove_prefix(2);
            } else if (text.starts_with("${")) {
                const std::size_t brace = text.find('}');
                if (brace == std::string_view::npos) {
                    problems.push_back(fmt::format("must have a '}}' behind \"${{\": {}", forms));
                    return out;
                }
                ++references_;
                out += value_of(text.substr(2, brace - 2));
                text.remove_prefix(brace + 1);
                is_one_ = references_ == 1 && text.empty() && is_start_;
            } else if (!text.empty()) {
                out += '$';
                text.remove_prefix(1);
            }
            is_start_ = false;
        }
        return out;
    }

    // The text was one reference, and nothing besides.
    bool was_one_reference() const { return is_one_; }

    std::vector<std::string> problems;
    // A part of the text is what only the service has.
    bool is_passed_later = false;

private:
    std::string value_of(std::string_view reference) {
        const std::size_t colon = reference.find(':');
        const std::string name(reference.substr(0, colon));
        const std::string_view rest =
            colon == std::string_view::npos ? "" : reference.substr(colon);
        const bool is_form = rest.empty() || rest.starts_with(":-") || rest.starts_with(":?");
        if (!is_name(name) || !is_form || rest.contains("${")) {
            problems.push_back(fmt::format("must have references as {}, got \"${{{}}}\"", forms,
                                           printable(reference, 40)));
            return {};
        }
        const std::optional<std::string> value = context_.environment.variable(name);
        if (value && (rest.empty() || !value->empty())) return checked(name, *value);
        if (rest.starts_with(":-")) return checked(name, std::string(rest.substr(2)));
        if (!value && context_.is_offline && name == credentials_variable) {
            is_passed_later = true;
            return std::string(credentials_directory_of_unit);
        }
        const std::string_view state = value ? "is empty" : "is not set";
        problems.push_back(
            rest.size() > 2
                ? fmt::format("{}: the environment variable {} {}", printable(rest.substr(2)), name,
                              state)
                : fmt::format("must have a value: the environment variable {} {}", name, state));
        return {};
    }

    std::string checked(const std::string& name, std::string value) {
        if (!protocol::is_utf8(value)) {
            problems.push_back(
                fmt::format("must be UTF-8, and the environment variable {} is not", name));
            return {};
        }
        context_.referenced_bytes += value.size();
        if (context_.referenced_bytes <= referenced_bytes_max) return value;
        problems.push_back(fmt::format("must not be so long: references add more than {} bytes",
                                       referenced_bytes_max));
        return {};
    }

    ReadContext& context_;
    std::size_t references_ = 0;
    bool is_start_ = true;
    bool is_one_ = false;
};

void replace(ReadContext& context, Node& node, const std::string& path) {
    if (auto* const text = std::get_if<std::string>(&node.value)) {
        if (!text->contains('$') || context.problems.full()) return;
        Replacer replacer(context);
        std::string replaced = replacer(*text);
        for (std::string& problem : replacer.problems) {
            // Around the reference may be the rest of a secret, whatever its key.
            context.problems.add_secret(node.position, path, std::move(problem));
        }
        if (replacer.was_one_reference()) node.words = replaced;
        if (replacer.is_passed_later) {
            context.problems.warn(node.position, path, passed_later_text());
        }
        node.is_unresolved = !replacer.problems.empty() || replacer.is_passed_later;
        *text = std::move(replaced);
    } else if (auto* const array = std::get_if<Array>(&node.value)) {
        for (Node& element : *array) replace(context, element, path);
    } else if (auto* const table = std::get_if<Table>(&node.value)) {
        for (Entry& entry : table->entries) {
            replace(context, entry.node,
                    path.empty() ? shown_key(entry.key) : path + "." + shown_key(entry.key));
        }
    }
}

}  // namespace

void replace_references(ReadContext& context, Table& table) {
    for (Entry& entry : table.entries) replace(context, entry.node, shown_key(entry.key));
}

}  // namespace pitot::agent
