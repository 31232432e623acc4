// Which living series has which line key, and which are kept back because another has it.
//
// Two series with one key would overwrite each other's points at every flush, silently: the
// destination knows a point by key and time. So such pairs are found here, before anything is
// sent. The series born first keeps the key; the other is lost(name_clash), reported once, and
// takes over when the first one expires. A key that the destination cannot hold is
// lost(too_large).
//
// Used by the encoder (line_protocol.h), on the flush thread. In the steady state a flush
// costs one look at each series.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "protocol/snapshot.h"
#include "sinks/influxdb/line_key.h"
#include "sinks/ledger.h"

namespace pitot::sinks::influxdb {

// Sentences per Snapshot: a renamed fleet must not fill a disk.
inline constexpr std::uint32_t reports_per_snapshot_max = 5;

class LineKeys {
public:
    // What is remembered of a series, by its id.
    struct Row {
        std::uint64_t birth = 0;           // of the series; 0: not in use
        std::uint64_t seen = 0;            // sequence of the last Snapshot that had it
        const std::string* key = nullptr;  // null: kept back, for this reason:
        LossReason reason = LossReason::name_clash;
        bool is_reported = false;
    };

    // `settings` outlives this. `report` gets a sentence about a series that is kept back.
    LineKeys(const KeySettings& settings, std::function<void(const std::string&)> report);

    // Takes in who was born and who died.
    void update(const protocol::Snapshot& snapshot);

    // Of a series of that Snapshot.
    const Row& row(protocol::SeriesId id) const { return rows_[id]; }

    // Whether a living series that is not this one has the key.
    bool belongs_to_another(const std::string& key, const protocol::TimedPoint& point,
                            const protocol::Snapshot& snapshot) const;

private:
    template <class Points>
    void see_all(const protocol::Snapshot& snapshot, const Points& points);
    void bury(Row& row);
    void bury_unseen(std::uint64_t sequence);
    void recall_kept_back();
    void place(const protocol::Snapshot& snapshot, protocol::SeriesId id);
    void report(Row& row, const std::string& what);

    const KeySettings& settings_;
    std::function<void(const std::string&)> report_;
    std::vector<Row> rows_;                                        // by SeriesId
    std::unordered_map<std::string, protocol::SeriesId> holders_;  // rows refer to its keys
    std::vector<protocol::SeriesId> newborn_;
    struct KeptBack {
        protocol::SeriesId id = 0;
        std::uint64_t birth = 0;
    };
    std::vector<KeptBack> kept_back_;  // clashing, not too large
    bool has_free_ = false;            // a key, since the last Snapshot
    std::uint64_t alive_ = 0;
    std::uint32_t reports_ = 0;  // in this update
};

}  // namespace pitot::sinks::influxdb
