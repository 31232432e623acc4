// [listeners.NAME]: where lines come in, and how they are read.
#pragma once

#include <string>
#include <vector>

#include "agent/config/config.h"
#include "agent/config/environment.h"
#include "agent/config/options.h"
#include "protocol/sample.h"

namespace pitot::agent {

// A server of pitot's own, and the option that says where it listens.
struct TakenAddress {
    std::string option;
    sinks::http::ListenAddress address;
};

// Each listener costs a socket per shard.
inline constexpr std::size_t listeners_max = 64;

// What the sign of a gauge means where the operator does not say: StatsD's clients move a
// gauge by "+1", DogStatsD's set it to +1. Datagrams on Unix sockets are DogStatsD's own.
protocol::GaugeSign default_gauge_sign(ListenerType type, protocol::Dialect dialect);

// What the sample rate of a timer scales where the operator does not say: what the servers of
// that dialect take it for.
protocol::TimerRate default_timer_rate(protocol::Dialect dialect);

// The [listeners] of the file, checked one by one and against each other. Problems go
// where `root` puts them, and a listener that has one is left out. `http` is the agent's server.
std::vector<ListenerConfig> read_listeners(SectionReader& root, const Additions& additions,
                                           const HttpConfig& http, const Environment& environment);

// The address of a sink's own server, checked against those that are taken, and taken itself.
void claim_address(SectionReader& sink, const Config& config, std::vector<TakenAddress>& taken);

// `prefix` and `constant_tags` of the root or of a listener. What it does not say is as
// `outer` has it; of the tags, each key by itself.
Additions read_additions(SectionReader& section, const Additions& outer);

// A listener with the defaults of its type and no address yet.
ListenerConfig default_listener(std::string name, ListenerType type);

// UDP and TCP on the loopback addresses at port 8125, and a Unix datagram socket in the
// runtime directory, if there is one: what is listened to when the file names nothing.
std::vector<ListenerConfig> default_listeners(const Environment& environment);

}  // namespace pitot::agent
