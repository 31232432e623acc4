// Finds the lines of a chunk, and reads those that are usual: one value, one type, perhaps a
// rate, perhaps tags.
//
//     name:value|type
//     name:value|type|#tags
//     name:value|type|@rate|#tags
//
// Nearly all lines of the world are of these forms, and reading them so takes a tenth of what
// Parser takes. One pass over the bytes, 64 of them at a time, with the vectors that the
// processor has: a bit for each byte that is a line feed, a colon, a bar, or not ASCII
// (line_blocks.h).
//
//     page.load:320|ms|#region:eu,cached LF
//     ^        ^   ^  ^                  ^
//     begin    |   bars (two of them)    size
//              colon
//
// What is not usual (packed values, sets, timestamps, origins, anything but ASCII, whatever is
// wrong) is found and left to Parser: is_usual is false, which means nothing but that. What is
// read, is read as Parser does, in every dialect. The instruction set is chosen once, when a
// QuickReader is made; all of them say the same. tests/protocol/quick_line_test.cpp and a
// fuzzer hold them to both. LineSplitter (framing.h) is the plain reading of the same cut.
//
// Does not split tags, and does not allocate or throw. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "protocol/sample.h"

namespace pitot::protocol {

// A line, and what it says if it is usual.
struct QuickLine {
    const char* begin = nullptr;
    std::uint32_t size = 0;  // without LF and the CR before it; never 0
    // The rest is of usual lines only.
    std::uint16_t name_bytes = 0;  // the line begins with them
    std::uint16_t tags_at = 0;     // it ends with them; `size` without tags
    double value = 0;              // finite, also divided by the rate
    double sample_rate = 1;
    Kind kind = Kind::counter;
    bool gauge_is_delta = false;
    bool is_usual = false;

    std::string_view text() const noexcept { return {begin, size}; }
    std::string_view name() const noexcept { return {begin, name_bytes}; }
    std::string_view tags() const noexcept {
        return {begin + tags_at, std::size_t{size} - tags_at};
    }
};

// Of x86; `portable` is for everything else, and for comparison.
enum class VectorSet : std::uint8_t { portable, sse2, avx2, avx512 };
std::string_view to_string(VectorSet set) noexcept;
// Those this processor has, the plainest first.
std::vector<VectorSet> available_vector_sets();

class QuickReader {
public:
    // The best there is.
    QuickReader() : QuickReader(available_vector_sets().back()) {}
    explicit QuickReader(VectorSet set) noexcept;

    // Reads the next lines, blank ones left out, and takes them from `rest`. Returns how many;
    // fewer than there is room for only when `rest` is empty. Reads no byte beyond `rest`.
    std::size_t read(std::string_view& rest, const Reading& reading,
                     std::span<QuickLine> out) const noexcept {
        return read_(rest, reading, out);
    }

private:
    std::size_t (*read_)(std::string_view&, const Reading&, std::span<QuickLine>) noexcept;
};

}  // namespace pitot::protocol
