// The alerts of the process: rules, channels, and what of them outlives it, as App starts and
// stops them.
//
//     AlertService alerts(config, seed, clock, log);
//     alerts.open();          // reads what was left in the state directory
//     …the flusher gets alerts.alerting() and alerts.channels()…
//     alerts.start();         // before the first flush
//     …
//     alerts.stop(deadline);  // after the last one: delivers, then saves
//
// Without rules and derived series there is nothing: no thread, no file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "agent/alerts/alerting.h"
#include "agent/alerts/channels/channel_set.h"
#include "agent/alerts/channels/channel_taker.h"
#include "agent/clock.h"
#include "agent/config/config.h"
#include "agent/ledger.h"
#include "agent/service/liveness.h"

namespace spdlog {
class logger;
}

namespace pitot::agent {

class AlertService {
public:
    // `seed` of the jitter of back-offs. Clock and log outlive it.
    AlertService(const Config& config, std::uint64_t seed, const Clock& clock, spdlog::logger& log);
    AlertService(const AlertService&) = delete;
    AlertService& operator=(const AlertService&) = delete;

    void open();
    void start();
    // False if a channel was still at it at the deadline.
    bool stop(std::int64_t deadline_steady_ns);

    // Null without rules and derived series.
    alerts::Alerting* alerting() { return alerting_ ? &*alerting_ : nullptr; }
    // Any thread, after open().
    std::vector<Ledger::Channel> channels() const;
    // For the watchdog.
    std::vector<WatchedLoop> watched();

private:
    // Why nothing can be kept there; "" if it can, or is not asked for.
    std::string state_problem() const;

    spdlog::logger& log_;
    std::filesystem::path state_directory_;
    bool forgets_ = false;  // the operator has rules, and there is nowhere to keep their state
    std::optional<alerts::channels::ChannelSet> channels_;
    std::optional<alerts::channels::ChannelTaker> taker_;
    std::optional<alerts::Alerting> alerting_;
};

}  // namespace pitot::agent
