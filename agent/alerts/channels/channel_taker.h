// The channels, as the one who takes the engine's notices (agent/alerts/notice_taker.h).
#pragma once

#include <cstdint>
#include <span>

#include "agent/alerts/channels/channel_set.h"
#include "agent/alerts/notice_taker.h"

namespace pitot::agent::alerts::channels {

class ChannelTaker final : public NoticeTaker {
public:
    // Outlived by the set.
    explicit ChannelTaker(ChannelSet& channels) : channels_(channels) {}

    void tell(std::span<const Notice> notices, std::int64_t now_unix_ns) override {
        channels_.tell(notices, now_unix_ns);
    }
    void recall(std::span<const Notice> firing, std::int64_t now_unix_ns) override {
        channels_.recall(firing, now_unix_ns);
    }
    bool has_saved() const override { return channels_.is_saved(); }

private:
    ChannelSet& channels_;
};

}  // namespace pitot::agent::alerts::channels
