// Paced reading: when a reader stops being woken and looks by the clock, when it goes back, and
// that nothing stays unread either way.
#include "agent/net/read_pace.h"

#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "agent/clock.h"
#include "agent/net/bind_internet.h"
#include "agent/net/datagram_reader.h"
#include "tests/support/net_client.h"
#include "tests/support/net_rig.h"

namespace pitot::agent {
namespace {

using namespace std::chrono_literals;
using Next = ReadPace::Next;
using tests::NetClient;

constexpr std::uint64_t large_buffer = 16ULL << 20U;

// Wake-ups in this distance, each for one datagram, until the pace changes; 0 when it does not.
int looks_until_pause(ReadPace& pace, std::chrono::nanoseconds distance, std::int64_t& now_ns) {
    for (int i = 1; i <= 100; ++i) {
        now_ns += distance.count();
        if (pace.after(1, 60, now_ns) == Next::pause) return i;
    }
    return 0;
}

TEST_CASE("a steady trickle is paced, a few datagrams are not") {
    struct Row {
        std::chrono::nanoseconds distance;
        bool paced;
    };
    for (const Row& row : {Row{10us, true}, Row{50us, true}, Row{300us, true}, Row{400us, false},
                           Row{1ms, false}, Row{1s, false}}) {
        CAPTURE(row.distance.count());
        ReadPace pace(1ms, large_buffer);
        std::int64_t now_ns = 0;
        CHECK((looks_until_pause(pace, row.distance, now_ns) != 0) == row.paced);
    }
}

TEST_CASE("a single burst changes nothing, and neither does a single gap") {
    ReadPace pace(1ms, large_buffer);
    std::int64_t now_ns = 0;
    for (int i = 0; i < 20; ++i) {
        CHECK(pace.after(1, 60, now_ns += 10'000) == Next::wait);
        CHECK(pace.after(1, 60, now_ns += 10'000) == Next::wait);
        CHECK(pace.after(1, 60, now_ns += 5'000'000) == Next::wait);
    }
    REQUIRE(looks_until_pause(pace, 50us, now_ns) != 0);
    for (int i = 0; i < 20; ++i) {
        CHECK(pace.after(20, 1'200, now_ns += 1'000'000) == Next::pause);
        CHECK(pace.after(0, 0, now_ns += 1'000'000) == Next::pause);
    }
}

TEST_CASE("when little comes any more, each datagram is read at once again") {
    ReadPace pace(1ms, large_buffer);
    std::int64_t now_ns = 0;
    REQUIRE(looks_until_pause(pace, 50us, now_ns) != 0);
    int looks = 0;
    while (pace.after(1, 60, now_ns += 1'000'000) == Next::pause) ++looks;
    CHECK(looks == 3);
}

TEST_CASE("a buffer that fills ends the pauses for a while") {
    ReadPace pace(1ms, 400'000);
    std::int64_t now_ns = 0;
    REQUIRE(looks_until_pause(pace, 50us, now_ns) != 0);
    CHECK(pace.after(100, 6'000, now_ns += 1'000'000) == Next::pause);
    CHECK(pace.after(120, 8'000, now_ns += 1'000'000) == Next::wait);
    const std::int64_t crowded_ns = now_ns;
    const int looks = looks_until_pause(pace, 200us, now_ns);
    CHECK(looks == 0);
    REQUIRE(looks_until_pause(pace, 10ms, now_ns) == 0);
    CHECK(now_ns > crowded_ns + 100'000'000);
    CHECK(looks_until_pause(pace, 50us, now_ns) != 0);
}

TEST_CASE("a pause fits the buffer") {
    CHECK(pause_that_fits(425'984, 1ms) == 425us);  // what a distribution grants
    CHECK(pause_that_fits(large_buffer, 1ms) == 1ms);
    CHECK(pause_that_fits(large_buffer, 0ms) == 0ms);
    CHECK(pause_that_fits(0, 1ms) == 0ms);
}

// A reader of a socket of its own, under a clock that stands still: every look is soon after
// the last one.
struct Rig {
    explicit Rig(std::chrono::nanoseconds pause) {
        ListenerConfig config = tests::udp_listener();
        auto opened = bind_internet_sockets(config, 1);
        REQUIRE(opened);
        address = opened->address.to_string();
        OpenSocket socket;
        socket.descriptor = std::move(opened->descriptors.front());
        socket.read_pause = pause;
        socket.buffer_bytes = large_buffer;
        reader.emplace(io, std::move(socket), ring, recorder, counters, clock);
        reader->start();
    }
    // Sends one, and looks a few times.
    void say(const NetClient& client) {
        REQUIRE(client.send("a:1|c"));
        for (int i = 0; i < 5; ++i) {
            io.restart();
            io.poll();
        }
    }

    boost::asio::io_context io{1};
    ManualClock clock;
    tests::NetRecorder recorder;
    ListenerCounters counters;
    ReceiveRing ring;
    std::string address;
    std::optional<DatagramReader> reader;
};

TEST_CASE("between pauses the socket wakes nobody, and a stop reads what waits") {
    Rig rig(1h);
    const NetClient client = NetClient::udp(rig.address);
    // The very first look has none before it.
    for (std::size_t i = 1; i <= 5; ++i) {
        rig.say(client);
        CHECK(rig.recorder.taken.size() == i);
    }
    for (int i = 0; i < 3; ++i) rig.say(client);
    CHECK(rig.recorder.taken.size() == 5);
    rig.reader->count_kernel_drops();
    rig.reader->drain();
    CHECK(rig.recorder.taken.size() == 8);
    CHECK(rig.counters.datagrams == 8);
}

TEST_CASE("pauses end, and what came meanwhile is read") {
    Rig rig(1ms);
    const NetClient client = NetClient::udp(rig.address);
    constexpr std::size_t sent = 500;
    for (std::size_t i = 0; i < sent; ++i) REQUIRE(client.send("a:1|c"));
    const auto all_read = [&] { return rig.counters.datagrams == sent; };
    const auto give_up = std::chrono::steady_clock::now() + 30s;
    while (!all_read() && std::chrono::steady_clock::now() < give_up) {
        rig.io.restart();
        rig.io.run_for(1ms);
    }
    REQUIRE(all_read());
}

}  // namespace
}  // namespace pitot::agent
