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
// takes long, whatever the size of the table. The owner has the rest moved when it finds the
// time (move_on()): keys in slots that are to be left cost twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "agent/aggregate/key_arena.h"
#include "agent/aggregate/key_hash.h"
#include "agent/aggregate/series_key.h"
#include "protocol/quick_line.h"

namespace pitot::agent {

class KeyTable {
public:
    // Names a key in the table; 0 is none. Stable until the key is erased.
    using Handle = KeyArena::Handle;

    explicit KeyTable(std::uint64_t seed);

    std::uint32_t hash(const SeriesKey& key) const noexcept;

    // The key's handle, or 0. `hash` is hash(key).
    Handle find(const SeriesKey& key, std::uint32_t hash) const noexcept;

    // Looks up the keys of many lines at once, at most keys_per_find_max: their cache misses
    // overlap, so that all of them cost little more than the slowest one. Writes their values;
    // no_value for a line that is not usual, and for a key that is not in the table.
    static constexpr std::uint32_t no_value = UINT32_MAX;
    // About twice as many misses as a core has under way at once.
    static constexpr std::size_t keys_per_find_max = 32;
    void find(std::span<const protocol::QuickLine> lines, Spelling spelling,
              std::span<std::uint32_t> values) const noexcept;

    // Copies the key, which must not be in the table. Its value is `value`, its next 0.
    Handle insert(const SeriesKey& key, std::uint32_t hash, std::uint32_t value);

    void erase(Handle handle);
    // The halves of erase(), where others still read the key: from unlink() on it is not found,
    // and until release() its bytes stay.
    void unlink(Handle handle) noexcept;
    void release(Handle handle) noexcept { records_.release(handle); }

    // Whether there are slots to be left; leaves some of them, in a microsecond or less.
    bool is_moving() const noexcept { return old_.count != 0; }
    void move_on() noexcept {
        if (is_moving()) [[unlikely]]
            move(slots_moved_at_leisure);
    }

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
    static constexpr std::size_t slots_moved_at_leisure = 32;

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

    Handle find(const SoughtKey& key, std::uint32_t hash) const noexcept;
    Handle find_in(const Slots& table, const SoughtKey& key, std::uint32_t hash) const noexcept;
    const KeyArena::Record* guess(std::uint32_t hash) const noexcept;
    static bool holds(const KeyArena::Record& record, const SoughtKey& key) noexcept;
    void grow_if_full();
    void move(std::size_t slots) noexcept;

    KeyHash hash_;
    std::size_t size_ = 0;

    Slots current_;
    Slots old_;                  // being emptied into current_; no slots when not growing
    std::size_t old_moved_ = 0;  // slots of old_ already looked at

    KeyArena records_;
};

}  // namespace pitot::agent
