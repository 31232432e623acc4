#include "agent/shard.h"

#include <boost/asio/post.hpp>
#include <cassert>
#include <utility>

#include "agent/shard_loop.h"

namespace pitot::agent {
namespace {

// Rows forgotten between two looks at the sockets: some microseconds.
constexpr std::size_t rows_per_retire_step = 64;

}  // namespace

Shard::Shard(const TableSettings& settings, std::span<const protocol::Reading> readings,
             const Clock& clock, ShardSockets sockets)
    : clock_(clock),
      loop_(std::make_unique<Loop>()),
      intake_(settings, readings),
      sockets_(std::move(sockets)) {}

Shard::~Shard() = default;

void Shard::assert_owner() const {
    assert(std::this_thread::get_id() == owner_);
}

void Shard::run() {
    owner_ = std::this_thread::get_id();
    sockets_.start(loop_->io, *this, clock_);
    loop_->io.run();
}

Shard::Answer Shard::turn() {
    assert_owner();
    const std::int64_t started_ns = clock_.steady_ns();
    const std::span<const ListenerCounters> counters = sockets_.counters();
    const std::size_t value_bytes = intake_.table().open_page().bytes();
    Answer answer{.closed = intake_.table().turn(),
                  .rows = &intake_.table().rows(),
                  .listeners = {counters.begin(), counters.end()},
                  .series = intake_.table().series(),
                  .table_bytes = intake_.table().bytes(),
                  .value_bytes = value_bytes};
    answer.stall_ns = clock_.steady_ns() - started_ns;
    begin_retiring();
    return answer;
}

void Shard::retire(const Retirements& retirements) {
    assert_owner();
    intake_.table().request_retirement(retirements.rows, retirements.turn);
    begin_retiring();
}

void Shard::begin_retiring() {
    if (!intake_.table().is_retiring() || std::exchange(retiring_, true)) return;
    boost::asio::post(loop_->io, [this] { retire_step(); });
}

void Shard::retire_step() {
    assert_owner();
    if (!intake_.table().retire_some(rows_per_retire_step)) {
        retiring_ = false;
        return;
    }
    boost::asio::post(loop_->io, [this] { retire_step(); });
}

void Shard::drain() {
    assert_owner();
    sockets_.drain();
}

void Shard::begin_batch() {
    assert_owner();
    batch_now_ns_ = clock_.steady_ns();
}

void Shard::take(std::uint16_t listener, std::string_view lines, const Peer& peer) {
    intake_.take(listener, lines, peer, batch_now_ns_);
}

void Shard::end_batch() {
    intake_.settle();
}

void Shard::refuse(std::uint16_t /*listener*/, protocol::Reject reason, std::string_view beginning,
                   const Peer& peer) {
    intake_.refuse(reason, beginning, peer);
}

}  // namespace pitot::agent
