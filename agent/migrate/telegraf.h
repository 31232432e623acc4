// One telegraf.conf under way: what telegraf.cpp (the file as a whole and its inputs) and
// telegraf_outputs.cpp share.
//
// Telegraf replaces "$NAME" and "${NAME}" by environment variables; what is copied from a text
// goes through with_references(), which leaves them to pitot.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "agent/config/document.h"
#include "agent/migrate/migration.h"

namespace pitot::agent {

struct Telegraf {
    Migration& migration;
    double interval_s = 10;
    int listeners = 0;
    std::map<std::string, int> sinks = {};  // of each name, so far

    // "sinks.influxdb", "sinks.influxdb2"
    std::string next_sink(const std::string& name);
};

// One table of a list of tables: what is in it, and what was used of it. What is there and is
// of another type than asked for is told of.
class PluginTable {
public:
    PluginTable(Migration& migration, std::string path, Table table);

    std::optional<Node> take(std::string_view key);
    std::optional<std::string> text(std::string_view key);
    std::optional<bool> boolean(std::string_view key);
    std::optional<std::int64_t> integer(std::string_view key);
    // A text such as "5s", or whole seconds.
    std::optional<double> seconds(std::string_view key);
    // A text, or the first of a list of them.
    std::optional<std::string> first_text(std::string_view key);

    // Writes `ours` of our section as `theirs` has it, if it is there.
    void copy_text(std::string_view theirs, const std::string& section, const std::string& ours);
    void copy_duration(std::string_view theirs, const std::string& section, const std::string& ours,
                       double least_s, double most_s);
    // A secret is not copied, not even one that is a reference; a note says where it belongs.
    void ask_for_secret(std::string_view theirs, const std::string& section, std::string_view ours);

    void no_counterpart(std::string_view key, std::string_view why);
    void explain_rest(std::span<const Reason> known);

private:
    Migration& migration_;
    std::string path_;
    Table rest_;
};

// Whether Telegraf would replace a part of it.
bool has_references(std::string_view text);

// A text of Telegraf as TOML, its references as pitot has them: "${NAME}".
std::string with_references(std::string_view text);

// A table of tags: texts all of them, whatever they are written as; "" where there are none.
std::string tags_of(const Table& table);

// One table of [[outputs.NAME]].
void migrate_telegraf_output(Telegraf& telegraf, const std::string& name, const Table& table);

}  // namespace pitot::agent
