// The bytes of a chunk of lines as bits: where line feeds, colons and bars are, and what is not
// ASCII, by each set of vectors that there is.
//
// For quick_line.cpp alone. A set (of vectors; not the sets of the protocol) is a class for one
// instruction set. An object of it holds the bytes to compare with, spread over vectors, so that
// they are made once for all lines of a read and not for each. It has
//
//     Block read(at)                64 bytes: a bit for each that matters
//     Tail read_tail(at)            tail_bytes of them, asked fewer questions: a line's end
//     Block read_some(at, bytes)    fewer than 64 bytes, if it can leave out those beyond
//     Tail read_some_of_tail(…)     likewise
//
// and read_block() and read_tail() are the same at any place of a chunk, and read no byte that
// is not in it. Behind the chunk's last byte they show a line feed, so that a line ends alike
// whether there is one or not.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace pitot::protocol::blocks {

inline constexpr std::size_t block_bytes = 64;

// A bit for each of 64 bytes, the first one lowest.
struct Block {
    std::uint64_t line_feed = 0;
    std::uint64_t colon = 0;
    std::uint64_t bar = 0;
    std::uint64_t high = 0;  // not ASCII
};

// The same for as many bytes as the set has in a vector.
struct Tail {
    std::uint64_t line_feed = 0;
    std::uint64_t odd = 0;  // bars, and what is not ASCII
};

// --- by instruction set -----------------------------------------------------------------
//
// Loops over vectors are unrolled by pragma: at -O2 GCC would keep them as loops, which costs
// more than what is in them.

// Eight bytes at a time, as words.
struct Portable {
    static constexpr std::size_t tail_bytes = 8;

    // The first byte lowest.
    static std::uint64_t load(const char* at) {
        std::uint64_t word = 0;
        std::memcpy(&word, at, sizeof word);
        if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
        return word;
    }
    static constexpr std::uint64_t high_bits = 0x8080808080808080;
    // The highest bit of each byte of `word` that equals `byte`.
    static std::uint64_t equal(std::uint64_t word, std::uint64_t byte) {
        const std::uint64_t difference = word ^ byte * 0x0101010101010101;
        return ~(((difference & ~high_bits) + ~high_bits) | difference | ~high_bits);
    }
    // Those bits, moved together.
    static std::uint64_t gather(std::uint64_t bits) {
        return (bits >> 7U) * 0x0102040810204080 >> 56U;
    }

    static Block read(const char* at) {
        Block block;
#pragma GCC unroll 8
        for (unsigned i = 0; i < block_bytes; i += 8) {
            const std::uint64_t word = load(at + i);
            block.line_feed |= gather(equal(word, '\n')) << i;
            block.colon |= gather(equal(word, ':')) << i;
            block.bar |= gather(equal(word, '|')) << i;
            block.high |= gather(word & high_bits) << i;
        }
        return block;
    }
    static Tail read_tail(const char* at) {
        const std::uint64_t word = load(at);
        return {.line_feed = gather(equal(word, '\n')),
                .odd = gather(equal(word, '|') | (word & high_bits))};
    }
};

#if defined(__x86_64__)

struct Sse2 {
    static constexpr std::size_t tail_bytes = 16;

    static __m128i load(const char* at) {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    }
    static __m128i equal(__m128i bytes, char byte) {
        return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte));
    }
    static std::uint64_t mask(__m128i bits) {
        return static_cast<std::uint32_t>(_mm_movemask_epi8(bits));
    }
    static Block read(const char* at) {
        Block block;
#pragma GCC unroll 4
        for (unsigned i = 0; i < block_bytes; i += 16) {
            const __m128i bytes = load(at + i);
            block.line_feed |= mask(equal(bytes, '\n')) << i;
            block.colon |= mask(equal(bytes, ':')) << i;
            block.bar |= mask(equal(bytes, '|')) << i;
            block.high |= mask(bytes) << i;
        }
        return block;
    }
    static Tail read_tail(const char* at) {
        const __m128i bytes = load(at);
        return {.line_feed = mask(equal(bytes, '\n')),
                .odd = mask(_mm_or_si128(equal(bytes, '|'), bytes))};
    }
};

#define PITOT_AVX2 __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt")))
class Avx2 {
public:
    static constexpr std::size_t tail_bytes = 32;

    PITOT_AVX2 Avx2() : line_feeds_(all('\n')), colons_(all(':')), bars_(all('|')) {}

    PITOT_AVX2 Block read(const char* at) const {
        Block block;
#pragma GCC unroll 2
        for (unsigned i = 0; i < block_bytes; i += 32) {
            const __m256i bytes = load(at + i);
            block.line_feed |= mask(_mm256_cmpeq_epi8(bytes, line_feeds_)) << i;
            block.colon |= mask(_mm256_cmpeq_epi8(bytes, colons_)) << i;
            block.bar |= mask(_mm256_cmpeq_epi8(bytes, bars_)) << i;
            block.high |= mask(bytes) << i;
        }
        return block;
    }
    PITOT_AVX2 Tail read_tail(const char* at) const {
        const __m256i bytes = load(at);
        return {.line_feed = mask(_mm256_cmpeq_epi8(bytes, line_feeds_)),
                .odd = mask(_mm256_or_si256(_mm256_cmpeq_epi8(bytes, bars_), bytes))};
    }

private:
    PITOT_AVX2 static __m256i load(const char* at) {
        return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
    }
    PITOT_AVX2 static std::uint64_t mask(__m256i bits) {
        return static_cast<std::uint32_t>(_mm256_movemask_epi8(bits));
    }
    // Hides from GCC what is in the vector, which it would otherwise make anew for each line.
    PITOT_AVX2 static __m256i all(char byte) {
        __m256i bytes = _mm256_set1_epi8(byte);
        asm("" : "+x"(bytes));
        return bytes;
    }

    __m256i line_feeds_;
    __m256i colons_;
    __m256i bars_;
};

#define PITOT_AVX512 __attribute__((target("avx512f,avx512bw,bmi,bmi2,lzcnt,popcnt")))
class Avx512 {
public:
    static constexpr std::size_t tail_bytes = 64;

#if !defined(__SANITIZE_ADDRESS__)
    PITOT_AVX512 Avx512() : line_feeds_(all('\n')), colons_(all(':')), bars_(all('|')) {}
#endif

    PITOT_AVX512 Block read(const char* at) const { return block_of(_mm512_loadu_si512(at)); }
    PITOT_AVX512 Tail read_tail(const char* at) const { return tail_of(_mm512_loadu_si512(at)); }
    PITOT_AVX512 Block read_some(const char* at, std::size_t bytes) const {
        return block_of(load_some(at, bytes));
    }
    PITOT_AVX512 Tail read_some_of_tail(const char* at, std::size_t bytes) const {
        return tail_of(load_some(at, bytes));
    }

private:
    PITOT_AVX512 Block block_of(__m512i bytes) const {
        return {.line_feed = _mm512_cmpeq_epi8_mask(bytes, line_feeds()),
                .colon = _mm512_cmpeq_epi8_mask(bytes, colons()),
                .bar = _mm512_cmpeq_epi8_mask(bytes, bars()),
                .high = _mm512_movepi8_mask(bytes)};
    }
    PITOT_AVX512 Tail tail_of(__m512i bytes) const {
        return {.line_feed = _mm512_cmpeq_epi8_mask(bytes, line_feeds()),
                .odd = _mm512_cmpeq_epi8_mask(bytes, bars()) | _mm512_movepi8_mask(bytes)};
    }
    // What is masked out is not touched.
    PITOT_AVX512 static __m512i load_some(const char* at, std::size_t bytes) {
        return _mm512_maskz_loadu_epi8((std::uint64_t{1} << bytes) - 1, at);
    }
#if defined(__SANITIZE_ADDRESS__)
    // GCC 12 lays vectors of 64 bytes wrongly on a stack that is checked for use after return (its
    // bug 110027): made anew, they are on none.
    PITOT_AVX512 static __m512i line_feeds() { return _mm512_set1_epi8('\n'); }
    PITOT_AVX512 static __m512i colons() { return _mm512_set1_epi8(':'); }
    PITOT_AVX512 static __m512i bars() { return _mm512_set1_epi8('|'); }
#else
    // As in Avx2.
    PITOT_AVX512 static __m512i all(char byte) {
        __m512i bytes = _mm512_set1_epi8(byte);
        asm("" : "+v"(bytes));
        return bytes;
    }
    PITOT_AVX512 __m512i line_feeds() const { return line_feeds_; }
    PITOT_AVX512 __m512i colons() const { return colons_; }
    PITOT_AVX512 __m512i bars() const { return bars_; }

    __m512i line_feeds_;
    __m512i colons_;
    __m512i bars_;
#endif
};

#endif

template <class Set>
concept ReadsSome = requires(const Set& set, const char* at) { set.read_some(at, 1); };

// --- at any place of a chunk ------------------------------------------------------------

struct Chunk {
    const char* begin = nullptr;
    const char* end = nullptr;

    std::size_t bytes_from(const char* at) const { return static_cast<std::size_t>(end - at); }
};

// Where fewer than 64 bytes are left, 64 are read that end with the chunk.
template <class Set>
[[gnu::always_inline]] inline Block read_block(const Set& set, Chunk chunk, const char* at) {
    const std::size_t bytes = chunk.bytes_from(at);
    if (bytes >= block_bytes) [[likely]]
        return set.read(at);
    Block block;
    if constexpr (ReadsSome<Set>) {
        block = set.read_some(at, bytes);
    } else if (bytes == 0) {
        block = {};
    } else if (chunk.bytes_from(chunk.begin) >= block_bytes) {
        block = set.read(chunk.end - block_bytes);
        const std::size_t before = block_bytes - bytes;
        block = {.line_feed = block.line_feed >> before,
                 .colon = block.colon >> before,
                 .bar = block.bar >> before,
                 .high = block.high >> before};
    } else {
        std::array<char, block_bytes> copy{};
        std::memcpy(copy.data(), at, bytes);
        block = set.read(copy.data());
    }
    block.line_feed |= std::uint64_t{1} << bytes;
    return block;
}

// `at` is behind the first block of the chunk.
template <class Set>
[[gnu::always_inline]] inline Tail read_tail(const Set& set, Chunk chunk, const char* at) {
    const std::size_t bytes = chunk.bytes_from(at);
    if (bytes >= Set::tail_bytes) [[likely]]
        return set.read_tail(at);
    Tail tail;
    if constexpr (ReadsSome<Set>) {
        tail = set.read_some_of_tail(at, bytes);
    } else {
        tail = set.read_tail(chunk.end - Set::tail_bytes);
        const std::size_t before = Set::tail_bytes - bytes;
        tail = {.line_feed = tail.line_feed >> before, .odd = tail.odd >> before};
    }
    tail.line_feed |= std::uint64_t{1} << bytes;
    return tail;
}

}  // namespace pitot::protocol::blocks
