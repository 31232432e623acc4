// Appends to a string without asking for its capacity at every piece.
//
//     TextWriter writer(body, bytes_expected);
//     char* at = writer.room(stem.size() + number_bytes_max);
//     at = write_bytes(stem, at);
//     writer.wrote(write_number(value, at));
//     writer.finish();
//
// For encoders: a series is a handful of short copies, and checks between them cost as much
// as the copies do.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

namespace pitot::sinks {

inline char* write_bytes(std::string_view bytes, char* at) {
    std::memcpy(at, bytes.data(), bytes.size());
    return at + bytes.size();
}

class TextWriter {
public:
    // Nobody else looks at `out` until finish().
    explicit TextWriter(std::string& out, std::size_t bytes_expected = 0)
        : out_(out), size_(out.size()) {
        grow_to(size_ + bytes_expected);
    }
    ~TextWriter() { finish(); }
    TextWriter(const TextWriter&) = delete;
    TextWriter& operator=(const TextWriter&) = delete;

    // Where the next bytes go: room for so many. Valid until the next call.
    char* room(std::size_t bytes) {
        // At least doubled, so that growing costs each byte a constant number of copies.
        if (out_.size() - size_ < bytes) grow_to(std::max(size_ + bytes, 2 * size_));
        return out_.data() + size_;
    }
    // `end` of what was written from where room() said.
    void wrote(const char* end) {
        size_ = static_cast<std::size_t>(end - out_.data());
        assert(!is_finished_ && size_ <= out_.size());
    }
    void append(std::string_view bytes) { wrote(write_bytes(bytes, room(bytes.size()))); }

    std::size_t size() const { return size_; }
    std::string_view written(std::size_t begin) const {
        return std::string_view(out_).substr(begin, size_ - begin);
    }

    // The string is as long as what was written, and no longer the writer's: it may be moved
    // away at once.
    void finish() {
        if (is_finished_) return;
        is_finished_ = true;
        out_.resize(size_);
    }

private:
    // The new bytes are not cleared: each is written before it is read.
    void grow_to(std::size_t bytes) {
        if (bytes <= out_.size()) return;
        out_.resize_and_overwrite(bytes, [](char*, std::size_t size) { return size; });
    }

    std::string& out_;
    std::size_t size_;  // written so far; out_ is longer
    bool is_finished_ = false;
};

}  // namespace pitot::sinks
