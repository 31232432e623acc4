// What aggregation means, written for clarity: a map from the full name of a series to
// everything it was told. No rows, no pages, no sketches, no limits; tags are split and
// sorted for every line.
//
// The fast path (agent/aggregate, agent/flush) is compared with it by
// tests/agent/flush/reference_test.cpp and by tests/fuzz/pipeline_fuzz.cpp:
//
//     ReferenceAggregate model({reading});
//     model.take(0, datagram);
//     std::string difference = model.difference(snapshot, counts);   // "" when they agree
//     model.end_interval();
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "agent/aggregate/page.h"
#include "protocol/framing.h"
#include "protocol/parser.h"
#include "protocol/snapshot.h"

namespace pitot::tests {

class ReferenceAggregate {
public:
    explicit ReferenceAggregate(const std::vector<protocol::Reading>& readings) {
        for (const protocol::Reading& reading : readings) parsers_.emplace_back(reading);
    }

    void take(std::size_t listener, std::string_view datagram) {
        protocol::LineSplitter lines(datagram);
        for (std::string_view line; lines.next(line);) {
            ++lines_;
            if (read(parsers_[listener], line) == protocol::Reject::none) {
                ++accepted_;
            } else {
                ++rejected_;
            }
        }
    }

    // What is wrong with `seen`, or nothing. Sums of doubles may differ in their last bits,
    // since shards add in another order.
    std::string difference(const protocol::Snapshot& seen,
                           const agent::IntakeCounts& counts) const {
        std::uint64_t rejected = 0;
        for (const std::uint64_t reason : counts.rejected) rejected += reason;
        std::string found = differs("lines", counts.lines, lines_);
        found += differs("accepted lines", counts.accepted, accepted_);
        found += differs("rejected lines", rejected, rejected_);
        found += differs("samples", counts.samples, samples_);
        found += differs("timed samples", seen.timed.size(), timed_);
        found += differs("events", seen.events.size(), events_);
        found += differs("service checks", seen.service_checks.size(), checks_);
        found += differs("counters", seen.counters.size(), counters_.size());
        found += differs("gauges", seen.gauges.size(), gauges_.size());
        found += differs("timers", seen.timers.size(), timers_.size());
        found += differs("sets", seen.sets.size(), sets_.size());
        for (const protocol::CounterPoint& point : seen.counters) compare(seen, point, found);
        for (const protocol::GaugePoint& point : seen.gauges) compare(seen, point, found);
        for (const protocol::TimerPoint& point : seen.timers) compare(seen, point, found);
        for (const protocol::SetPoint& point : seen.sets) compare(seen, point, found);
        return found;
    }

    void end_interval() {
        lines_ = accepted_ = rejected_ = samples_ = timed_ = events_ = checks_ = 0;
        for (auto& [name, counter] : counters_) counter.delta = 0;
        for (auto& [name, timer] : timers_) end_interval(timer);
        for (auto& [name, members] : sets_) members.clear();
        told_.clear();
    }

private:
    struct Counter {
        double delta = 0;
        double total = 0;
        double magnitude = 0;  // of all that was ever added, for the tolerance
    };
    struct Gauge {
        double level = 0;
        double magnitude = 0;
    };
    struct Timer {
        std::vector<std::pair<double, double>> values;  // with weights
        double unsent = 0;
        double total_count = 0;
        double total_sum = 0;
        double magnitude = 0;  // of all that was ever added to total_sum
    };
    using Name = std::tuple<protocol::Kind, std::string, std::vector<std::string>>;

    static double weight_of(const Timer& timer) {
        double weight = 0;
        for (const auto& [value, one] : timer.values) weight += one;
        return weight;
    }

    // What was left out counts as the mean of what came.
    static double total_sum_after(const Timer& timer, double& magnitude) {
        if (timer.values.empty()) return timer.total_sum;
        const double weight = weight_of(timer);
        double sum = 0;
        double size = 0;
        for (const auto& [value, one] : timer.values) {
            sum += value * one;
            size += std::abs(value * one);
        }
        magnitude += size / weight * (weight + timer.unsent);
        return timer.total_sum + sum / weight * (weight + timer.unsent);
    }

    static void end_interval(Timer& timer) {
        timer.total_sum = total_sum_after(timer, timer.magnitude);
        timer.values.clear();
        timer.unsent = 0;
    }

    static std::string text_of(const protocol::Tag& tag) {
        std::string text(tag.key);
        if (tag.has_value) text.append(":").append(tag.value);
        return text;
    }

    static bool is_internal(const protocol::Tag& tag) {
        return tag.has_value &&
               (tag.key == "dd.internal.entity_id" || tag.key == "dd.internal.card" ||
                tag.key == "dd.internal.jmx_check_name");
    }

    static Name name_of(const protocol::Identity& identity, protocol::Kind kind) {
        std::set<std::string> tags;
        std::string host;  // the last one's
        for (const protocol::Tag& tag : identity.tags) {
            if (tag.has_value && tag.key == "host") {
                host = tag.value;
            } else if (!is_internal(tag)) {
                tags.insert(text_of(tag));
            }
        }
        if (!host.empty()) tags.insert("host:" + host);
        return {kind, std::string(identity.name), {tags.begin(), tags.end()}};
    }

    static Name name_of(const protocol::Series& series) {
        const std::vector<protocol::Tag> tags = series.tags().split();
        return name_of({.name = series.name(), .tags = tags}, series.kind);
    }

    protocol::Reject read(protocol::Parser& parser, std::string_view line) {
        using protocol::LineType;
        using protocol::Reject;
        if (protocol::classify(line) == LineType::event) {
            protocol::Event event;
            const Reject refused = parser.parse_event(line, event);
            events_ += refused == Reject::none ? 1U : 0U;
            samples_ += refused == Reject::none ? 1U : 0U;
            return refused;
        }
        if (protocol::classify(line) == LineType::service_check) {
            protocol::ServiceCheck check;
            const Reject refused = parser.parse_service_check(line, check);
            checks_ += refused == Reject::none ? 1U : 0U;
            samples_ += refused == Reject::none ? 1U : 0U;
            return refused;
        }
        protocol::MetricLine metric;
        protocol::Identity identity;
        if (const Reject refused = parser.parse_metric(line, metric); refused != Reject::none) {
            return refused;
        }
        if (const Reject refused = parser.identity(metric, identity); refused != Reject::none) {
            return refused;
        }
        for (const protocol::Part& part : metric.parts) add(metric, identity, part);
        return Reject::none;
    }

    void add(const protocol::MetricLine& line, const protocol::Identity& identity,
             const protocol::Part& part) {
        samples_ += part.kind == protocol::Kind::set ? 1 : part.values.size();
        if (line.timestamp_s != 0) {
            timed_ += part.values.size();
            return;
        }
        const Name name = name_of(identity, part.kind);
        told_.insert(name);
        const double weight = 1 / part.sample_rate;
        switch (part.kind) {
            case protocol::Kind::counter:
                for (const double value : part.values) {
                    Counter& counter = counters_[name];
                    counter.delta += value / part.sample_rate;
                    counter.total += value / part.sample_rate;
                    counter.magnitude += std::abs(value / part.sample_rate);
                }
                return;
            case protocol::Kind::gauge:
                for (const double value : part.values) {
                    Gauge& gauge = gauges_[name];
                    gauge.level = part.gauge_is_delta ? gauge.level + value : value;
                    gauge.magnitude += std::abs(value);
                }
                return;
            case protocol::Kind::timer:
            case protocol::Kind::histogram:
            case protocol::Kind::distribution:
                for (const double value : part.values) {
                    const bool is_of_count = part.timer_rate == protocol::TimerRate::count;
                    Timer& timer = timers_[name];
                    timer.values.emplace_back(value, is_of_count ? 1 : weight);
                    timer.unsent += is_of_count ? weight - 1 : 0;
                    timer.total_count += weight;
                }
                return;
            case protocol::Kind::set:
                sets_[name].insert(std::string(part.member));
                return;
        }
    }

    static std::string differs(std::string_view what, std::uint64_t seen, std::uint64_t expected) {
        if (seen == expected) return {};
        return fmt::format("{}: {}, expected {}\n", what, seen, expected);
    }

    static bool close(double seen, double expected, double magnitude) {
        if (seen == expected) return true;
        // Sums beyond the range of a double are not a number in either order.
        if (!std::isfinite(expected) || !std::isfinite(magnitude)) return true;
        return std::abs(seen - expected) <= 1e-7 * magnitude;
    }

    static void expect(const Name& name, std::string_view what, double seen, double expected,
                       double magnitude, std::string& found) {
        if (close(seen, expected, magnitude)) return;
        found += fmt::format("{}: {} {}, expected {}\n", std::get<1>(name), what, seen, expected);
    }

    template <typename Point>
    void check_updated(const Name& name, const Point& point, std::string& found) const {
        if (point.updated == told_.contains(name)) return;
        found += fmt::format("{}: updated {}\n", std::get<1>(name), point.updated);
    }

    void compare(const protocol::Snapshot& seen, const protocol::CounterPoint& point,
                 std::string& found) const {
        const Name name = name_of(seen.series[point.id]);
        const auto known = counters_.find(name);
        if (known == counters_.end()) return void(found += "unknown counter\n");
        check_updated(name, point, found);
        const Counter& counter = known->second;
        expect(name, "delta", point.delta, counter.delta, counter.magnitude, found);
        expect(name, "total", point.total, counter.total, counter.magnitude, found);
    }

    void compare(const protocol::Snapshot& seen, const protocol::GaugePoint& point,
                 std::string& found) const {
        const Name name = name_of(seen.series[point.id]);
        const auto known = gauges_.find(name);
        if (known == gauges_.end()) return void(found += "unknown gauge\n");
        check_updated(name, point, found);
        // Moves are added up before they meet the level, so digits may be lost elsewhere.
        expect(name, "level", point.value, known->second.level, known->second.magnitude, found);
    }

    void compare(const protocol::Snapshot& seen, const protocol::SetPoint& point,
                 std::string& found) const {
        const Name name = name_of(seen.series[point.id]);
        const auto known = sets_.find(name);
        if (known == sets_.end()) return void(found += "unknown set\n");
        check_updated(name, point, found);
        const auto expected = static_cast<double>(known->second.size());
        // Six standard errors, where it is an estimate.
        const double tolerance = point.is_exact ? 0 : 6 * 0.0081 * expected;
        if (std::abs(point.unique - expected) > tolerance) {
            expect(name, "members", point.unique, expected, 0, found);
        }
    }

    void compare(const protocol::Snapshot& seen, const protocol::TimerPoint& point,
                 std::string& found) const {
        const Name name = name_of(seen.series[point.id]);
        const auto known = timers_.find(name);
        if (known == timers_.end()) return void(found += "unknown timer\n");
        check_updated(name, point, found);
        std::vector<std::pair<double, double>> values = known->second.values;
        std::ranges::sort(values);
        double count = 0;
        double sum = 0;
        double magnitude = 0;
        for (const auto& [value, weight] : values) {
            count += weight;
            sum += value * weight;
            magnitude += std::abs(value * weight);
        }
        const double unsent = known->second.unsent;
        expect(name, "count", point.values.count(), count + unsent, count + unsent, found);
        expect(name, "sum", point.values.sum(), sum, magnitude, found);
        double total_magnitude = known->second.magnitude;
        const double total_sum = total_sum_after(known->second, total_magnitude);
        expect(name, "total sum", point.total_sum, total_sum, total_magnitude, found);
        expect(name, "total count", point.total_count, known->second.total_count,
               known->second.total_count, found);
        if (values.empty()) return;
        if (point.values.minimum() != values.front().first ||
            point.values.maximum() != values.back().first) {
            found += fmt::format("{}: wrong minimum or maximum\n", std::get<1>(name));
        }
        compare_quantiles(name, point.values, values, count, found);
    }

    static void compare_quantiles(const Name& name, const protocol::DistributionView& seen,
                                  const std::vector<std::pair<double, double>>& values,
                                  double count, std::string& found) {
        for (const double q : {0.0, 0.01, 0.25, 0.5, 0.9, 0.99, 1.0}) {
            // Rounding may choose a neighbour where the rank falls between two values.
            const auto at_rank = [&](double rank) {
                double below = 0;
                for (const auto& [value, weight] : values) {
                    below += weight;
                    if (below >= rank) return value;
                }
                return values.back().first;
            };
            const double slack = 1e-6 * count;
            const double low = at_rank(q * count - slack);
            const double high = at_rank(q * count + slack);
            const double error = seen.relative_error() + 1e-9;
            const double answer = seen.quantile(q);
            if (answer >= low - error * std::abs(low) && answer <= high + error * std::abs(high)) {
                continue;
            }
            found += fmt::format("{}: quantile {} is {}, expected {} to {}\n", std::get<1>(name), q,
                                 answer, low, high);
        }
    }

    std::vector<protocol::Parser> parsers_;
    std::map<Name, Counter> counters_;
    std::map<Name, Gauge> gauges_;
    std::map<Name, Timer> timers_;
    std::map<Name, std::set<std::string>> sets_;
    std::set<Name> told_;  // had a sample in this interval
    std::uint64_t lines_ = 0;
    std::uint64_t accepted_ = 0;
    std::uint64_t rejected_ = 0;
    std::uint64_t samples_ = 0;
    std::uint64_t timed_ = 0;
    std::uint64_t events_ = 0;
    std::uint64_t checks_ = 0;
};

}  // namespace pitot::tests
