// All sinks of the process, and the one thread on which they deliver.
//
// Made from the sections of the configuration; the sinks find problems in their own
// sections while they are made, which is why this comes before LoadedConfig::finish().
// Nothing is opened before open(), and nothing sent before start().
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/clock.h"
#include "agent/config/load.h"
#include "agent/config/sink_trial.h"
#include "agent/service/liveness.h"
#include "sinks/sink.h"

namespace spdlog {
class logger;
}

namespace pitot::agent {

class SinkSet {
public:
    // `seed` for the jitter of back-offs and as the number of this run (Context::run): 0 where
    // output must be the same each time. Clock and log outlive the set.
    SinkSet(LoadedConfig& loaded, const Clock& clock, spdlog::logger& log, std::uint64_t seed);
    ~SinkSet();  // ends the io thread if it runs
    SinkSet(const SinkSet&) = delete;
    SinkSet& operator=(const SinkSet&) = delete;

    std::vector<sinks::Sink*> all() const;
    // Null when there is none of that name.
    sinks::Sink* find(std::string_view name) const;

    // Once, before start(). Sentences for the operator, each with the sink's name; with any,
    // the set is good for nothing but being destroyed.
    std::vector<std::string> open();
    void start();

    // Lets each sink deliver what it holds, by the deadline at the latest. False if a sink
    // was still at it then. No send() may follow.
    bool stop(std::int64_t deadline_steady_ns);

    // For the watchdog, from any thread, after start().
    WatchedLoop watched();

private:
    friend SinkTrial sink_trial();
    struct Io;

    const Clock& clock_;
    std::unique_ptr<Io> io_;
    std::vector<std::unique_ptr<sinks::Sink>> sinks_;
};

// The names of all types of sink that this binary has, for the loader.
std::vector<std::string_view> sink_type_names();

// For `pitot check`: makes each sink and throws it away.
SinkTrial sink_trial();

}  // namespace pitot::agent
