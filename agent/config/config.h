// What the operator decided, checked. A Config exists only if every value in it is
// legal; code that holds one never checks again.
//
// agent/config/load.h makes it from a TOML file and the command line. The sinks' own
// settings are not in here: a sink reads its section by itself (sinks/options.h).
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "agent/aggregate/additions.h"
#include "agent/alerts/channels/registry.h"
#include "agent/alerts/definition.h"
#include "agent/log/log_config.h"
#include "protocol/histogram.h"
#include "protocol/sample.h"
#include "sinks/http/listen_address.h"
#include "sinks/options.h"

namespace pitot::agent {

enum class ListenerType : std::uint8_t { udp, tcp, unix_datagram, unix_stream };

// One [listeners.NAME] table.
// Which shard's socket of a UDP or TCP listener gets a datagram or a connection.
enum class Steering : std::uint8_t {
    flow,    // by the addresses of both ends: all that one client sends stays on one shard
    cpu,     // by the processor that the kernel received it on
    random,  // evenly, whoever sends
};

struct ListenerConfig {
    std::string name;
    ListenerType type = ListenerType::udp;
    // udp and tcp: "127.0.0.1:8125", "[::1]:8125", "[::]:8125" (both families), "*:8125",
    // port 0 lets the kernel choose. A host name is not an address: nothing is resolved.
    std::string address;
    // unix and unix-stream: a path, or "@name" in the abstract namespace.
    std::string path;
    std::uint32_t mode = 0666;  // of the socket file
    std::string owner;          // user, "" keeps ours
    std::string group;          //
    protocol::Reading reading;
    Additions additions;                      // those of the whole, as far as it has no own
    std::uint64_t receive_buffer_bytes = 0;   // asked of the kernel (SO_RCVBUF)
    std::chrono::nanoseconds read_delay{};    // udp: datagrams may wait for so long; 0: not
    Steering steering = Steering::flow;       // udp and tcp
    std::uint32_t connections_max = 0;        // streams
    std::chrono::nanoseconds idle_timeout{};  // streams; 0: never
    bool is_default = false;  // not written by the operator: a failure to open it is a warning
};

struct LimitsConfig {
    std::uint32_t series_max = 0;             // in all
    std::uint32_t series_per_metric_max = 0;  // per name
    std::uint64_t table_bytes_max = 0;        // names, tags and rows of one shard
    std::uint64_t value_bytes_max = 0;        // values of one interval in one shard
};

// Series without news for so long are forgotten; 0 keeps them for ever.
struct ExpiryConfig {
    std::chrono::nanoseconds counters{};
    std::chrono::nanoseconds gauges{};
    std::chrono::nanoseconds timers{};
    std::chrono::nanoseconds sets{};
};

// One [sinks.NAME] table, as far as the agent looks at it.
struct SinkConfig {
    std::string name;
    std::string type;
    bool self_metrics = true;  // whether it gets what the agent tells of itself
};

// [self_metrics]: what the agent tells of itself.
struct SelfMetricsConfig {
    bool enabled = true;
    std::string prefix;  // of the names, without the '.' behind it
};

// The agent's own server: [http].
struct HttpConfig {
    std::optional<sinks::http::ListenAddress> address;  // none: no server
    sinks::Secret token;                                // empty: whoever can connect is answered
};

struct Config {
    std::chrono::nanoseconds interval{};
    std::chrono::nanoseconds flush_offset{};       // after the aligned moment
    std::chrono::nanoseconds shutdown_deadline{};  // from SIGTERM to the end of delivery
    // What is to outlive the process is kept there; "": nothing is.
    std::filesystem::path state_directory;
    std::uint32_t shards = 1;       // "auto" is resolved by the loader
    std::vector<double> quantiles;  // in (0, 1], ascending: 0.5, 0.9, …
    protocol::HistogramShape histogram;
    Additions additions;  // of listeners that say nothing else, and of lines of no listener
    LimitsConfig limits;
    ExpiryConfig expiry;
    std::chrono::nanoseconds counter_zeros{};  // how long a counter without news is told as 0
    LogConfig log;
    SelfMetricsConfig self_metrics;
    HttpConfig http;
    alerts::AlertsConfig alerts;
    std::vector<ListenerConfig> listeners;
    std::vector<SinkConfig> sinks;
    bool sinks_are_default = false;  // not written by the operator
    // [channels.NAME], and "log", which is always there.
    std::vector<alerts::channels::ChannelDefinition> channels;
};

}  // namespace pitot::agent
