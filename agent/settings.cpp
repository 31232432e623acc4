#include "agent/settings.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "agent/alerts/alerting.h"
#include "agent/self_metrics/catalogue.h"

namespace pitot::agent {
namespace {

// Rounded up: nothing expires early. 0 stays "never".
std::uint32_t in_intervals(std::chrono::nanoseconds time, std::chrono::nanoseconds interval) {
    const auto count = (time + interval - std::chrono::nanoseconds(1)) / interval;
    return static_cast<std::uint32_t>(
        std::min<std::int64_t>(count, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace

TableSettings table_settings(const Config& config, const Seeds& seeds) {
    TableSettings settings{.series_max = config.limits.series_max,
                           .series_per_metric_max = config.limits.series_per_metric_max,
                           .bytes_max = config.limits.table_bytes_max,
                           .value_bytes_max = config.limits.value_bytes_max,
                           .histogram = config.histogram,
                           .key_seed = seeds.keys,
                           .member_seed = seeds.members};
    for (const ListenerConfig& listener : config.listeners) {
        settings.additions.push_back(listener.additions);
    }
    // What the agent makes itself is nobody else's.
    if (config.self_metrics.enabled) {
        settings.reserved_names = own_names(config.self_metrics.prefix);
    }
    std::ranges::copy(alerts::Alerting::names(config.alerts),
                      std::back_inserter(settings.reserved_names));
    std::ranges::sort(settings.reserved_names);
    return settings;
}

MergerSettings merger_settings(const Config& config, const Seeds& seeds, std::size_t shards) {
    MergerSettings settings{.shards = shards,
                            .series_max = config.limits.series_max,
                            .key_seed = seeds.keys,
                            .histogram = config.histogram,
                            .total_bytes_max = config.limits.value_bytes_max * shards,
                            .expiry_intervals = {},
                            .wants_total = {},
                            .quantiles = config.quantiles,
                            .constant_tags = config.additions.tags};
    using protocol::Kind;
    const auto expire = [&](Kind kind, std::chrono::nanoseconds after) {
        settings.expiry_intervals[std::to_underlying(kind)] = in_intervals(after, config.interval);
    };
    expire(Kind::counter, config.expiry.counters);
    expire(Kind::gauge, config.expiry.gauges);
    expire(Kind::timer, config.expiry.timers);
    expire(Kind::histogram, config.expiry.timers);
    expire(Kind::distribution, config.expiry.timers);
    expire(Kind::set, config.expiry.sets);
    settings.zero_intervals = static_cast<std::uint32_t>(std::min<std::chrono::nanoseconds::rep>(
        config.counter_zeros / config.interval, UINT16_MAX - 1));
    return settings;
}

}  // namespace pitot::agent
