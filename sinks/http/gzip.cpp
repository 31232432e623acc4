#include "sinks/http/gzip.h"

// Makes zlib take its input as const.
#define ZLIB_CONST
#include <zlib.h>

#include <algorithm>
#include <array>
#include <utility>

namespace pitot::sinks::http {
namespace {

// 15 bits of window; 16 more ask zlib for a gzip header instead of its own.
constexpr int window_bits = 15 + 16;
constexpr int memory_level = 8;

}  // namespace

struct Gzip::Deflater {
    z_stream stream{};
    bool is_open;
    bool has_failed;

    Deflater()
        : is_open(deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, window_bits, memory_level,
                               Z_DEFAULT_STRATEGY) == Z_OK),
          has_failed(!is_open) {}
    ~Deflater() {
        if (is_open) deflateEnd(&stream);
    }
    Deflater(const Deflater&) = delete;
    Deflater& operator=(const Deflater&) = delete;
};

Gzip::Gzip(std::string_view body) : deflater_(std::make_unique<Deflater>()), rest_(body) {}
Gzip::~Gzip() = default;

bool Gzip::step() {
    if (is_done_ || deflater_->has_failed) return false;
    z_stream& stream = deflater_->stream;
    const std::string_view piece = rest_.substr(0, gzip_step_bytes);
    rest_.remove_prefix(piece.size());
    stream.next_in = reinterpret_cast<const Bytef*>(piece.data());
    stream.avail_in = static_cast<uInt>(piece.size());
    std::array<Bytef, 16'384> room{};
    do {
        stream.next_out = room.data();
        stream.avail_out = static_cast<uInt>(room.size());
        const int result = deflate(&stream, rest_.empty() ? Z_FINISH : Z_NO_FLUSH);
        // Z_BUF_ERROR: all input is taken and there is nothing to put out.
        if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
            deflater_->has_failed = true;
            return false;
        }
        out_.append(reinterpret_cast<const char*>(room.data()), room.size() - stream.avail_out);
        is_done_ = result == Z_STREAM_END;
    } while (stream.avail_out == 0 && !is_done_);
    return !is_done_;
}

std::optional<std::string> Gzip::take() {
    if (!is_done_) return {};
    return std::move(out_);
}

std::optional<std::string> gzip(std::string_view body) {
    Gzip compressor(body);
    while (compressor.step()) {
    }
    return compressor.take();
}

}  // namespace pitot::sinks::http
