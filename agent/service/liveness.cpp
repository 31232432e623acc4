#include "agent/service/liveness.h"

namespace pitot::agent {

std::vector<Liveness::Answer> Liveness::answers(std::int64_t now_steady_ns) const {
    std::vector<Answer> answers;
    answers.reserve(loops_.size());
    for (const WatchedLoop& loop : loops_) {
        answers.push_back({loop.name, loop.pulse->waiting_ns(now_steady_ns)});
    }
    return answers;
}

std::optional<Liveness::Stuck> Liveness::stuck(std::int64_t now_steady_ns,
                                               std::int64_t limit_ns) const {
    std::optional<Stuck> longest;
    for (const WatchedLoop& loop : loops_) {
        const std::int64_t waiting_ns = loop.pulse->waiting_ns(now_steady_ns);
        if (waiting_ns <= limit_ns) continue;
        if (!longest || waiting_ns > longest->waiting_ns) longest = {loop.name, waiting_ns};
    }
    return longest;
}

}  // namespace pitot::agent
