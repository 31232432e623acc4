// Bytes that are written once, from begin to end, and read in pieces.
//
// For texts of up to gigabytes: growing copies nothing, and the memory is the system's own, so
// that all of it goes back there at once when it is released. (A heap keeps what lies under
// something else, and of a page and its successor one always does.) What is not written of the
// last chunk is never touched, and so takes no memory either.
//
// One thread writes; afterwards any may read.
#pragma once

#include <cassert>
#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

namespace pitot::sinks::prometheus {

class ByteChunks {
public:
    // Where the next bytes go: room for so many in one piece, valid until the next call. Throws
    // std::bad_alloc.
    char* room(std::size_t bytes) {
        if (static_cast<std::size_t>(limit_ - end_) < bytes) add_chunk(bytes);
        return end_;
    }
    // `end` of what was written from where room() said.
    void wrote(char* end) {
        assert(end >= end_ && end <= limit_);
        end_ = end;
    }

    // Of what is written.
    std::size_t size() const;
    // In order; none is empty. What was written to one room is in one of them.
    std::vector<std::string_view> pieces() const;

private:
    struct Unmap {
        std::size_t bytes = 0;
        void operator()(char* memory) const noexcept;
    };
    struct Chunk {
        std::unique_ptr<char, Unmap> memory;
        std::size_t size = 0;  // written; of the last one, end_ tells
    };

    void add_chunk(std::size_t bytes);

    std::vector<Chunk> chunks_;
    char* end_ = nullptr;    // of what is written, in the last chunk
    char* limit_ = nullptr;  // of the last chunk
};

}  // namespace pitot::sinks::prometheus
