#include "agent/flush/series_registry.h"

#include <algorithm>
#include <cassert>

#include "agent/aggregate/series_table.h"
#include "agent/limits.h"

namespace pitot::agent {

using protocol::Series;
using protocol::SeriesId;

SeriesRegistry::SeriesRegistry(std::uint64_t key_seed, std::uint32_t series_max)
    : hash_(key_seed),
      series_max_(series_max),
      ids_(0, Hash{.registry = this}, Equal{.registry = this}) {}

std::size_t SeriesRegistry::Hash::operator()(const SeriesKey& key) const noexcept {
    return registry->hash_(sought(key));
}

std::size_t SeriesRegistry::Hash::operator()(SeriesId id) const noexcept {
    return (*this)(registry->key_of(id));
}

bool SeriesRegistry::Equal::operator()(const SeriesKey& key, SeriesId id) const noexcept {
    return registry->key_of(id) == key;
}

SeriesKey SeriesRegistry::key_of(SeriesId id) const noexcept {
    const Series& series = series_[id];
    return {.name = series.name(), .tags = series.tags().text(), .kind = series.kind};
}

SeriesRegistry::Resolved SeriesRegistry::resolve(const SeriesKey& canonical,
                                                 std::int64_t born_unix_ns) {
    if (const auto known = find(canonical)) return {.id = *known};
    if (size() >= series_max_ && canonical.tags != overflow_tags) {
        return resolve_overflow(canonical.name, canonical.kind, born_unix_ns);
    }
    return {.id = add(canonical, Text::lent, born_unix_ns), .is_new = true};
}

SeriesRegistry::Resolved SeriesRegistry::resolve_own(const SeriesKey& canonical,
                                                     std::int64_t born_unix_ns) {
    assert(!find(canonical));
    ++own_;
    return {.id = add(canonical, Text::copied, born_unix_ns), .is_new = true};
}

SeriesRegistry::Resolved SeriesRegistry::resolve_overflow(std::string_view name,
                                                          protocol::Kind kind,
                                                          std::int64_t born_unix_ns) {
    SeriesKey key{.name = name, .tags = overflow_tags, .kind = kind};
    std::optional<SeriesId> known = find(key);
    const bool is_full = size() >= std::size_t{series_max_} + limits::overflow_series_max;
    if (!known && (is_full || name.size() + overflow_tags.size() > protocol::identity_bytes_max)) {
        key.name = overflow_name;
        known = find(key);
    }
    if (known) return {.id = *known, .is_folded = true};
    return {.id = add(key, Text::copied, born_unix_ns), .is_new = true, .is_folded = true};
}

SeriesId SeriesRegistry::add(const SeriesKey& canonical, Text text, std::int64_t born_unix_ns) {
    const std::scoped_lock lock(mutex_);
    SeriesId id = 0;
    if (free_.empty()) {
        id = static_cast<SeriesId>(series_.size());
        series_.emplace_back();
    } else {
        id = free_.back();
        free_.pop_back();
    }
    series_[id] = {.text = canonical.name.data(),
                   .name_bytes = static_cast<std::uint16_t>(canonical.name.size()),
                   .tags_bytes = static_cast<std::uint16_t>(canonical.tags.size()),
                   .kind = canonical.kind,
                   .name_hash = protocol::name_hash_of(canonical.name, canonical.kind),
                   .birth = ++births_,
                   .born_unix_ns = born_unix_ns};
    if (text == Text::copied) {
        copy_text(id, canonical);
    } else {
        assert(canonical.tags.empty() ||
               canonical.tags.data() == canonical.name.data() + canonical.name.size());
    }
    ids_.insert(id);
    return id;
}

void SeriesRegistry::copy_text(SeriesId id, const SeriesKey& text) {
    const KeyArena::Handle handle = texts_.allocate(text.name.size(), text.tags.size());
    char* const bytes = texts_.bytes_of(handle);
    std::ranges::copy(text.name, bytes);
    std::ranges::copy(text.tags, bytes + text.name.size());
    series_[id].text = bytes;
    copied_.emplace(id, handle);
}

std::optional<SeriesId> SeriesRegistry::find(const SeriesKey& canonical) const {
    const auto known = ids_.find(canonical);
    if (known == ids_.end()) return std::nullopt;
    return *known;
}

void SeriesRegistry::keep_text(SeriesId id) {
    if (copied_.contains(id)) return;
    const std::scoped_lock lock(mutex_);
    copy_text(id, key_of(id));
}

void SeriesRegistry::forget_own(SeriesId id) {
    assert(own_ > 0);
    --own_;
    forget(id);
}

void SeriesRegistry::each(const std::function<void(const Series&)>& visit) const {
    for (std::size_t from = 0;; from += walked_at_once) {
        const std::scoped_lock lock(mutex_);
        if (from >= series_.size()) return;
        const std::size_t most = std::min(walked_at_once, series_.size() - from);
        for (const Series& series : all().subspan(from, most)) {
            if (series.birth != 0) visit(series);
        }
    }
}

void SeriesRegistry::forget(SeriesId id) {
    const std::scoped_lock lock(mutex_);
    assert(series_[id].birth != 0);
    ids_.erase(id);
    if (const auto copied = copied_.find(id); copied != copied_.end()) {
        texts_.release(copied->second);
        copied_.erase(copied);
    }
    series_[id] = {};
    free_.push_back(id);
}

}  // namespace pitot::agent
