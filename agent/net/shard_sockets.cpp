#include "agent/net/shard_sockets.h"

#include <cassert>
#include <list>
#include <utility>

#include "agent/net/datagram_reader.h"
#include "agent/net/open_socket.h"
#include "agent/net/receive_ring.h"
#include "agent/net/stream_listener.h"

namespace pitot::agent {

// The event loop refers to readers, so they stay where they are.
struct ShardSockets::Readers {
    std::unique_ptr<ReceiveRing> ring;  // if there is a datagram socket
    std::list<DatagramReader> datagrams;
    std::list<StreamListener> streams;
};

ShardSockets::ShardSockets(std::vector<OpenSocket> sockets, std::size_t listeners)
    : sockets_(std::move(sockets)), counters_(listeners) {}

ShardSockets::~ShardSockets() = default;
ShardSockets::ShardSockets(ShardSockets&&) noexcept = default;
ShardSockets& ShardSockets::operator=(ShardSockets&&) noexcept = default;

void ShardSockets::start(boost::asio::io_context& io, Intake& intake, const Clock& clock) {
    assert(!readers_ && "started once");
    readers_ = std::make_unique<Readers>();
    for (OpenSocket& socket : std::exchange(sockets_, {})) {
        ListenerCounters& counters = counters_[socket.listener];
        if (is_stream(socket.type)) {
            readers_->streams.emplace_back(io, std::move(socket), intake, clock, counters).start();
            continue;
        }
        if (!readers_->ring) readers_->ring = std::make_unique<ReceiveRing>();
        readers_->datagrams
            .emplace_back(io, std::move(socket), *readers_->ring, intake, counters, clock)
            .start();
    }
}

void ShardSockets::drain() {
    if (!readers_) return;
    // Streams first: their clients can be told to stop, those of UDP only be left unheard.
    for (StreamListener& listener : readers_->streams) listener.drain();
    for (DatagramReader& reader : readers_->datagrams) reader.drain();
}

std::span<const ListenerCounters> ShardSockets::counters() {
    if (readers_) {
        for (DatagramReader& reader : readers_->datagrams) reader.count_kernel_drops();
    }
    return counters_;
}

}  // namespace pitot::agent
