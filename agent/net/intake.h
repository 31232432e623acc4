// Where the readers of sockets put what they read. Shard implements it; ShardSockets
// (agent/net/shard_sockets.h) calls it, on the thread of the shard and on no other.
//
// What one read brought comes as
//
//     begin_batch()  ( take() | refuse() )*  end_batch()
//
// so that a shard reads its clock once for many datagrams, and looks up many lines together:
// what is passed to it stays where it is until end_batch(). A batch may be empty (of datagrams
// without a byte); it is never nested, and bounded by the room there is for a read.
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
    // index of the listener in Config::listeners. `lines` is never empty. It lives until
    // end_batch(), and so does what `peer` points to.
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
