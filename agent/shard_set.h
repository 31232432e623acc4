// All shards, and the only door to each of them.
//
// Every member is called by one thread: the one that starts the set, then the flush
// thread, then the one that stops it (App hands it on). What it asks of a shard it posts
// to the shard's event loop, and waits for the answer; the waiting is what makes the pages
// of the answer safe to read.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "agent/aggregate/handover.h"
#include "agent/clock.h"
#include "agent/net/listener_counters.h"
#include "agent/net/shard_sockets.h"
#include "agent/service/liveness.h"
#include "agent/shard.h"

namespace pitot::agent {

class ShardSet {
public:
    // One shard for each element of `sockets`, which are open. `clock` outlives the set.
    ShardSet(const TableSettings& settings, std::span<const protocol::Reading> readings,
             const Clock& clock, std::vector<ShardSockets> sockets);
    ~ShardSet();  // stop() must have run if start() did
    ShardSet(const ShardSet&) = delete;
    ShardSet& operator=(const ShardSet&) = delete;

    std::size_t size() const noexcept { return shards_.size(); }

    // One thread for each shard. From here on lines are counted.
    void start();

    // What the shards say at a turn.
    struct Turn {
        std::vector<ShardPage> pages;             // by shard; page null: no answer in time
        std::vector<ListenerCounters> listeners;  // since the start, summed over shards
        std::size_t series_rows = 0;              // rows in use, all shards
        std::size_t table_bytes = 0;
        std::size_t value_bytes = 0;    // of the intervals handed over
        std::int64_t stall_ns_max = 0;  // for which the turn kept a shard from its sockets
        std::size_t silent_shards = 0;  // without an answer
        // Whose answer is one to an earlier turn: what came since is in its open page.
        std::size_t belated_shards = 0;
    };
    // Turns the page of every shard. The pages are the caller's until the next turn, and
    // must be reset before it. A shard that does not answer by the deadline keeps counting;
    // its page comes with a later turn, and nothing of it is lost. Such a shard is not asked
    // again before it has answered: the last turn of all must be repeated while one is
    // belated.
    Turn turn(std::int64_t deadline_steady_ns);

    void retire(std::size_t shard, Retirements retirements);

    // Reads what the sockets hold, then closes them. No line is counted afterwards.
    // False when a shard did not finish by the deadline.
    bool drain(std::int64_t deadline_steady_ns);

    // Ends the loops and joins the threads. Pages handed out stay readable.
    void stop();

    // For the watchdog, from any thread, between start() and stop().
    std::vector<WatchedLoop> watched();

private:
    struct Seat;

    template <typename Done>
    bool wait_for_all(std::int64_t deadline_steady_ns, Done done);

    const Clock& clock_;
    std::vector<std::unique_ptr<Seat>> shards_;
    bool running_ = false;
};

}  // namespace pitot::agent
