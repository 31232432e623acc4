// Lends reassembly buffers to the connections of one listener.
//
// A connection that has not sent anything yet needs none, and one that ends gives its own
// back, so that clients which come and go cost no allocation. What a burst of connections
// leaves behind is kept up to framers_spare_max and freed beyond.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "protocol/framing.h"

namespace pitot::agent {

// 1 MiB of buffers.
inline constexpr std::size_t framers_spare_max = 16;

class FramerPool {
public:
    explicit FramerPool(protocol::StreamFraming framing) : framing_(framing) {
        spare_.reserve(framers_spare_max);
    }

    std::unique_ptr<protocol::StreamFramer> lend() {
        if (spare_.empty()) return std::make_unique<protocol::StreamFramer>(framing_);
        std::unique_ptr<protocol::StreamFramer> framer = std::move(spare_.back());
        spare_.pop_back();
        return framer;
    }

    // Takes nullptr too: a connection that never sent anything.
    void give_back(std::unique_ptr<protocol::StreamFramer> framer) {
        if (!framer || spare_.size() == framers_spare_max) return;
        framer->reset();
        spare_.push_back(std::move(framer));
    }

private:
    protocol::StreamFraming framing_;
    std::vector<std::unique_ptr<protocol::StreamFramer>> spare_;
};

}  // namespace pitot::agent
