// Where the readers of sockets put what they read. Shard implements it; ShardSockets
// (agent/net/shard_sockets.h) calls it, on the thread of the shard and on no other.
//
// The calls of one wake-up come as
//
//     begin_batch()  ( take() | refuse() )*  end_batch()
//
// so that a shard reads its clock once for many datagrams. A batch is never empty, never
// nested, and bounded (reads_per_wake_up_max in descriptor.h), so that timers and commands
// of the same thread get their turn under any load; only the batches of
// ShardSockets::drain() are as long as the queues.
#pragma once

#include <cstdint>
#include <string_view>

#include "agent/net/peer.h"
#include "protocol/reject.h"

namespace pitot::agent {

class Intake {
public:
    virtual void begin_batch() = 0;

    // Whole lines with LF between them; the last one may have one too, and any may end in
    // CR. One datagram, or the complete lines of one piece of a stream. `listener` is the
    // index of the listener in Config::listeners. `lines` is never empty, and like `peer`
    // it is gone after the call.
    virtual void take(std::uint16_t listener, std::string_view lines, const Peer& peer) = 0;

    // One line, or one frame of a stream, that cannot be had whole: longer than the buffer
    // (too_long), or cut off with the end of its datagram or connection (truncated).
    // `beginning` is what there is of it, for an operator to see; it may be empty.
    virtual void refuse(std::uint16_t listener, protocol::Reject reason, std::string_view beginning,
                        const Peer& peer) = 0;

    virtual void end_batch() = 0;

protected:
    ~Intake() = default;  // nobody owns a shard through this
};

}  // namespace pitot::agent
