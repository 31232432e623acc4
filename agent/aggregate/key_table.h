// Maps the key of a series to a number, and keeps the key's bytes.
//
// A shard has one, from every spelling it has met to a row (series_table.h); the flush
// has one, from canonical keys to series ids (agent/flush/series_registry.h). One thread owns a
// table; there are no locks.
//
// Cost
// ----
// A hit is one probe into 8-byte slots and one comparison of the bytes. Keys lie in an
// arena (key_arena.h) and never move, so a view on a key holds until the key is erased. The
// slots grow, and shrink, by moving a few at each insertion, never all at once: no insertion
// takes long, whatever the size of the table.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "agent/aggregate/key_arena.h"
#include "agent/aggregate/key_hash.h"
#include "agent/aggregate/series_key.h"

namespace pitot::agent {

class KeyTable {
public:
    // Names a key in the table; 0 is none. Stable until the key is erased.
    using Handle = KeyArena::Handle;

    explicit KeyTable(std::uint64_t seed);

    std::uint32_t hash(const SeriesKey& key) const noexcept { return hash_(key); }

    // The key's handle, or 0. `hash` is hash(key).
    Handle find(const SeriesKey& key, std::uint32_t hash) const noexcept;

    // The same in three steps, for many keys at once: what each step reads of memory, the one
    // before has asked for, so that the keys wait for it together. guess() is the first handle
    // whose hash is right, or 0; holds() tells whether it is the key's; where it is not, find()
    // knows.
    void prefetch(std::uint32_t hash) const noexcept {
        __builtin_prefetch(&current_.slots[hash & (current_.count - 1)]);
    }
    inline Handle guess(std::uint32_t hash) const noexcept;
    inline bool holds(Handle handle, const SeriesKey& key) const noexcept;

    // Copies the key, which must not be in the table. Its value is `value`, its next 0.
    Handle insert(const SeriesKey& key, std::uint32_t hash, std::uint32_t value);

    void erase(Handle handle);

    SeriesKey key(Handle handle) const noexcept;
    std::uint32_t value(Handle handle) const noexcept { return records_[handle].value; }
    // A link for the owner's use: the shard chains the spellings of a row.
    Handle next(Handle handle) const noexcept { return records_[handle].next; }
    void set_next(Handle handle, Handle next) noexcept { records_[handle].next = next; }

    std::size_t size() const noexcept { return size_; }
    // Memory held: slots and key bytes.
    std::size_t bytes() const noexcept;
    // Without the room that erased keys left.
    std::size_t live_bytes() const noexcept;
    // Memory held if `key` were inserted; memory of erased keys is used again first.
    std::size_t bytes_with(const SeriesKey& key) const noexcept;
    // What the record of a key takes, and about what its slots do.
    static std::size_t cost_of(const SeriesKey& key) noexcept;

private:
    struct Slot {
        std::uint32_t hash;
        Handle handle;  // free_slot, erased_slot, or a key
    };
    static constexpr Handle free_slot = 0;
    static constexpr Handle erased_slot = 1;  // no key is named so (key_arena.h)

    static constexpr std::size_t slots_min = 1'024;
    // Slots moved at each insertion while the table grows or shrinks.
    static constexpr std::size_t slots_moved_per_insert = 8;

    // Memory comes zeroed and untouched from the system (calloc), so that starting a large
    // set of slots costs nothing at that moment.
    struct Freed {
        void operator()(Slot* slots) const noexcept;
    };
    struct Slots {
        std::unique_ptr<Slot[], Freed> slots;
        std::size_t count = 0;  // a power of two, or 0
        std::size_t used = 0;   // keys and erased ones

        static Slots of(std::size_t count);
        Slot* find(std::uint32_t hash, Handle handle) const noexcept;
        void put(std::uint32_t hash, Handle handle) noexcept;
    };

    static const char* bytes_of(const KeyArena::Record& record) noexcept {
        return reinterpret_cast<const char*>(&record + 1);
    }

    Handle find_in(const Slots& table, const SeriesKey& key, std::uint32_t hash) const noexcept;
    void grow_if_full();
    void move_some() noexcept;

    KeyHash hash_;
    std::size_t size_ = 0;

    Slots current_;
    Slots old_;                  // being emptied into current_; no slots when not growing
    std::size_t old_moved_ = 0;  // slots of old_ already looked at

    KeyArena records_;
};

// --- on the way of every line, and therefore here -----------------------------------------

// Whether `size` bytes are the same. Keys are short: a call of memcmp() for each of their two
// parts costs more than the comparison. From 16 bytes on, the last step overlaps the one before.
inline bool are_equal(const char* one, const char* other, std::size_t size) noexcept {
    using Bytes = std::array<std::uint64_t, 2>;
    if (size < sizeof(Bytes)) return std::memcmp(one, other, size) == 0;
    const auto differ = [&](std::size_t at) {
        Bytes of_one;
        Bytes of_other;
        std::memcpy(&of_one, one + at, sizeof of_one);
        std::memcpy(&of_other, other + at, sizeof of_other);
        return (of_one[0] ^ of_other[0]) | (of_one[1] ^ of_other[1]);
    };
    std::uint64_t difference = differ(size - sizeof(Bytes));
    for (std::size_t at = 0; at + sizeof(Bytes) < size; at += sizeof(Bytes)) {
        difference |= differ(at);
    }
    return difference == 0;
}

bool KeyTable::holds(Handle handle, const SeriesKey& key) const noexcept {
    const KeyArena::Record& entry = records_[handle];
    if (entry.name_bytes != key.name.size() || entry.tags_bytes != key.tags.size() ||
        entry.kind != key.kind || entry.spelling != key.spelling) {
        return false;
    }
    const char* bytes = bytes_of(entry);
    return are_equal(bytes, key.name.data(), key.name.size()) &&
           (key.tags.empty() ||
            are_equal(bytes + entry.name_bytes, key.tags.data(), key.tags.size()));
}

KeyTable::Handle KeyTable::guess(std::uint32_t hash) const noexcept {
    constexpr std::size_t cache_line_bytes = 64;
    const std::size_t mask = current_.count - 1;
    for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
        const Slot slot = current_.slots[at];
        if (slot.handle == free_slot) return 0;
        if (slot.hash == hash && slot.handle != erased_slot) {
            const char* record = reinterpret_cast<const char*>(&records_[slot.handle]);
            __builtin_prefetch(record);
            __builtin_prefetch(record + cache_line_bytes);
            return slot.handle;
        }
    }
}

}  // namespace pitot::agent
