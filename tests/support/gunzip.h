// Undoes gzip, whole, for tests that look at what came over a connection.
#pragma once

#include <doctest/doctest.h>
#include <zlib.h>

#include <array>
#include <string>
#include <string_view>

namespace pitot::tests {

// One gzip member and nothing behind it; anything else fails the test.
inline std::string gunzip(std::string_view compressed) {
    std::string copy(compressed);  // zlib's input is not const
    z_stream stream{};
    REQUIRE(inflateInit2(&stream, 15 + 16) == Z_OK);
    stream.next_in = reinterpret_cast<Bytef*>(copy.data());
    stream.avail_in = static_cast<uInt>(copy.size());
    std::string out;
    std::array<char, 65536> room{};
    int result = Z_OK;
    while (result == Z_OK) {
        stream.next_out = reinterpret_cast<Bytef*>(room.data());
        stream.avail_out = static_cast<uInt>(room.size());
        result = inflate(&stream, Z_NO_FLUSH);
        out.append(room.data(), room.size() - stream.avail_out);
    }
    CHECK(result == Z_STREAM_END);
    CHECK(stream.avail_in == 0);
    inflateEnd(&stream);
    return out;
}

}  // namespace pitot::tests
