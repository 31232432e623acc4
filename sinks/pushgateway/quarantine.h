// Families the gateway refused: left out of the pushes for a while, then tried again.
//
// The io thread adds, the flush thread asks once per interval.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>

namespace pitot::sinks::pushgateway {

// Intervals a family sits out: long enough that trying is cheap, short enough that it is
// back soon after the clash was mended.
inline constexpr std::uint32_t quarantine_intervals = 30;

class Quarantine {
public:
    // True when the family was not in already.
    bool add(const std::string& family) {
        const std::lock_guard lock(mutex_);
        const bool is_new = !remaining_.contains(family);
        remaining_[family] = quarantine_intervals;
        return is_new;
    }

    // The families to leave out of the interval that is encoded now; each one's time runs.
    std::unordered_set<std::string> next_interval() {
        const std::lock_guard lock(mutex_);
        std::unordered_set<std::string> out;
        for (auto entry = remaining_.begin(); entry != remaining_.end();) {
            if (entry->second == 0) {
                entry = remaining_.erase(entry);
                continue;
            }
            --entry->second;
            out.insert(entry->first);
            ++entry;
        }
        return out;
    }

private:
    std::mutex mutex_;
    std::unordered_map<std::string, std::uint32_t> remaining_;
};

}  // namespace pitot::sinks::pushgateway
