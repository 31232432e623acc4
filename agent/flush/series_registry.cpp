#include "agent/flush/series_registry.h"

#include <algorithm>
#include <cassert>

#include "agent/aggregate/canonical.h"
#include "agent/aggregate/series_table.h"
#include "agent/limits.h"

namespace pitot::agent {

SeriesRegistry::SeriesRegistry(std::uint64_t key_seed, std::uint32_t series_max)
    : keys_(key_seed), series_max_(series_max) {}

SeriesRegistry::Resolved SeriesRegistry::resolve(const SeriesKey& canonical,
                                                 std::int64_t born_unix_ns) {
    const std::uint32_t hash = keys_.hash(canonical);
    if (const KeyTable::Handle known = keys_.find(canonical, hash); known != 0) {
        return {.id = keys_.value(known)};
    }
    if (size() >= series_max_ && canonical.tags != overflow_tags) {
        return resolve_overflow(canonical.name, canonical.kind, born_unix_ns);
    }
    return {.id = add(canonical, hash, born_unix_ns), .is_new = true};
}

SeriesRegistry::Resolved SeriesRegistry::resolve_own(const SeriesKey& canonical,
                                                     std::int64_t born_unix_ns) {
    const std::uint32_t hash = keys_.hash(canonical);
    assert(keys_.find(canonical, hash) == 0);
    ++own_;
    return {.id = add(canonical, hash, born_unix_ns), .is_new = true};
}

SeriesRegistry::Resolved SeriesRegistry::resolve_overflow(std::string_view name,
                                                          protocol::Kind kind,
                                                          std::int64_t born_unix_ns) {
    SeriesKey key{.name = name, .tags = overflow_tags, .kind = kind};
    std::uint32_t hash = keys_.hash(key);
    KeyTable::Handle known = keys_.find(key, hash);
    const bool is_full = size() >= std::size_t{series_max_} + limits::overflow_series_max;
    if (known == 0 &&
        (is_full || name.size() + overflow_tags.size() > protocol::identity_bytes_max)) {
        key.name = overflow_name;
        hash = keys_.hash(key);
        known = keys_.find(key, hash);
    }
    if (known != 0) return {.id = keys_.value(known), .is_folded = true};
    return {.id = add(key, hash, born_unix_ns), .is_new = true, .is_folded = true};
}

protocol::SeriesId SeriesRegistry::add(const SeriesKey& canonical, std::uint32_t hash,
                                       std::int64_t born_unix_ns) {
    const std::scoped_lock lock(mutex_);
    protocol::SeriesId id = 0;
    if (free_.empty()) {
        id = static_cast<protocol::SeriesId>(series_.size());
        series_.emplace_back();
        tags_.emplace_back();
        handles_.push_back(0);
    } else {
        id = free_.back();
        free_.pop_back();
    }
    handles_[id] = keys_.insert(canonical, hash, id);
    const SeriesKey kept = keys_.key(handles_[id]);

    split_canonical_tags(kept.tags, split_);
    if (!split_.empty()) {
        tags_[id] = std::make_unique<protocol::Tag[]>(split_.size());
        std::ranges::copy(split_, tags_[id].get());
    }
    series_[id] = {.name = kept.name,
                   .tags = {tags_[id].get(), split_.size()},
                   .kind = kept.kind,
                   .birth = ++births_,
                   .born_unix_ns = born_unix_ns};
    return id;
}

std::optional<protocol::SeriesId> SeriesRegistry::find(const SeriesKey& canonical) const {
    const KeyTable::Handle known = keys_.find(canonical, keys_.hash(canonical));
    if (known == 0) return std::nullopt;
    return keys_.value(known);
}

void SeriesRegistry::forget_own(protocol::SeriesId id) {
    assert(own_ > 0);
    --own_;
    forget(id);
}

void SeriesRegistry::each(const std::function<void(const protocol::Series&)>& visit) const {
    for (std::size_t from = 0;; from += walked_at_once) {
        const std::scoped_lock lock(mutex_);
        if (from >= series_.size()) return;
        const std::size_t most = std::min(walked_at_once, series_.size() - from);
        for (const protocol::Series& series : all().subspan(from, most)) {
            if (series.birth != 0) visit(series);
        }
    }
}

void SeriesRegistry::forget(protocol::SeriesId id) {
    const std::scoped_lock lock(mutex_);
    assert(series_[id].birth != 0);
    keys_.erase(handles_[id]);
    series_[id] = {};
    tags_[id].reset();
    free_.push_back(id);
}

}  // namespace pitot::agent
