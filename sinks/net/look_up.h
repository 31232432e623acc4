// The addresses of a destination's host, found without making anybody else wait.
//
// The system's look-up blocks for as long as name servers are silent, and cannot be ended. So
// each destination has a HostLookUp of its own, and each look-up a thread of its own: one that
// hangs costs its destination attempts, and other destinations nothing. At most one look-up of
// a destination is under way: whoever asks meanwhile is told what that one finds. One that
// still hangs when its destination goes, or the process ends, is left behind; its thread owns
// all that it touches.
//
// Used by http/client.cpp and influxdb/udp_transport.cpp. It remembers nothing between two
// look-ups, so that a destination which moves is found.
#pragma once

#include <cstddef>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace pitot::sinks {
class Scheduler;
}

namespace pitot::sinks::net {

// "192.0.2.1", "fe80::1%eth0", never empty, in the order in which they are to be tried; or why
// there are none.
using Addresses = std::expected<std::vector<std::string>, std::string>;

// A look-up that blocks. Called on threads of HostLookUp's, so copies of it, and what they refer
// to, may be needed for as long as it takes.
using LookUp = std::function<Addresses(const std::string& host)>;

// As the system is told to: files, DNS, whatever nsswitch.conf says (getaddrinfo). Any thread.
Addresses look_up_by_system(const std::string& host);

// Of a host that has more: each gets a share of the time to connect, which must be worth it.
inline constexpr std::size_t addresses_tried_max = 8;

// Io thread only.
class HostLookUp {
public:
    using Done = std::function<void(const Addresses&)>;

    // `host`: a name or an address without brackets. `time` outlives this.
    HostLookUp(std::string host, LookUp look_up, Scheduler& time);
    // As cancel().
    ~HostLookUp();
    HostLookUp(const HostLookUp&) = delete;
    HostLookUp& operator=(const HostLookUp&) = delete;

    // Up to addresses_tried_max of them. `done` is not called from inside this call. Not while
    // somebody waits.
    void find(Done done);
    // Whoever waits is told that there are none, from a turn of its own.
    void cancel();

private:
    struct UnderWay;

    void begin();
    void arrived(const Addresses& found);
    void post(Done done, Addresses found);

    const std::string host_;
    const LookUp look_up_;
    Scheduler& time_;
    Done done_;
    // Shared with its thread, whose end may come after ours.
    std::shared_ptr<UnderWay> under_way_;
};

}  // namespace pitot::sinks::net
