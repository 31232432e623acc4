#include "agent/self_metrics/self_metrics.h"

#include <array>
#include <cassert>
#include <string_view>
#include <utility>
#include <variant>

#include "agent/version.h"

namespace pitot::agent {
namespace {

using protocol::Kind;
using protocol::Tag;

double in_milliseconds(std::int64_t ns) {
    return static_cast<double>(ns) / 1e6;
}

Tag tag(std::string_view key, std::string_view value) {
    return {.key = key, .value = value, .has_value = true};
}

// Own timers are few and hold few values: the usual resolution is never reached.
constexpr protocol::HistogramShape histogram{};

}  // namespace

// Makes the series of a metric: one for each listener, sink and reason that it tells of.
class SelfMetrics::Namer {
public:
    Namer(OwnSeries& series, std::vector<Told>& told, const OwnParts& parts)
        : series_(series), told_(told), parts_(parts) {}

    void add(const OwnMetric& metric) {
        metric_ = &metric;
        std::visit(*this, metric.reader);
    }

    void operator()(const OfProcess& /*of*/) { add({}, 0, 0); }
    void operator()(const TimeOfFlush& /*of*/) { add({}, 0, 0); }
    void operator()(const OfBuild& /*of*/) { add(std::array{tag("version", version())}, 0, 0); }
    void operator()(const OfListener& /*of*/) { add_each("listener", parts_.listeners); }
    void operator()(const OfSink& /*of*/) { add_each("sink", parts_.sinks); }
    void operator()(const TimesOfSink& /*of*/) { add_each("sink", parts_.sinks); }
    void operator()(const OfRule& /*of*/) { add_each("alert", parts_.rules); }
    void operator()(const OfChannel& /*of*/) { add_each("channel", parts_.channels); }
    void operator()(const OfProcessByReason& of) {
        for (std::size_t reason = of.reasons.first; reason < of.reasons.last; ++reason) {
            add(std::array{tag("reason", of.reasons.name(reason))}, 0, reason);
        }
    }
    void operator()(const OfSinkByReason& of) { add_each("sink", parts_.sinks, of.reasons); }
    void operator()(const OfChannelByReason& of) {
        add_each("channel", parts_.channels, of.reasons);
    }

private:
    void add_each(std::string_view key, std::span<const std::string> names) {
        for (std::size_t part = 0; part < names.size(); ++part) {
            add(std::array{tag(key, names[part])}, part, 0);
        }
    }
    void add_each(std::string_view key, std::span<const std::string> names,
                  const Reasons& reasons) {
        for (std::size_t part = 0; part < names.size(); ++part) {
            for (std::size_t reason = reasons.first; reason < reasons.last; ++reason) {
                add(std::array{tag(key, names[part]), tag("reason", reasons.name(reason))}, part,
                    reason);
            }
        }
    }
    void add(std::span<const Tag> tags, std::size_t part, std::size_t reason) {
        told_.push_back({.metric = metric_,
                         .part = part,
                         .reason = reason,
                         .row = series_.add(metric_->name, tags, metric_->kind)});
    }

    OwnSeries& series_;
    std::vector<Told>& told_;
    const OwnParts parts_;
    const OwnMetric* metric_ = nullptr;
};

// Reads the present value of one series, and has it told.
struct SelfMetrics::Reader {
    SelfMetrics& own;
    const Observed& now;
    Told& told;

    const ListenerCounters& listener() const { return now.ledger.listeners[told.part].counters; }
    const sinks::SinkStatus& sink() const { return now.ledger.sinks[told.part].status; }

    const alerts::channels::ChannelStatus& channel() const {
        return now.ledger.channels[told.part].status;
    }

    void operator()(const OfProcess& of) const { own.tell_value(told, of.read(now)); }
    void operator()(const OfBuild& /*of*/) const { own.tell_value(told, 1); }
    void operator()(const OfListener& of) const { own.tell_value(told, of.read(listener())); }
    void operator()(const OfSink& of) const { own.tell_value(told, of.read(sink())); }
    void operator()(const OfProcessByReason& of) const {
        own.tell_value(told, of.read(now, told.reason));
    }
    void operator()(const OfSinkByReason& of) const {
        own.tell_value(told, of.read(sink(), told.reason));
    }
    void operator()(const TimeOfFlush& of) const {
        own.tell_time(told, of.read_ns(now.ledger.flush));
    }
    void operator()(const TimesOfSink& of) const { own.tell_times(told, of.read(sink())); }
    void operator()(const OfRule& of) const {
        own.tell_value(told, of.read(now.ledger.alerts.rules[told.part]));
    }
    void operator()(const OfChannel& of) const { own.tell_value(told, of.read(channel())); }
    void operator()(const OfChannelByReason& of) const {
        own.tell_value(told, of.read(channel(), told.reason));
    }
};

SelfMetrics::SelfMetrics(SelfMetricsSettings settings, const OwnParts& parts,
                         std::int64_t started_unix_ns)
    : settings_(std::move(settings)),
      started_unix_ns_(started_unix_ns),
      series_({.prefix = settings_.prefix + '.', .tags = settings_.tags}, histogram) {
    Namer namer(series_, told_, parts);
    for (const OwnMetric& metric : own_metrics()) namer.add(metric);
}

ShardPage SelfMetrics::look(const Ledger& now) {
    const Observed observed{
        .ledger = now, .process = settings_.usage(), .started_unix_ns = started_unix_ns_};
    for (Told& told : told_) {
        std::visit(Reader{.own = *this, .now = observed, .told = told}, told.metric->reader);
    }
    return series_.close();
}

void SelfMetrics::tell_value(Told& told, double value) {
    if (told.metric->kind == Kind::gauge) {
        series_.set(told.row, value);
        return;
    }
    const double grown = value - std::exchange(told.sum, value);
    assert(grown >= 0);
    // The first zero is news: the series is there.
    const bool is_first = std::exchange(told.is_new, false);
    if (grown > 0 || is_first) series_.count(told.row, grown);
}

void SelfMetrics::tell_time(const Told& told, std::int64_t ns) {
    if (ns >= 0) series_.time(told.row, std::array{in_milliseconds(ns)}, 1);
}

void SelfMetrics::tell_times(Told& told, const sinks::RecentTimes& times) {
    std::array<std::int64_t, sinks::RecentTimes::kept> room{};
    const std::span<const std::int64_t> newest = times.since(told.times, room);
    if (newest.empty()) return;
    const auto all = static_cast<double>(times.count() - std::exchange(told.times, times.count()));
    std::array<double, sinks::RecentTimes::kept> values_ms{};
    for (std::size_t i = 0; i < newest.size(); ++i) values_ms[i] = in_milliseconds(newest[i]);
    series_.time(told.row, std::span(values_ms).first(newest.size()),
                 all / static_cast<double>(newest.size()));
}

}  // namespace pitot::agent
