#include "agent/aggregate/key_arena.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <new>
#include <utility>

namespace pitot::agent {

std::size_t KeyArena::units_of(const Record& record) noexcept {
    if (record.kind == free_run) return record.name_bytes;
    return units_for(std::size_t{record.name_bytes} + record.tags_bytes);
}

std::size_t KeyArena::list_of(std::size_t units) noexcept {
    return std::min(units, list_count - 1);
}

std::size_t KeyArena::first_list_with(std::size_t units) const noexcept {
    std::size_t word = units / 64;
    std::uint64_t bits = filled_[word] & (~std::uint64_t{0} << (units % 64));
    while (bits == 0) {
        if (++word == filled_.size()) return list_count;
        bits = filled_[word];
    }
    return word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
}

KeyArena::Handle KeyArena::allocate(std::size_t name_bytes, std::size_t tags_bytes) {
    const std::size_t units = units_for(name_bytes + tags_bytes);
    assert(units <= longest_record);
    std::size_t list = first_list_with(units);
    if (list == list_count) {
        add_chunk();
        list = list_count - 1;
    }
    live_units_ += units;
    const Handle handle = lists_[list];
    unlink(handle);
    Record& record = (*this)[handle];
    if (const std::size_t left = units_of(record) - units; left > 0) {
        const auto rest = static_cast<Handle>(handle + units);
        make_free(rest, left, units);
        tell_next(rest, left);
        link(rest);
    }
    record.name_bytes = static_cast<std::uint16_t>(name_bytes);
    record.tags_bytes = static_cast<std::uint16_t>(tags_bytes);
    record.kind = protocol::Kind::counter;
    return handle;
}

void KeyArena::release(Handle handle) noexcept {
    Record& record = (*this)[handle];
    assert(record.kind != free_run);
    std::size_t units = units_of(record);
    live_units_ -= units;
    if (place_of(handle) + units < units_per_chunk) {
        const auto behind = static_cast<Handle>(handle + units);
        if ((*this)[behind].kind == free_run) {
            unlink(behind);
            units += units_of((*this)[behind]);
        }
    }
    std::size_t units_before = record.units_before;
    if (units_before != 0) {
        const auto before = static_cast<Handle>(handle - units_before);
        if ((*this)[before].kind == free_run) {
            unlink(before);
            handle = before;
            units += units_before;
            units_before = (*this)[before].units_before;
        }
    }
    if (units == units_per_chunk - units_reserved) {
        const auto chunk = static_cast<std::uint32_t>(handle / units_per_chunk);
        chunks_[chunk].reset();
        vacant_.push_back(chunk);  // has room: see add_chunk()
        --chunks_in_use_;
        return;
    }
    make_free(handle, units, units_before);
    tell_next(handle, units);
    link(handle);
}

void KeyArena::add_chunk() {
    auto memory = std::make_unique_for_overwrite<std::byte[]>(chunk_bytes);
    std::size_t chunk = chunks_.size();
    if (vacant_.empty()) {
        chunks_.push_back(std::move(memory));
        vacant_.reserve(chunks_.capacity());
    } else {
        chunk = vacant_.back();
        vacant_.pop_back();
        chunks_[chunk] = std::move(memory);
    }
    ++chunks_in_use_;
    const auto whole = static_cast<Handle>(chunk * units_per_chunk + units_reserved);
    make_free(whole, units_per_chunk - units_reserved, 0);
    link(whole);
}

void KeyArena::make_free(Handle handle, std::size_t units, std::size_t units_before) {
    std::byte* at = chunks_[handle / units_per_chunk].get() + place_of(handle) * unit_bytes;
    new (at) Record{.value = 0,
                    .next = 0,
                    .name_bytes = static_cast<std::uint16_t>(units),
                    .tags_bytes = 0,
                    .kind = free_run,
                    .spelling = Spelling::plain,
                    .units_before = static_cast<std::uint16_t>(units_before)};
}

// Tells the run behind this one how long this one is.
void KeyArena::tell_next(Handle handle, std::size_t units) noexcept {
    if (place_of(handle) + units == units_per_chunk) return;
    (*this)[static_cast<Handle>(handle + units)].units_before = static_cast<std::uint16_t>(units);
}

void KeyArena::link(Handle handle) noexcept {
    Record& record = (*this)[handle];
    const std::size_t list = list_of(units_of(record));
    record.value = 0;
    record.next = lists_[list];
    if (record.next != 0) (*this)[record.next].value = handle;
    lists_[list] = handle;
    filled_[list / 64] |= std::uint64_t{1} << (list % 64);
}

void KeyArena::unlink(Handle handle) noexcept {
    const Record& record = (*this)[handle];
    if (record.next != 0) (*this)[record.next].value = record.value;
    if (record.value != 0) {
        (*this)[record.value].next = record.next;
        return;
    }
    const std::size_t list = list_of(units_of(record));
    lists_[list] = record.next;
    if (record.next == 0) filled_[list / 64] &= ~(std::uint64_t{1} << (list % 64));
}

}  // namespace pitot::agent
