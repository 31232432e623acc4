// Any bytes → StreamFramer, in pieces of random size and with a random buffer, against a
// model that sees the whole stream at once: the same lines, the same refusals, in the
// same order.
//
// The first four bytes of an input choose the framing, the buffer and the seed of the
// pieces; the rest is the stream.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/framing.h"
#include "tests/fuzz/fuzz_failure.h"

namespace {

using pitot::protocol::LineSplitter;
using pitot::protocol::Reject;
using pitot::protocol::StreamChunk;
using pitot::protocol::StreamFramer;
using pitot::protocol::StreamFraming;

constexpr std::size_t prefix_bytes = 4;

// A line starts with ' ', so that no line looks like a refusal.
void say_lines(std::string_view text, std::vector<std::string>& said) {
    LineSplitter lines(text);
    for (std::string_view line; lines.next(line);) said.push_back(" " + std::string(line));
}

void say_refused(Reject reason, std::vector<std::string>& said) {
    said.push_back("!" + std::string(to_string(reason)));
}

// A line must leave room for its LF, or at the end for nothing.
void model_of_lines(std::string_view stream, std::size_t buffer_bytes,
                    std::vector<std::string>& said) {
    while (!stream.empty()) {
        const std::string_view line = stream.substr(0, stream.find('\n'));
        if (line.size() >= buffer_bytes) {
            say_refused(Reject::too_long, said);
        } else {
            say_lines(line, said);
        }
        stream.remove_prefix(std::min(stream.size(), line.size() + 1));
    }
}

void model_of_frames(std::string_view stream, std::size_t buffer_bytes,
                     std::vector<std::string>& said) {
    while (!stream.empty()) {
        if (stream.size() < prefix_bytes) return say_refused(Reject::truncated, said);
        std::size_t length = 0;
        for (std::size_t i = 0; i < prefix_bytes; ++i) {
            length |= std::size_t{static_cast<unsigned char>(stream[i])} << (8 * i);
        }
        stream.remove_prefix(prefix_bytes);
        const std::string_view frame = stream.substr(0, length);
        stream.remove_prefix(frame.size());
        if (length > buffer_bytes) {
            say_refused(Reject::too_long, said);
        } else if (frame.size() == length) {
            say_lines(frame, said);
        } else {
            const std::size_t feed = frame.rfind('\n');
            if (feed != std::string_view::npos) say_lines(frame.substr(0, feed), said);
            say_refused(Reject::truncated, said);
        }
    }
}

std::vector<std::string> model(std::string_view stream, StreamFraming framing,
                               std::size_t buffer_bytes) {
    std::vector<std::string> said;
    const bool frames = framing == StreamFraming::newline_or_length &&
                        stream.size() >= prefix_bytes && stream[3] == '\0';
    if (frames) {
        model_of_frames(stream, buffer_bytes, said);
    } else {
        model_of_lines(stream, buffer_bytes, said);
    }
    return said;
}

void drain(StreamFramer& framer, std::vector<std::string>& said) {
    for (StreamChunk chunk; framer.next(chunk);) {
        if (chunk.refused != Reject::none) {
            say_refused(chunk.refused, said);
        } else {
            pitot::tests::require(!chunk.bytes.empty(), "an empty chunk");
            say_lines(chunk.bytes, said);
        }
    }
}

std::vector<std::string> feed(StreamFramer& framer, std::string_view stream,
                              std::uint32_t piece_seed) {
    std::minstd_rand random(piece_seed);
    std::vector<std::string> said;
    while (!stream.empty()) {
        const std::span<char> room = framer.writable();
        pitot::tests::require(!room.empty(), "no room");
        const std::size_t wanted = 1 + random() % (random() % 2 == 0 ? 5 : 100);
        const std::size_t n = std::min({wanted, room.size(), stream.size()});
        std::memcpy(room.data(), stream.data(), n);
        framer.commit(n);
        stream.remove_prefix(n);
        drain(framer, said);
    }
    framer.finish();
    drain(framer, said);
    return said;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < prefix_bytes) return 0;
    const auto framing =
        data[0] % 2 == 0 ? StreamFraming::newline : StreamFraming::newline_or_length;
    const std::size_t buffer_bytes = pitot::protocol::stream_buffer_bytes_min + data[1];
    const std::string_view stream(reinterpret_cast<const char*>(data) + prefix_bytes,
                                  size - prefix_bytes);

    StreamFramer framer(framing, buffer_bytes);
    const std::vector<std::string> expected = model(stream, framing, buffer_bytes);
    pitot::tests::require(feed(framer, stream, data[2]) == expected, "lines of a stream");
    framer.reset();
    pitot::tests::require(feed(framer, stream, data[3]) == expected, "lines after reset");
    return 0;
}
