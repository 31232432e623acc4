// Whoever is told what changed, and owes its delivery: the channels.
//
// Apart from them, so that the engine can be run, tested and timed without any.
#pragma once

#include <vector>

#include "agent/alerts/engine.h"

namespace pitot::agent::alerts {

class NoticeTaker {
public:
    virtual ~NoticeTaker() = default;

    // On the flush thread, at the end of a flush; must not wait for anything. The notices are
    // the engine's and valid until the call returns.
    virtual void tell(const std::vector<Notice>& notices, const Moment& now) = 0;
};

}  // namespace pitot::agent::alerts
