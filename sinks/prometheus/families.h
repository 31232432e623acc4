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

#include <array>
#include <bit>
#include <cstddef>
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
#include "sinks/prometheus/text_arena.h"

namespace pitot::sinks::prometheus {

// What is remembered of a series, by its id: 28 bytes, and its labels in an arena.
struct Row {
    static constexpr std::uint32_t rules_max = no_rule >> 8;

    // The low half of the series': two lives of an id are told apart, for 2^32 other series
    // would have to be born between two Snapshots.
    std::uint32_t birth = 0;
    FamilyIndex family = no_family;  // no_family: kept back
    std::uint32_t point = 0;         // index into its kind's column, in the present Snapshot
    TextArena::Handle labels = 0;    // a="1",b="2"; none while it has no place
    // Of a counter the bits of what was read last; of a histogram, where its buckets are. In
    // halves, so that a row is not rounded up to eight bytes.
    std::array<std::uint32_t, 2> own{};
    std::uint32_t rule : 24 = rules_max;  // no_rule, cut off: none
    protocol::Kind kind : 4 = protocol::Kind::counter;
    bool is_in_use : 1 = false;
    bool is_reported : 1 = false;
    bool is_merge_reported : 1 = false;
    bool is_raised : 1 = false;  // a counter with an entry in Families::raised_by()

    // Of a counter: below this it never falls.
    double shown() const { return std::bit_cast<double>(own); }
    void set_shown(double value) { own = std::bit_cast<std::array<std::uint32_t, 2>>(value); }
};
static_assert(sizeof(Row) == 28);

class Families {
public:
    // `report` gets a sentence about a clash or a merged label, at most a few per Snapshot.
    Families(const ExpositionSettings& settings, std::function<void(const std::string&)> report);

    // Takes in who was born and who died. The rows' points are those of `snapshot` after it.
    void update(const protocol::Snapshot& snapshot);

    // In the order of their names; members in the order of their labels.
    std::span<const FamilyIndex> in_order() const { return order_; }
    Family operator[](FamilyIndex family) const { return families_[family]; }
    void write_name(FamilyIndex family, std::string& out) const {
        families_.write_name(family, out);
    }
    const void* near(FamilyIndex family) const { return families_.near(family); }
    Row& row(protocol::SeriesId id) { return rows_[id]; }
    const Row& row(protocol::SeriesId id) const { return rows_[id]; }
    std::string_view labels(const Row& row) const { return labels_[row.labels]; }
    // Near to which they begin: to fetch them early.
    const void* near_labels(const Row& row) const { return labels_.near(row.labels); }
    // What the decrements of a counter are made up for with; of few.
    double& raised_by(protocol::SeriesId id) {
        rows_[id].is_raised = true;
        return raised_[id];
    }
    // What the values of a histogram were since birth, by bound of its rule: of `size` bounds,
    // made now if there are none yet; null where they never were asked for with a size.
    double* bucket_counts(Row& row, std::size_t size);
    const double* bucket_counts(const Row& row) const {
        return row.own[0] == 0 ? nullptr : bucket_counts_[row.own[0] - 1].get();
    }
    // Series that are kept back.
    std::uint64_t clashing() const { return kept_back_.size(); }
    // Tags that had to share a label with another tag of their series, so far.
    std::uint64_t merged_labels() const { return merged_labels_; }

private:
    template <class Points>
    void see_all(const protocol::Snapshot& snapshot, const Points& points);
    void bury(protocol::SeriesId id);
    void bury_unseen(const protocol::Snapshot& snapshot);
    void forget_dead(const protocol::Snapshot& snapshot);
    bool forget_dead(const protocol::Snapshot& snapshot, FamilyIndex index);
    void keep_members(const protocol::Snapshot& snapshot, FamilyIndex index,
                      std::span<const protocol::SeriesId> members);
    void place(const protocol::Snapshot& snapshot, protocol::SeriesId id);
    FamilyIndex claim(const protocol::Snapshot& snapshot, protocol::SeriesId id,
                      const Classified& classified);
    void report_claimed(const protocol::Snapshot& snapshot, protocol::SeriesId id,
                        std::string_view name, FamilyIndex owner);
    Labels labels_of(const protocol::Series& series, Row& row);
    void claims_changed(FamilyIndex index);
    void look_at_hindered();
    void look_at_counter(std::string_view name);
    void sort_members(const protocol::Snapshot& snapshot);
    void sort_families();
    void drop_twins(const protocol::Snapshot& snapshot, FamilyIndex index);
    void keep_back(protocol::SeriesId id);
    bool may_report();
    void report_rest();

    const ExpositionSettings& settings_;
    std::function<void(const std::string&)> report_;
    Chunked<Row> rows_;                                     // by SeriesId
    std::vector<std::unique_ptr<double[]>> bucket_counts_;  // Row::own[0] is the number, from 1
    std::vector<std::uint32_t> free_bucket_counts_;
    std::unordered_map<protocol::SeriesId, double> raised_;
    TextArena labels_;
    FamilyStore families_;
    Claims claims_;
    std::vector<FamilyIndex> order_;
    std::size_t ordered_ = 0;  // of order_, before those that were just founded
    std::vector<protocol::SeriesId> newborn_;
    struct KeptBack {
        protocol::SeriesId id = 0;
        std::uint32_t birth = 0;  // of its row
    };
    std::vector<KeptBack> kept_back_;
    struct Unsorted {
        FamilyIndex family = no_family;
        std::uint32_t sorted = 0;  // members before those that were just born
    };
    std::vector<Unsorted> unsorted_;
    std::vector<FamilyIndex> with_dead_;
    std::vector<FamilyIndex> hindered_;  // counters whose names in OpenMetrics are others'
    bool dead_kept_back_ = false;
    std::uint64_t alive_ = 0;
    std::uint64_t merged_labels_ = 0;
    std::uint32_t reports_ = 0;  // in this update
};

}  // namespace pitot::sinks::prometheus
