// Reads one UDP or Unix datagram socket on the thread of its shard.
//
// Whenever there is something, it reads up to datagrams_per_read_max datagrams with one
// system call, hands each to Intake, and goes on until the queue is empty or it has read often
// enough for one look (reads_per_wake_up_max). Under a steady load it looks by the clock instead
// of being woken for each datagram (read_pace.h). It counts what it read, what was cut off, and
// what the kernel dropped before.
//
// It parses nothing and allocates nothing after construction. A datagram that was cut is
// not lost as a whole: its complete lines are taken and its last, incomplete one is
// refused.
#pragma once

#include <cstdint>
#include <string_view>

#include "agent/clock.h"
#include "agent/net/descriptor.h"
#include "agent/net/intake.h"
#include "agent/net/kernel_drops.h"
#include "agent/net/listener_counters.h"
#include "agent/net/open_socket.h"
#include "agent/net/read_pace.h"
#include "agent/net/receive_ring.h"

namespace pitot::agent {

// Reads of a drain where the kernel does not let us close the door first. The queue is
// finite and much shorter than this; only senders as fast as we are can reach it.
inline constexpr int reads_per_drain_max = 65'536;

class DatagramReader {
public:
    // `ring`, `intake`, `counters`, `clock` must outlive the reader; `counters` may be shared
    // by readers of one thread.
    DatagramReader(boost::asio::io_context& io, OpenSocket socket, ReceiveRing& ring,
                   Intake& intake, ListenerCounters& counters, const Clock& clock);

    void start() { wait(); }

    // Adds the kernel drops up to now to the counters. A system call.
    void count_kernel_drops() noexcept;

    // Lets nothing more in, reads all that is queued, and closes. A socket that was handed
    // to us is left open to senders, because its queue belongs to whoever gets it next.
    void drain();

private:
    bool watch();
    void wait();
    void read();
    void go_on(bool is_empty);
    void look_after(std::chrono::nanoseconds time);
    bool is_open() const noexcept { return descriptor_.is_open() || unwatched_.is_open(); }
    int fd() noexcept {
        return descriptor_.is_open() ? descriptor_.native_handle() : unwatched_.get();
    }
    // One recvmmsg(). Returns how many datagrams it brought; 0 also when it failed.
    std::size_t read_once();
    void deliver(const ReceivedDatagram& datagram);
    void count_kernel_drops(int fd) noexcept;

    // The socket is in one of these two. The event loop is woken by whatever it watches,
    // also while nobody waits for it, so between pauses it does not watch.
    Descriptor descriptor_;
    FileDescriptor unwatched_;
    std::int64_t watch_again_ns_ = 0;  // after an attempt that failed
    Timer pause_;
    const Clock& clock_;
    ReadPace pace_;
    std::size_t look_datagrams_ = 0;  // of the present look
    std::size_t look_bytes_ = 0;
    OpenSocket socket_;  // without its descriptor: see above
    std::string_view transport_;
    ReceiveRing& ring_;
    Intake& intake_;
    ListenerCounters& counters_;
    KernelDrops drops_;
    bool failed_ = false;  // the last read did, with something that may stay
};

}  // namespace pitot::agent
