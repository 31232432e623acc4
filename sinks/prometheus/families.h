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
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocol/snapshot.h"
#include "sinks/prometheus/family.h"
#include "sinks/prometheus/names.h"

namespace pitot::sinks::prometheus {

struct Family {
    std::string name;
    FamilyType type = FamilyType::gauge;
    protocol::Kind founder_kind = protocol::Kind::gauge;  // of the series that claimed the name
    std::string founder_name;                             // as its sender writes it
    std::string header;                                   // HELP and TYPE lines
    std::string open_metrics_header;  // likewise, and UNIT; where ExpositionSettings asks for it
    std::string created_name;         // of OpenMetrics' sample of the birth; "": none
    std::vector<protocol::SeriesId> members;  // sorted by labels after each update
    std::size_t sorted = 0;                   // members before those that were just born
    bool has_dead = false;                    // members that left are still listed
};

// What is remembered of a series, by its id.
struct Row {
    std::uint64_t birth = 0;   // of the series; 0: not in use
    std::uint64_t seen = 0;    // sequence of the last Snapshot that had it
    Family* family = nullptr;  // null: kept back
    // What its lines are made of, encoded once, when it gets its place:
    //   counters, gauges, sets        name{labels} and a blank
    //   timers and their like         name{labels,   or name_bucket{labels,
    //                                 name_sum{labels} name_count{labels} and a blank each
    // That is one to three times its name and labels, about 60 and 200 bytes; all lines of a
    // timer with four quantiles would be 450.
    std::string text;
    std::uint32_t labels_bytes = 0;
    std::uint32_t point = 0;  // index into its kind's column, in the present Snapshot
    std::uint32_t rule = no_rule;
    protocol::Kind kind = protocol::Kind::counter;
    bool is_reported = false;
    bool is_merge_reported = false;
    double raised_by = 0;  // what a counter's decrements are made up for with
    double shown = 0;      // of a counter: what was read last, below which it never falls
    // Of a histogram: by bound of its rule, since birth; null until its first values.
    std::unique_ptr<double[]> bucket_counts;

    // a="1",b="2"; "" while it has no place.
    std::string_view labels() const;
};

class Families {
public:
    // `report` gets a sentence about a clash or a merged label, at most a few per Snapshot.
    Families(const ExpositionSettings& settings, std::function<void(const std::string&)> report);

    // Takes in who was born and who died. The rows' points are those of `snapshot` after it.
    void update(const protocol::Snapshot& snapshot);

    // Sorted by name; members sorted by labels.
    const std::map<std::string, Family, std::less<>>& families() const { return families_; }
    Row& row(protocol::SeriesId id) { return rows_[id]; }
    // Series that are kept back.
    std::uint64_t clashing() const { return kept_back_.size(); }
    // Tags that had to share a label with another tag of their series, so far.
    std::uint64_t merged_labels() const { return merged_labels_; }

private:
    template <class Points>
    void see_all(const protocol::Snapshot& snapshot, const Points& points);
    void bury(Row& row);
    void bury_unseen(std::uint64_t sequence);
    void forget_dead();
    void place(const protocol::Snapshot& snapshot, protocol::SeriesId id);
    Family* claim(const protocol::Series& series, Classified classified, Row& row);
    void found(const protocol::Series& series, Family& family);
    Labels labels_of(const protocol::Series& series, Row& row);
    void claims_changed(std::string_view name);
    void write_open_metrics_header(Family& family) const;
    void sort_members(const protocol::Snapshot& snapshot);
    void drop_twins(const protocol::Snapshot& snapshot, Family& family);
    void keep_back(protocol::SeriesId id);
    bool may_report();
    void report_rest();

    const ExpositionSettings& settings_;
    std::function<void(const std::string&)> report_;
    std::vector<Row> rows_;  // by SeriesId
    std::map<std::string, Family, std::less<>> families_;
    std::unordered_map<std::string, Family*> claims_;  // sample name → who uses it
    std::vector<protocol::SeriesId> newborn_;
    struct KeptBack {
        protocol::SeriesId id = 0;
        std::uint64_t birth = 0;
    };
    std::vector<KeptBack> kept_back_;
    std::vector<Family*> unsorted_;
    std::vector<Family*> with_dead_;
    bool dead_kept_back_ = false;
    std::uint64_t alive_ = 0;
    std::uint64_t merged_labels_ = 0;
    std::uint32_t reports_ = 0;  // in this update
};

}  // namespace pitot::sinks::prometheus
