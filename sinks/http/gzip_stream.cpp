#include "sinks/http/gzip_stream.h"

// Makes zlib take its input as const.
#define ZLIB_CONST
#include <zlib.h>

#include <cassert>
#include <limits>

namespace pitot::sinks::http {
namespace {

// 15 bits of window; 16 more ask zlib for a gzip header instead of its own.
constexpr int window_bits = 15 + 16;
constexpr int memory_level = 8;

}  // namespace

struct GzipStream::State {
    z_stream stream{};
    bool is_open = false;

    State()
        : is_open(deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, window_bits, memory_level,
                               Z_DEFAULT_STRATEGY) == Z_OK) {}
    ~State() {
        if (is_open) deflateEnd(&stream);
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;
};

GzipStream::GzipStream() : state_(std::make_unique<State>()) {
    if (!state_->is_open) state_.reset();
}

GzipStream::~GzipStream() = default;

void GzipStream::feed(std::string_view piece, bool is_last) {
    assert(piece.size() <= std::numeric_limits<uInt>::max());
    assert(state_->stream.avail_in == 0);
    state_->stream.next_in = reinterpret_cast<const Bytef*>(piece.data());
    state_->stream.avail_in = static_cast<uInt>(piece.size());
    is_last_ = is_last;
}

std::size_t GzipStream::fill(std::span<char> room) {
    z_stream& stream = state_->stream;
    stream.next_out = reinterpret_cast<Bytef*>(room.data());
    stream.avail_out = static_cast<uInt>(room.size());
    // Without room or input zlib says Z_BUF_ERROR, which is no error here.
    static_cast<void>(deflate(&stream, is_last_ ? Z_FINISH : Z_NO_FLUSH));
    return room.size() - stream.avail_out;
}

}  // namespace pitot::sinks::http
