#include "sinks/http/gzip.h"

// Makes zlib take its input as const.
#define ZLIB_CONST
#include <zlib.h>

#include <algorithm>
#include <limits>

namespace pitot::sinks::http {
namespace {

// 15 bits of window; 16 more ask zlib for a gzip header instead of its own.
constexpr int window_bits = 15 + 16;
constexpr int memory_level = 8;

// Closes the stream on every way out.
struct Deflater {
    z_stream stream{};
    bool is_open;

    Deflater()
        : is_open(deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, window_bits, memory_level,
                               Z_DEFAULT_STRATEGY) == Z_OK) {}
    ~Deflater() {
        if (is_open) deflateEnd(&stream);
    }
    Deflater(const Deflater&) = delete;
    Deflater& operator=(const Deflater&) = delete;
};

}  // namespace

std::optional<std::string> gzip(std::string_view body) {
    Deflater deflater;
    if (!deflater.is_open) return {};
    z_stream& stream = deflater.stream;
    std::string out(deflateBound(&stream, static_cast<uLong>(body.size())), '\0');
    // zlib counts in 32 bits: feed it in pieces that fit.
    constexpr std::size_t piece_max = std::numeric_limits<uInt>::max();
    std::size_t read = 0;
    std::size_t written = 0;
    int result = Z_OK;
    while (result == Z_OK) {
        const std::size_t piece = std::min(body.size() - read, piece_max);
        const std::size_t room = std::min(out.size() - written, piece_max);
        stream.next_in = reinterpret_cast<const Bytef*>(body.data() + read);
        stream.avail_in = static_cast<uInt>(piece);
        stream.next_out = reinterpret_cast<Bytef*>(out.data() + written);
        stream.avail_out = static_cast<uInt>(room);
        result = deflate(&stream, read + piece == body.size() ? Z_FINISH : Z_NO_FLUSH);
        read += piece - stream.avail_in;
        written += room - stream.avail_out;
    }
    if (result != Z_STREAM_END) return {};
    out.resize(written);
    return out;
}

}  // namespace pitot::sinks::http
