// Gives every series of the process a dense id, whichever shards see it.
//
// Owned by the merger. An id is used again after its series is forgotten; Series::birth
// tells the two lives apart.
//
// For the flush thread, but for each(): births and deaths take a lock, so that others can walk
// over what is there, a few at a time. A flush without news of that kind takes none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "agent/aggregate/key_table.h"
#include "protocol/snapshot.h"

namespace pitot::agent {

class SeriesRegistry {
public:
    SeriesRegistry(std::uint64_t key_seed, std::uint32_t series_max);

    struct Resolved {
        protocol::SeriesId id = 0;
        bool is_new = false;
        bool is_folded = false;  // the id is that of an overflow series, which was not asked for
    };
    // The id of a canonical key. Beyond series_max a new tag set gets the id of its name's
    // overflow series, as in a shard's table.
    Resolved resolve(const SeriesKey& canonical, std::int64_t born_unix_ns);
    // Likewise for a series of the agent's own: none of them is refused, and none counts.
    Resolved resolve_own(const SeriesKey& canonical, std::int64_t born_unix_ns);
    // The overflow series of a name.
    Resolved resolve_overflow(std::string_view name, protocol::Kind kind,
                              std::int64_t born_unix_ns);

    // The id of a canonical key, if it has one.
    std::optional<protocol::SeriesId> find(const SeriesKey& canonical) const;

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
    std::size_t size() const noexcept { return keys_.size() - own_; }

private:
    protocol::SeriesId add(const SeriesKey& canonical, std::uint32_t hash,
                           std::int64_t born_unix_ns);

    mutable std::mutex mutex_;  // of what each() reads, when the flush thread writes it
    KeyTable keys_;
    std::uint32_t series_max_;
    std::size_t own_ = 0;  // series of the agent's own
    std::uint64_t births_ = 0;
    std::vector<protocol::Series> series_;  // by id; views into keys_ and tags_
    std::vector<std::unique_ptr<protocol::Tag[]>> tags_;
    std::vector<KeyTable::Handle> handles_;
    std::vector<protocol::SeriesId> free_;
    std::vector<protocol::Tag> split_;
};

}  // namespace pitot::agent
