// datadog.yaml, as far as it is about DogStatsD. What the settings mean: the comments of
// pkg/config/config_template.yaml in https://github.com/DataDog/datadog-agent.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "agent/config/toml_text.h"
#include "agent/migrate/migration.h"

namespace pitot::agent {

namespace {

constexpr double month_s = 30 * 86'400.0;

constexpr std::string_view no_intake =
    "pitot does not send to Datadog; conf/pitot.toml shows the destinations it has";
constexpr std::string_view no_exceptions = "every name gets the prefix";
constexpr std::string_view no_origin = "no tags are added for the container that a line is from";
constexpr std::string_view own_buffers = "pitot reads whole datagrams, and needs no size for them";

constexpr std::array reasons{
    Reason{"api_key", no_intake},
    Reason{"site", no_intake},
    Reason{"dd_url", no_intake},
    Reason{"additional_endpoints", no_intake},
    Reason{"hostname", "destinations that need the host's name have an option for it"},
    Reason{"statsd_metric_namespace_blacklist", no_exceptions},
    Reason{"statsd_metric_namespace_blocklist", no_exceptions},
    Reason{"statsd_forward_host", "pitot forwards no lines as they came"},
    Reason{"statsd_forward_port", "pitot forwards no lines as they came"},
    Reason{"dogstatsd_origin_detection", no_origin},
    Reason{"dogstatsd_origin_detection_client", no_origin},
    Reason{"dogstatsd_tag_cardinality", no_origin},
    Reason{"dogstatsd_entity_id_precedence", no_origin},
    Reason{"dogstatsd_buffer_size", own_buffers},
    Reason{"dogstatsd_packet_buffer_size", own_buffers},
    Reason{"dogstatsd_packet_buffer_flush_timeout", own_buffers},
    Reason{"dogstatsd_queue_size", own_buffers},
    Reason{"dogstatsd_pipeline_count", "see `shards`"},
    Reason{"dogstatsd_pipeline_autoadjust", "see `shards`"},
    Reason{"dogstatsd_mapper_profiles", "names are not rewritten"},
    Reason{"dogstatsd_mapper_cache_size", "names are not rewritten"},
    Reason{"dogstatsd_metrics_stats_enable", "pitot counts lines by itself"},
    Reason{"dogstatsd_stats_enable", "pitot counts lines by itself"},
    Reason{"dogstatsd_eol_required", "a last line without its end is read too"},
    Reason{"histogram_aggregates", "each destination decides what of a histogram it sends"},
    Reason{"histogram_copy_to_distribution", "histograms and distributions are kept alike"},
    Reason{"log_level", "see [log]"},
    Reason{"log_file", "see [log]"},
};

void migrate_listeners(Migration& migration) {
    const bool everywhere = migration.boolean("dogstatsd_non_local_traffic").value_or(false);
    const std::string host = everywhere ? "*" : migration.text("bind_host").value_or("localhost");
    if (everywhere) migration.take("bind_host");
    const auto number = migration.number("dogstatsd_port").value_or(8'125);
    const auto buffer = migration.number("dogstatsd_so_rcvbuf");
    if (const auto port = port_of(number); port && *port != 0) {
        if (const auto place = listen_address(host, *port)) {
            const std::string listener = migration.add_listener("udp", "udp", *place);
            if (buffer && *buffer >= 4'096) {
                migration.set(listener, "receive_buffer", fmt::format("{:.0f}", *buffer));
            }
        } else {
            migration.note(fmt::format("{} is no address to listen at: names are not looked up",
                                       toml_text(host)));
        }
    }
    const auto datagrams = migration.text("dogstatsd_socket");
    if (datagrams && !datagrams->empty()) migration.add_listener("local", "unix", *datagrams);
    const auto stream = migration.text("dogstatsd_stream_socket");
    if (stream && !stream->empty()) migration.add_listener("stream", "unix-stream", *stream);
}

void migrate_percentiles(Migration& migration) {
    const auto quantiles = migration.take("histogram_percentiles") == nullptr
                               ? std::nullopt
                               : migration.numbers("histogram_percentiles");
    // The agent's own default, where the file has none.
    std::vector<std::string> percentiles;
    for (const double quantile : quantiles.value_or(std::vector<double>{0.95})) {
        if (quantile > 0 && quantile <= 1) {
            percentiles.push_back(fmt::format("{:.10g}", quantile * 100));
        } else {
            migration.no_counterpart(
                "histogram_percentiles",
                fmt::format("{} is none: they are above 0, up to 1", quantile));
        }
    }
    migration.set("", "percentiles", fmt::format("[{}]", fmt::join(percentiles, ", ")));
}

// "key:value" each; what has no value is not one of our constant tags.
void migrate_tags(Migration& migration) {
    Table tags;
    const auto add = [&](const std::string& key, const std::string& value) {
        const auto known = std::ranges::find(tags.entries, key, &Entry::key);
        if (known != tags.entries.end()) {
            if (toml_value(known->node) != toml_text(value)) {
                migration.note(fmt::format(
                    "the tag {} has two values, {} and {}: a constant tag has one, the last",
                    toml_key(key), toml_value(known->node), toml_text(value)));
            }
            tags.entries.erase(known);
        }
        tags.entries.push_back({key, {}, Node{value, {}}});
    };
    if (const auto env = migration.text("env"); env && !env->empty()) add("env", *env);
    for (const std::string list : {"tags", "dogstatsd_tags"}) {
        for (const std::string& tag : migration.texts(list).value_or(std::vector<std::string>())) {
            const std::size_t colon = tag.find(':');
            if (colon == std::string::npos || colon == 0) {
                migration.no_counterpart(
                    list, fmt::format("{} has no value; constant tags have", toml_text(tag)));
            } else {
                add(tag.substr(0, colon), tag.substr(colon + 1));
            }
        }
    }
    if (tags.entries.empty()) return;
    migration.set("", "constant_tags", toml_value(Node{std::move(tags), {}}));
}

}  // namespace

void migrate_datadog(Migration& migration) {
    if (migration.boolean("use_dogstatsd") == false) {
        migration.note("DogStatsD is switched off there (use_dogstatsd)");
    }
    migration.set("", "interval", "\"10s\"", "the agent's own, which has no setting");
    migrate_percentiles(migration);
    if (const auto prefix = migration.text("statsd_metric_namespace"); prefix && !prefix->empty()) {
        migration.set("", "prefix", toml_text(prefix->ends_with('.') ? *prefix : *prefix + "."));
    }
    migrate_tags(migration);
    if (const auto seconds = migration.number("dogstatsd_expiry_seconds")) {
        migration.set_duration("expiry", "counters", *seconds, 10, month_s);
    }
    migrate_listeners(migration);
    migration.explain_rest(reasons);
}

}  // namespace pitot::agent
