// Batches of lines as UDP datagrams, for the UDP listeners of InfluxDB 1 and VictoriaMetrics.
//
// A datagram holds whole lines, because one bad or halved line costs all others of it. There
// is no acknowledgement: delivered means that the kernel took the datagrams and that no word
// came back that nobody listens there. That word (an ICMP message) can come late: what was
// sent in between is lost without anybody knowing.
//
//   nobody listens, no route               the whole batch to the host's next address; after
//                                          the last one retry: it overwrites itself
//   no address                             retry
//   the kernel has no room                 tried again each millisecond, until the deadline
//   longer than the network takes          split, down to single lines
//
// The name is looked up for each new socket (net/look_up.h), and a socket is new after any trouble
// and after a minute, so that a destination which moves is found; the address that worked last is
// tried first. Nothing here waits on the io thread;
// bursts are bounded so that a receiver of ordinary buffers can follow.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "sinks/context.h"
#include "sinks/sink.h"

namespace pitot::sinks::influxdb {

// The most that a datagram of IPv4 or IPv6 can carry, and the least that one always can.
inline constexpr std::size_t datagram_bytes_most = 65'000;
inline constexpr std::size_t datagram_bytes_least = 508;

// 32 datagrams of 1,400 bytes are a fifth of Linux's default receive buffer.
inline constexpr std::size_t burst_datagrams_max = 32;
inline constexpr std::chrono::nanoseconds burst_pause = std::chrono::milliseconds(1);

inline constexpr std::chrono::nanoseconds socket_age_max = std::chrono::minutes(1);

struct UdpSettings {
    std::string name;  // of the sink, for the log
    std::string host;  // a name or an address, without brackets
    std::uint16_t port = 0;
    std::size_t datagram_bytes_max = 1'400;
};

// `context` outlives the transport. No item of a batch is longer than datagram_bytes_max.
std::unique_ptr<Transport> make_udp_transport(UdpSettings settings, const Context& context);

}  // namespace pitot::sinks::influxdb
