// Snapshots to order: a stand-in for the aggregator, small enough to be seen through.
//
//     SnapshotMaker maker({0.5, 0.9});
//     maker.count("page.views", "env:prod,shell", 3);
//     maker.values(Kind::timer, "load", "", {12, 18});
//     sink.send(maker.end_interval());     // the view is valid until the next call
//
// Series live on with their totals from interval to interval, as in the agent, until
// forget(). Tags are written as on the wire and come out sorted by their bytes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "protocol/snapshot.h"
#include "tests/support/series_texts.h"

namespace pitot::tests {

class SnapshotMaker {
public:
    using Kind = protocol::Kind;

    static constexpr std::int64_t first_start_ns = 1'785'542'400'000'000'000;  // 2026-08-01
    static constexpr std::int64_t interval_ns = 10'000'000'000;

    // With ranks the points of timers have their quantiles, as the flush's do.
    explicit SnapshotMaker(std::vector<double> quantile_ranks = {})
        : quantile_ranks_(std::move(quantile_ranks)) {}

    void count(std::string_view name, std::string_view tags, double delta) {
        Life& life = find(Kind::counter, name, tags);
        life.updated = true;
        life.value += delta;
        life.total += delta;
    }
    // A counter without news that is told as 0 in this interval.
    void stand_still(std::string_view name, std::string_view tags) {
        find(Kind::counter, name, tags).stands_still = true;
    }
    void gauge(std::string_view name, std::string_view tags, double value) {
        Life& life = find(Kind::gauge, name, tags);
        life.updated = true;
        life.value = value;
    }
    void set(std::string_view name, std::string_view tags, double unique) {
        Life& life = find(Kind::set, name, tags);
        life.updated = true;
        life.value = unique;
    }
    // Timers, histograms and distributions; each value with the same weight.
    void values(Kind kind, std::string_view name, std::string_view tags,
                const std::vector<double>& values, double weight = 1) {
        Life& life = find(kind, name, tags);
        life.updated = true;
        for (const double value : values) {
            life.values.push_back(value);
            life.weights.push_back(weight);
            life.all.add(value, weight);
            life.total += weight;
            life.total_sum += value * weight;
        }
    }
    void timed(Kind kind, std::string_view name, std::int64_t timestamp_s, double value) {
        timed_.push_back({.name = keep(name),
                          .tags = {},
                          .kind = kind,
                          .timestamp_s = timestamp_s,
                          .value = value});
    }
    // Their views must live until the end of the interval was used.
    void event(const protocol::Event& event) { events_.push_back(event); }
    void check(const protocol::ServiceCheck& check) { checks_.push_back(check); }
    void reject(protocol::Reject reason, std::uint64_t lines) {
        snapshot_rejected_[static_cast<std::size_t>(reason)] += lines;
    }

    // The series expires; its id is used again by the next one to be born.
    void forget(Kind kind, std::string_view name, std::string_view tags) {
        const auto found = ids_.find(Key(kind, name, tags));
        free_.push_back(found->second);
        lives_[found->second] = Life{};
        ids_.erase(found);
    }

    protocol::Snapshot end_interval() {
        clear_columns();
        series_texts_ = {};
        series_.assign(lives_.size(), {});
        for (protocol::SeriesId id = 0; id < lives_.size(); ++id) {
            if (lives_[id].birth != 0) add_point(id, lives_[id]);
        }
        protocol::Snapshot out;
        out.sequence = ++sequence_;
        out.start_unix_ns = first_start_ns + static_cast<std::int64_t>(sequence_ - 1) * interval_ns;
        out.end_unix_ns = out.start_unix_ns + interval_ns;
        out.elapsed_s = 10;
        out.quantile_ranks = quantile_ranks_;
        out.series = series_;
        out.counters = counters_;
        out.gauges = gauges_;
        out.timers = timers_;
        out.sets = sets_;
        std::swap(timed_, timed_out_);
        std::swap(events_, events_out_);
        std::swap(checks_, checks_out_);
        out.timed = timed_out_;
        out.events = events_out_;
        out.service_checks = checks_out_;
        out.rejected = snapshot_rejected_;
        snapshot_rejected_ = {};
        return out;
    }

private:
    using Key = std::tuple<Kind, std::string, std::string>;

    struct Life {
        std::string name;
        std::string tags;  // canonical
        Kind kind = Kind::counter;
        std::uint64_t birth = 0;
        bool updated = false;
        bool stands_still = false;
        double value = 0;  // of the interval
        double total = 0;
        double total_sum = 0;
        std::vector<double> values;
        std::vector<double> weights;
        std::vector<double> values_out;  // what the view of the last interval refers to
        std::vector<double> weights_out;
        std::vector<double> quantiles_out;
        protocol::Distribution all = protocol::Distribution();
        protocol::Distribution sketch = protocol::Distribution();  // of the last interval
    };

    Life& find(Kind kind, std::string_view name, std::string_view tags) {
        const auto [entry, is_new] = ids_.try_emplace(Key(kind, name, tags), 0);
        if (!is_new) return lives_[entry->second];
        if (free_.empty()) {
            entry->second = static_cast<protocol::SeriesId>(lives_.size());
            lives_.emplace_back();
        } else {
            entry->second = free_.back();
            free_.pop_back();
        }
        Life& life = lives_[entry->second];
        life.name = name;
        life.tags = sorted(tags);
        life.kind = kind;
        life.birth = ++births_;
        return life;
    }

    // As a canonical key has them.
    static std::string sorted(std::string_view tags) {
        std::vector<protocol::Tag> split = protocol::TagList(tags).split();
        std::ranges::sort(split, [](const protocol::Tag& a, const protocol::Tag& b) {
            return std::tie(a.key, a.value) < std::tie(b.key, b.value);
        });
        std::string text;
        for (const protocol::Tag& tag : split) {
            if (!text.empty()) text += ',';
            text += tag.key;
            if (tag.has_value) text.append(":").append(tag.value);
        }
        return text;
    }

    void add_point(protocol::SeriesId id, Life& life) {
        series_[id] =
            series_texts_.make(life.kind, life.name, life.tags, life.birth, first_start_ns);
        switch (life.kind) {
            case Kind::counter:
                counters_.push_back({.id = id,
                                     .updated = life.updated,
                                     .stands_still = life.stands_still && !life.updated,
                                     .delta = life.value,
                                     .total = life.total});
                life.value = 0;
                break;
            case Kind::gauge:
                gauges_.push_back({id, life.updated, life.value});
                break;
            case Kind::set:
                sets_.push_back({id, life.updated, life.value, true});
                life.value = 0;
                break;
            case Kind::timer:
            case Kind::histogram:
            case Kind::distribution:
                std::ranges::sort(life.values);
                life.values_out = std::exchange(life.values, {});
                life.weights_out = std::exchange(life.weights, {});
                timers_.push_back(
                    {id, life.updated, view_of(life), life.total, life.total_sum, &life.all});
                if (life.updated) {
                    life.quantiles_out.resize(quantile_ranks_.size());
                    timers_.back().values.quantiles(quantile_ranks_, life.quantiles_out);
                    timers_.back().quantiles = life.quantiles_out;
                }
                break;
        }
        life.updated = false;
        life.stands_still = false;
    }

    // As in the agent: few values as they are, many as a sketch.
    static protocol::DistributionView view_of(Life& life) {
        constexpr std::size_t exact_values_max = 32;
        if (!life.updated) return {};
        if (life.values_out.size() <= exact_values_max) {
            return protocol::DistributionView::exact(life.values_out, life.weights_out);
        }
        life.sketch = protocol::Distribution();
        for (std::size_t i = 0; i < life.values_out.size(); ++i) {
            life.sketch.add(life.values_out[i], life.weights_out[i]);
        }
        return protocol::DistributionView::sketched(life.sketch);
    }

    void clear_columns() {
        counters_.clear();
        gauges_.clear();
        timers_.clear();
        sets_.clear();
        timed_out_.clear();
        events_out_.clear();
        checks_out_.clear();
    }

    std::string_view keep(std::string_view text) { return texts_.emplace_back(text); }

    std::vector<double> quantile_ranks_;
    std::map<Key, protocol::SeriesId> ids_;
    std::deque<Life> lives_;  // by id; a deque, so that what Snapshots refer to stays
    std::vector<protocol::SeriesId> free_;
    std::deque<std::string> texts_;
    std::uint64_t births_ = 0;
    std::uint64_t sequence_ = 0;
    std::vector<protocol::Series> series_;
    SeriesTexts series_texts_;  // of series_
    std::vector<protocol::CounterPoint> counters_;
    std::vector<protocol::GaugePoint> gauges_;
    std::vector<protocol::TimerPoint> timers_;
    std::vector<protocol::SetPoint> sets_;
    std::vector<protocol::TimedPoint> timed_, timed_out_;
    std::vector<protocol::Event> events_, events_out_;
    std::vector<protocol::ServiceCheck> checks_, checks_out_;
    std::array<std::uint64_t, protocol::reject_count> snapshot_rejected_{};
};

}  // namespace pitot::tests
