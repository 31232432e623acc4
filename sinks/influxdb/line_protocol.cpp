#include "sinks/influxdb/line_protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "sinks/influxdb/line_keys.h"
#include "sinks/influxdb/line_writer.h"
#include "sinks/influxdb/timed_lines.h"
#include "sinks/quantiles.h"

namespace pitot::sinks::influxdb {
namespace {

using protocol::Snapshot;

constexpr std::string_view event_measurement = "events";
constexpr std::string_view check_measurement = "service_checks";

class LineEncoder final : public Encoder {
public:
    LineEncoder(LineSettings settings, std::function<void(const std::string&)> report)
        : settings_(std::move(settings)),
          report_(std::move(report)),
          keys_(settings_.keys, report_),
          stamps_(settings_.precision),
          quantiles_(settings_.quantiles) {
        for (const double quantile : settings_.quantiles) {
            quantile_fields_.push_back(quantile_field(quantile) + '=');
        }
    }

    void encode(const Snapshot& snapshot, Encoded& out) override {
        keys_.update(snapshot);
        stamps_.begin(snapshot.end_unix_ns);
        quantiles_.begin(snapshot);
        warn_if_ahead();
        LineWriter lines(settings_, out.batches, snapshot.sequence);
        encode_counters(snapshot, lines, out);
        encode_gauges(snapshot, lines, out);
        encode_timers(snapshot, lines, out);
        encode_sets(snapshot, lines, out);
        append_timed_lines(snapshot, {.settings = settings_, .keys = keys_, .stamps = stamps_},
                           lines, out);
        if (settings_.has_events) {
            encode_events(snapshot, lines, out);
            encode_checks(snapshot, lines, out);
        } else {
            out.skipped[SkipReason::event] += snapshot.events.size();
            out.skipped[SkipReason::service_check] += snapshot.service_checks.size();
        }
        own_times_.clear();
        lines.finish();
    }

private:
    // The key of a point that is to be written; null, and counted, for another.
    template <class Point>
    const std::string* key_of(const Point& point, Encoded& out) const {
        if (!point.told()) {
            ++out.skipped[SkipReason::idle];
            return nullptr;
        }
        const LineKeys::Row& row = keys_.row(point.id);
        if (row.key == nullptr) ++out.lost[row.reason];
        return row.key;
    }

    void encode_counters(const Snapshot& snapshot, LineWriter& lines, Encoded& out) const {
        for (const protocol::CounterPoint& point : snapshot.counters) {
            const std::string* const key = key_of(point, out);
            if (key == nullptr) continue;
            lines.begin(*key);
            lines.number("delta=", point.delta);
            lines.number("rate=", point.delta / snapshot.elapsed_s);
            lines.number("total=", point.total);
            lines.end(stamps_.interval(), 1, out.lost);
        }
    }

    void encode_gauges(const Snapshot& snapshot, LineWriter& lines, Encoded& out) const {
        for (const protocol::GaugePoint& point : snapshot.gauges) {
            const std::string* const key = key_of(point, out);
            if (key == nullptr) continue;
            lines.begin(*key);
            lines.number("value=", point.value);
            lines.end(stamps_.interval(), 1, out.lost);
        }
    }

    void encode_timers(const Snapshot& snapshot, LineWriter& lines, Encoded& out) {
        for (const protocol::TimerPoint& point : snapshot.timers) {
            const std::string* const key = key_of(point, out);
            if (key == nullptr) continue;
            const protocol::DistributionView& values = point.values;
            lines.begin(*key);
            lines.number("count=", values.count());
            lines.number("sum=", values.sum());
            lines.number("min=", values.minimum());
            lines.number("max=", values.maximum());
            lines.number("mean=", values.mean());
            lines.number("stddev=", values.standard_deviation());
            const std::span<const double> quantiles = quantiles_.of(point);
            for (std::size_t i = 0; i < quantiles.size(); ++i) {
                lines.number(quantile_fields_[i], quantiles[i]);
            }
            lines.end(stamps_.interval(), 1, out.lost);
        }
    }

    void encode_sets(const Snapshot& snapshot, LineWriter& lines, Encoded& out) const {
        for (const protocol::SetPoint& point : snapshot.sets) {
            const std::string* const key = key_of(point, out);
            if (key == nullptr) continue;
            lines.begin(*key);
            lines.number("unique=", point.unique);
            lines.end(stamps_.interval(), 1, out.lost);
        }
    }

    void encode_events(const Snapshot& snapshot, LineWriter& lines, Encoded& out) {
        for (const protocol::Event& event : snapshot.events) {
            const std::array added{
                AddedTag{.key = "alert_type", .value = to_string(event.alert_type), .wins = true},
                AddedTag{.key = "priority", .value = to_string(event.priority), .wins = true},
                host_of(event.hostname)};
            const std::string key = line_key(event_measurement, event.tags, added, settings_.keys);
            lines.begin(key);
            lines.text("title=", event.title);
            lines.text("text=", event.text);
            if (!event.aggregation_key.empty()) {
                lines.text("aggregation_key=", event.aggregation_key);
            }
            if (!event.source_type.empty()) lines.text("source_type=", event.source_type);
            lines.end(stamp_of(key, event.timestamp_s), 1, out.lost);
        }
    }

    void encode_checks(const Snapshot& snapshot, LineWriter& lines, Encoded& out) {
        for (const protocol::ServiceCheck& check : snapshot.service_checks) {
            const std::array added{AddedTag{.key = "check", .value = check.name, .wins = true},
                                   host_of(check.hostname)};
            const std::string key = line_key(check_measurement, check.tags, added, settings_.keys);
            lines.begin(key);
            lines.number("status=", std::to_underlying(check.status));
            if (!check.message.empty()) lines.text("message=", check.message);
            lines.end(stamp_of(key, check.timestamp_s), 1, out.lost);
        }
    }

    // Theirs, or ours.
    AddedTag host_of(std::string_view hostname) const {
        const std::string_view ours = settings_.keys.host_name;
        return {.key = settings_.keys.host_tag, .value = hostname.empty() ? ours : hostname};
    }

    // Of an event: no two of one key have the same within a Snapshot.
    std::int64_t stamp_of(const std::string& key, std::int64_t timestamp_s) {
        if (timestamp_s <= 0 || timestamp_s > own_time_s_max) return stamps_.next_event();
        const std::int64_t first = stamps_.own(timestamp_s);
        const auto [next, is_new] =
            own_times_.try_emplace(fmt::format("{} {}", timestamp_s, key), first);
        return next->second++;
    }

    void warn_if_ahead() {
        if (!stamps_.runs_ahead() || std::exchange(has_warned_, true)) return;
        report_(
            "intervals are shorter than the precision can tell apart: timestamps run ahead of "
            "the clock. Choose a finer precision or a longer interval");
    }

    const LineSettings settings_;
    std::function<void(const std::string&)> report_;
    LineKeys keys_;
    Stamps stamps_;
    Quantiles quantiles_;
    std::vector<std::string> quantile_fields_;
    std::unordered_map<std::string, std::int64_t> own_times_;  // second and key → next timestamp
    bool has_warned_ = false;
};

}  // namespace

std::unique_ptr<Encoder> make_encoder(LineSettings settings,
                                      std::function<void(const std::string&)> report) {
    return std::make_unique<LineEncoder>(std::move(settings), std::move(report));
}

}  // namespace pitot::sinks::influxdb
