// Text and tags that live for one interval: of events, service checks and samples with a
// time of their own.
//
// What is kept never moves before reset(), so views on it may be stored. reset() keeps the
// first chunk and gives back the rest: a burst of events must not hold memory for ever. One
// thread at a time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory_resource>
#include <span>
#include <string_view>
#include <vector>

namespace pitot::agent {

template <typename Item>
class SpanArena {
public:
    // `memory` outlives the arena.
    explicit SpanArena(std::pmr::memory_resource* memory) : chunks_(memory) {}

    std::span<const Item> keep(std::span<const Item> items) {
        if (items.empty()) return {};
        if (chunks_.empty() || chunks_.back().capacity() - chunks_.back().size() < items.size()) {
            chunks_.emplace_back().reserve(std::max(items_per_chunk, items.size()));
        }
        // There is room, so nothing that the chunk holds moves.
        std::pmr::vector<Item>& chunk = chunks_.back();
        const std::size_t at = chunk.size();
        chunk.insert(chunk.end(), items.begin(), items.end());
        return std::span<const Item>(chunk).subspan(at);
    }

    void reset() noexcept {
        if (chunks_.empty()) return;
        // Not a longer one, which one long item asked for.
        const bool is_usual = chunks_.front().capacity() == items_per_chunk;
        chunks_.erase(chunks_.begin() + (is_usual ? 1 : 0), chunks_.end());
        if (is_usual) chunks_.front().clear();
    }

private:
    static constexpr std::size_t items_per_chunk = 64 * std::size_t{1024} / sizeof(Item);

    std::pmr::vector<std::pmr::vector<Item>> chunks_;
};

inline std::string_view keep(SpanArena<char>& arena, std::string_view text) {
    const std::span<const char> kept = arena.keep({text.data(), text.size()});
    return {kept.data(), kept.size()};
}

}  // namespace pitot::agent
