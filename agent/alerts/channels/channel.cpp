#include "agent/alerts/channels/channel.h"

#include <algorithm>
#include <functional>
#include <numeric>

namespace pitot::agent::alerts::channels {

std::string_view to_string(MessageLoss loss) {
    switch (loss) {
        case MessageLoss::queue_full:
            return "queue_full";
        case MessageLoss::too_old:
            return "too_old";
        case MessageLoss::refused:
            return "refused";
        case MessageLoss::rate_limited:
            return "rate_limited";
        case MessageLoss::shutdown:
            return "shutdown";
    }
    return "";
}

std::string_view to_string(ChannelState state) {
    switch (state) {
        case ChannelState::idle:
            return "idle";
        case ChannelState::working:
            return "working";
        case ChannelState::retrying:
            return "retrying";
        case ChannelState::throttled:
            return "throttled";
        case ChannelState::refused:
            return "refused";
        case ChannelState::stopped:
            return "stopped";
    }
    return "";
}

std::uint64_t ChannelCounts::lost_sum() const {
    return std::accumulate(lost.begin(), lost.end(), std::uint64_t{0});
}

void ChannelCounts::add(const ChannelCounts& other) {
    told += other.told;
    delivered += other.delivered;
    waiting += other.waiting;
    superseded += other.superseded;
    unwanted += other.unwanted;
    std::ranges::transform(lost, other.lost, lost.begin(), std::plus<>());
}

bool ChannelStatus::is_failing() const {
    return std::ranges::any_of(destinations, [](const DestinationStatus& destination) {
        return destination.state == ChannelState::retrying ||
               destination.state == ChannelState::throttled ||
               destination.state == ChannelState::refused;
    });
}

}  // namespace pitot::agent::alerts::channels
