#include "protocol/framing.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace pitot::protocol {

namespace {

constexpr std::size_t prefix_bytes = 4;

// The length in front of a frame, in the byte order the wire has on every host.
std::size_t little_endian_32(std::string_view bytes) noexcept {
    std::size_t value = 0;
    for (std::size_t i = prefix_bytes; i-- > 0;) {
        value = (value << 8U) | static_cast<unsigned char>(bytes[i]);
    }
    return value;
}

}  // namespace

bool LineSplitter::next(std::string_view& line) noexcept {
    while (!rest_.empty()) {
        const std::size_t feed = rest_.find('\n');
        line = rest_.substr(0, feed);
        rest_.remove_prefix(feed == std::string_view::npos ? rest_.size() : feed + 1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (!line.empty()) return true;
    }
    return false;
}

StreamFramer::StreamFramer(StreamFraming framing, std::size_t buffer_bytes)
    : buffer_(std::make_unique_for_overwrite<char[]>(buffer_bytes)),
      capacity_(buffer_bytes),
      framing_(framing) {
    assert(buffer_bytes >= stream_buffer_bytes_min);
    reset();
}

void StreamFramer::reset() noexcept {
    begin_ = end_ = searched_ = frame_bytes_ = skip_bytes_ = 0;
    mode_ = framing_ == StreamFraming::newline ? Mode::lines : Mode::undecided;
    skip_line_ = finished_ = false;
}

std::span<char> StreamFramer::writable() noexcept {
    // Room is made at the front only when bytes were handed out since the last read, so
    // a line that comes in many pieces is moved once and not once for each piece.
    if (begin_ > 0) {
        std::memmove(buffer_.get(), &buffer_[begin_], end_ - begin_);
        searched_ = searched_ > begin_ ? searched_ - begin_ : 0;
        end_ -= begin_;
        begin_ = 0;
    }
    assert(end_ < capacity_ && "next() was not asked until it returned false");
    return {&buffer_[end_], capacity_ - end_};
}

void StreamFramer::commit(std::size_t bytes) noexcept {
    assert(!finished_ && bytes <= capacity_ - end_);
    end_ += bytes;
}

bool StreamFramer::next(StreamChunk& out) noexcept {
    out = StreamChunk{};
    if (mode_ == Mode::undecided) decide();
    switch (mode_) {
        case Mode::undecided:
            return false;
        case Mode::lines:
            return next_lines(out);
        case Mode::frames:
            return next_frame(out);
    }
    return false;
}

void StreamFramer::decide() noexcept {
    // 1f 00 00 00 p a g e . v i e w s   a frame of 31 bytes
    // p  a  g  e  . v i e w s           lines
    //          ^
    const std::string_view bytes = held();
    if (bytes.size() >= prefix_bytes) {
        mode_ = bytes[3] == '\0' ? Mode::frames : Mode::lines;
    } else if (finished_) {
        mode_ = Mode::lines;
    }
}

// Advances behind the next `bytes` bytes and returns them.
std::string_view StreamFramer::take(std::size_t bytes) noexcept {
    const std::string_view taken = held().substr(0, bytes);
    begin_ += taken.size();
    return taken;
}

bool StreamFramer::next_lines(StreamChunk& out) noexcept {
    if (skip_line_) {
        const std::size_t feed = held().find('\n');
        take(feed == std::string_view::npos ? feed : feed + 1);
        if (feed == std::string_view::npos) return false;
        skip_line_ = false;
    }
    searched_ = std::max(searched_, begin_);
    const std::string_view fresh = held().substr(searched_ - begin_);
    const std::size_t feed = fresh.rfind('\n');
    if (feed != std::string_view::npos) {
        out.bytes = take(searched_ - begin_ + feed + 1);
        searched_ = end_;
        return true;
    }
    searched_ = end_;
    if (pending_bytes() == capacity_) {
        out = {.bytes = take(capacity_), .refused = Reject::too_long};
        skip_line_ = true;
        return true;
    }
    if (finished_ && pending_bytes() > 0) {
        out.bytes = take(pending_bytes());
        return true;
    }
    return false;
}

bool StreamFramer::next_frame(StreamChunk& out) noexcept {
    for (;;) {
        if (skip_bytes_ > 0) {
            skip_bytes_ -= take(skip_bytes_).size();
            if (skip_bytes_ > 0) return false;
        }
        if (frame_bytes_ == 0) {
            if (pending_bytes() < prefix_bytes) return finished_ && cut_frame(out);
            frame_bytes_ = little_endian_32(take(prefix_bytes));
            if (frame_bytes_ == 0) continue;  // an empty packet says nothing
        }
        if (frame_bytes_ > capacity_) {
            skip_bytes_ = frame_bytes_;
            frame_bytes_ = 0;
            out = {.bytes = held().substr(0, skip_bytes_), .refused = Reject::too_long};
            return true;
        }
        if (pending_bytes() < frame_bytes_) return finished_ && cut_frame(out);
        out.bytes = take(frame_bytes_);
        frame_bytes_ = 0;
        return true;
    }
}

// The stream ended inside a frame: its whole lines first, then what was lost.
bool StreamFramer::cut_frame(StreamChunk& out) noexcept {
    if (frame_bytes_ == 0 && pending_bytes() == 0) return false;
    const std::size_t feed = frame_bytes_ == 0 ? std::string_view::npos : held().rfind('\n');
    if (feed != std::string_view::npos) {
        out.bytes = take(feed + 1);
        frame_bytes_ -= out.bytes.size();
        return true;
    }
    frame_bytes_ = 0;
    out = {.bytes = take(pending_bytes()), .refused = Reject::truncated};
    return true;
}

}  // namespace pitot::protocol
