// Listeners on real sockets, with their shards' event loops run by the test itself.
//
//     NetRig rig({udp_listener()});
//     NetClient::udp(rig.address()).send("a:1|c");
//     CHECK(rig.until([&] { return rig.shard(0).recorder.taken.size() == 1; }));
//
// A test waits for a fact and never for a time: until() runs the loops until the fact is
// there, and gives up after patience, which only a broken build ever reaches.
#pragma once

#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/clock.h"
#include "agent/net/open_listeners.h"
#include "tests/support/net_recorder.h"

namespace pitot::tests {

inline agent::ListenerConfig net_listener(agent::ListenerType type) {
    agent::ListenerConfig config;
    config.name = "apps";
    config.type = type;
    config.receive_buffer_bytes = 1'048'576;
    config.connections_max = 100;
    return config;
}

inline agent::ListenerConfig udp_listener(const std::string& address = "127.0.0.1:0") {
    agent::ListenerConfig config = net_listener(agent::ListenerType::udp);
    config.address = address;
    return config;
}

inline agent::ListenerConfig tcp_listener(const std::string& address = "127.0.0.1:0") {
    agent::ListenerConfig config = net_listener(agent::ListenerType::tcp);
    config.address = address;
    return config;
}

inline agent::ListenerConfig unix_listener(agent::ListenerType type, const std::string& path) {
    agent::ListenerConfig config = net_listener(type);
    config.path = path;
    return config;
}

class NetRig {
public:
    struct OneShard {
        OneShard(agent::ShardSockets handed, const agent::Clock& clock)
            : sockets(std::move(handed)) {
            sockets.start(io, recorder, clock);
        }
        // In the order of an agent: the loop outlives the sockets.
        boost::asio::io_context io{1};
        NetRecorder recorder;
        agent::ShardSockets sockets;
    };

    explicit NetRig(std::vector<agent::ListenerConfig> listeners, std::uint32_t shards = 1,
                    std::vector<agent::InheritedSocket> inherited = {}) {
        auto opened = agent::open_listeners(listeners, shards, std::move(inherited));
        if (!opened) {
            for (const agent::OpenError& error : opened.error()) FAIL_CHECK(error.to_string());
        }
        REQUIRE(opened.has_value());
        reports = std::move(opened->reports);
        warnings = std::move(opened->warnings);
        advice = std::move(opened->advice);
        for (agent::ShardSockets& sockets : opened->shards) {
            shards_.push_back(std::make_unique<OneShard>(std::move(sockets), clock));
        }
    }

    OneShard& shard(std::size_t index = 0) { return *shards_[index]; }
    std::size_t shard_count() const { return shards_.size(); }
    NetRecorder& recorder() { return shard().recorder; }

    // "127.0.0.1:40123"; of a listener on UDP or TCP.
    std::string address(std::size_t listener = 0) const {
        const std::string& where = reports[listener].where;
        return where.substr(where.find(' ') + 1);
    }

    // Summed over all shards.
    agent::ListenerCounters counters(std::size_t listener = 0) {
        agent::ListenerCounters sum;
        for (const auto& one : shards_) sum += one->sockets.counters()[listener];
        return sum;
    }

    // Runs what is ready, on every shard.
    void poll() {
        for (const auto& one : shards_) {
            one->io.restart();
            one->io.poll();
        }
    }

    bool until(const std::function<bool()>& fact) {
        constexpr std::chrono::seconds patience{30};
        const auto give_up = std::chrono::steady_clock::now() + patience;
        while (!fact()) {
            if (std::chrono::steady_clock::now() > give_up) return false;
            for (const auto& one : shards_) {
                one->io.restart();
                one->io.run_for(std::chrono::milliseconds{1});
            }
        }
        return true;
    }

    void drain() {
        for (const auto& one : shards_) one->sockets.drain();
        poll();  // what was cancelled
    }

    agent::ManualClock clock;
    std::vector<agent::ListenerReport> reports;
    std::vector<std::string> warnings;
    std::vector<std::string> advice;

private:
    std::vector<std::unique_ptr<OneShard>> shards_;
};

}  // namespace pitot::tests
