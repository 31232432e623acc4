// Gives every series of the process a dense id, whichever shards see it.
//
// Owned by the merger. An id is used again after its series is forgotten; Series::birth
// tells the two lives apart.
//
// There may be a million of them, so the text of a series is not copied: it is lent by the row
// of a shard that it was born with. When a row of it is forgotten and others are not, the
// text must be kept (keep_text()), since it may have been that row's.
//
// For the flush thread, but for each(): births and deaths take a lock, so that others can walk
// over what is there, a few at a time. A flush without news of that kind takes none.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "agent/aggregate/key_arena.h"
#include "agent/aggregate/key_hash.h"
#include "agent/aggregate/series_key.h"
#include "protocol/snapshot.h"

namespace pitot::agent {

class SeriesRegistry {
public:
    SeriesRegistry(std::uint64_t key_seed, std::uint32_t series_max);
    SeriesRegistry(const SeriesRegistry&) = delete;
    SeriesRegistry& operator=(const SeriesRegistry&) = delete;

    struct Resolved {
        protocol::SeriesId id = 0;
        bool is_new = false;
        bool is_folded = false;  // the id is that of an overflow series, which was not asked for
    };
    // The id of a canonical key, whose bytes lie as in a Birth and live as long as the series,
    // or until keep_text(). Beyond series_max a new tag set gets the id of its name's
    // overflow series, as in a shard's table.
    Resolved resolve(const SeriesKey& canonical, std::int64_t born_unix_ns);
    // Likewise for a series of the agent's own: none of them is refused, and none counts. Its
    // text is copied, as is that of the next.
    Resolved resolve_own(const SeriesKey& canonical, std::int64_t born_unix_ns);
    // The overflow series of a name.
    Resolved resolve_overflow(std::string_view name, protocol::Kind kind,
                              std::int64_t born_unix_ns);

    // The id of a canonical key, if it has one.
    std::optional<protocol::SeriesId> find(const SeriesKey& canonical) const;

    // The text that was lent will go, the series stays.
    void keep_text(protocol::SeriesId id);
    void forget(protocol::SeriesId id);
    // One that resolve_own() gave.
    void forget_own(protocol::SeriesId id);

    std::span<const protocol::Series> all() const noexcept { return series_; }
    const protocol::Series& operator[](protocol::SeriesId id) const { return series_[id]; }

    // How many each() looks at while a birth may have to wait: tens of microseconds.
    static constexpr std::size_t walked_at_once = 256;
    // Any thread: every series that is there, in no order. One that comes or goes meanwhile may
    // be left out. `visit` must neither wait nor keep what it is shown.
    void each(const std::function<void(const protocol::Series&)>& visit) const;

    // Without the agent's own.
    std::size_t size() const noexcept { return ids_.size() - own_; }

private:
    // Ids are found by the text of their series: the set has 4 bytes of each and no text. It
    // grows all at once, which takes the flush a tenth of a microsecond a series.
    struct Hash {
        using is_transparent = void;
        const SeriesRegistry* registry;

        std::size_t operator()(const SeriesKey& key) const noexcept;
        std::size_t operator()(protocol::SeriesId id) const noexcept;
    };
    struct Equal {
        using is_transparent = void;
        const SeriesRegistry* registry;

        bool operator()(protocol::SeriesId one, protocol::SeriesId other) const noexcept {
            return one == other;
        }
        bool operator()(const SeriesKey& key, protocol::SeriesId id) const noexcept;
        bool operator()(protocol::SeriesId id, const SeriesKey& key) const noexcept {
            return (*this)(key, id);
        }
    };
    enum class Text : bool { lent, copied };

    SeriesKey key_of(protocol::SeriesId id) const noexcept;
    protocol::SeriesId add(const SeriesKey& canonical, Text text, std::int64_t born_unix_ns);
    void copy_text(protocol::SeriesId id, const SeriesKey& text);

    mutable std::mutex mutex_;  // of what each() reads, when the flush thread writes it
    KeyHash hash_;
    std::uint32_t series_max_;
    std::size_t own_ = 0;  // series of the agent's own
    std::uint64_t births_ = 0;
    std::vector<protocol::Series> series_;  // by id
    boost::unordered_flat_set<protocol::SeriesId, Hash, Equal> ids_;
    std::vector<protocol::SeriesId> free_;
    // Texts that are not lent: of few.
    KeyArena texts_;
    boost::unordered_flat_map<protocol::SeriesId, KeyArena::Handle> copied_;
};

}  // namespace pitot::agent
