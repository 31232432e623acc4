#include "sinks/http/gunzip.h"

// Makes zlib take its input as const.
#define ZLIB_CONST
#include <zlib.h>

#include <array>
#include <limits>

namespace pitot::sinks::http {
namespace {

// 15 bits of window; 16 more ask zlib for a gzip header instead of its own.
constexpr int window_bits = 15 + 16;

// Closes the stream on every way out.
struct Inflater {
    z_stream stream{};
    bool is_open;

    Inflater() : is_open(inflateInit2(&stream, window_bits) == Z_OK) {}
    ~Inflater() {
        if (is_open) inflateEnd(&stream);
    }
    Inflater(const Inflater&) = delete;
    Inflater& operator=(const Inflater&) = delete;
};

}  // namespace

std::optional<std::string> gunzip(std::string_view compressed, std::size_t bytes_max) {
    Inflater inflater;
    if (!inflater.is_open || compressed.size() > std::numeric_limits<uInt>::max()) return {};
    z_stream& stream = inflater.stream;
    stream.next_in = reinterpret_cast<const Bytef*>(compressed.data());
    stream.avail_in = static_cast<uInt>(compressed.size());
    std::string out;
    std::array<char, 16384> piece{};
    while (true) {
        stream.next_out = reinterpret_cast<Bytef*>(piece.data());
        stream.avail_out = static_cast<uInt>(piece.size());
        const int result = inflate(&stream, Z_NO_FLUSH);
        const std::size_t got = piece.size() - stream.avail_out;
        if ((result != Z_OK && result != Z_STREAM_END) || got > bytes_max - out.size()) return {};
        out.append(piece.data(), got);
        if (result == Z_STREAM_END) break;
    }
    if (stream.avail_in > 0) return {};
    return out;
}

}  // namespace pitot::sinks::http
