#include "agent/shard_set.h"

#include <pthread.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cassert>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "agent/shard_loop.h"

namespace pitot::agent {

// A shard with its thread, and what is under way between it and the flush.
struct ShardSet::Seat {
    Seat(const TableSettings& settings, std::span<const protocol::Reading> readings,
         const Clock& clock, ShardSockets sockets)
        : shard(settings, readings, clock, std::move(sockets)) {}

    Shard shard;
    std::thread thread;
    bool asked = false;                       // a turn is under way; used by the asking thread only
    bool belated = false;                     // asked by an earlier turn; likewise
    std::vector<ListenerCounters> listeners;  // of the last answer, likewise
    std::size_t series = 0;
    std::size_t table_bytes = 0;
    std::size_t value_bytes = 0;

    std::mutex mutex;
    std::condition_variable changed;
    std::optional<Shard::Answer> answer;  // guarded by mutex
    bool drained = false;                 // guarded by mutex

    Pulse pulse;
};

ShardSet::ShardSet(const TableSettings& settings, std::span<const protocol::Reading> readings,
                   const Clock& clock, std::vector<ShardSockets> sockets)
    : clock_(clock) {
    for (ShardSockets& of_shard : sockets) {
        shards_.push_back(std::make_unique<Seat>(settings, readings, clock, std::move(of_shard)));
    }
}

ShardSet::~ShardSet() {
    assert(!running_);
}

void ShardSet::start() {
    running_ = true;
    for (std::size_t i = 0; i < shards_.size(); ++i) {
        Seat& seat = *shards_[i];
        seat.thread = std::thread([&seat] { seat.shard.run(); });
        const std::string name = "pitot-shard-" + std::to_string(i);
        // For top and perf; a failure only costs the name.
        static_cast<void>(pthread_setname_np(seat.thread.native_handle(), name.c_str()));
    }
}

template <typename Done>
bool ShardSet::wait_for_all(std::int64_t deadline_steady_ns, Done done) {
    bool all = true;
    for (const std::unique_ptr<Seat>& seat : shards_) {
        const std::int64_t left_ns =
            std::max<std::int64_t>(0, deadline_steady_ns - clock_.steady_ns());
        std::unique_lock lock(seat->mutex);
        all &= seat->changed.wait_for(lock, std::chrono::nanoseconds(left_ns),
                                      [&] { return done(*seat); });
    }
    return all;
}

ShardSet::Turn ShardSet::turn(std::int64_t deadline_steady_ns) {
    for (const std::unique_ptr<Seat>& owned : shards_) {
        Seat& seat = *owned;
        seat.belated = std::exchange(seat.asked, true);
        if (seat.belated) continue;
        boost::asio::post(seat.shard.loop_->io, [&seat] {
            Shard::Answer answer = seat.shard.turn();
            const std::scoped_lock lock(seat.mutex);
            seat.answer = std::move(answer);
            seat.changed.notify_one();
        });
    }
    wait_for_all(deadline_steady_ns, [](const Seat& seat) { return seat.answer.has_value(); });

    Turn result;
    for (const std::unique_ptr<Seat>& seat : shards_) {
        std::optional<Shard::Answer> answer;
        {
            const std::scoped_lock lock(seat->mutex);
            answer = std::exchange(seat->answer, std::nullopt);
        }
        ShardPage page;
        if (answer) {
            page = {.rows = answer->rows, .closed = answer->closed};
            seat->asked = false;
            result.belated_shards += seat->belated ? 1U : 0U;
            seat->listeners = std::move(answer->listeners);
            seat->series = answer->series;
            seat->table_bytes = answer->table_bytes;
            seat->value_bytes = answer->value_bytes;
            result.stall_ns_max = std::max(result.stall_ns_max, answer->stall_ns);
        } else {
            ++result.silent_shards;
        }
        result.pages.push_back(page);
        result.series_rows += seat->series;
        result.table_bytes += seat->table_bytes;
        result.value_bytes += seat->value_bytes;
        result.listeners.resize(std::max(result.listeners.size(), seat->listeners.size()));
        for (std::size_t i = 0; i < seat->listeners.size(); ++i) {
            result.listeners[i] += seat->listeners[i];
        }
    }
    return result;
}

void ShardSet::retire(std::size_t shard, Retirements retirements) {
    if (retirements.rows.empty()) return;
    Seat& seat = *shards_[shard];
    boost::asio::post(seat.shard.loop_->io,
                      [&seat, rows = std::move(retirements)] { seat.shard.retire(rows); });
}

bool ShardSet::drain(std::int64_t deadline_steady_ns) {
    for (const std::unique_ptr<Seat>& owned : shards_) {
        Seat& seat = *owned;
        boost::asio::post(seat.shard.loop_->io, [&seat] {
            seat.shard.drain();
            const std::scoped_lock lock(seat.mutex);
            seat.drained = true;
            seat.changed.notify_one();
        });
    }
    return wait_for_all(deadline_steady_ns, [](const Seat& seat) { return seat.drained; });
}

void ShardSet::stop() {
    if (!std::exchange(running_, false)) return;
    for (const std::unique_ptr<Seat>& seat : shards_) seat->shard.loop_->io.stop();
    for (const std::unique_ptr<Seat>& seat : shards_) seat->thread.join();
}

std::vector<WatchedLoop> ShardSet::watched() {
    std::vector<WatchedLoop> loops;
    for (std::size_t i = 0; i < shards_.size(); ++i) {
        Seat& seat = *shards_[i];
        loops.push_back({"shard " + std::to_string(i), &seat.pulse, [&seat](std::int64_t now_ns) {
                             if (!seat.pulse.ask(now_ns)) return;
                             boost::asio::post(seat.shard.loop_->io,
                                               [&seat] { seat.pulse.answer(); });
                         }});
    }
    return loops;
}

}  // namespace pitot::agent
