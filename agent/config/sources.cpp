#include "agent/config/sources.h"

#include <fmt/format.h>
#include <glob.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "agent/config/override.h"
#include "agent/config/references.h"
#include "agent/config/text_file.h"
#include "agent/config/variables.h"
#include "agent/printable.h"

namespace pitot::agent {

namespace {

constexpr std::size_t shown_path_characters = 200;

// An absent directory holds nothing; one that cannot be read is a problem.
int stop_at_unreadable(const char* /*path*/, int error) {
    return error == ENOENT || error == ENOTDIR ? 0 : 1;
}

std::expected<std::vector<std::filesystem::path>, std::string> files_like(
    const std::string& pattern) {
    glob_t found{};
    const int result = ::glob(pattern.c_str(), GLOB_NOSORT, stop_at_unreadable, &found);
    const int error = errno;
    std::vector<std::filesystem::path> paths(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    ::globfree(&found);
    if (result != 0 && result != GLOB_NOMATCH) {
        return std::unexpected(
            fmt::format(R"(must name files that can be found, got "{}" for "{}")",
                        std::generic_category().message(error), printable(pattern)));
    }
    // By bytes, on every machine alike.
    std::ranges::sort(paths);
    return paths;
}

// The directory's name stands for itself, whatever characters it has.
std::string literal(const std::filesystem::path& directory) {
    std::string out;
    for (const char c : directory.native()) {
        if (std::string_view(R"(*?[\)").contains(c)) out += '\\';
        out += c;
    }
    return out;
}

class Reader {
public:
    explicit Reader(ReadContext& context) : context_(context) {}

    // Reads one file and replaces its references; nothing where there was a problem.
    std::optional<Table> read(const std::filesystem::path& path) {
        const std::string name = printable(path.native(), shown_path_characters);
        auto file = read_file(path, config_file_bytes_max);
        if (!file) {
            refuse(name, std::move(file.error()));
            return std::nullopt;
        }
        // A control character that no text editor writes: an archive, an image, a binary.
        if (const std::size_t zero = file->text.find('\0'); zero != std::string::npos) {
            refuse(name, fmt::format("must be a TOML text, got a binary file (a NUL character at "
                                     "byte {})",
                                     zero + 1));
            return std::nullopt;
        }
        const auto source =
            context_.problems.add_source(name, std::move(file->text), SourceType::file);
        if (file->is_public) context_.public_sources.push_back(source);
        auto parsed = parse_document(context_.problems.text_of(source), source);
        if (!parsed) {
            context_.is_incomplete = true;
            context_.problems.add(parsed.error().position, "", std::move(parsed.error().what));
            return std::nullopt;
        }
        replace_references(context_, *parsed);
        return *std::move(parsed);
    }

    void refuse(const std::string& name, std::string what) {
        context_.is_incomplete = true;
        const auto source = context_.problems.add_source(name, "", SourceType::file);
        context_.problems.add({.source = source}, "", std::move(what));
    }

private:
    ReadContext& context_;
};

// The patterns, from the strongest source that has any. What is no list of texts is said
// where the option is read.
std::vector<std::string> patterns_of(const Entry* include) {
    if (include == nullptr) return {std::string(include_default)};
    const Node node =
        include->node.words
            ? value_of_words(*include->node.words, include->node.position).value_or(include->node)
            : include->node;
    const auto* const array = std::get_if<Array>(&node.value);
    std::vector<std::string> patterns;
    if (array == nullptr) return patterns;
    for (const Node& element : *array) {
        const std::string* const text = element.text();
        if (text != nullptr && !text->empty() && !text->contains('\0')) patterns.push_back(*text);
    }
    return patterns;
}

// Whether the directory of the pattern's files is there. One that is named by a pattern itself is
// not looked for.
bool is_in_directory(const std::string& pattern) {
    const std::filesystem::path directory = std::filesystem::path(pattern).parent_path();
    std::error_code ignored;
    return std::filesystem::is_directory(directory.empty() ? "." : directory, ignored);
}

std::vector<std::filesystem::path> included(ReadContext& context, const Entry* include,
                                            const std::filesystem::path& main) {
    std::vector<std::filesystem::path> files;
    const auto is_known = [&](const std::filesystem::path& path) {
        std::error_code ignored;
        return std::filesystem::equivalent(path, main, ignored) ||
               std::ranges::find(files, path) != files.end();
    };
    const Position position = include == nullptr ? Position{} : include->node.position;
    for (const std::string& pattern : patterns_of(include)) {
        const std::string directory = pattern.starts_with('/') || !main.has_parent_path()
                                          ? ""
                                          : literal(main.parent_path()) + "/";
        const auto found = files_like(directory + pattern);
        if (!found) {
            context.problems.add(position, "include", found.error());
            continue;
        }
        if (found->empty() && pattern.find_first_of("*?[") == std::string::npos) {
            context.problems.add(
                position, "include",
                fmt::format("must name files that are there, got \"{}\"", printable(pattern)));
        } else if (found->empty() && include != nullptr && is_in_directory(directory + pattern)) {
            context.problems.warn(
                position, "include",
                fmt::format("has \"{}\", which no file is like", printable(pattern)));
        }
        for (const std::filesystem::path& path : *found) {
            if (!is_known(path)) files.push_back(path);
        }
    }
    if (files.size() > included_files_max) {
        context.problems.add(
            position, "include",
            fmt::format("must be at most {} files, got {}", included_files_max, files.size()));
        files.clear();
    }
    return files;
}

void add_file(ReadContext& context, Table& document, Table&& more) {
    if (const Entry* const include = more.find("include"); include != nullptr) {
        context.problems.add(include->key_position, "include",
                             "must stand in the main file: a file that is included includes none");
        std::erase_if(more.entries, [](const Entry& entry) { return entry.key == "include"; });
    }
    for (const Conflict& conflict : add(document, std::move(more))) {
        context.problems.add(conflict.second, conflict.path,
                             fmt::format("must be given in one file, and is in {} too",
                                         context.problems.name_of(conflict.first)));
    }
}

Table read_arguments(ReadContext& context, const std::vector<std::string>& sets) {
    Table arguments;
    for (std::size_t i = 0; i < sets.size(); ++i) {
        const auto source = context.problems.add_source(fmt::format("--set {}", i + 1), sets[i],
                                                        SourceType::command_line);
        // Every user can see the arguments of every process.
        context.public_sources.push_back(source);
        auto parsed = parse_override(sets[i], source);
        if (parsed) {
            merge(arguments, std::move(*parsed));
        } else {
            context.is_incomplete = true;
            context.problems.add(parsed.error().position, "", std::move(parsed.error().what));
        }
    }
    return arguments;
}

}  // namespace

Sources read_sources(ReadContext& context, const std::optional<std::filesystem::path>& file,
                     const std::vector<std::string>& sets) {
    Sources sources;
    Reader reader(context);
    std::optional<std::filesystem::path> main = file;
    if (const auto named = context.environment.variable(std::string(config_variable));
        !main && named && !named->empty()) {
        main = *named;
    }
    if (main) {
        sources.files.push_back(*main);
        sources.document = reader.read(*main).value_or(Table());
    }
    std::vector<Variable> variables = read_variables(context);
    Table arguments = read_arguments(context, sets);

    // Any source may say what is included, and so it must be known before those files are
    // read that the other values of that source override.
    Table deciding = sources.document;
    apply(context, variables, deciding);
    merge(deciding, arguments);
    const Entry* const include = deciding.find("include");
    if (main || include != nullptr) {
        for (const std::filesystem::path& path :
             included(context, include, main.value_or(std::filesystem::path()))) {
            sources.files.push_back(path);
            std::error_code ignored;
            if (!std::filesystem::is_regular_file(path, ignored)) {
                reader.refuse(printable(path.native(), shown_path_characters),
                              "must be a file, got something else");
            } else if (auto more = reader.read(path)) {
                add_file(context, sources.document, std::move(*more));
            }
        }
    }
    apply(context, std::move(variables), sources.document);
    merge(sources.document, std::move(arguments));
    return sources;
}

Table read_files(ReadContext& context, std::span<const std::filesystem::path> files) {
    Table document;
    Reader reader(context);
    for (const std::filesystem::path& path : files) {
        if (auto table = reader.read(path)) add_file(context, document, std::move(*table));
    }
    return document;
}

}  // namespace pitot::agent
