// The data path of the agent without threads, sockets or a clock: one shard, one merger,
// and time moved by hand. `once`, `explain` and `check --lines` show with it what the running
// agent does, and `test` acts tests of alert rules out on it (agent/alerts/trial).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "agent/aggregate/line_intake.h"
#include "agent/config/config.h"
#include "agent/flush/made_gauge.h"
#include "agent/flush/merger.h"
#include "protocol/snapshot.h"

namespace pitot::agent {

class Rehearsal {
public:
    // `config` outlives the rehearsal; its listeners are not used.
    Rehearsal(const Config& config, const protocol::Reading& reading,
              std::function<bool(const protocol::Series&)> wants_total, std::int64_t start_unix_ns);

    void take(std::string_view datagram);

    // Ends the interval and begins the next. The Snapshot is good until then.
    const protocol::Snapshot& end_interval();

    // Adds gauges that were made of it (Merger::add()), once at most in an interval.
    const protocol::Snapshot& add(std::span<const MadeGauge> gauges) { return merger_.add(gauges); }

    // Whether the end of the input ends an interval: something came, or nothing ever did.
    bool has_something_left() const { return pending_ || sequence_ == 0; }

private:
    const Config& config_;
    LineIntake intake_;
    Merger merger_;
    std::int64_t start_unix_ns_;
    std::int64_t moment_ = 0;  // stands for the steady clock: later lines are later
    std::uint64_t sequence_ = 0;
    bool pending_ = false;
};

}  // namespace pitot::agent
