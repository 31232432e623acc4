// Streams: lines come out whole however they were cut, framing is told apart, and clients
// that are too many, too silent or too long-winded harm nobody else.

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/limits.h"
#include "tests/support/net_client.h"
#include "tests/support/net_rig.h"

namespace pitot::agent {
namespace {

using protocol::Reject;
using tests::NetClient;
using tests::NetRig;
using tests::tcp_listener;
using tests::unix_listener;

std::string unique_name(const char* what) {
    return std::string{"@pitot-"} + what + "-" + std::to_string(::getpid());
}

// A packet of DogStatsD's framing: its length, little-endian, in front.
std::string frame(std::string_view packet) {
    std::string bytes;
    for (unsigned shift = 0; shift < 32; shift += 8) {
        bytes += static_cast<char>((packet.size() >> shift) & 0xFF);
    }
    return bytes.append(packet);
}

TEST_CASE("TCP is read on both families") {
    for (const char* listener : {"127.0.0.1:0", "[::1]:0", "*:0"}) {
        CAPTURE(listener);
        NetRig rig({tcp_listener(listener)}, 2);
        const std::string host = listener[0] == '[' ? "[::1]:" : "127.0.0.1:";
        const NetClient client = NetClient::tcp(host + std::to_string(rig.reports[0].port));
        REQUIRE(client.send("a:1|c\n"));
        REQUIRE(rig.until([&] { return rig.counters().bytes == 6; }));
        const auto& taken = rig.shard(0).recorder.taken.empty() ? rig.shard(1).recorder.taken
                                                                : rig.shard(0).recorder.taken;
        REQUIRE(taken.size() == 1);
        CHECK(taken[0].bytes == "a:1|c\n");
        CHECK(taken[0].peer == "tcp " + client.own_address());
    }
}

TEST_CASE("lines come out whole wherever the stream was cut") {
    const std::string text = "a:1|c\r\nb:2|c\nccc:3|ms|#x:y\n";
    NetRig rig({tcp_listener()});
    std::string expected;
    for (std::size_t cut = 1; cut < text.size(); ++cut) {
        CAPTURE(cut);
        const NetClient client = NetClient::tcp(rig.address());
        const std::uint64_t before = rig.counters().bytes;
        REQUIRE(client.send(text.substr(0, cut)));
        REQUIRE(rig.until([&] { return rig.counters().bytes == before + cut; }));
        REQUIRE(client.send(text.substr(cut)));
        REQUIRE(rig.until([&] { return rig.counters().bytes == before + text.size(); }));
        expected += text;
        REQUIRE(rig.recorder().lines() == expected);
    }
    for (const auto& piece : rig.recorder().taken) CHECK(piece.bytes.ends_with('\n'));
    CHECK(rig.recorder().refused.empty());
}

TEST_CASE("a line that is too long is refused once, and the stream goes on behind it") {
    NetRig rig({tcp_listener()});
    const NetClient client = NetClient::tcp(rig.address());
    const std::string endless(3 * protocol::stream_buffer_bytes_default, 'x');
    const std::string text = "a:1|c\n" + endless + ":1|c\nb:2|c\n";
    std::size_t sent = 0;
    REQUIRE(rig.until([&] {
        sent += client.send_some(std::string_view{text}.substr(sent));
        return rig.counters().bytes == text.size();
    }));
    CHECK(rig.recorder().lines() == "a:1|c\nb:2|c\n");
    REQUIRE(rig.recorder().refused.size() == 1);
    CHECK(rig.recorder().refused[0].refused == Reject::too_long);
    CHECK(rig.recorder().refused[0].bytes.starts_with("xxx"));
    CHECK(rig.recorder().refused[0].peer == "tcp " + client.own_address());
    CHECK(rig.counters().lines_refused == 1);
    CHECK_FALSE(client.is_hung_up());
}

TEST_CASE("a last line counts without its line feed when the client ends the stream") {
    NetRig rig({tcp_listener()});
    const NetClient client = NetClient::tcp(rig.address());
    REQUIRE(client.send("a:1|c\nb:2|c"));
    client.half_close();
    REQUIRE(rig.until([&] {
        return rig.counters().connections_open == 0 && rig.counters().connections_accepted == 1;
    }));
    CHECK(rig.recorder().lines() == "a:1|c\nb:2|c\n");
    CHECK(client.is_hung_up());
}

TEST_CASE("a last line is refused when the connection breaks") {
    NetRig rig({tcp_listener()});
    NetClient client = NetClient::tcp(rig.address());
    REQUIRE(client.send("a:1|c\nb:2|c|@0."));
    REQUIRE(rig.until([&] { return rig.counters().bytes == 15; }));
    client.reset();
    REQUIRE(rig.until([&] { return rig.counters().connections_open == 0; }));
    CHECK(rig.recorder().lines() == "a:1|c\n");
    REQUIRE(rig.recorder().refused.size() == 1);
    CHECK(rig.recorder().refused[0].refused == Reject::truncated);
    CHECK(rig.recorder().refused[0].bytes == "b:2|c|@0.");
    CHECK(rig.counters().receive_errors == 0);  // a reset is the client's affair
}

TEST_CASE("Unix streams take lines and length-framed packets, told apart by themselves") {
    const std::string path = unique_name("stream");
    NetRig rig({unix_listener(ListenerType::unix_stream, path)});
    const NetClient framed = NetClient::unix_stream(path);
    const NetClient plain = NetClient::unix_stream(path);
    const std::string packets = frame("a:1|c\nb:2|c") + frame("c:3|c");
    for (const char byte : packets) {  // one byte at a time
        REQUIRE(framed.send({&byte, 1}));
        rig.poll();
    }
    REQUIRE(plain.send("d:4|c\ne:5|c\n"));
    REQUIRE(rig.until([&] { return rig.counters().bytes == packets.size() + 12; }));
    CHECK(rig.recorder().lines() == "a:1|c\nb:2|c\nc:3|c\nd:4|c\ne:5|c\n");
    CHECK(rig.recorder().taken[0].peer == "unix pid " + std::to_string(::getpid()));

    // A packet that never comes to its end.
    REQUIRE(framed.send(frame("f:6|c\ng:7|c").substr(0, 4 + 8)));
    framed.half_close();
    REQUIRE(rig.until([&] { return rig.counters().connections_open == 1; }));
    CHECK(rig.recorder().taken.back().bytes == "f:6|c\n");
    REQUIRE(rig.recorder().refused.size() == 1);
    CHECK(rig.recorder().refused[0].refused == Reject::truncated);
    CHECK(rig.recorder().refused[0].bytes == "g:");
}

TEST_CASE("connections above the cap are closed at once and counted") {
    ListenerConfig config = tcp_listener();
    config.connections_max = 3;
    NetRig rig({config});
    std::vector<NetClient> clients;
    for (int i = 0; i < 5; ++i) clients.push_back(NetClient::tcp(rig.address()));
    REQUIRE(rig.until([&] { return rig.counters().connections_refused_over_cap == 2; }));
    CHECK(rig.counters().connections_open == 3);
    CHECK(clients[3].is_hung_up());
    CHECK(clients[4].is_hung_up());

    // Those that are served are served on, and one that leaves makes room.
    REQUIRE(clients[0].send("a:1|c\n"));
    clients[1].half_close();
    REQUIRE(rig.until([&] { return rig.counters().connections_open == 2; }));
    const NetClient late = NetClient::tcp(rig.address());
    REQUIRE(late.send("b:2|c\n"));
    REQUIRE(rig.until([&] { return rig.counters().bytes == 12; }));
    CHECK(rig.recorder().lines() == "a:1|c\nb:2|c\n");
    CHECK(rig.counters().connections_accepted == 4);
}

TEST_CASE("a connection without a whole line for the idle time is closed") {
    using namespace std::chrono_literals;
    ListenerConfig config = tcp_listener();
    config.idle_timeout = 10ms;  // of the manual clock; only how often is looked is real
    NetRig rig({config});
    const NetClient silent = NetClient::tcp(rig.address());
    const NetClient trickling = NetClient::tcp(rig.address());
    const NetClient busy = NetClient::tcp(rig.address());
    REQUIRE(trickling.send("never:"));
    REQUIRE(rig.until([&] { return rig.counters().connections_open == 3; }));

    rig.clock.advance_ns(9'000'000);
    REQUIRE(trickling.send("ending"));
    REQUIRE(busy.send("a:1|c\n"));
    REQUIRE(rig.until([&] { return rig.counters().bytes == 18; }));
    CHECK(rig.counters().connections_closed_idle == 0);

    rig.clock.advance_ns(2'000'000);
    REQUIRE(rig.until([&] { return rig.counters().connections_closed_idle == 2; }));
    CHECK(silent.is_hung_up());
    CHECK(trickling.is_hung_up());
    CHECK_FALSE(busy.is_hung_up());
    REQUIRE(rig.recorder().refused.size() == 1);
    CHECK(rig.recorder().refused[0].bytes == "never:ending");
    CHECK(rig.recorder().refused[0].refused == Reject::truncated);

    REQUIRE(busy.send("b:2|c\n"));
    REQUIRE(rig.until([&] { return rig.counters().bytes == 24; }));
    rig.clock.advance_ns(11'000'000);
    REQUIRE(rig.until([&] { return rig.counters().connections_open == 0; }));
    CHECK(rig.counters().connections_closed_idle == 3);
}

TEST_CASE("without an idle time a silent connection stays") {
    NetRig rig({tcp_listener()});
    const NetClient client = NetClient::tcp(rig.address());
    REQUIRE(rig.until([&] { return rig.counters().connections_open == 1; }));
    rig.clock.advance_ns(1'000'000'000'000'000);
    rig.poll();
    CHECK(rig.counters().connections_open == 1);
}

TEST_CASE("too many open files: accepting pauses, connections are served, none is lost") {
    NetRig rig({tcp_listener()});
    const NetClient served = NetClient::tcp(rig.address());
    REQUIRE(rig.until([&] { return rig.counters().connections_open == 1; }));

    const NetClient waiting = NetClient::tcp(rig.address());
    REQUIRE(waiting.send("b:2|c\n"));
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const rlimit exhausted{.rlim_cur = 3, .rlim_max = before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &exhausted) == 0);
    constexpr std::uint64_t looks = 1'000;
    for (std::uint64_t i = 0; i < looks; ++i) rig.poll();
    const ListenerCounters while_exhausted = rig.counters();
    REQUIRE(served.send("a:1|c\n"));
    const bool is_served = rig.until([&] { return rig.counters().bytes == 6; });
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);

    CHECK(while_exhausted.accept_errors >= 1);
    CHECK(while_exhausted.accept_errors < looks / 2);  // no spin
    CHECK(while_exhausted.last_error == EMFILE);
    CHECK(is_served);
    CHECK(rig.until([&] { return rig.counters().bytes == 12; }));
    CHECK(rig.recorder().lines() == "a:1|c\nb:2|c\n");
}

TEST_CASE("clients that come and go leave nothing behind") {
    NetRig rig({tcp_listener()});
    for (std::uint64_t i = 1; i <= 200; ++i) {
        const NetClient client = NetClient::tcp(rig.address());
        REQUIRE(client.send("a:1|c\n"));
        if (i % 2 == 0)
            REQUIRE(rig.until([&] { return rig.counters().connections_accepted == i; }));
    }
    REQUIRE(rig.until([&] {
        return rig.counters().connections_accepted == 200 && rig.counters().connections_open == 0;
    }));
    CHECK(rig.recorder().taken.size() == 200);
}

}  // namespace
}  // namespace pitot::agent
