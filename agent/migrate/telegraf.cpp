// telegraf.conf: [[inputs.statsd]], the outputs that pitot has a sink for, and [agent]. What
// the settings mean: plugins/inputs/statsd/README.md and those of the outputs in
// https://github.com/influxdata/telegraf.
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
#include "sinks/http/listen_address.h"

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

// Of one table of a list of tables: what is in it, and what was used of it.
class PluginTable {
public:
    PluginTable(Migration& migration, std::string path, Table table)
        : migration_(migration), path_(std::move(path)), rest_(std::move(table)) {}

    std::optional<Node> take(std::string_view key) {
        const auto found = std::ranges::find(rest_.entries, key, &Entry::key);
        if (found == rest_.entries.end()) return std::nullopt;
        Node node = std::move(found->node);
        rest_.entries.erase(found);
        return node;
    }
    std::optional<std::string> text(std::string_view key) {
        const auto node = take(key);
        const std::string* const text = node ? node->text() : nullptr;
        if (text == nullptr) return std::nullopt;
        return *text;
    }
    std::optional<bool> boolean(std::string_view key) {
        const auto node = take(key);
        if (!node || !std::holds_alternative<bool>(node->value)) return std::nullopt;
        return std::get<bool>(node->value);
    }
    std::optional<std::int64_t> integer(std::string_view key) {
        const auto node = take(key);
        if (!node || !std::holds_alternative<std::int64_t>(node->value)) return std::nullopt;
        return std::get<std::int64_t>(node->value);
    }
    // The first of a list of texts.
    std::optional<std::string> first_text(std::string_view key) {
        const auto node = take(key);
        const auto* const array = node ? std::get_if<Array>(&node->value) : nullptr;
        if (array == nullptr || array->empty()) return std::nullopt;
        const std::string* const text = array->front().text();
        if (text == nullptr) return std::nullopt;
        if (array->size() > 1) no_counterpart(key, "a sink has one address; the first is taken");
        return *text;
    }
    void no_counterpart(std::string_view key, std::string_view why) {
        migration_.no_counterpart(fmt::format("{}.{}", path_, key), why);
    }
    void explain_rest(std::span<const Reason> known) {
        for (const Entry& entry : rest_.entries) {
            const auto reason = std::ranges::find(known, entry.key, &Reason::key);
            no_counterpart(entry.key, reason == known.end() ? "pitot does not know this setting"
                                                            : reason->why);
        }
    }

private:
    Migration& migration_;
    std::string path_;
    Table rest_;
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

struct Telegraf {
    Migration& migration;
    double interval_s = 10;
    int listeners = 0;
    int influxdb = 0;
    int elasticsearch = 0;
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
    const auto place = port ? listen_address(host, *port) : std::nullopt;
    if (place) {
        const std::string listener = migration.add_listener(type, type, *place);
        // Telegraf reads plain StatsD's signs and packed lines.
        migration.set(listener, "dialect", "\"statsd\"");
        const auto connections = plugin.integer("max_tcp_connections");
        if (connections && type == "tcp" && *connections >= 1 && *connections <= 65'536) {
            migration.set(listener, "connections", std::to_string(*connections));
        }
        const auto buffer = plugin.integer("read_buffer_size");
        if (buffer && *buffer >= 4'096) {
            migration.set(listener, "receive_buffer", std::to_string(*buffer));
        }
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

// A secret is not copied, not even one that is a reference.
void ask_for_secret(Telegraf& telegraf, PluginTable& plugin, std::string_view key,
                    const std::string& section) {
    if (!plugin.take(key)) return;
    telegraf.migration.note(
        fmt::format("{0}.{1} is a secret and was not copied: write {1} = {{ credential = \"…\" }} "
                    "or {{ file = \"…\" }}",
                    section, key));
}

void migrate_influxdb(Telegraf& telegraf, const std::string& name, const Table& table) {
    Migration& migration = telegraf.migration;
    PluginTable plugin(migration, "outputs." + name, table);
    if (!migration.has_sink("influxdb")) {
        return migration.no_counterpart("outputs." + name, "this pitot has no influxdb sink");
    }
    const std::string section = ++telegraf.influxdb == 1
                                    ? "sinks.influxdb"
                                    : fmt::format("sinks.influxdb{}", telegraf.influxdb);
    migration.set(section, "type", "\"influxdb\"");
    migration.set(section, "url",
                  toml_text(plugin.first_text("urls").value_or("http://127.0.0.1:8086")));
    if (name == "influxdb_v2") {
        migration.set(section, "org", toml_text(plugin.text("organization").value_or("")));
        migration.set(section, "bucket", toml_text(plugin.text("bucket").value_or("")));
        ask_for_secret(telegraf, plugin, "token", section);
    } else {
        migration.set(section, "database", toml_text(plugin.text("database").value_or("telegraf")));
        if (const auto policy = plugin.text("retention_policy")) {
            migration.set(section, "retention_policy", toml_text(*policy));
        }
        if (const auto user = plugin.text("username")) {
            migration.set(section, "username", toml_text(*user));
        }
        ask_for_secret(telegraf, plugin, "password", section);
    }
    plugin.explain_rest({});
}

void migrate_prometheus(Telegraf& telegraf, const Table& table) {
    Migration& migration = telegraf.migration;
    PluginTable plugin(migration, "outputs.prometheus_client", table);
    if (!migration.has_sink("prometheus")) {
        return migration.no_counterpart("outputs.prometheus_client",
                                        "this pitot has no prometheus sink");
    }
    migration.set("sinks.prometheus", "type", "\"prometheus\"");
    const std::string listen = plugin.text("listen").value_or(":9273");
    auto address =
        sinks::http::parse_listen_address(listen.starts_with(':') ? "*" + listen : listen);
    if (!address) {
        plugin.no_counterpart("listen",
                              fmt::format("\"{}\" is no address to listen at: names are not "
                                          "looked up",
                                          printable(listen)));
        address = sinks::http::ListenAddress{.host = "127.0.0.1", .port = 9273};
    } else if (!address->is_loopback()) {
        migration.note(
            fmt::format("sinks.prometheus.address: \"{}\" would be open to other machines, for "
                        "which a bearer_token is needed: set both, or scrape from this machine",
                        address->text()));
        address->host = "127.0.0.1";
    }
    migration.set("sinks.prometheus", "address", toml_text(address->text()));
    if (const auto path = plugin.text("path")) {
        migration.set("sinks.prometheus", "path", toml_text(*path));
    }
    plugin.explain_rest({});
}

void migrate_elasticsearch(Telegraf& telegraf, const std::string& name, const Table& table) {
    Migration& migration = telegraf.migration;
    PluginTable plugin(migration, "outputs." + name, table);
    if (!migration.has_sink("elasticsearch")) {
        return migration.no_counterpart("outputs." + name, "this pitot has no elasticsearch sink");
    }
    const std::string section = ++telegraf.elasticsearch == 1
                                    ? "sinks.elasticsearch"
                                    : fmt::format("sinks.elasticsearch{}", telegraf.elasticsearch);
    migration.set(section, "type", "\"elasticsearch\"");
    migration.set(section, "url",
                  toml_text(plugin.first_text("urls").value_or("http://127.0.0.1:9200")));
    if (const auto user = plugin.text("username")) {
        migration.set(section, "username", toml_text(*user));
    }
    ask_for_secret(telegraf, plugin, "password", section);
    plugin.explain_rest({});
}

void migrate_output(Telegraf& telegraf, const std::string& name, const Table& table) {
    if (name == "influxdb" || name == "influxdb_v2") return migrate_influxdb(telegraf, name, table);
    if (name == "prometheus_client") return migrate_prometheus(telegraf, table);
    if (name == "elasticsearch" || name == "opensearch") {
        return migrate_elasticsearch(telegraf, name, table);
    }
    if (name == "file") {
        PluginTable plugin(telegraf.migration, "outputs.file", table);
        const auto file = plugin.first_text("files");
        if (file && *file != "stdout") {
            plugin.no_counterpart("files", "pitot writes to no files");
            return plugin.explain_rest({});
        }
        telegraf.migration.set("sinks.console", "type", "\"console\"");
        telegraf.migration.set("sinks.console", "format", "\"json\"");
        return plugin.explain_rest({});
    }
    telegraf.migration.no_counterpart(
        "outputs." + name, "pitot has no destination like it; conf/pitot.toml shows those it has");
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

}  // namespace

void migrate_telegraf(Migration& migration) {
    Telegraf telegraf{.migration = migration};
    // StatsD's numbers are gathered at the agent's interval.
    if (const auto interval = migration.text("agent.interval")) {
        if (const auto parsed = parse_duration(*interval); parsed && parsed->count() > 0) {
            telegraf.interval_s = std::chrono::duration<double>(*parsed).count();
        }
    }
    migration.set_duration("", "interval", telegraf.interval_s, 0.1, 3'600);
    if (const Node* const tags = migration.take("global_tags");
        tags != nullptr && tags->table() != nullptr && !tags->table()->entries.empty()) {
        migration.set("", "constant_tags", toml_value(*tags));
    }
    for_each_plugin(migration, "inputs", [&](const std::string& name, const Table& table) {
        if (name == "statsd") return migrate_statsd(telegraf, table);
        migration.no_counterpart("inputs." + name, "pitot takes StatsD and DogStatsD only");
    });
    for_each_plugin(migration, "outputs", [&](const std::string& name, const Table& table) {
        migrate_output(telegraf, name, table);
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
