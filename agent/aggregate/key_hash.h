// The hash of a series' key, for the table that each line looks into.
//
// Sixteen bytes at a step: each half is mixed with what nobody outside knows, the two are
// multiplied to 128 bits, and the halves of the product folded together (the scheme of wyhash
// and its kin). The secrets are drawn at start, so nobody can choose names that collide, also
// not by making a factor zero. It is inlined because a key is short: what a call of a general
// hash spends on finding out how long its input is costs more than mixing it.
//
// Good for one process and one table: never stored, never sent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "agent/aggregate/series_key.h"

namespace pitot::agent {

class KeyHash {
public:
    // `seed` is random, or fixed where output must be the same each time.
    explicit KeyHash(std::uint64_t seed) noexcept
        : first_(spread(seed + 1)), second_(spread(seed + 2)) {}

    std::uint32_t operator()(const SoughtKey& key) const noexcept {
        // Lengths come first, so that how bytes are cut into name and tags matters, and so that
        // keys of different lengths do not collide where the overlapping reads below find the
        // same words in them.
        std::uint64_t state = key.shape ^ second_;
        state = mix(key.name, key.name_bytes(), state);
        state = mix(key.tags, key.tags_bytes(), state);
        return static_cast<std::uint32_t>(state ^ (state >> 32U));
    }

private:
    static std::uint64_t fold(std::uint64_t one, std::uint64_t other) noexcept {
        __extension__ using Product = unsigned __int128;
        const Product product = Product{one} * other;
        return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
    }
    // Neighbouring seeds give secrets that have nothing in common (splitmix64's finish).
    static std::uint64_t spread(std::uint64_t seed) noexcept {
        std::uint64_t bits = seed * 0x9E3779B97F4A7C15;
        bits = (bits ^ (bits >> 30U)) * 0xBF58476D1CE4E5B9;
        bits = (bits ^ (bits >> 27U)) * 0x94D049BB133111EB;
        return bits ^ (bits >> 31U);
    }
    template <typename Word>
    static std::uint64_t read(const char* at) noexcept {
        Word word = 0;
        std::memcpy(&word, at, sizeof word);
        return word;
    }

    std::uint64_t step(std::uint64_t one, std::uint64_t other, std::uint64_t state) const noexcept {
        return fold(one ^ first_, other ^ state);
    }
    std::uint64_t mix(const char* at, std::size_t size, std::uint64_t state) const noexcept {
        if (size >= 16) {
            const char* const last = at + size - 16;
            for (; at < last; at += 16) {
                state = step(read<std::uint64_t>(at), read<std::uint64_t>(at + 8), state);
            }
            return step(read<std::uint64_t>(last), read<std::uint64_t>(last + 8), state);
        }
        if (size >= 8) {
            return step(read<std::uint64_t>(at), read<std::uint64_t>(at + size - 8), state);
        }
        if (size >= 4) {
            return step(read<std::uint32_t>(at), read<std::uint32_t>(at + size - 4), state);
        }
        if (size == 0) return state;
        const std::uint64_t middle = read<std::uint8_t>(at + size / 2);
        return step(read<std::uint8_t>(at) | middle << 8U, read<std::uint8_t>(at + size - 1),
                    state);
    }

    std::uint64_t first_;
    std::uint64_t second_;
};

}  // namespace pitot::agent
