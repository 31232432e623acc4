// One migration under way: what was read of the other configuration, and what was written
// of ours.
//
// A server's function (etsy.cpp and its like) takes the settings it knows, one by one, and
// writes options. What it took without writing anything it explains; what it never took is
// found by the Migration itself, so that every setting of the other file is in the result
// one way or the other.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/config/document.h"

namespace pitot::agent {

// Why a setting has no counterpart; of a table, for all that is in it. A '*' at the end of
// the key stands for anything.
struct Reason {
    std::string_view key;
    std::string_view why;
};

class Migration {
public:
    // `settings` and `sink_types` outlive it.
    Migration(std::string_view server, const Table& settings,
              std::span<const std::string_view> sink_types);

    // Settings by their path, "graphite.legacyNamespace"; taken from then on. Of another
    // type than asked for: nothing, and a note.
    const Node* take(const std::string& path);
    std::optional<std::string> text(const std::string& path);
    // A number, or a text that is one.
    std::optional<double> number(const std::string& path);
    // A boolean, or one of the words that stand for one: yes, no, on, off, 0, 1.
    std::optional<bool> boolean(const std::string& path);
    // A number, a list of numbers, or a text of them with commas.
    std::optional<std::vector<double>> numbers(const std::string& path);
    // A list of texts, or one text.
    std::optional<std::vector<std::string>> texts(const std::string& path);

    // Ours: `section` is "" or "listeners.udp", `value` TOML. In the order of the calls.
    void set(const std::string& section, const std::string& key, std::string value,
             std::string_view comment = {});
    void set_duration(const std::string& section, const std::string& key, double seconds,
                      double least_s, double most_s);
    // A listener at this place; a name that is taken gets a number.
    std::string add_listener(std::string_view name, std::string_view type,
                             const std::string& place);
    bool has_sink(std::string_view type) const;

    // "# telegraf: `outputs.kafka` has no counterpart: …"
    void no_counterpart(const std::string& path, std::string_view why);
    void note(std::string text);

    // Of all that was not taken; what no reason is given for is said to be unknown.
    void explain_rest(std::span<const Reason> reasons);

    std::string text() const;

private:
    struct Option {
        std::string key;
        std::string value;
        std::string comment;
    };
    struct Section {
        std::string name;
        std::vector<Option> options;
    };

    const Node* find(const std::string& path) const;
    Section& section(const std::string& name);
    void explain_rest_of(const Table& table, const std::string& path, std::string_view why,
                         std::span<const Reason> reasons);

    std::string server_;
    const Table& settings_;
    std::span<const std::string_view> sink_types_;
    std::set<std::string> taken_;
    std::vector<Section> sections_;
    std::vector<std::string> notes_;
};

// "127.0.0.1:8125" of a host as other servers write it: "", "0.0.0.0", "::" and names too.
// Nothing for a name that is no address.
std::optional<std::string> listen_address(const std::string& host, std::uint16_t port);

// 0 … 65535, and nothing else.
std::optional<std::uint16_t> port_of(std::optional<double> number);

void migrate_etsy(Migration& migration);
void migrate_statsite(Migration& migration);
void migrate_telegraf(Migration& migration);
void migrate_datadog(Migration& migration);

}  // namespace pitot::agent
