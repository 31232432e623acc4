// All sockets of one shard: what the opener (open_listeners.h) hands to a shard, and what
// the shard needs to know of agent/net.
//
//     before the threads          ShardSockets sockets = std::move(open->shards[id]);
//     on the shard's thread       sockets.start(io, intake, clock);
//       each time a page turns    copy(sockets.counters());
//       at the end                sockets.drain();    // the last take() is in here
//     after io.run() returned     the destructor, before that of the io_context
//
// Sockets that were opened and never started queue what arrives, and lose it when they are
// closed.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "agent/net/listener_counters.h"

namespace boost::asio {
class io_context;  // NOLINT(readability-identifier-naming)
}

namespace pitot::agent {

class Clock;
class Intake;
struct OpenSocket;

class ShardSockets {
public:
    // `listeners` is the number of entries in Config::listeners.
    ShardSockets(std::vector<OpenSocket> sockets, std::size_t listeners);
    ~ShardSockets();
    ShardSockets(const ShardSockets&) = delete;
    ShardSockets& operator=(const ShardSockets&) = delete;
    ShardSockets(ShardSockets&&) noexcept;
    ShardSockets& operator=(ShardSockets&&) noexcept;

    // Begins to read; from here on the object stays where it is used, on the thread that
    // runs `io`. All three must outlive it, and `io` must not run after it is gone. Throws
    // std::bad_alloc or boost::system::system_error where the system has neither memory
    // nor watches left.
    void start(boost::asio::io_context& io, Intake& intake, const Clock& clock);

    // Stops: lets nothing more in, gives Intake all that the kernel has queued, closes all
    // sockets and removes their files. Bounded, however fast senders are. No Intake call
    // comes after it. A second call does nothing.
    void drain();

    // By listener, in the order of Config::listeners, brought up to date with a system
    // call per UDP socket. Valid until the next call; also after drain().
    std::span<const ListenerCounters> counters();

private:
    struct Readers;

    std::vector<OpenSocket> sockets_;  // until start()
    std::vector<ListenerCounters> counters_;
    std::unique_ptr<Readers> readers_;
};

}  // namespace pitot::agent
