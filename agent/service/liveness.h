// Whether every loop of the process still turns.
//
// A timer that says "alive" proves that a timer works. Here each loop (every shard, the
// flush, the delivery) is asked something from outside, and answers from within itself; one
// that has not answered for too long is stuck, whatever else still moves. The watchdog of
// the service manager and the health endpoint go by this.
//
//     Liveness liveness({shards.pulses()…});
//     liveness.ask(now);                    // posts a question to each loop without one
//     liveness.stuck(now, limit)            // who has not answered for so long
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace pitot::agent {

// One loop's question and answer. The asking side and the loop may be different threads.
class Pulse {
public:
    // False when the last question is still open.
    bool ask(std::int64_t now_steady_ns) noexcept {
        std::int64_t none = 0;
        return asked_steady_ns_.compare_exchange_strong(none, now_steady_ns);
    }
    // By the loop.
    void answer() noexcept { asked_steady_ns_.store(0); }
    // For how long the open question has been open; 0 when there is none.
    std::int64_t waiting_ns(std::int64_t now_steady_ns) const noexcept {
        const std::int64_t asked = asked_steady_ns_.load();
        return asked == 0 ? 0 : now_steady_ns - asked;
    }

private:
    std::atomic<std::int64_t> asked_steady_ns_ = 0;
};

// A loop as it is watched.
struct WatchedLoop {
    std::string name;  // "shard 0", "flush", "sinks"
    const Pulse* pulse = nullptr;
    // Puts a question to the loop, unless one is open. Must not wait.
    std::function<void(std::int64_t now_steady_ns)> ask;
};

class Liveness {
public:
    // The loops outlive this.
    explicit Liveness(std::vector<WatchedLoop> loops) : loops_(std::move(loops)) {}

    void ask(std::int64_t now_steady_ns) const {
        for (const WatchedLoop& loop : loops_) loop.ask(now_steady_ns);
    }

    struct Answer {
        std::string name;
        std::int64_t waiting_ns = 0;  // for the answer to the open question; 0: there is none
    };
    std::vector<Answer> answers(std::int64_t now_steady_ns) const;

    struct Stuck {
        std::string name;
        std::int64_t waiting_ns = 0;
    };
    // The loop that has been silent for longest, if that is longer than the limit.
    std::optional<Stuck> stuck(std::int64_t now_steady_ns, std::int64_t limit_ns) const;

private:
    std::vector<WatchedLoop> loops_;
};

}  // namespace pitot::agent
