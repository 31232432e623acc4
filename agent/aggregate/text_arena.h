// Text that lives for one interval: events, service checks, identities of new series.
//
// Kept text never moves before reset(), so views on it may be stored. reset() keeps the
// first chunk and gives back the rest: a burst of events must not hold memory for ever.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

namespace pitot::agent {

class TextArena {
public:
    std::string_view keep(std::string_view text) {
        if (text.empty()) return {};
        if (chunks_.empty() || used_ + text.size() > size_) {
            size_ = std::max(chunk_bytes, text.size());
            chunks_.push_back(std::make_unique_for_overwrite<char[]>(size_));
            used_ = 0;
        }
        char* at = chunks_.back().get() + used_;
        std::ranges::copy(text, at);
        used_ += text.size();
        return {at, text.size()};
    }

    void reset() noexcept {
        used_ = 0;
        if (chunks_.size() <= 1) return;
        chunks_.resize(1);
        // The first chunk may be a large one; what is known of it is that it holds as much.
        size_ = chunk_bytes;
    }

private:
    static constexpr std::size_t chunk_bytes = 64 * std::size_t{1024};

    std::vector<std::unique_ptr<char[]>> chunks_;
    std::size_t size_ = 0;  // of the last chunk
    std::size_t used_ = 0;  // of the last chunk
};

}  // namespace pitot::agent
