// statsd's config.js. What its settings mean: exampleConfig.js and the sources of
// https://github.com/statsd/statsd, version 0.10.2.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "agent/config/toml_text.h"
#include "agent/migrate/migration.h"

namespace pitot::agent {

namespace {

constexpr double port_default = 8125;
constexpr double flush_interval_ms_default = 10'000;
constexpr double month_s = 30 * 86'400.0;

constexpr std::string_view no_graphite = "pitot has no destination for Graphite";
constexpr std::string_view no_interface =
    "pitot has no management interface; `pitot status` and `pitot check` say what it said";
constexpr std::string_view no_display = "how lines are read is asked of `pitot explain`";

constexpr std::array reasons{
    Reason{"graphiteHost", no_graphite},
    Reason{"graphitePort", no_graphite},
    Reason{"graphitePicklePort", no_graphite},
    Reason{"graphiteProtocol", no_graphite},
    Reason{"graphite", no_graphite},
    Reason{"mgmt_address", no_interface},
    Reason{"mgmt_port", no_interface},
    Reason{"healthStatus", no_interface},
    Reason{"debug", no_display},
    Reason{"dumpMessages", no_display},
    Reason{"title", "the name of a process is the service manager's to choose"},
    Reason{"automaticConfigReload", "a changed file takes effect at a restart"},
    Reason{"prefixStats", "see self_metrics.prefix"},
    Reason{"keyFlush", "`pitot status` shows the busiest names"},
    Reason{"keyNameSanitize",
           "names are kept as they came, and each destination writes them as "
           "it needs them"},
    Reason{"calculatedTimerMetrics", "each destination decides what of a timer it sends"},
    Reason{"repeater", "pitot forwards no lines as they came"},
    Reason{"repeaterProtocol", "pitot forwards no lines as they came"},
    Reason{"log", "see [log]"},
    Reason{"console", "the console sink prints one interval a line, or text"},
    Reason{"histogram", "buckets are chosen at the destination: see [sinks.NAME.rules.RULE]"},
    Reason{"deleteIdleStats", "see [expiry]"},
};

// Of one server of the list, or of the file as a whole: `at` is "" or "servers.0.".
void add_listener(Migration& migration, const std::string& server, const std::string& address,
                  double port_number, bool is_v6) {
    const auto port = port_of(port_number);
    const bool is_tcp = server.contains("tcp");
    std::string host = address;
    if (host.empty()) host = is_v6 ? "::" : "0.0.0.0";
    const auto place = port ? listen_address(host, *port) : std::nullopt;
    if (!server.empty() && !is_tcp && !server.contains("udp")) {
        migration.note(
            fmt::format("the server {} is a plug-in that pitot does not have", toml_text(server)));
    } else if (!place) {
        migration.note(
            fmt::format("{} with port {} is no address to listen at: names are not "
                        "looked up",
                        toml_text(host), port_number));
    } else {
        const std::string listener =
            migration.add_listener(is_tcp ? "tcp" : "udp", is_tcp ? "tcp" : "udp", *place);
        migration.set(listener, "dialect", "\"statsd\"");
    }
}

std::string text_in(const Table& table, std::string_view key) {
    const Entry* const entry = table.find(key);
    const std::string* const text = entry == nullptr ? nullptr : entry->node.text();
    return text == nullptr ? "" : *text;
}

double number_in(const Table& table, std::string_view key, double fallback) {
    const Entry* const entry = table.find(key);
    if (entry == nullptr) return fallback;
    const auto* const number = std::get_if<std::int64_t>(&entry->node.value);
    return number == nullptr ? -1 : static_cast<double>(*number);
}

void migrate_servers(Migration& migration, const std::string& address, double port, bool is_v6) {
    const Node* const servers = migration.take("servers");
    const auto* const list = servers == nullptr ? nullptr : std::get_if<Array>(&servers->value);
    const std::string server = migration.text("server").value_or("");
    const std::string socket = migration.text("socket").value_or("");
    const auto mode = migration.text("socket_mod");
    if (!socket.empty()) {
        const std::string listener = migration.add_listener("local", "unix-stream", socket);
        migration.set(listener, "dialect", "\"statsd\"");
        if (mode) migration.set(listener, "mode", toml_text(*mode));
        return;
    }
    if (list == nullptr) return add_listener(migration, server, address, port, is_v6);
    for (const Node& element : *list) {
        const Table* const table = element.table();
        if (table == nullptr) continue;
        const Entry* const v6 = table->find("address_ipv6");
        const bool* const flag = v6 == nullptr ? nullptr : std::get_if<bool>(&v6->node.value);
        const std::string own = text_in(*table, "address");
        add_listener(migration, text_in(*table, "server"), own.empty() ? address : own,
                     number_in(*table, "port", port), flag == nullptr ? is_v6 : *flag);
    }
}

void migrate_percentiles(Migration& migration) {
    const auto thresholds = migration.numbers("percentThreshold");
    if (!thresholds) return;
    std::vector<double> percentiles;
    for (const double threshold : *thresholds) {
        if (threshold > 0 && threshold <= 100) {
            percentiles.push_back(threshold);
        } else {
            migration.no_counterpart(
                "percentThreshold",
                fmt::format("{} is of the lowest values; percentiles are above 0, up to 100",
                            threshold));
        }
    }
    migration.set("", "percentiles", fmt::format("[{}]", fmt::join(percentiles, ", ")));
}

// statsd sends idle series for ever unless it is told to delete them; then it does at once.
void migrate_expiry(Migration& migration, double interval_s) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kinds{
        {{"deleteCounters", "counters"},
         {"deleteGauges", "gauges"},
         {"deleteTimers", "timers"},
         {"deleteSets", "sets"}}};
    const bool all = migration.boolean("deleteIdleStats").value_or(false);
    for (const auto& [theirs, ours] : kinds) {
        const auto own = migration.boolean(std::string(theirs));
        if (!own && !all) continue;
        if (own.value_or(all)) {
            migration.set_duration("expiry", std::string(ours), interval_s, 0.1, month_s);
        } else {
            migration.set("expiry", std::string(ours), "0");
        }
    }
    if (const auto flushes = migration.number("gaugesMaxTTL"); flushes && *flushes >= 1) {
        migration.set_duration("expiry", "gauges", *flushes * interval_s, interval_s, month_s);
    }
}

void migrate_backends(Migration& migration) {
    const auto backends = migration.texts("backends");
    for (const std::string& backend : backends.value_or(std::vector<std::string>())) {
        if (backend.contains("console")) {
            migration.set("sinks.console", "type", "\"console\"");
            migration.set("sinks.console", "format", "\"text\"");
        } else if (backend.contains("influx")) {
            migration.no_counterpart(
                "backends", fmt::format("{} is to be written as a [sinks.NAME] of type influxdb",
                                        toml_text(backend)));
        } else {
            migration.no_counterpart(
                "backends",
                fmt::format("pitot has no destination like {}; conf/pitot.toml shows those it has",
                            toml_text(backend)));
        }
    }
}

}  // namespace

void migrate_etsy(Migration& migration) {
    const double interval_s =
        migration.number("flushInterval").value_or(flush_interval_ms_default) / 1'000;
    migration.set_duration("", "interval", interval_s, 0.1, 3'600);
    migrate_percentiles(migration);
    migrate_expiry(migration, interval_s);
    const std::string address = migration.text("address").value_or("");
    const double port = migration.number("port").value_or(port_default);
    migrate_servers(migration, address, port, migration.boolean("address_ipv6").value_or(false));
    migrate_backends(migration);
    migration.explain_rest(reasons);
}

}  // namespace pitot::agent
