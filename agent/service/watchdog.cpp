#include "agent/service/watchdog.h"

#include <spdlog/logger.h>

#include <optional>
#include <utility>

namespace pitot::agent {

Watchdog::Watchdog(const ServiceManager& manager, Liveness liveness, const Clock& clock,
                   spdlog::logger& log)
    : manager_(manager), liveness_(std::move(liveness)), clock_(clock), log_(log) {}

// Twice in the time in which the manager wants to hear us would do (sd_watchdog_enabled(3));
// as often again, because an answer is seen one look after its question.
std::chrono::nanoseconds Watchdog::period() const noexcept {
    return manager_.watchdog_interval() / 4;
}

void Watchdog::look(std::string_view status) {
    const std::int64_t now_ns = clock_.steady_ns();
    // A flush of millions of series takes its time; half of the interval is left to it.
    const auto stuck = liveness_.stuck(now_ns, manager_.watchdog_interval().count() / 2);
    liveness_.ask(now_ns);
    if (!stuck) {
        if (!said_stuck_.empty()) log_.info("watchdog: '{}' answers again", said_stuck_);
        said_stuck_.clear();
        const std::string failure = manager_.watchdog(status);
        if (!failure.empty()) {
            log_.warn(
                "watchdog: the service manager could not be told that all is well, and will end "
                "the process if that lasts (WatchdogSec=): {}",
                failure);
        }
        return;
    }
    if (said_stuck_ == stuck->name) return;
    said_stuck_ = stuck->name;
    // In quotes, so that the log does not take the number of a shard for one that varies.
    log_.error(
        "watchdog: '{}' has not answered for {:.1f} s; the service manager is no longer told "
        "that all is well, and will end the process if that lasts (WatchdogSec=)",
        stuck->name, static_cast<double>(stuck->waiting_ns) / 1e9);
}

}  // namespace pitot::agent
