// When an open-loop sender may send how many datagrams.
//
// The n-th datagram is due n / rate after the start, whatever the receiver does and however late
// the sender is: what it could not send in time stays due. It catches up without flooding the
// receiver: in any stretch of time t at most
//
//     burst_max + catch_up_factor × rate × t
//
// datagrams are let go, so that a sender that was not scheduled for a while does not make drops
// that its schedule does not have. How late it is, it says.
//
// load_generator asks; this has no clock and no socket. Times are nanoseconds since the start.
#pragma once

#include <algorithm>
#include <cstdint>

namespace pitot::bench {

class SendSchedule {
public:
    static constexpr double catch_up_factor = 2;

    // `datagrams_per_s` of 0: as fast as it goes; then burst_max are due at any time.
    SendSchedule(double datagrams_per_s, std::uint64_t burst_max)
        : per_ns_(datagrams_per_s * 1e-9),
          burst_max_(burst_max),
          allowance_(static_cast<double>(burst_max)) {}

    // How many may be sent now. `now_ns` does not go backwards.
    std::uint64_t due(std::int64_t now_ns) {
        if (per_ns_ <= 0) return burst_max_;
        const auto elapsed = static_cast<double>(now_ns - asked_ns_);
        asked_ns_ = now_ns;
        allowance_ = std::min(static_cast<double>(burst_max_),
                              allowance_ + elapsed * per_ns_ * catch_up_factor);
        const auto scheduled =
            static_cast<std::uint64_t>(static_cast<double>(now_ns) * per_ns_) + 1;
        const std::uint64_t behind = scheduled - std::min(scheduled, sent_);
        return std::min(behind, static_cast<std::uint64_t>(allowance_));
    }

    void sent(std::uint64_t datagrams) {
        sent_ += datagrams;
        allowance_ -= static_cast<double>(datagrams);
    }

    // When the next datagram is due; not before something is allowed.
    std::int64_t next_ns() const {
        if (per_ns_ <= 0) return 0;
        const auto by_schedule = static_cast<std::int64_t>(static_cast<double>(sent_) / per_ns_);
        const double missing = std::max(0.0, 1 - allowance_);
        const auto by_allowance =
            asked_ns_ + static_cast<std::int64_t>(missing / (per_ns_ * catch_up_factor));
        return std::max(by_schedule, by_allowance) + 1;
    }

    // How long the next datagram has been due; 0 when it is not.
    std::int64_t late_ns(std::int64_t now_ns) const {
        if (per_ns_ <= 0) return 0;
        const auto due_ns = static_cast<std::int64_t>(static_cast<double>(sent_) / per_ns_);
        return std::max<std::int64_t>(0, now_ns - due_ns);
    }

private:
    double per_ns_;
    std::uint64_t burst_max_;
    double allowance_;
    std::int64_t asked_ns_ = 0;
    std::uint64_t sent_ = 0;
};

}  // namespace pitot::bench
