// A gzip member (RFC 1952) made piece by piece, for bodies that are never in one place.
//
//     GzipStream gzip;
//     if (!gzip.is_open()) …                       // zlib has no memory
//     gzip.feed(piece, piece is the last one);
//     while (gzip.fill(buffer) > 0) …              // until all of the piece is taken
//
// Used by the server, one per answer that is under way: about 260 KiB each.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace pitot::sinks::http {

class GzipStream {
public:
    GzipStream();
    ~GzipStream();
    GzipStream(const GzipStream&) = delete;
    GzipStream& operator=(const GzipStream&) = delete;

    bool is_open() const { return state_ != nullptr; }

    // `piece` stays where it is until fill() has returned 0. At most 4 GiB.
    void feed(std::string_view piece, bool is_last);
    // Writes into `room` what there is; how many bytes. Less than all of `room`: the piece
    // is used up. `room` is not empty.
    std::size_t fill(std::span<char> room);

private:
    struct State;
    std::unique_ptr<State> state_;  // null: zlib has no memory
    bool is_last_ = false;
};

}  // namespace pitot::sinks::http
