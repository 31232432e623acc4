// One row of the aggregating corpus against what the data path made of its datagrams.
//
// A row holds the settings of a server, datagrams, and what that server flushes, in words of
// its own. What each word is in ours:
//
//   1. counters are deltas, rates are deltas by the second, sets are unique members. "timers"
//      are timers, histograms and distributions: several servers have one type for the three.
//      In "series" (datadog-agent, veneur) a name carries its word: "a.max". There a counter
//      is a rate for datadog-agent and a delta for veneur, and so is a histogram's count.
//   2. lower and upper are min and max, mean is avg, std is stddev; count_ps, per_second and
//      sample_rate are count by the second, a timer's rate is sum by the second. Sums of
//      squares follow from mean, stddev and how many values came.
//   3. median, "95percentile", "90_percentile", "percentile.99" and "p90" are our percentile,
//      nearest rank, within its stated error where it is a sketch's, at the finest schema
//      (0.14 %), which tells the ranks of the rows apart. upper_P of statsd and gostatsd is
//      another one, the value at rank round(P/100 * n), and lower_topP the lowest of the last
//      round(P/100 * n): ours is asked for at the share of that rank.
//   4. Buckets of gostatsd and otel are what lies at or below each bound; otel's exponential
//      ones are those of a sketch of the row's scale, whose indices start one higher.
//   5. Where a server repeats idle series, a row is compared with all living series, which a
//      Snapshot has; elsewhere with those that have news, which is what `once` prints.
//   6. statsd_exporter's rows are about Prometheus names: compared with the exposition,
//      without a suffix for counters.
//
// Comparing: a row's own reading of signs in gauges (by server); all numbers to 1e-9; within
// a type that a row names, no series is missing and none is there besides; what a row does
// not name is not looked at; `choose` wins over `expect`. A name without tags stands for the
// only series of that name too (otel's rows leave tags out), and a bare tag is "tag:true"
// for telegraf.
#pragma once

#include <boost/json.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/snapshot.h"
#include "sinks/prometheus/exposition.h"
#include "tests/support/peer_words.h"

namespace pitot::tests {

// A living series of ours, as far as rows speak of it.
struct OwnSeries {
    const protocol::Series* series = nullptr;
    bool has_news = false;
    double number = 0;        // delta, value or unique members
    DistributionView values;  // of the others
    bool is_named = false;    // by the row

    // "counters", "gauges", "sets" or "timers".
    std::string_view type() const;
};

// Collects what differs; the test says so.
class Comparison {
public:
    // `otherwise`: the paths of numbers that are not what the server says, on purpose:
    // "timers/a/sum".
    Comparison(const boost::json::object& row, std::vector<std::string> otherwise);

    // What one flush is to be. The Snapshot is looked at during the call only.
    void flush(const protocol::Snapshot& snapshot, const boost::json::object& wanted);
    // Whether two intervals say the same.
    void equivalent(const protocol::Snapshot& snapshot, const protocol::Snapshot& other);
    // `what` cannot be as the row says.
    void differs(const std::string& what) { differences_.push_back(what); }

    bool agreed() const { return differences_.empty() && compared_ > 0; }
    std::size_t compared() const { return compared_; }
    std::size_t without_counterpart() const { return without_counterpart_; }
    std::size_t otherwise() const { return otherwise_; }
    std::string differences() const {
        std::string text = compared_ == 0 ? "\n  nothing compared" : "";
        for (const std::string& difference : differences_) text += "\n  " + difference;
        return text;
    }

private:
    void number(const std::string& field, const boost::json::value& wanted, std::optional<Got> got);
    OwnSeries* find(std::string_view type, std::string_view written);
    bool repeats_idle() const {
        return peer_ == "statsd" || peer_ == "gostatsd" || peer_ == "brubeck";
    }

    void group(const std::string& type, const boost::json::object& wanted);
    void plain(const std::string& path, std::string_view type, std::string_view name,
               const boost::json::value& wanted);
    void timer(const std::string& path, OwnSeries* own, const boost::json::object& wanted);
    void cumulative(const std::string& path, const DistributionView& values,
                    const boost::json::object& wanted);
    void suffixed(const std::string& path, std::string_view name, const boost::json::value& wanted);
    void otel(const std::string& type, const boost::json::object& wanted);
    void bucketed(const std::string& path, const DistributionView& values,
                  const boost::json::object& wanted);
    void weighted(const std::string& path, const DistributionView& values,
                  const boost::json::object& wanted);
    void exponential(const std::string& path, const DistributionView& values,
                     const boost::json::object& wanted);
    void timed(const protocol::Snapshot& snapshot, const boost::json::object& wanted);
    void discarded(const protocol::Snapshot& snapshot, const boost::json::array& wanted);
    void exposed(const protocol::Snapshot& snapshot, const boost::json::object& wanted);
    void none_besides(const boost::json::object& wanted);

    std::string peer_;
    std::vector<double> bounds_;  // of buckets, where the settings have some
    std::vector<std::string> listed_;
    sinks::prometheus::Exposition exposition_;
    std::vector<OwnSeries> own_;
    double elapsed_s_ = 0;
    std::size_t compared_ = 0;
    std::size_t without_counterpart_ = 0;
    std::size_t otherwise_ = 0;
    std::vector<std::string> differences_;
};

}  // namespace pitot::tests
