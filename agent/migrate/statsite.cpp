// statsite's INI file. What its settings mean: README.md and src/config.c of
// https://github.com/statsite/statsite, version 0.8.0.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <string>
#include <vector>

#include "agent/config/toml_text.h"
#include "agent/migrate/migration.h"

namespace pitot::agent {

namespace {

constexpr std::string_view section = "statsite.";

constexpr std::string_view no_prefixes = "names are kept as they came";
constexpr std::string_view own_error =
    "pitot keeps timers as histograms with an error of its own: [histogram]";
constexpr std::string_view manager = "the service manager runs pitot";

constexpr std::array reasons{
    Reason{"statsite.log_level", "see [log]"},
    Reason{"statsite.log_facility", "see [log]"},
    Reason{"statsite.daemonize", manager},
    Reason{"statsite.pid_file", manager},
    Reason{"statsite.input_counter", "pitot counts lines by itself"},
    Reason{"statsite.binary_stream", "there is no command to stream to"},
    Reason{"statsite.parse_stdin", "standard input is read by `pitot once` only"},
    Reason{"statsite.timer_eps", own_error},
    Reason{"statsite.set_eps", "sets are estimated with a standard error of 0.8 %"},
    Reason{"statsite.use_type_prefix", no_prefixes},
    Reason{"statsite.kv_prefix", no_prefixes},
    Reason{"statsite.gauges_prefix", no_prefixes},
    Reason{"statsite.counts_prefix", no_prefixes},
    Reason{"statsite.sets_prefix", no_prefixes},
    Reason{"statsite.timers_prefix", no_prefixes},
    Reason{"statsite.extended_counters", "each destination decides what of a counter it sends"},
    Reason{"statsite.extended_counters_include",
           "each destination decides what of a counter it sends"},
    Reason{"statsite.timers_include", "each destination decides what of a timer it sends"},
    Reason{"histogram*", "buckets are chosen at the destination: see [sinks.NAME.rules.RULE]"},
    Reason{"statsite.prefix_binary_stream", "there is no command to stream to"},
};

void add_listener(Migration& migration, const std::string& type, const std::string& host,
                  std::optional<double> number, std::optional<double> receive_buffer) {
    if (number == 0) return;  // switched off
    const auto port = port_of(number);
    const auto place = port ? listen_address(host, *port) : std::nullopt;
    if (!place) {
        migration.note(
            fmt::format("{} with port {} is no address to listen at: names are not "
                        "looked up",
                        toml_text(host), number.value_or(-1)));
        return;
    }
    const std::string listener = migration.add_listener(type, type, *place);
    migration.set(listener, "dialect", "\"statsd\"");
    if (receive_buffer && type == "udp" && *receive_buffer >= 4'096) {
        migration.set(listener, "receive_buffer", fmt::format("{:.0f}", *receive_buffer));
    }
}

void migrate_listeners(Migration& migration) {
    const auto key = [](std::string_view name) { return std::string(section) + std::string(name); };
    const std::string host = migration.text(key("bind_address")).value_or("0.0.0.0");
    const auto both = migration.number(key("port"));
    auto tcp = migration.number(key("tcp_port"));
    const auto udp = migration.number(key("udp_port"));
    const auto buffer = migration.number(key("udp_rcvbuf"));
    if (!tcp) tcp = both;
    add_listener(migration, "tcp", host, tcp.value_or(8'125), std::nullopt);
    add_listener(migration, "udp", host, udp.value_or(8'125), buffer);
}

}  // namespace

void migrate_statsite(Migration& migration) {
    const auto key = [](std::string_view name) { return std::string(section) + std::string(name); };
    migration.set_duration("", "interval", migration.number(key("flush_interval")).value_or(10),
                           0.1, 3'600);
    if (const auto quantiles = migration.numbers(key("quantiles"))) {
        std::vector<std::string> percentiles;
        for (const double quantile : *quantiles) {
            if (quantile > 0 && quantile <= 1) {
                percentiles.push_back(fmt::format("{:.10g}", quantile * 100));
            } else {
                migration.no_counterpart(
                    key("quantiles"),
                    fmt::format("{} is none: they are above 0, up to 1", quantile));
            }
        }
        migration.set("", "percentiles", fmt::format("[{}]", fmt::join(percentiles, ", ")));
    }
    if (const auto aligned = migration.boolean(key("aligned_flush")); aligned == false) {
        migration.no_counterpart(key("aligned_flush"),
                                 "intervals always begin at whole multiples of their length");
    }
    if (const auto prefix = migration.text(key("global_prefix")); prefix && !prefix->empty()) {
        migration.set("", "prefix", toml_text(*prefix));
    }
    migrate_listeners(migration);
    if (migration.take(key("stream_cmd")) != nullptr) {
        migration.no_counterpart(
            key("stream_cmd"),
            "pitot starts no commands; conf/pitot.toml shows the destinations it has, and the "
            "console sink prints what a command can read");
    }
    migration.note(
        "idle series were forgotten after each flush; pitot keeps them as long as [expiry] says");
    migration.explain_rest(reasons);
}

}  // namespace pitot::agent
