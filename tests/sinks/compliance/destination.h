// The other side of a sink, as the compliance test plays it: a destination that takes what
// comes, and has the manners of the worst of its kind when it is told to.
//
// destinations.cpp says which one belongs to which type of sink; http_destination.h plays any
// destination over HTTP. A sink that is added adds an entry there, and every scenario in this
// folder runs for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/sink_options.h"

namespace pitot::tests {

// In every credential that a destination configures, so that leaks are found.
inline constexpr std::string_view credential_text = "hunter2";
// What basic authentication makes of it for the user "me".
inline constexpr std::string_view credential_base64 = "bWU6aHVudGVyMg";

enum class Wire : std::uint8_t { plain, tls };

class Destination {
public:
    Destination() = default;
    virtual ~Destination() = default;
    Destination(const Destination&) = delete;
    Destination& operator=(const Destination&) = delete;

    virtual void configure(SinkOptions& options) = 0;
    // Once the sink is open; `where` is Sink::where().
    virtual void meet(const std::string& where) { static_cast<void>(where); }
    // Takes what has come so far off the way, where that is the reader's to do.
    virtual void drain() {}

    // Ways to fail, by name; each lasts until behave().
    virtual std::vector<std::string> ways_to_fail() const { return {}; }
    // Those of them after which the same bytes must come again: it was away, or busy.
    virtual std::vector<std::string> passing_ways() const { return {}; }
    // Ways to be slow or unusual and still take everything.
    virtual std::vector<std::string> odd_manners() const { return {}; }
    // Takes up a way or a manner.
    virtual void be(const std::string& manner) { static_cast<void>(manner); }
    virtual void behave() {}

    // Places at which the connection can be cut, once, in the next attempt.
    virtual std::size_t cuts() const { return 0; }
    virtual void cut_next(std::size_t place) { static_cast<void>(place); }

    // Whether it can keep its answers back, from hold() to release().
    virtual bool can_hold() const { return false; }
    virtual void hold() {}
    virtual void release() {}
    // Attempts that have reached it.
    virtual std::size_t attempts() const { return 0; }

    // What came whole, each piece once, in the order of its first coming: bytes that are sent
    // again add nothing.
    virtual std::vector<std::string> received() { return {}; }
    // What comes from now on need not be remembered: it is too much.
    virtual void forget_what_comes() {}
    // What the sink promises of its batches' bodies.
    virtual std::size_t batch_bytes_max() const = 0;
    // So many series in one interval fit into the sink's queue.
    virtual std::size_t series_max() const { return 1'000'000; }
    // What it saw the sink do wrong.
    virtual std::string complaints() const { return ""; }
};

// The destination of a type of sink; null where it has none of that kind. Every type has a
// plain one, and every type over HTTP has both.
std::unique_ptr<Destination> destination_of(std::string_view type, Wire wire);

}  // namespace pitot::tests
