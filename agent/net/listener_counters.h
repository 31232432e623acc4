// What the sockets of one listener on one shard have seen since the start.
//
// Plain numbers, written by the thread of the shard. ShardSockets::counters() brings them
// up to date; the shard copies them out with each page it turns. All but
// connections_open only grow.
//
//     datagrams that reached the host = datagrams + kernel_drops
#pragma once

#include <cstdint>

namespace pitot::agent {

struct ListenerCounters {
    std::uint64_t datagrams = 0;            // read, empty and truncated ones included
    std::uint64_t bytes = 0;                // read, of datagrams and of streams
    std::uint64_t reads = 0;                // calls that brought something: recvmmsg(), recv()
    std::uint64_t kernel_drops = 0;         // UDP: the buffer was full, or a bad checksum
    std::uint64_t truncated_datagrams = 0;  // longer than 65,536 bytes: Unix sockets only
    std::uint64_t receive_errors = 0;       // of reading: everything but "nothing there"

    std::uint64_t connections_accepted = 0;          // served, now or before
    std::uint64_t connections_refused_over_cap = 0;  // closed at once
    std::uint64_t connections_closed_idle = 0;
    std::uint64_t connections_open = 0;  // a level, not a sum
    std::uint64_t accept_errors = 0;     // too many open files, mostly; accepting pauses
    std::uint64_t lines_refused = 0;     // told to Intake::refuse(), which counts the reasons

    // The errno of the newest of receive_errors and accept_errors; 0 when there was none.
    // flush/intake_report tells of it, rarely, so that no error can fill a disk.
    int last_error = 0;

    // Sums up what the shards have; last_error is any of theirs.
    ListenerCounters& operator+=(const ListenerCounters& other) noexcept;
};

}  // namespace pitot::agent
