// Cuts what a socket delivers into lines.
//
//     LineSplitter   a datagram, or a chunk of a stream, into its lines
//     StreamFramer   the bytes of a TCP or Unix stream connection into chunks of whole lines
//
// The listeners (agent/net) hold one StreamFramer for each connection; `pitot explain` runs a
// LineSplitter over every datagram and chunk. The shard cuts as LineSplitter does, with the
// QuickReader. Neither looks into a line: what it says is parser.h's, and what arrived cut
// short in a datagram is known to the socket alone.
//
// Sources: DogStatsD over Unix streams (a 4-byte little-endian length before each packet);
// StatsD over TCP (lines that end in a line feed).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "protocol/limits.h"
#include "protocol/reject.h"

namespace pitot::protocol {

// The lines of a text: split at LF, one CR before it (or before the end) dropped, blank
// lines left out. A last line without LF counts. Views point into the text.
//
//     LineSplitter lines(datagram);
//     for (std::string_view line; lines.next(line);) …
class LineSplitter {
public:
    explicit LineSplitter(std::string_view text) noexcept : rest_(text) {}

    // False when there is no further line.
    [[nodiscard]] bool next(std::string_view& line) noexcept;

private:
    std::string_view rest_;
};

// What a StreamFramer hands on: whole lines for a LineSplitter, or the part that was
// refused. Each chunk with a reason stands for exactly one refused line or frame.
struct StreamChunk {
    // With Reject::none whole lines; otherwise the beginning of what was refused, as much
    // as there is of it, to show to an operator.
    std::string_view bytes;
    // too_long: a line that does not fit the buffer, or a frame that is longer than it.
    // truncated: the stream ended inside a frame; its whole lines came as a chunk before.
    Reject refused = Reject::none;
};

// Which framing a connection may use. DogStatsD's length prefix is known on Unix streams
// only; on TCP bytes that look like one are a peer that lost its way.
enum class StreamFraming : std::uint8_t { newline, newline_or_length };

// One connection's reassembly, without the socket: bytes go in where writable() says,
// chunks come out of next().
//
//     const std::size_t n = read(fd, framer.writable());
//     if (n == 0) framer.finish(); else framer.commit(n);
//     for (StreamChunk chunk; framer.next(chunk);) …
//
// With newline_or_length the fourth byte decides: of the length of any packet under 16 MiB
// it is zero, and StatsD text has no zero there. What was decided holds until reset().
//
// A line or frame that does not fit is refused once and skipped up to its end; the stream
// goes on behind it. Each byte is looked at once and moved twice at most, and nothing is
// allocated after construction. Not thread-safe: it belongs to its connection's shard.
class StreamFramer {
public:
    // buffer_bytes bounds the longest line with its LF, and the longest frame without its
    // prefix. At least stream_buffer_bytes_min.
    explicit StreamFramer(StreamFraming framing,
                          std::size_t buffer_bytes = stream_buffer_bytes_default);

    // Room for the next bytes, never empty. Call it after next() returned false; it ends
    // the life of the chunks handed out so far.
    [[nodiscard]] std::span<char> writable() noexcept;

    // The first `bytes` bytes of writable() are filled.
    void commit(std::size_t bytes) noexcept;

    // No bytes will follow: next() hands out the last line even without its LF. After it
    // only next() and reset() are left.
    void finish() noexcept { finished_ = true; }

    // The next chunk, never empty but for a frame refused before its first byte came.
    // False when more bytes are needed. A chunk lives until writable() or reset().
    [[nodiscard]] bool next(StreamChunk& out) noexcept;

    // As constructed, for the next connection. The buffer stays.
    void reset() noexcept;

    // Bytes held that make no whole line yet; an idle connection with some is half a line.
    std::size_t pending_bytes() const noexcept { return end_ - begin_; }

private:
    enum class Mode : std::uint8_t { undecided, lines, frames };

    void decide() noexcept;
    bool next_lines(StreamChunk& out) noexcept;
    bool next_frame(StreamChunk& out) noexcept;
    bool cut_frame(StreamChunk& out) noexcept;
    std::string_view held() const noexcept { return {&buffer_[begin_], end_ - begin_}; }
    std::string_view take(std::size_t bytes) noexcept;

    std::unique_ptr<char[]> buffer_;
    std::size_t capacity_ = 0;
    std::size_t begin_ = 0;        // first byte not handed out
    std::size_t end_ = 0;          // behind the last byte received
    std::size_t searched_ = 0;     // lines: no LF in [begin_, searched_)
    std::size_t frame_bytes_ = 0;  // frames: length of the frame begun; 0: a prefix is next
    std::size_t skip_bytes_ = 0;   // frames: still to come of a frame that was refused
    StreamFraming framing_;
    Mode mode_ = Mode::undecided;
    bool skip_line_ = false;  // lines: inside a line that was refused
    bool finished_ = false;
};

}  // namespace pitot::protocol
