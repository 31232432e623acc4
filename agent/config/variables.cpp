#include "agent/config/variables.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "agent/config/override.h"
#include "agent/printable.h"
#include "protocol/utf8.h"

namespace pitot::agent {

namespace {

constexpr std::string_view prefix = "PITOT_";
constexpr std::string_view separator = "__";

std::string folded(std::string_view text) {
    std::string lower(text);
    std::ranges::transform(lower, lower.begin(), [](char c) {
        if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
        return c == '-' ? '_' : c;
    });
    return lower;
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// What is set in a container beside a service of the name "pitot" or "pitot-…": the host
// and ports of it. https://kubernetes.io/docs/concepts/services-networking/service/ and the
// links of Docker before it. No option has such a name.
bool is_service_link(std::string_view name) {
    if (name.contains(separator)) return false;
    if (name.ends_with("_SERVICE_HOST") || name.contains("_SERVICE_PORT") ||
        name.ends_with("_PORT")) {
        return true;
    }
    // PITOT_PORT_8125_UDP, and the same with _PORT, _PROTO and _ADDR behind it.
    const std::size_t port = name.find("_PORT_");
    return port != std::string_view::npos && name.size() > port + 6 && is_digit(name[port + 6]);
}

// Nothing where the name is none of a key.
std::optional<std::vector<std::string>> path_of(std::string_view name) {
    std::vector<std::string> path;
    for (std::string_view rest = name;;) {
        const std::size_t end = std::min(rest.find(separator), rest.size());
        const std::string_view part = rest.substr(0, end);
        const bool is_word = std::ranges::all_of(part, [](char c) {
            return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                   c == '-';
        });
        if (part.empty() || !is_word || path.size() == nesting_max) return std::nullopt;
        path.emplace_back(part);
        if (end == rest.size()) return path;
        rest.remove_prefix(end + separator.size());
    }
}

// The name of a key that the document has under this one, or its lower case.
std::string name_in(const Table* table, const std::string& part) {
    if (table == nullptr) return folded(part);
    const auto found = std::ranges::find_if(
        table->entries, [&](const Entry& entry) { return folded(entry.key) == folded(part); });
    return found == table->entries.end() ? folded(part) : found->key;
}

// a.b.c = value
Table table_of(const std::vector<std::string>& keys, Node value) {
    const Position position = value.position;
    Table table;
    table.entries.push_back({keys.back(), position, std::move(value)});
    for (std::size_t i = keys.size() - 1; i > 0; --i) {
        Table outer;
        outer.entries.push_back({keys[i - 1], position, Node{std::move(table), position}});
        table = std::move(outer);
    }
    return table;
}

}  // namespace

std::vector<Variable> read_variables(ReadContext& context) {
    std::vector<std::string> names = context.environment.variable_names;
    std::erase_if(names, [](const std::string& name) {
        return !name.starts_with(prefix) || name == config_variable || is_service_link(name);
    });
    std::ranges::sort(names);

    std::vector<Variable> variables;
    for (const std::string& name : names) {
        const auto text = context.environment.variable(name);
        if (!text) continue;
        const auto source =
            context.problems.add_source(printable(name), *text, SourceType::environment);
        const Position position{.source = source, .line = 1, .column = 1};
        auto path = path_of(std::string_view(name).substr(prefix.size()));
        if (!path) {
            context.problems.add(position, "",
                                 "must be PITOT_ and a key, with two underscores between its "
                                 "parts, such as PITOT_SINKS__PUSH__URL");
        } else if (!protocol::is_utf8(*text)) {
            context.problems.add(position, "", "must be UTF-8, got a byte that is not");
        } else if (auto value = parse_value(*text, position)) {
            variables.push_back({std::move(*path), std::move(*value)});
        } else {
            context.is_incomplete = true;
            context.problems.add_secret(position, "", std::move(value.error().what));
        }
    }
    return variables;
}

void apply(ReadContext& context, std::vector<Variable> variables, Table& document) {
    Table all;
    for (Variable& variable : variables) {
        const Table* table = &document;
        for (std::string& part : variable.path) {
            part = name_in(table, part);
            const Entry* const entry = table == nullptr ? nullptr : table->find(part);
            table = entry == nullptr ? nullptr : entry->node.table();
        }
        for (const Conflict& conflict :
             add(all, table_of(variable.path, std::move(variable.value)))) {
            context.problems.add(conflict.second, conflict.path,
                                 fmt::format("must be given once, and is by {} too",
                                             context.problems.name_of(conflict.first)));
        }
    }
    merge(document, std::move(all));
}

}  // namespace pitot::agent
