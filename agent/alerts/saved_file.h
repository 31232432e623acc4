// Files that hold the agent's memory over a restart: how they are framed, written and read.
//
// Shared by the state of alerts (state_file.h) and the queues of channels
// (channels/queue_file.h). A file begins with its magic word, its version, its length and a
// checksum; numbers are little endian, whatever the machine is. It is written whole beside the
// old one and renamed, so that it is either the old or the new one whenever the process or the
// machine stops. One that is not whole, or not ours, is set aside with a message.
//
// Reading is total: any bytes give what they say, or a fault, and allocate no more than they
// are long. Writing and reading block on the disk.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace pitot::agent::alerts {

// What a file can hold of times, in nanoseconds; anything else in one is damage. Whoever reads
// them adds up a few, and no sum of those overflows.
//
// Of lengths of time, either way: nine years. What is longer ago counts as that long ago.
inline constexpr std::int64_t span_ns_max = std::int64_t{1} << 58U;
// Of the wall clock, since 1970: until 2116.
inline constexpr std::int64_t unix_ns_max = std::int64_t{1} << 62U;

class BinaryWriter {
public:
    void number(std::uint64_t value, std::size_t bytes = 8) {
        for (std::size_t i = 0; i < bytes; ++i) {
            out_ += static_cast<char>(value >> (8 * i) & 0xFF);
        }
    }
    void span(std::int64_t ns) {
        number(static_cast<std::uint64_t>(std::clamp(ns, -span_ns_max, span_ns_max)));
    }
    void unix_time(std::int64_t ns) {
        number(static_cast<std::uint64_t>(std::clamp(ns, std::int64_t{0}, unix_ns_max)));
    }
    void real(double value) { number(std::bit_cast<std::uint64_t>(value)); }
    void text(std::string_view text) {
        number(text.size(), 4);
        out_ += text;
    }
    std::string take() { return std::move(out_); }

private:
    std::string out_;
};

// After a fault everything reads as nothing, and is_good() is false.
class BinaryReader {
public:
    // Wider than any text that is ever written.
    static constexpr std::size_t text_bytes_max = std::size_t{64} * 1024;

    explicit BinaryReader(std::string_view bytes) : rest_(bytes) {}

    bool is_good() const { return is_good_; }
    bool is_at_end() const { return rest_.empty(); }

    std::uint64_t number(std::size_t bytes = 8);
    // A number up to `most`; anything else is damage.
    std::uint64_t up_to(std::uint64_t most, std::size_t bytes);
    std::int64_t span() { return between(-span_ns_max, span_ns_max); }
    std::int64_t unix_time() { return between(0, unix_ns_max); }
    double real() { return std::bit_cast<double>(number()); }
    std::string text() { return std::string(take(up_to(text_bytes_max, 4))); }

private:
    std::int64_t between(std::int64_t least, std::int64_t most);
    std::string_view take(std::size_t bytes);

    std::string_view rest_;
    bool is_good_ = true;
};

// A kind of file.
struct FileFormat {
    std::string_view magic;
    std::uint32_t version = 1;
};

std::string framed(const FileFormat& format, std::string_view payload);
// The payload, a part of `bytes`. The error is "must …".
std::expected<std::string_view, std::string> unframed(const FileFormat& format,
                                                      std::string_view bytes);

// Whole or not at all, and on the disk when it returns. The error is what went wrong, with the
// name of the file.
std::expected<void, std::string> write_whole(const std::filesystem::path& path,
                                             std::string_view bytes);

// Gives the bytes of the file to `decode`, whose error is "must …". A file that is absent is
// no problem, and nothing is decoded. Of one that is wrong the error is a sentence: it is set
// aside as PATH.bad, so that it can be looked at and is not read again.
std::expected<void, std::string> read_or_set_aside(
    const std::filesystem::path& path, std::string_view what_begins_anew,
    const std::function<std::expected<void, std::string>(std::string_view)>& decode);

}  // namespace pitot::agent::alerts
