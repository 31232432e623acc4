#include "agent/aggregate/key_table.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "protocol/parser.h"

namespace pitot::agent {

static_assert(protocol::identity_bytes_max <= UINT16_MAX, "records keep lengths in 16 bits");

KeyTable::KeyTable(std::uint64_t seed) : hash_(seed), current_(Slots::of(slots_min)) {}

std::size_t KeyTable::bytes() const noexcept {
    return records_.bytes() + (current_.count + old_.count) * sizeof(Slot);
}

std::size_t KeyTable::live_bytes() const noexcept {
    return records_.live_bytes() + (current_.count + old_.count) * sizeof(Slot);
}

std::size_t KeyTable::bytes_with(const SeriesKey& key) const noexcept {
    return records_.bytes_with(key.name.size() + key.tags.size()) +
           (current_.count + old_.count) * sizeof(Slot);
}

std::size_t KeyTable::cost_of(const SeriesKey& key) noexcept {
    return KeyArena::units_for(key.name.size() + key.tags.size()) * KeyArena::unit_bytes +
           2 * sizeof(Slot);
}

SeriesKey KeyTable::key(Handle handle) const noexcept {
    const KeyArena::Record& entry = records_[handle];
    const char* bytes = bytes_of(entry);
    return {.name = {bytes, entry.name_bytes},
            .tags = {bytes + entry.name_bytes, entry.tags_bytes},
            .kind = entry.kind,
            .spelling = entry.spelling};
}

KeyTable::Handle KeyTable::find(const SeriesKey& key, std::uint32_t hash) const noexcept {
    const Handle found = find_in(current_, key, hash);
    if (found != 0 || old_.count == 0) return found;
    return find_in(old_, key, hash);
}

KeyTable::Handle KeyTable::find_in(const Slots& table, const SeriesKey& key,
                                   std::uint32_t hash) const noexcept {
    const std::size_t mask = table.count - 1;
    for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
        const Slot slot = table.slots[at];
        if (slot.handle == free_slot) return 0;
        if (slot.hash == hash && slot.handle != erased_slot && holds(slot.handle, key)) {
            return slot.handle;
        }
    }
}

void KeyTable::Freed::operator()(Slot* slots) const noexcept {
    std::free(slots);
}

KeyTable::Slots KeyTable::Slots::of(std::size_t count) {
    auto* memory = static_cast<Slot*>(std::calloc(count, sizeof(Slot)));
    if (memory == nullptr) throw std::bad_alloc();
    Slots made;
    made.slots.reset(memory);
    made.count = count;
    return made;
}

KeyTable::Slot* KeyTable::Slots::find(std::uint32_t hash, Handle handle) const noexcept {
    if (count == 0) return nullptr;
    const std::size_t mask = count - 1;
    for (std::size_t at = hash & mask; slots[at].handle != free_slot; at = (at + 1) & mask) {
        if (slots[at].handle == handle) return &slots[at];
    }
    return nullptr;
}

void KeyTable::Slots::put(std::uint32_t hash, Handle handle) noexcept {
    const std::size_t mask = count - 1;
    std::size_t at = hash & mask;
    while (slots[at].handle > erased_slot) at = (at + 1) & mask;
    if (slots[at].handle == free_slot) ++used;
    slots[at] = {.hash = hash, .handle = handle};
}

KeyTable::Handle KeyTable::insert(const SeriesKey& key, std::uint32_t hash, std::uint32_t value) {
    assert(find(key, hash) == 0);
    assert(key.name.size() + key.tags.size() <= protocol::identity_bytes_max);
    grow_if_full();
    move_some();

    const Handle handle = records_.allocate(key.name.size(), key.tags.size());
    KeyArena::Record& entry = records_[handle];
    entry.value = value;
    entry.next = 0;
    entry.kind = key.kind;
    entry.spelling = key.spelling;
    char* bytes = reinterpret_cast<char*>(&entry + 1);
    std::ranges::copy(key.name, bytes);
    std::ranges::copy(key.tags, bytes + key.name.size());

    current_.put(hash, handle);
    ++size_;
    return handle;
}

void KeyTable::erase(Handle handle) {
    const SeriesKey erased = key(handle);
    const std::uint32_t hash = this->hash(erased);
    Slot* slot = current_.find(hash, handle);
    if (slot == nullptr) slot = old_.find(hash, handle);
    assert(slot != nullptr);
    slot->handle = erased_slot;
    --size_;
    records_.release(handle);
}

// At three quarters of the slots a new set is begun, of a size for the keys there are:
// erased ones are left behind, so that a table under churn does not grow. When many were
// erased it shrinks, but no further than that the old slots are empty before these are full.
void KeyTable::grow_if_full() {
    if ((current_.used + 1) * 4 <= current_.count * 3) return;
    assert(old_.count == 0);
    old_ = std::move(current_);
    old_moved_ = 0;
    const std::size_t insertions = old_.count / slots_moved_per_insert + 1;
    const std::size_t usable = std::max((size_ + 1) * 3 / 2, size_ + insertions);
    current_ = Slots::of(std::max(slots_min, std::bit_ceil(usable * 4 / 3 + 1)));
}

void KeyTable::move_some() noexcept {
    if (old_.count == 0) return;
    const std::size_t until = std::min(old_moved_ + slots_moved_per_insert, old_.count);
    for (; old_moved_ < until; ++old_moved_) {
        Slot& slot = old_.slots[old_moved_];
        if (slot.handle > erased_slot) {
            current_.put(slot.hash, slot.handle);
            slot.handle = erased_slot;
        }
    }
    if (old_moved_ == old_.count) old_ = Slots{};
}

}  // namespace pitot::agent
