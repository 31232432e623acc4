#include "sinks/prometheus/text_arena.h"

#include <bit>
#include <cassert>
#include <new>
#include <utility>

namespace pitot::sinks::prometheus {

TextArena::Size TextArena::size_for(std::size_t units) noexcept {
    assert(units > 0 && units <= units_per_chunk);
    if (units <= fine_sizes) return {.number = units - 1, .units = units};
    const auto doublings = static_cast<std::size_t>(std::bit_width((units - 1) / fine_sizes)) - 1;
    const std::size_t base = fine_sizes << doublings;
    const std::size_t step = base / sizes_per_doubling;
    const std::size_t steps = (units - base + step - 1) / step;
    return {.number = fine_sizes + doublings * sizes_per_doubling + steps - 1,
            .units = base + steps * step};
}

TextArena::Handle TextArena::add(std::string_view text) {
    if (text.empty()) return 0;
    const bool is_long = text.size() >= long_mark;
    const std::size_t bytes = sizeof(Length) + (is_long ? sizeof(std::uint32_t) : 0) + text.size();
    const std::size_t units = (bytes + unit_bytes - 1) / unit_bytes;
    const Handle handle =
        units > units_per_chunk
            ? static_cast<Handle>(add_chunk(bytes, units_per_chunk) * units_per_chunk)
            : take_slot(size_for(units).units);
    Chunk& chunk = chunks_[handle / units_per_chunk];
    ++chunk.live;
    if (units > units_per_chunk) chunk.used = 1;

    char* to = at(handle);
    const Length length = is_long ? long_mark : static_cast<Length>(text.size());
    std::memcpy(to, &length, sizeof length);
    to += sizeof length;
    if (is_long) {
        const auto long_length = static_cast<std::uint32_t>(text.size());
        std::memcpy(to, &long_length, sizeof long_length);
        to += sizeof long_length;
    }
    std::memcpy(to, text.data(), text.size());
    return handle;
}

void TextArena::release(Handle handle) noexcept {
    if (handle == 0) return;
    const auto number = static_cast<std::uint32_t>(handle / units_per_chunk);
    Chunk& chunk = chunks_[number];
    assert(chunk.live > 0);
    const bool was_open = chunk.has_room();
    if (--chunk.live == 0) {
        if (was_open) unlink(number);
        free_chunk(number);
        return;
    }
    std::memcpy(at(handle), &chunk.free_unit, sizeof chunk.free_unit);
    chunk.free_unit = static_cast<std::uint16_t>(handle % units_per_chunk);
    if (!was_open) link(number);
}

TextArena::Handle TextArena::take_slot(std::size_t units) {
    std::uint32_t number = open_[size_for(units).number];
    if (number == 0) {
        number = add_chunk(chunk_bytes, units);
        link(number);
    }
    Chunk& chunk = chunks_[number];
    std::size_t unit = chunk.free_unit;
    if (chunk.free_unit != none) {
        std::memcpy(&chunk.free_unit, memory_[number].get() + unit * unit_bytes,
                    sizeof chunk.free_unit);
    } else {
        unit = chunk.used++ * units;
    }
    if (!chunk.has_room()) unlink(number);
    return static_cast<Handle>(number * units_per_chunk + unit);
}

std::uint32_t TextArena::add_chunk(std::size_t bytes, std::size_t slot_units) {
    if (vacant_.empty()) {
        if (chunks_.size() == chunks_max) throw std::bad_alloc();
        chunks_.emplace_back();
        memory_.resize(chunks_.size());
        vacant_.reserve(chunks_.capacity());  // release() does not throw
        vacant_.push_back(static_cast<std::uint32_t>(chunks_.size() - 1));
    }
    const std::uint32_t number = vacant_.back();
    memory_[number] = std::make_unique_for_overwrite<char[]>(bytes);
    chunks_[number].slot_units = static_cast<std::uint16_t>(slot_units);
    vacant_.pop_back();
    return number;
}

void TextArena::free_chunk(std::uint32_t number) noexcept {
    memory_[number].reset();
    chunks_[number] = Chunk{};
    vacant_.push_back(number);
}

void TextArena::link(std::uint32_t number) noexcept {
    Chunk& chunk = chunks_[number];
    std::uint32_t& first = open_of(chunk);
    chunk.previous_open = 0;
    chunk.next_open = first;
    if (first != 0) chunks_[first].previous_open = number;
    first = number;
}

void TextArena::unlink(std::uint32_t number) noexcept {
    const Chunk& chunk = chunks_[number];
    if (chunk.next_open != 0) chunks_[chunk.next_open].previous_open = chunk.previous_open;
    if (chunk.previous_open != 0) {
        chunks_[chunk.previous_open].next_open = chunk.next_open;
    } else {
        open_of(chunk) = chunk.next_open;
    }
}

}  // namespace pitot::sinks::prometheus
