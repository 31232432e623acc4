// One core's share of the work: its sockets, its parsers, its table of series.
//
// Threads
// -------
// A Shard belongs to the thread that runs its event loop, and only that thread touches it.
// There are no locks in here and there must never be any: who wants something of a shard
// asks ShardSet, which posts the question to the loop and brings back the answer. All
// members are private, and ShardSet is the only friend. Debug builds abort when another
// thread begins a batch, asks for a page, or lets it forget or drain.
//
// Flushing
// --------
// To be flushed costs a shard the exchange of two page indices (SeriesTable::turn), however
// many series there are; besides, a few instructions for each series just forgotten, and a
// system call for each UDP socket, which asks for its drops. Forgetting silent series is done
// in small steps between two looks at the sockets.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <thread>
#include <vector>

#include "agent/aggregate/handover.h"
#include "agent/aggregate/line_intake.h"
#include "agent/clock.h"
#include "agent/net/intake.h"
#include "agent/net/listener_counters.h"
#include "agent/net/shard_sockets.h"

namespace pitot::agent {

class ShardSet;

class Shard final : public Intake {
public:
    // `clock` outlives the shard. `sockets` are open; nothing is read before the shard runs.
    Shard(const TableSettings& settings, std::span<const protocol::Reading> readings,
          const Clock& clock, ShardSockets sockets);
    ~Shard();
    Shard(const Shard&) = delete;
    Shard& operator=(const Shard&) = delete;

private:
    friend class ShardSet;
    struct Loop;  // the io_context, out of this header

    // What the flush gets at a turn.
    struct Answer {
        SeriesTable::Closed closed;
        RowStore* rows = nullptr;                 // for the cells of the rows that the page lists
        std::vector<ListenerCounters> listeners;  // since the start, by listener
        std::size_t series = 0;
        std::size_t table_bytes = 0;
        std::size_t value_bytes = 0;
        std::int64_t stall_ns = 0;  // for which the turn kept the shard from its sockets
    };

    void run();  // until the loop is stopped; the calling thread becomes the owner
    Answer turn();
    void retire(const Retirements& retirements);
    void begin_retiring();
    void retire_step();
    void drain();

    void begin_batch() override;
    void take(std::uint16_t listener, std::string_view lines, const Peer& peer) override;
    void refuse(std::uint16_t listener, protocol::Reject reason, std::string_view beginning,
                const Peer& peer) override;
    void end_batch() override;

    void assert_owner() const;

    const Clock& clock_;
    std::unique_ptr<Loop> loop_;
    std::thread::id owner_;  // set by run(), before the first event

    LineIntake intake_;
    ShardSockets sockets_;
    std::int64_t batch_now_ns_ = 0;
    bool retiring_ = false;
};

}  // namespace pitot::agent
