// Whoever is told what changed, and owes its delivery: the channels.
//
// Apart from them, so that the engine can be run, tested and timed without any. All calls are
// made by the flush thread but has_saved(), and none may wait for anything. Notices are valid
// until the call returns.
#pragma once

#include <cstdint>
#include <span>

#include "agent/alerts/engine.h"

namespace pitot::agent::alerts {

class NoticeTaker {
public:
    virtual ~NoticeTaker() = default;

    // What changed, at the end of a flush.
    virtual void tell(std::span<const Notice> notices, std::int64_t now_unix_ns) = 0;
    // What fires and was told before: after a restart, and from time to time, for those that
    // repeat what fires.
    virtual void recall(std::span<const Notice> firing, std::int64_t now_unix_ns) = 0;
    // Any thread. What was told until now would outlive the process, so that the engine may
    // write down that it was told.
    virtual bool has_saved() const = 0;
};

// Where nobody is to be told.
class NobodyTold final : public NoticeTaker {
public:
    void tell(std::span<const Notice> /*notices*/, std::int64_t /*now_unix_ns*/) override {}
    void recall(std::span<const Notice> /*firing*/, std::int64_t /*now_unix_ns*/) override {}
    bool has_saved() const override { return true; }
};

}  // namespace pitot::agent::alerts
