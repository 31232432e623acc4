#include "protocol/line_marks.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace pitot::protocol {
namespace {

constexpr std::size_t block_bytes = 64;
constexpr std::size_t window_bytes = 2 * block_bytes;

// A bit for each of 64 bytes, the first one lowest.
struct Block {
    std::uint64_t line_feed = 0;
    std::uint64_t colon = 0;
    std::uint64_t bar = 0;
    std::uint64_t high = 0;  // not ASCII
};

// --- one block, by instruction set ------------------------------------------------------
//
// Of loops over constant counts of vectors: at -O2 GCC keeps them as loops, which costs more
// than what is in them.

// Eight bytes at a time, as words.
struct Portable {
    // The highest bit of each byte of `word` that equals `byte`.
    static std::uint64_t equal(std::uint64_t word, std::uint64_t byte) {
        constexpr std::uint64_t low_bits = 0x7F7F7F7F7F7F7F7F;
        const std::uint64_t difference = word ^ byte * 0x0101010101010101;
        return ~(((difference & low_bits) + low_bits) | difference | low_bits);
    }
    // Those bits, moved together.
    static std::uint64_t gather(std::uint64_t bits) {
        return (bits >> 7U) * 0x0102040810204080 >> 56U;
    }

    static Block read(const char* at) {
        Block block;
#pragma GCC unroll 8
        for (unsigned i = 0; i < block_bytes; i += 8) {
            std::uint64_t word = 0;
            std::memcpy(&word, at + i, sizeof word);
            if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
            block.line_feed |= gather(equal(word, '\n')) << i;
            block.colon |= gather(equal(word, ':')) << i;
            block.bar |= gather(equal(word, '|')) << i;
            block.high |= gather(word & 0x8080808080808080) << i;
        }
        return block;
    }
};

#if defined(__x86_64__)

struct Sse2 {
    static std::uint64_t mask(__m128i bits) {
        return static_cast<std::uint32_t>(_mm_movemask_epi8(bits));
    }
    static Block read(const char* at) {
        Block block;
#pragma GCC unroll 4
        for (unsigned i = 0; i < block_bytes; i += 16) {
            const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + i));
            block.line_feed |= mask(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\n'))) << i;
            block.colon |= mask(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(':'))) << i;
            block.bar |= mask(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('|'))) << i;
            block.high |= mask(bytes) << i;
        }
        return block;
    }
};

#define PITOT_AVX2 __attribute__((target("avx2,bmi,lzcnt,popcnt")))
struct Avx2 {
    PITOT_AVX2 static std::uint64_t mask(__m256i bits) {
        return static_cast<std::uint32_t>(_mm256_movemask_epi8(bits));
    }
    PITOT_AVX2 static Block read(const char* at) {
        Block block;
#pragma GCC unroll 2
        for (unsigned i = 0; i < block_bytes; i += 32) {
            const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at + i));
            block.line_feed |= mask(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('\n'))) << i;
            block.colon |= mask(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(':'))) << i;
            block.bar |= mask(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('|'))) << i;
            block.high |= mask(bytes) << i;
        }
        return block;
    }
};

#define PITOT_AVX512 __attribute__((target("avx512f,avx512bw,bmi,lzcnt,popcnt")))
struct Avx512 {
    PITOT_AVX512 static Block of(__m512i bytes) {
        return {.line_feed = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('\n')),
                .colon = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(':')),
                .bar = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('|')),
                .high = _mm512_movepi8_mask(bytes)};
    }
    PITOT_AVX512 static Block read(const char* at) { return of(_mm512_loadu_si512(at)); }
    // What is masked out is not touched.
    PITOT_AVX512 static Block read_some(const char* at, std::size_t bytes) {
        return of(_mm512_maskz_loadu_epi8((std::uint64_t{1} << bytes) - 1, at));
    }
};

#endif

template <class Set>
concept ReadsSome = requires(const char* at) { Set::read_some(at, std::size_t{1}); };

// The block of fewer than 64 bytes; those beyond are as good as zero.
template <class Set>
inline Block read_some(const char* at, std::size_t bytes) {
    if constexpr (ReadsSome<Set>) {
        return Set::read_some(at, bytes);
    } else {
        std::array<char, block_bytes> copy{};
        std::memcpy(copy.data(), at, bytes);
        return Set::read(copy.data());
    }
}

template <class Set>
inline Block read_up_to(const char* at, std::size_t bytes) {
    return bytes >= block_bytes ? Set::read(at) : read_some<Set>(at, bytes);
}

// --- one line ---------------------------------------------------------------------------

// All bits below the lowest of `bits`, and that; all there are when it has none.
std::uint64_t up_to_first(std::uint64_t bits) {
    return bits ^ (bits - 1);
}

Block cut_behind_line(Block block) {
    const std::uint64_t inside = up_to_first(block.line_feed);
    block.colon &= inside;
    block.bar &= inside;
    block.high &= inside;
    return block;
}

// The place of the first bit of two blocks; 128 when there is none.
static_assert(LineMark::absent == window_bytes);
std::uint16_t first_of(std::uint64_t low, std::uint64_t high) {
    const int of_high = static_cast<int>(block_bytes) + std::countr_zero(high);
    return static_cast<std::uint16_t>(low != 0 ? std::countr_zero(low) : of_high);
}

// Of a line that ends in its first block, or has no bar in its second one: nearly every line.
void place_bars(std::uint64_t bars, LineMark& mark) {
#pragma GCC unroll 3
    for (std::uint16_t& place : mark.bar) {
        place = first_of(bars, 0);
        bars &= bars - 1;
    }
}

void place_bars(std::uint64_t low, std::uint64_t high, LineMark& mark) {
    for (std::uint16_t& place : mark.bar) {
        place = first_of(low, high);
        if (low == 0) high &= high - 1;
        low &= low - 1;
    }
}

// The rest of a line that is longer than a window: its end, and what is in it.
template <class Set>
[[gnu::noinline]] std::size_t read_on(const char* begin, std::size_t bytes, LineMark& mark) {
    for (std::size_t at = window_bytes; at < bytes; at += block_bytes) {
        const Block block = cut_behind_line(read_up_to<Set>(begin + at, bytes - at));
        mark.has_far_bars = mark.has_far_bars || block.bar != 0;
        mark.is_ascii = mark.is_ascii && block.high == 0;
        if (block.line_feed != 0) {
            return at + static_cast<std::size_t>(std::countr_zero(block.line_feed));
        }
    }
    return bytes;
}

// The line at `begin`, of `bytes` that there are. Returns its size with a CR.
template <class Set>
[[gnu::always_inline]] inline std::size_t mark_line(const char* begin, std::size_t bytes,
                                                    LineMark& mark) {
    const Block first = cut_behind_line(read_up_to<Set>(begin, bytes));
    mark.begin = begin;
    mark.has_far_bars = false;
    if (first.line_feed != 0 || bytes <= block_bytes) {
        mark.colon = first_of(first.colon, 0);
        place_bars(first.bar, mark);
        mark.is_ascii = first.high == 0;
        return std::min<std::size_t>(first_of(first.line_feed, 0), bytes);
    }
    const Block second = cut_behind_line(read_up_to<Set>(begin + block_bytes, bytes - block_bytes));
    mark.colon = first_of(first.colon, second.colon);
    if (second.bar == 0) [[likely]] {
        place_bars(first.bar, mark);
    } else {
        place_bars(first.bar, second.bar, mark);
    }
    mark.is_ascii = (first.high | second.high) == 0;
    if (second.line_feed != 0) return first_of(0, second.line_feed);
    return bytes <= window_bytes ? bytes : read_on<Set>(begin, bytes, mark);
}

template <class Set>
[[gnu::always_inline]] inline std::size_t mark_lines(std::string_view& rest,
                                                     std::span<LineMark> out) {
    const char* at = rest.data();
    const char* const end = at + rest.size();
    std::size_t count = 0;
    while (at != end && count != out.size()) {
        LineMark& mark = out[count];
        const std::size_t size = mark_line<Set>(at, static_cast<std::size_t>(end - at), mark);
        const bool has_return = size != 0 && at[size - 1] == '\r';
        mark.size = static_cast<std::uint32_t>(size - (has_return ? 1 : 0));
        if (mark.size != 0) ++count;
        at += size;
        if (at != end) ++at;
    }
    rest = {at, static_cast<std::size_t>(end - at)};
    return count;
}

// --- the doors --------------------------------------------------------------------------

[[gnu::flatten]] std::size_t mark_portable(std::string_view& rest,
                                           std::span<LineMark> out) noexcept {
    return mark_lines<Portable>(rest, out);
}

#if defined(__x86_64__)
[[gnu::flatten]] std::size_t mark_sse2(std::string_view& rest, std::span<LineMark> out) noexcept {
    return mark_lines<Sse2>(rest, out);
}
[[gnu::flatten]] PITOT_AVX2 std::size_t mark_avx2(std::string_view& rest,
                                                  std::span<LineMark> out) noexcept {
    return mark_lines<Avx2>(rest, out);
}
[[gnu::flatten]] PITOT_AVX512 std::size_t mark_avx512(std::string_view& rest,
                                                      std::span<LineMark> out) noexcept {
    return mark_lines<Avx512>(rest, out);
}
#endif

}  // namespace

std::string_view to_string(VectorSet set) noexcept {
    switch (set) {
        case VectorSet::portable:
            return "portable";
        case VectorSet::sse2:
            return "sse2";
        case VectorSet::avx2:
            return "avx2";
        case VectorSet::avx512:
            return "avx512";
    }
    return "portable";
}

std::vector<VectorSet> available_vector_sets() {
    std::vector<VectorSet> sets{VectorSet::portable};
#if defined(__x86_64__)
    sets.push_back(VectorSet::sse2);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi")) {
        sets.push_back(VectorSet::avx2);
        if (__builtin_cpu_supports("avx512bw")) sets.push_back(VectorSet::avx512);
    }
#endif
    return sets;
}

LineMarker::LineMarker(VectorSet set) noexcept : mark_(mark_portable) {
#if defined(__x86_64__)
    switch (set) {
        case VectorSet::portable:
            break;
        case VectorSet::sse2:
            mark_ = mark_sse2;
            break;
        case VectorSet::avx2:
            mark_ = mark_avx2;
            break;
        case VectorSet::avx512:
            mark_ = mark_avx512;
            break;
    }
#else
    static_cast<void>(set);
#endif
}

}  // namespace pitot::protocol
