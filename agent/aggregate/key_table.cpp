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

namespace {

// Sixteen bytes: what every x86-64 and 64-bit ARM processor compares at once, so that nothing is
// chosen at run time.
using Bytes = std::uint64_t __attribute__((vector_size(16)));

template <typename Word>
[[gnu::always_inline]] inline Word word_difference(const char* one, const char* other) noexcept {
    Word of_one{};
    Word of_other{};
    std::memcpy(&of_one, one, sizeof of_one);
    std::memcpy(&of_other, other, sizeof of_other);
    return of_one ^ of_other;
}

// Where `size` bytes differ: zero if nowhere. Keys are short: a call of memcmp() for each of their
// two parts costs more than the comparison. The last step overlaps the one before.
[[gnu::always_inline]] inline Bytes difference(const char* one, const char* other,
                                               std::size_t size) noexcept {
    using Word = std::uint64_t;
    if (size >= sizeof(Bytes)) [[likely]] {
        const std::size_t last = size - sizeof(Bytes);
        auto bytes = word_difference<Bytes>(one + last, other + last);
        for (std::size_t at = 0; at < last; at += sizeof(Bytes)) {
            bytes |= word_difference<Bytes>(one + at, other + at);
        }
        return bytes;
    }
    if (size >= sizeof(Word)) {
        const std::size_t last = size - sizeof(Word);
        return Bytes{word_difference<Word>(one, other),
                     word_difference<Word>(one + last, other + last)};
    }
    return Bytes{std::memcmp(one, other, size) == 0 ? Word{0} : Word{1}, 0};
}

}  // namespace

KeyTable::KeyTable(std::uint64_t seed) : hash_(seed), current_(Slots::of(slots_min)) {}

std::uint32_t KeyTable::hash(const SeriesKey& key) const noexcept {
    return hash_(sought(key));
}

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

[[gnu::always_inline]] inline bool KeyTable::holds(const KeyArena::Record& record,
                                                   const SoughtKey& key) noexcept {
    if (record.shape() != key.shape) return false;
    const char* bytes = bytes_of(record);
    const std::size_t name_bytes = key.name_bytes();
    const std::size_t tags_bytes = key.tags_bytes();
    Bytes differences = difference(bytes, key.name, name_bytes);
    if (tags_bytes != 0) differences |= difference(bytes + name_bytes, key.tags, tags_bytes);
    return (differences[0] | differences[1]) == 0;
}

// The first record whose hash is right, which is usually the key's. Looks into current_ alone:
// null does not mean that the table has no such key.
[[gnu::always_inline]] inline const KeyArena::Record* KeyTable::guess(
    std::uint32_t hash) const noexcept {
    const std::size_t mask = current_.count - 1;
    for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
        const Slot slot = current_.slots[at];
        if (slot.hash == hash && slot.handle > erased_slot) [[likely]] {
            return &records_[slot.handle];
        }
        if (slot.handle == free_slot) return nullptr;
    }
}

// Three passes: each prefetches what the next one reads, so that the misses of all keys overlap.
void KeyTable::find(std::span<const protocol::QuickLine> lines, Spelling spelling,
                    std::span<std::uint32_t> values) const noexcept {
    assert(lines.size() <= keys_per_find_max && values.size() >= lines.size());
    constexpr std::size_t cache_line_bytes = 64;
    // NOLINTBEGIN(cppcoreguidelines-pro-type-member-init): of the lines there are
    std::array<std::uint64_t, keys_per_find_max> shapes;
    std::array<std::uint32_t, keys_per_find_max> hashes;
    std::array<const KeyArena::Record*, keys_per_find_max> guesses;
    // NOLINTEND(cppcoreguidelines-pro-type-member-init)
    const auto key_of = [&](std::size_t i) {
        return SoughtKey{
            .name = lines[i].begin, .tags = lines[i].begin + lines[i].tags_at, .shape = shapes[i]};
    };
    const std::size_t mask = current_.count - 1;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const protocol::QuickLine& line = lines[i];
        shapes[i] = shape_of(line.name_bytes, line.size - line.tags_at, line.kind, spelling);
        hashes[i] = line.is_usual ? hash_(key_of(i)) : 0;
        __builtin_prefetch(&current_.slots[hashes[i] & mask]);
    }
    for (std::size_t i = 0; i < lines.size(); ++i) {
        guesses[i] = guess(hashes[i]);
        if (guesses[i] == nullptr) [[unlikely]]
            continue;
        __builtin_prefetch(guesses[i]);
        __builtin_prefetch(reinterpret_cast<const char*>(guesses[i]) + cache_line_bytes);
    }
    for (std::size_t i = 0; i < lines.size(); ++i) {
        values[i] = no_value;
        if (!lines[i].is_usual) [[unlikely]]
            continue;
        if (guesses[i] != nullptr && holds(*guesses[i], key_of(i))) [[likely]] {
            values[i] = guesses[i]->value;
        } else if (const Handle found = find(key_of(i), hashes[i]); found != 0) {
            values[i] = value(found);
        }
    }
}

KeyTable::Handle KeyTable::find(const SeriesKey& key, std::uint32_t hash) const noexcept {
    return find(sought(key), hash);
}

// Apart from the loop above, which seldom comes here and would hold both probes.
[[gnu::noinline]] KeyTable::Handle KeyTable::find(const SoughtKey& key,
                                                  std::uint32_t hash) const noexcept {
    const Handle found = find_in(current_, key, hash);
    if (found != 0 || old_.count == 0) return found;
    return find_in(old_, key, hash);
}

KeyTable::Handle KeyTable::find_in(const Slots& table, const SoughtKey& key,
                                   std::uint32_t hash) const noexcept {
    const std::size_t mask = table.count - 1;
    for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
        const Slot slot = table.slots[at];
        if (slot.handle == free_slot) return 0;
        if (slot.hash == hash && slot.handle != erased_slot && holds(records_[slot.handle], key)) {
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
    move(slots_moved_per_insert);

    const Handle handle = records_.allocate(key.name.size(), key.tags.size());
    KeyArena::Record& entry = records_[handle];
    entry.value = value;
    entry.next = 0;
    entry.kind = key.kind;
    entry.spelling = key.spelling;
    char* const bytes = records_.bytes_of(handle);
    std::ranges::copy(key.name, bytes);
    std::ranges::copy(key.tags, bytes + key.name.size());

    current_.put(hash, handle);
    ++size_;
    return handle;
}

void KeyTable::erase(Handle handle) {
    unlink(handle);
    release(handle);
}

void KeyTable::unlink(Handle handle) noexcept {
    const SeriesKey erased = key(handle);
    const std::uint32_t hash = this->hash(erased);
    Slot* slot = current_.find(hash, handle);
    if (slot == nullptr) slot = old_.find(hash, handle);
    assert(slot != nullptr);
    slot->handle = erased_slot;
    --size_;
}

// At three quarters of the slots a new set is begun, of a size for the keys there are:
// erased ones are left behind, so that a table under churn does not grow. When many were
// erased it shrinks, but never so far that the new slots could be full before the old ones are
// left.
void KeyTable::grow_if_full() {
    if ((current_.used + 1) * 4 <= current_.count * 3) return;
    assert(old_.count == 0);
    old_ = std::move(current_);
    old_moved_ = 0;
    const std::size_t insertions = old_.count / slots_moved_per_insert + 1;
    const std::size_t usable = std::max((size_ + 1) * 3 / 2, size_ + insertions);
    current_ = Slots::of(std::max(slots_min, std::bit_ceil(usable * 4 / 3 + 1)));
}

void KeyTable::move(std::size_t slots) noexcept {
    if (!is_moving()) return;
    const std::size_t until = std::min(old_moved_ + slots, old_.count);
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
