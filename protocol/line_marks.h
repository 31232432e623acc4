// Finds the lines of a chunk, and in each the places that its reading turns on.
//
//     page.load:320|ms|#region:eu,cached LF
//     ^        ^   ^  ^                  ^
//     begin    |   bars (two of them)    size
//              colon
//
// One pass over the bytes, 64 of them at a time, with the vectors that the processor has: a
// bit for each byte that is a line feed, a colon, a bar, or not ASCII. What a line says is
// for quick_line.h, for the usual ones, and parser.h for all.
//
// The instruction set is chosen once, when a LineMarker is made; all of them give the same
// marks, which tests/protocol/quick_line_test.cpp and a fuzzer hold them to. LineSplitter
// (framing.h) is the plain reading of the same cut.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace pitot::protocol {

struct LineMark {
    const char* begin = nullptr;
    std::uint32_t size = 0;  // without LF and the CR before it; never 0
    // Offsets from `begin`, as far as they are among the line's first 128 bytes; 128 else.
    std::uint16_t colon = absent;                                 // the first
    std::array<std::uint16_t, 3> bar = {absent, absent, absent};  // the first three
    bool has_far_bars = false;                                    // behind the first 128 bytes
    bool is_ascii = false;                                        // no byte is above 0x7F

    static constexpr std::uint16_t absent = 128;

    std::string_view text() const noexcept { return {begin, size}; }
    bool operator==(const LineMark&) const = default;
};

// Of x86; `portable` is for everything else, and for comparison.
enum class VectorSet : std::uint8_t { portable, sse2, avx2, avx512 };
std::string_view to_string(VectorSet set) noexcept;
// Those this processor has, the plainest first.
std::vector<VectorSet> available_vector_sets();

class LineMarker {
public:
    // The best there is.
    LineMarker() : LineMarker(available_vector_sets().back()) {}
    explicit LineMarker(VectorSet set) noexcept;

    // Marks the next lines, blank ones left out, and takes them from `rest`. Returns how many;
    // fewer than there is room for only when `rest` is empty. Reads no byte beyond `rest`.
    std::size_t mark(std::string_view& rest, std::span<LineMark> out) const noexcept {
        return mark_(rest, out);
    }

private:
    std::size_t (*mark_)(std::string_view&, std::span<LineMark>) noexcept;
};

}  // namespace pitot::protocol
