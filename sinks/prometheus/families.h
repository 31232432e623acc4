// Which living series are in which family, and which are kept back because they clash.
//
// One clashing series costs a Pushgateway's client its whole push, and a scrape its whole
// answer; so clashes are found here, before anything is sent:
//
//   * two series with one sample name and the same labels ("a.b" and "a-b");
//   * one family name with two types ("x" as gauge and as timer without a suffix);
//   * a family's name that another uses for its parts ("x_count" beside a summary "x");
//   * a name the destination uses itself;
//   * where OpenMetrics is spoken, a name that is a summary's or a histogram's "_created".
//
// The series born first keeps the name. The other is kept back, counted and reported once,
// and takes its place when the first one expires.
//
// Used by the exposition (exposition.h), on the flush thread. In the steady state a flush
// costs one look at each series; births and deaths are what is worked on.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocol/snapshot.h"
#include "sinks/prometheus/claims.h"
#include "sinks/prometheus/family.h"
#include "sinks/prometheus/family_store.h"
#include "sinks/prometheus/names.h"

namespace pitot::sinks::prometheus {

// What is remembered of a series, by its id: 56 bytes and its labels.
struct Row {
    std::uint64_t birth = 0;  // of the series; 0: not in use
    double shown = 0;         // of a counter: what was read last, below which it never falls
    // Of a histogram: by bound of its rule, since birth; null until its first values.
    std::unique_ptr<double[]> bucket_counts;
    std::unique_ptr<char[]> label_bytes;  // null while it has no place, or no labels
    std::uint32_t labels_size = 0;
    FamilyIndex family = no_family;  // no_family: kept back
    std::uint32_t seen = 0;          // low bits of the sequence of the last Snapshot that had it
    std::uint32_t point = 0;         // index into its kind's column, in the present Snapshot
    std::uint32_t rule = no_rule;
    protocol::Kind kind = protocol::Kind::counter;
    bool is_reported = false;
    bool is_merge_reported = false;
    bool is_raised = false;  // a counter with an entry in Families::raised()

    // a="1",b="2"
    std::string_view labels() const { return {label_bytes.get(), labels_size}; }
};

class Families {
public:
    // `report` gets a sentence about a clash or a merged label, at most a few per Snapshot.
    Families(const ExpositionSettings& settings, std::function<void(const std::string&)> report);

    // Takes in who was born and who died. The rows' points are those of `snapshot` after it.
    void update(const protocol::Snapshot& snapshot);

    // In the order of their names; members in the order of their labels.
    std::span<const FamilyIndex> in_order() const { return order_; }
    const Family& operator[](FamilyIndex family) const { return families_[family]; }
    Row& row(protocol::SeriesId id) { return rows_[id]; }
    const Row& row(protocol::SeriesId id) const { return rows_[id]; }
    // What the decrements of a counter are made up for with; of few.
    double& raised_by(protocol::SeriesId id) {
        rows_[id].is_raised = true;
        return raised_[id];
    }
    // Series that are kept back.
    std::uint64_t clashing() const { return kept_back_.size(); }
    // Tags that had to share a label with another tag of their series, so far.
    std::uint64_t merged_labels() const { return merged_labels_; }

private:
    template <class Points>
    void see_all(const protocol::Snapshot& snapshot, const Points& points);
    void bury(protocol::SeriesId id);
    void bury_unseen(std::uint32_t sequence);
    void forget_dead();
    void elect_founder(Family& family) const;
    void place(const protocol::Snapshot& snapshot, protocol::SeriesId id);
    FamilyIndex claim(const protocol::Snapshot& snapshot, protocol::SeriesId id,
                      Classified classified);
    void report_claimed(const protocol::Snapshot& snapshot, protocol::SeriesId id,
                        std::string_view name, FamilyIndex owner);
    Labels labels_of(const protocol::Series& series, Row& row);
    void claims_changed(FamilyIndex index);
    void look_at_counter(std::string_view name);
    void sort_members(const protocol::Snapshot& snapshot);
    void sort_families();
    void drop_twins(const protocol::Snapshot& snapshot, Family& family);
    void keep_back(protocol::SeriesId id);
    bool may_report();
    void report_rest();

    const ExpositionSettings& settings_;
    std::function<void(const std::string&)> report_;
    std::vector<Row> rows_;  // by SeriesId
    std::unordered_map<protocol::SeriesId, double> raised_;
    FamilyStore families_;
    Claims claims_;
    std::vector<FamilyIndex> order_;
    std::size_t ordered_ = 0;  // of order_, before those that were just founded
    std::vector<protocol::SeriesId> newborn_;
    struct KeptBack {
        protocol::SeriesId id = 0;
        std::uint64_t birth = 0;
    };
    std::vector<KeptBack> kept_back_;
    std::vector<FamilyIndex> unsorted_;
    std::vector<FamilyIndex> with_dead_;
    bool dead_kept_back_ = false;
    std::uint64_t alive_ = 0;
    std::uint64_t merged_labels_ = 0;
    std::uint32_t reports_ = 0;  // in this update
};

}  // namespace pitot::sinks::prometheus
