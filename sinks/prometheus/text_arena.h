// Memory for the labels of an exposition: many short texts that do not change.
//
// A text is named by 32 bits and takes its bytes, two for its length, and what rounding up to
// its slot costs: up to 3 bytes, and of texts beyond 126 bytes an eighth. Slots of one size
// share a chunk of 16 KiB, and a chunk whose last text is released goes back to the system: so a
// fleet whose labels change their lengths leaves nothing behind but chunks
// that still have somebody in them. A text that is longer than a chunk has one for itself.
//
// Used by one thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace pitot::sinks::prometheus {

class TextArena {
public:
    // Names a text until it is released. 0 is the empty one, which takes nothing.
    using Handle = std::uint32_t;

    // `text` below 4 GiB. Throws std::bad_alloc, and beyond 16 GiB of all texts too.
    Handle add(std::string_view text);
    void release(Handle handle) noexcept;

    // Valid until it is released.
    std::string_view operator[](Handle handle) const noexcept;
    // Where its bytes begin, or near it: to fetch them early.
    const char* near(Handle handle) const noexcept { return at(handle); }

private:
    static constexpr std::size_t unit_bytes = 4;
    static constexpr std::size_t units_per_chunk = 4096;
    static constexpr std::size_t chunk_bytes = units_per_chunk * unit_bytes;
    static constexpr std::size_t chunks_max = std::size_t{1} << 20;
    static constexpr std::uint16_t none = 0xffff;
    // Before a text; where it is `long_mark`, the length follows in 32 bits.
    using Length = std::uint16_t;
    static constexpr Length long_mark = 0xffff;

    // Slots have 1, 2, 3 … units, from 32 on so many that there are eight sizes up to twice as
    // much.
    static constexpr std::size_t fine_sizes = 32;
    static constexpr std::size_t sizes_per_doubling = 8;
    static constexpr std::size_t size_count = fine_sizes + 7 * sizes_per_doubling;
    struct Size {
        std::size_t number = 0;
        std::size_t units = 0;
    };
    // That has room for so many units, up to those of a chunk.
    static Size size_for(std::size_t units) noexcept;

    struct Chunk {
        std::uint16_t slot_units = 0;
        std::uint16_t live = 0;           // slots with a text
        std::uint16_t used = 0;           // slots that had one ever
        std::uint16_t free_unit = none;   // of the first released slot; each has the next one's
        std::uint32_t previous_open = 0;  // chunks of this size with room; 0: none
        std::uint32_t next_open = 0;

        bool has_room() const noexcept {
            return free_unit != none || (used + std::size_t{1}) * slot_units <= units_per_chunk;
        }
    };

    char* at(Handle handle) const noexcept {
        return memory_[handle / units_per_chunk].get() + handle % units_per_chunk * unit_bytes;
    }
    std::uint32_t add_chunk(std::size_t bytes, std::size_t slot_units);
    void free_chunk(std::uint32_t number) noexcept;
    Handle take_slot(std::size_t units);
    std::uint32_t& open_of(const Chunk& chunk) noexcept {
        return open_[size_for(chunk.slot_units).number];
    }
    void link(std::uint32_t number) noexcept;
    void unlink(std::uint32_t number) noexcept;

    // By number of chunk; apart, since reading a text needs no more. The first is none: handle 0.
    std::vector<std::unique_ptr<char[]>> memory_ = std::vector<std::unique_ptr<char[]>>(1);
    std::vector<Chunk> chunks_ = std::vector<Chunk>(1);
    std::vector<std::uint32_t> vacant_;             // numbers of chunks given back
    std::array<std::uint32_t, size_count> open_{};  // by size: the first chunk with room
};

inline std::string_view TextArena::operator[](Handle handle) const noexcept {
    if (handle == 0) return {};
    const char* text = at(handle);
    Length length = 0;
    std::memcpy(&length, text, sizeof length);
    text += sizeof length;
    if (length != long_mark) return {text, length};
    std::uint32_t long_length = 0;
    std::memcpy(&long_length, text, sizeof long_length);
    return {text + sizeof long_length, long_length};
}

}  // namespace pitot::sinks::prometheus
