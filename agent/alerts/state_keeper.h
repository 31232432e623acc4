// Writes the state of alerts on a thread of its own, so that no flush waits for a disk.
//
//     StateKeeper keeper(path, log);
//     keeper.save(engine.saved(now));     // from the flush, whenever there is something new
//     keeper.stop();                      // writes what is left
//
// Of several states that wait the newest is written, at most once a second: rules that change
// at every flush cost one small file a second. The first change after a quiet time is written
// at once, since what is told must be known to be told before anybody kills the process. But
// no state is written that is ahead of the channels': were it, and the process killed, what it
// says was told would never be told.
#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "agent/alerts/state_file.h"

namespace spdlog {
class logger;
}

namespace pitot::agent::alerts {

class StateKeeper {
public:
    static constexpr std::chrono::nanoseconds between_writes = std::chrono::seconds(1);

    // `may_write`: asked from the keeper's thread until it says so, except at the stop. `log`
    // outlives it. Tests write as often as they like.
    StateKeeper(std::filesystem::path path, std::function<bool()> may_write, spdlog::logger& log,
                std::chrono::nanoseconds between = between_writes);
    ~StateKeeper();  // stops
    StateKeeper(const StateKeeper&) = delete;
    StateKeeper& operator=(const StateKeeper&) = delete;

    // Any thread; does not wait for the disk.
    void save(SavedState state);
    // Returns when what was saved last is on the disk, or could not be written.
    void stop();

    // Any thread: why the last attempt to write failed; "" if it did not.
    std::string problem() const;

private:
    void run();
    void write(const SavedState& state);

    const std::filesystem::path path_;
    const std::function<bool()> may_write_;
    spdlog::logger& log_;
    const std::chrono::nanoseconds between_;

    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::optional<SavedState> waiting_;  // guarded by mutex_, and so are these
    bool stopping_ = false;
    std::string problem_;

    std::thread thread_;  // last: it uses the rest
};

}  // namespace pitot::agent::alerts
