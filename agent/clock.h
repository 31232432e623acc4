// Time, passed in: nothing below main() asks the system what time it is.
//
// Tests and `pitot once` pass a ManualClock and move it by hand.
#pragma once

#include <cstdint>

namespace pitot::agent {

class Clock {
public:
    virtual ~Clock() = default;
    // Nanoseconds since 1970, UTC. Can jump either way.
    virtual std::int64_t wall_ns() const = 0;
    // Nanoseconds since some moment of this boot. Never goes back.
    virtual std::int64_t steady_ns() const = 0;
};

class SystemClock final : public Clock {
public:
    std::int64_t wall_ns() const override;
    std::int64_t steady_ns() const override;
};

// Not synchronised: for use on one thread.
class ManualClock final : public Clock {
public:
    explicit ManualClock(std::int64_t wall_ns = 0) : wall_ns_(wall_ns) {}
    std::int64_t wall_ns() const override { return wall_ns_; }
    std::int64_t steady_ns() const override { return steady_ns_; }
    void advance_ns(std::int64_t by) {
        wall_ns_ += by;
        steady_ns_ += by;
    }
    void jump_wall_ns(std::int64_t by) { wall_ns_ += by; }

private:
    std::int64_t wall_ns_;
    std::int64_t steady_ns_ = 1;
};

}  // namespace pitot::agent
