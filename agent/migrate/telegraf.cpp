// telegraf.conf: [[inputs.statsd]], [global_tags] and [agent]; the outputs are in
// telegraf_outputs.cpp. What the settings mean: plugins/inputs/statsd/README.md in
// https://github.com/influxdata/telegraf.
#include "agent/migrate/telegraf.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/config/toml_text.h"
#include "agent/config/units.h"
#include "agent/migrate/migration.h"
#include "agent/printable.h"

namespace pitot::agent {

namespace {

constexpr std::string_view no_templates =
    "names are kept as they came; the listener's option `tags` reads tags within them";

constexpr std::array reasons{
    Reason{"agent.round_interval", "intervals always begin at whole multiples of their length"},
    Reason{"agent.flush_jitter", "see `flush_offset`, which keeps hosts apart by a fixed time"},
    Reason{"agent.flush_interval", "each interval is sent when it ends"},
    Reason{"agent.hostname", "destinations that need the host's name have an option for it"},
    Reason{"agent.omit_hostname", "destinations that need the host's name have an option for it"},
    Reason{"agent", "it is about Telegraf's own plug-ins"},
};

constexpr std::array statsd_reasons{
    Reason{"metric_separator", "names are kept as they came"},
    Reason{"convert_names", "names are kept as they came"},
    Reason{"sanitize_name_method", "each destination writes names as it needs them"},
    Reason{"templates", no_templates},
    Reason{"parse_data_dog_tags", "DogStatsD's tags are always read"},
    Reason{"datadog_extensions", "DogStatsD's events and checks are always read"},
    Reason{"datadog_distributions", "distributions are always read"},
    Reason{"datadog_keep_container_tag", "no tags are added for the container of a line"},
    Reason{"allowed_pending_messages", "lines are aggregated as they are read: nothing waits"},
    Reason{"percentile_limit", "timers are kept as histograms, whose size does not grow"},
    Reason{"number_workers_threads", "see `shards`"},
    Reason{"number_threads", "see `shards`"},
    Reason{"udp_packet_size", "datagrams are read whole"},
    Reason{"tcp_keep_alive", "see idle_timeout of a listener"},
    Reason{"tcp_keep_alive_period", "see idle_timeout of a listener"},
    Reason{"float_counters", "all numbers are floating-point"},
    Reason{"float_timings", "all numbers are floating-point"},
    Reason{"float_sets", "all numbers are floating-point"},
};

// Whether idle series are deleted at once, which is the default there.
void migrate_expiry(Telegraf& telegraf, PluginTable& plugin) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kinds{
        {{"delete_counters", "counters"},
         {"delete_gauges", "gauges"},
         {"delete_timings", "timers"},
         {"delete_sets", "sets"}}};
    const auto max_ttl = plugin.text("max_ttl");
    const auto kept = max_ttl ? parse_duration(*max_ttl) : std::nullopt;
    if (max_ttl && !kept) plugin.no_counterpart("max_ttl", "it is no duration such as \"10h\"");
    for (const auto& [theirs, ours] : kinds) {
        const bool deletes = plugin.boolean(theirs).value_or(true);
        const double seconds = deletes ? telegraf.interval_s
                               : kept  ? std::chrono::duration<double>(*kept).count()
                                       : 0;
        if (seconds == 0) {
            telegraf.migration.set("expiry", std::string(ours), "0");
        } else {
            telegraf.migration.set_duration("expiry", std::string(ours), seconds,
                                            telegraf.interval_s, 30 * 86'400.0);
        }
    }
}

// The prefix and the tags of what one listener takes.
void migrate_additions(Migration& migration, PluginTable& plugin, const std::string& listener) {
    // What would end a name, were it in a line.
    constexpr std::string_view special = ":|@#,[]";
    if (const auto prefix = plugin.text("name_prefix"); prefix && !prefix->empty()) {
        if (prefix->find_first_of(special) == std::string::npos || has_references(*prefix)) {
            migration.set(listener, "prefix", with_references(*prefix));
        } else {
            plugin.no_counterpart("name_prefix", "a prefix has none of ':', '|', '@', '#', ','");
        }
    }
    const auto node = plugin.take("tags");
    const Table* const table = node ? node->table() : nullptr;
    const std::string tags = table == nullptr ? "" : tags_of(*table);
    if (!tags.empty()) migration.set(listener, "constant_tags", tags);
    if (node && tags.empty()) plugin.no_counterpart("tags", "it holds no tags");
}

void migrate_statsd(Telegraf& telegraf, const Table& table) {
    Migration& migration = telegraf.migration;
    PluginTable plugin(migration, "inputs.statsd", table);
    const std::string protocol = plugin.text("protocol").value_or("udp");
    const std::string type = protocol.starts_with("tcp") ? "tcp" : "udp";
    const std::string address = plugin.text("service_address").value_or(":8125");
    const std::size_t colon = address.rfind(':');
    const std::string port_text = colon == std::string::npos ? "" : address.substr(colon + 1);
    std::string host = address.substr(0, std::min(colon, address.size()));
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    if (host.empty() && protocol.ends_with('4')) host = "0.0.0.0";
    std::optional<double> number;
    if (const auto node = parse_document("port = " + port_text, 0); node && !port_text.empty()) {
        if (const auto* const whole = std::get_if<std::int64_t>(&node->entries[0].node.value)) {
            number = static_cast<double>(*whole);
        }
    }
    const auto port = port_of(number);
    std::optional<std::string> place = port ? listen_address(host, *port) : std::nullopt;
    // What references come to is not known here.
    const bool is_open = has_references(address) && colon != std::string::npos;
    if (is_open) place = (colon == 0 ? "*" : address.substr(0, colon)) + address.substr(colon);
    if (place) {
        const std::string listener = migration.add_listener(type, type, *place);
        if (is_open) migration.set(listener, "address", with_references(*place));
        // Telegraf reads plain StatsD's signs and packed lines.
        migration.set(listener, "dialect", "\"statsd\"");
        // And weighs timers as DogStatsD does.
        migration.set(listener, "timer_sample_rate", "\"weight\"");
        const auto connections = plugin.integer("max_tcp_connections");
        if (connections && type == "tcp" && *connections >= 1 && *connections <= 65'536) {
            migration.set(listener, "connections", std::to_string(*connections));
        }
        const auto buffer = plugin.integer("read_buffer_size");
        if (buffer && *buffer >= 4'096) {
            migration.set(listener, "receive_buffer", std::to_string(*buffer));
        }
        migrate_additions(migration, plugin, listener);
    } else {
        plugin.no_counterpart("service_address",
                              fmt::format("\"{}\" is no address to listen at: names are not looked "
                                          "up",
                                          printable(address)));
    }
    if (++telegraf.listeners == 1) {
        if (const auto node = plugin.take("percentiles")) {
            migration.set("", "percentiles", toml_value(*node));
        }
        migrate_expiry(telegraf, plugin);
    }
    for (const std::string_view key : {"percentiles", "delete_counters", "delete_gauges",
                                       "delete_timings", "delete_sets", "max_ttl"}) {
        if (plugin.take(key)) {
            plugin.no_counterpart(key, "it holds for all listeners here, and is that of the first");
        }
    }
    plugin.explain_rest(statsd_reasons);
}

// Each table of [[inputs.NAME]], or the one of [inputs.NAME].
template <typename Visit>
void for_each_plugin(Migration& migration, const std::string& group, const Visit& visit) {
    const Node* const node = migration.take(group);
    const Table* const plugins = node == nullptr ? nullptr : node->table();
    if (plugins == nullptr) return;
    for (const Entry& entry : plugins->entries) {
        if (const Table* const single = entry.node.table()) {
            visit(entry.key, *single);
        } else if (const auto* const list = std::get_if<Array>(&entry.node.value)) {
            for (const Node& element : *list) {
                if (const Table* const table = element.table()) visit(entry.key, *table);
            }
        }
    }
}

bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// The bytes of a name as variables have it, at the beginning of `text`.
std::size_t name_bytes(std::string_view text) {
    if (text.empty() || (text.front() >= '0' && text.front() <= '9')) return 0;
    std::size_t bytes = 0;
    while (bytes < text.size() && is_name_character(text[bytes])) ++bytes;
    return bytes;
}

// A reference at the beginning of `text`: how many bytes it takes, and how pitot writes it.
std::optional<std::pair<std::size_t, std::string>> reference_at(std::string_view text) {
    if (!text.starts_with('$')) return std::nullopt;
    if (const std::size_t bytes = name_bytes(text.substr(1)); bytes > 0) {
        return std::pair(bytes + 1, fmt::format("${{{}}}", text.substr(1, bytes)));
    }
    const std::size_t close = text.find('}');
    if (!text.starts_with("${") || close == std::string_view::npos) return std::nullopt;
    const std::string_view inner = text.substr(2, close - 2);
    const std::size_t bytes = name_bytes(inner);
    const std::string_view rest = inner.substr(bytes);
    const bool is_form = rest.empty() || rest.starts_with(":-") || rest.starts_with(":?");
    if (bytes == 0 || !is_form || rest.contains("${")) return std::nullopt;
    return std::pair(close + 1, std::string(text.substr(0, close + 1)));
}

}  // namespace

std::string Telegraf::next_sink(const std::string& name) {
    const int number = ++sinks[name];
    return number == 1 ? "sinks." + name : fmt::format("sinks.{}{}", name, number);
}

PluginTable::PluginTable(Migration& migration, std::string path, Table table)
    : migration_(migration), path_(std::move(path)), rest_(std::move(table)) {}

std::optional<Node> PluginTable::take(std::string_view key) {
    const auto found = std::ranges::find(rest_.entries, key, &Entry::key);
    if (found == rest_.entries.end()) return std::nullopt;
    Node node = std::move(found->node);
    rest_.entries.erase(found);
    return node;
}

std::optional<std::string> PluginTable::text(std::string_view key) {
    const auto node = take(key);
    if (!node) return std::nullopt;
    if (const std::string* const text = node->text()) return *text;
    no_counterpart(key, "it is no text");
    return std::nullopt;
}

std::optional<bool> PluginTable::boolean(std::string_view key) {
    const auto node = take(key);
    if (!node) return std::nullopt;
    if (const bool* const value = std::get_if<bool>(&node->value)) return *value;
    no_counterpart(key, "it is neither true nor false");
    return std::nullopt;
}

std::optional<std::int64_t> PluginTable::integer(std::string_view key) {
    const auto node = take(key);
    if (!node) return std::nullopt;
    if (const auto* const value = std::get_if<std::int64_t>(&node->value)) return *value;
    no_counterpart(key, "it is no whole number");
    return std::nullopt;
}

std::optional<double> PluginTable::seconds(std::string_view key) {
    const auto node = take(key);
    if (!node) return std::nullopt;
    if (const auto* const whole = std::get_if<std::int64_t>(&node->value)) {
        return static_cast<double>(*whole);
    }
    const std::string* const text = node->text();
    const auto parsed = text == nullptr ? std::nullopt : parse_duration(*text);
    if (parsed) return std::chrono::duration<double>(*parsed).count();
    no_counterpart(key, "it is no duration such as \"5s\"");
    return std::nullopt;
}

std::optional<std::string> PluginTable::first_text(std::string_view key) {
    const auto node = take(key);
    if (!node) return std::nullopt;
    if (const std::string* const text = node->text()) return *text;
    const auto* const array = std::get_if<Array>(&node->value);
    const std::string* const text =
        array == nullptr || array->empty() ? nullptr : array->front().text();
    if (text == nullptr) {
        no_counterpart(key, "it is no list of texts");
        return std::nullopt;
    }
    if (array->size() > 1) no_counterpart(key, "a sink has one address; the first is taken");
    return *text;
}

void PluginTable::copy_text(std::string_view theirs, const std::string& section,
                            const std::string& ours) {
    if (const auto value = text(theirs)) migration_.set(section, ours, with_references(*value));
}

void PluginTable::copy_duration(std::string_view theirs, const std::string& section,
                                const std::string& ours, double least_s, double most_s) {
    if (const auto value = seconds(theirs)) {
        migration_.set_duration(section, ours, *value, least_s, most_s);
    }
}

void PluginTable::ask_for_secret(std::string_view theirs, const std::string& section,
                                 std::string_view ours) {
    if (!take(theirs)) return;
    migration_.note(
        fmt::format("{0}.{1} is a secret and was not copied: write {1} = {{ credential = \"…\" }} "
                    "or {{ file = \"…\" }}",
                    section, ours));
}

void PluginTable::no_counterpart(std::string_view key, std::string_view why) {
    migration_.no_counterpart(fmt::format("{}.{}", path_, key), why);
}

void PluginTable::explain_rest(std::span<const Reason> known) {
    for (const Entry& entry : rest_.entries) {
        const auto reason = std::ranges::find(known, entry.key, &Reason::key);
        no_counterpart(entry.key,
                       reason == known.end() ? "pitot does not know this setting" : reason->why);
    }
}

bool has_references(std::string_view text) {
    for (std::size_t at = text.find('$'); at != std::string_view::npos;
         at = text.find('$', at + 1)) {
        if (reference_at(text.substr(at))) return true;
    }
    return false;
}

std::string with_references(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        if (const auto reference = reference_at(text)) {
            out += reference->second;
            text.remove_prefix(reference->first);
            continue;
        }
        // A dollar sign that is none of a reference, where pitot would take it for one.
        if (text.starts_with("$$") || text.starts_with("${")) out += '$';
        out += text.front();
        text.remove_prefix(1);
    }
    return toml_text_as_is(out);
}

std::string tags_of(const Table& table) {
    std::string out;
    for (const Entry& entry : table.entries) {
        const std::string* const text = entry.node.text();
        out += fmt::format(
            "{}{} = {}", out.empty() ? "" : ", ", toml_key(entry.key),
            text == nullptr ? toml_text(toml_value(entry.node)) : with_references(*text));
    }
    return out.empty() ? "" : "{ " + out + " }";
}

void migrate_telegraf(Migration& migration) {
    Telegraf telegraf{.migration = migration};
    // StatsD's numbers are gathered at the agent's interval.
    if (const auto interval = migration.text("agent.interval")) {
        if (const auto parsed = parse_duration(*interval); parsed && parsed->count() > 0) {
            telegraf.interval_s = std::chrono::duration<double>(*parsed).count();
        } else {
            migration.no_counterpart("agent.interval", "it is no duration such as \"10s\"");
        }
    }
    migration.set_duration("", "interval", telegraf.interval_s, 0.1, 3'600);
    if (const Node* const tags = migration.take("global_tags");
        tags != nullptr && tags->table() != nullptr && !tags->table()->entries.empty()) {
        migration.set("", "constant_tags", tags_of(*tags->table()));
    }
    for_each_plugin(migration, "inputs", [&](const std::string& name, const Table& table) {
        if (name == "statsd") return migrate_statsd(telegraf, table);
        migration.no_counterpart("inputs." + name, "pitot takes StatsD and DogStatsD only");
    });
    for_each_plugin(migration, "outputs", [&](const std::string& name, const Table& table) {
        migrate_telegraf_output(telegraf, name, table);
    });
    for (const std::string group : {"processors", "aggregators"}) {
        for_each_plugin(migration, group, [&](const std::string& name, const Table&) {
            migration.no_counterpart(fmt::format("{}.{}", group, name),
                                     "series are sent as they came");
        });
    }
    migration.explain_rest(reasons);
}

}  // namespace pitot::agent
