// A Snapshot as Prometheus text, format 0.0.4: for the Pushgateway; or as records that this text
// and OpenMetrics 1.0 are made of when somebody asks: for a scrape.
//
// Source: Prometheus "Exposition formats", version 0.0.4; page_records.h for the other. Families
// are contiguous and sorted by name, each with one HELP and one TYPE line; samples are sorted by
// their labels; lines end in LF; numbers are the shortest text that reads back as the same double.
// The same Snapshots give the same bytes.
//
// What a series becomes is in family.h, names and labels are in names.h, clashes in
// families.h. Beyond that:
//
//   * Counters, and the _sum and _count of summaries and histograms, are totals since birth.
//     Quantiles are of the interval, NaN when it had no values.
//   * A counter that is decremented: Prometheus takes any decrease for a restart and would
//     add the whole total again. So a negative delta is not applied, and the point is lost
//     under `negative_delta`; later increments count on from where the counter stood.
//   * _count and _bucket are whole numbers, as the format has them, rounded to the nearest
//     (a weight of 1/0.3 is not whole; a Pushgateway would cut the fraction off).
//   * Buckets add up what each interval had up to their bound, and so never fall. An interval
//     of few values (up to 32 a shard) is counted exactly; of more there is a sketch, and then
//     values up to one of its buckets' width above a bound (2.2 % at schema 5) are counted
//     under it too, never the other way. _sum and _count are exact.
//   * Bounds and ranks have one form, that of OpenMetrics: le="1.0", quantile="0.99". To a
//     Prometheus they are opaque texts, and le="1" would be another series.
//   * No timestamps: samples with a time of their own are skipped, as are events and checks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "protocol/snapshot.h"
#include "sinks/prometheus/families.h"
#include "sinks/prometheus/family.h"
#include "sinks/prometheus/lines.h"
#include "sinks/prometheus/page_records.h"
#include "sinks/quantiles.h"
#include "sinks/sink.h"

namespace pitot::sinks::prometheus {

inline constexpr std::string_view content_type = "text/plain; version=0.0.4; charset=utf-8";
inline constexpr std::string_view open_metrics_content_type =
    "application/openmetrics-text; version=1.0.0; charset=utf-8";

// Used by one thread.
class Exposition {
public:
    // `report` gets sentences for the operator about names that clash.
    Exposition(ExpositionSettings settings, std::function<void(const std::string&)> report);
    Exposition(const Exposition&) = delete;
    Exposition& operator=(const Exposition&) = delete;

    // Appends one batch, whose items are families, to `out`. Families in `withheld` are left
    // out and counted lost(quarantined).
    void encode(const protocol::Snapshot& snapshot, const std::unordered_set<std::string>& withheld,
                Encoded& out);

    // For records that are made of the Snapshots of this exposition.
    const std::shared_ptr<const Layout>& layout() const { return layout_; }
    // Fills `page`, which is empty and has this layout(). What is lost and skipped is added to
    // `out`; the result is how many points are in the page.
    std::uint64_t encode(const protocol::Snapshot& snapshot, Encoded& out, PageRecords& page);

    std::uint64_t merged_labels() const { return families_.merged_labels(); }

private:
    // A rule's buckets, worked out once.
    struct Buckets {
        std::vector<double> bounds;     // as configured
        std::vector<double> bounds_ms;  // of timers, which are configured in seconds
    };

    class Text;

    void begin(const protocol::Snapshot& snapshot);
    void keep_books(const protocol::Snapshot& snapshot);
    void count_values(const protocol::TimerPoint& point);
    template <class Form>
    std::uint64_t write_families(const protocol::Snapshot& snapshot,
                                 const std::unordered_set<std::string>& withheld, Form& form,
                                 Losses& lost);
    template <class Form>
    std::uint32_t write_members(const protocol::Snapshot& snapshot, const Family& family,
                                Form& form, Losses& lost);
    void count_left_out(const protocol::Snapshot& snapshot, Encoded& out) const;
    void look_ahead(const protocol::Snapshot& snapshot, std::span<const FamilyIndex> order,
                    std::size_t at) const;
    void look_ahead(const protocol::Snapshot& snapshot, const Family& family,
                    std::size_t member) const;
    void look_ahead(const protocol::Snapshot& snapshot, const Row& row) const;
    bool take_values(const protocol::Snapshot& snapshot, FamilyType type, Row& row);
    bool take_counter(Row& row, const protocol::CounterPoint& point);
    void take_summary(const Row& row, const protocol::TimerPoint& point);
    void take_histogram(const Row& row, const protocol::TimerPoint& point);

    const std::shared_ptr<const Layout> layout_;
    const ExpositionSettings& settings_;
    Families families_;
    std::vector<Buckets> buckets_;  // by rule
    std::vector<double> counts_;    // of the buckets of one point
    std::vector<double> values_;    // of the lines of one series
    std::string name_;              // of one family
    Quantiles quantiles_;
    std::size_t bytes_last_ = 0;  // of the body before: what to expect
};

// The family's name, from the beginning of its bytes ("# HELP name …").
std::string_view family_name(std::string_view item);

}  // namespace pitot::sinks::prometheus
