// Memory for the keys of a KeyTable: records of different lengths that never move.
//
// A record is a run of 16-byte units within a chunk of 256 KiB, named by the number of its
// first unit. One that is given back joins its free neighbours at once and is cut to size
// for what comes next, so that long keys leave their memory to short ones and the other way
// round; a chunk with no record left goes back to the system. So bytes() falls when series
// are forgotten, and a table that was full once is not full for ever. (Boundary tags: Knuth,
// The Art of Computer Programming 1, section 2.5; a list for each size.)
//
// One thread owns an arena. It does not look into the bytes behind a record's head.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "agent/aggregate/series_key.h"
#include "protocol/limits.h"
#include "protocol/sample.h"

namespace pitot::agent {

class KeyArena {
public:
    // Names a record; 0 is none, and 1 is never given out either.
    using Handle = std::uint32_t;

    // What stands before a key's bytes. Tags follow the name.
    struct Record {
        std::uint32_t value;         // the table's; of a free run: the one before it in its list
        Handle next;                 // the table's; of a free run: the next one in its list
        std::uint16_t name_bytes;    // of a free run: its units
        std::uint16_t tags_bytes;    // the table's
        protocol::Kind kind;         // the arena marks free runs here
        Spelling spelling;           // the table's
        std::uint16_t units_before;  // the arena's: length of the run in front, 0 if none is

        // The key's, as shape_of() has it.
        std::uint64_t shape() const noexcept;
    };
    static constexpr std::size_t unit_bytes = sizeof(Record);
    static_assert(unit_bytes == 16);

    // What a key of so many bytes takes.
    static constexpr std::size_t units_for(std::size_t key_bytes) noexcept {
        return 1 + (key_bytes + unit_bytes - 1) / unit_bytes;
    }

    // A record for a key of `name_bytes` and `tags_bytes`, together at most
    // protocol::identity_bytes_max. Its lengths are set, all else is the caller's.
    Handle allocate(std::size_t name_bytes, std::size_t tags_bytes);
    void release(Handle handle) noexcept;

    Record& operator[](Handle handle) noexcept { return *record_at(handle); }
    const Record& operator[](Handle handle) const noexcept { return *record_at(handle); }

    // Of the key: name and tags, as many as it was allocated for.
    char* bytes_of(Handle handle) noexcept {
        return reinterpret_cast<char*>(record_at(handle) + 1);
    }

    // What the records take, without the room between them.
    std::size_t live_bytes() const noexcept { return live_units_ * unit_bytes; }
    // Memory held, and what it would be with another key of so many bytes.
    std::size_t bytes() const noexcept { return chunks_in_use_ * chunk_bytes; }
    std::size_t bytes_with(std::size_t key_bytes) const noexcept {
        const bool has_room = first_list_with(units_for(key_bytes)) != list_count;
        return bytes() + (has_room ? 0 : chunk_bytes);
    }

private:
    static constexpr std::size_t units_per_chunk = 16'384;
    static constexpr std::size_t chunk_bytes = units_per_chunk * unit_bytes;
    // Units at the begin of each chunk that no record has, so that none is named 0 or 1.
    static constexpr std::size_t units_reserved = 2;
    static constexpr protocol::Kind free_run{0xFF};

    // Free runs are listed by their length; longer ones than any record share the last list.
    static constexpr std::size_t longest_record = 1 + protocol::identity_bytes_max / unit_bytes;
    static constexpr std::size_t list_count = longest_record + 2;
    static std::size_t list_of(std::size_t units) noexcept;

    Record* record_at(Handle handle) const noexcept {
        std::byte* const chunk = chunks_[handle / units_per_chunk].get();
        return reinterpret_cast<Record*>(chunk + place_of(handle) * unit_bytes);
    }

    static std::size_t units_of(const Record& record) noexcept;
    static std::size_t place_of(Handle handle) noexcept { return handle % units_per_chunk; }
    std::size_t first_list_with(std::size_t units) const noexcept;
    void add_chunk();
    void make_free(Handle handle, std::size_t units, std::size_t units_before);
    void link(Handle handle) noexcept;
    void unlink(Handle handle) noexcept;
    void tell_next(Handle handle, std::size_t units) noexcept;

    std::vector<std::unique_ptr<std::byte[]>> chunks_;
    std::vector<std::uint32_t> vacant_;  // numbers of chunks given back
    std::size_t chunks_in_use_ = 0;
    std::size_t live_units_ = 0;
    std::array<Handle, list_count> lists_{};
    std::array<std::uint64_t, list_count / 64 + 1> filled_{};  // a bit for each list
};

inline std::uint64_t KeyArena::Record::shape() const noexcept {
    if constexpr (std::endian::native == std::endian::little) {
        // The four fields in one step; units_before is the highest of them.
        std::uint64_t fields = 0;
        std::memcpy(&fields,
                    reinterpret_cast<const std::byte*>(this) + offsetof(Record, name_bytes),
                    sizeof fields);
        return fields & 0xFFFF'FFFF'FFFF;
    }
    return shape_of(name_bytes, tags_bytes, kind, spelling);
}

}  // namespace pitot::agent
