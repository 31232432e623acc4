#include "agent/alerts/state_keeper.h"

#include <pthread.h>

#include <spdlog/logger.h>

#include <utility>

namespace pitot::agent::alerts {

namespace {

// How often the channels are asked whether their files are written, while they are not.
constexpr std::chrono::milliseconds between_questions{20};

}  // namespace

StateKeeper::StateKeeper(std::filesystem::path path, std::function<bool()> may_write,
                         spdlog::logger& log, std::chrono::nanoseconds between)
    : path_(std::move(path)), may_write_(std::move(may_write)), log_(log), between_(between) {
    thread_ = std::thread([this] { run(); });
    static_cast<void>(pthread_setname_np(thread_.native_handle(), "pitot-alerts"));
}

StateKeeper::~StateKeeper() {
    stop();
}

void StateKeeper::save(SavedState state) {
    {
        const std::scoped_lock lock(mutex_);
        waiting_ = std::move(state);
    }
    wake_.notify_one();
}

void StateKeeper::stop() {
    {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
}

std::string StateKeeper::problem() const {
    const std::scoped_lock lock(mutex_);
    return problem_;
}

void StateKeeper::run() {
    for (;;) {
        SavedState state;
        {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [this] { return stopping_ || waiting_; });
            if (!waiting_) return;
            // A newer state may come meanwhile, and is ahead of nobody either.
            while (!stopping_ && !may_write_()) wake_.wait_for(lock, between_questions);
            state = *std::exchange(waiting_, std::nullopt);
        }
        write(state);
        std::unique_lock lock(mutex_);
        wake_.wait_for(lock, between_, [this] { return stopping_; });
    }
}

void StateKeeper::write(const SavedState& state) {
    const auto written = write_state(path_, state);
    std::string problem = written ? std::string() : written.error();
    if (!problem.empty()) {
        log_.error(
            "alerts: {}; after a restart what fires now is told again, or not told to be over: "
            "look at state_directory",
            problem);
    }
    const std::scoped_lock lock(mutex_);
    problem_ = std::move(problem);
}

}  // namespace pitot::agent::alerts
