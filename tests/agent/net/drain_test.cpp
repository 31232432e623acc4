// The end: all that the kernel has queued is read, nothing comes after it, and every
// descriptor is given back.

#include <dirent.h>
#include <doctest/doctest.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "agent/net/socket_address.h"
#include "tests/support/net_client.h"
#include "tests/support/net_rig.h"
#include "tests/support/net_temporary_directory.h"

namespace pitot::agent {
namespace {

using tests::NetClient;
using tests::NetRig;
using tests::NetTemporaryDirectory;
using tests::tcp_listener;
using tests::udp_listener;
using tests::unix_listener;

std::size_t open_descriptors() {
    std::size_t count = 0;
    DIR* directory = ::opendir("/proc/self/fd");
    REQUIRE(directory != nullptr);
    while (::readdir(directory) != nullptr) ++count;
    ::closedir(directory);
    return count;
}

// The number that the next file opened would get.
int lowest_free_descriptor() {
    const int free = ::dup(STDIN_FILENO);
    ::close(free);
    return free;
}

TEST_CASE("a drain takes clients that wait for want of descriptors") {
    NetRig rig({tcp_listener()}, 1);
    constexpr int clients_waiting = 8;
    std::vector<NetClient> clients;
    for (int i = 0; i < clients_waiting; ++i) {
        clients.push_back(NetClient::tcp(rig.address(0)));
        REQUIRE(clients.back().send("t:1|c\n"));
    }
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    // Room for three of them at a time: numbers below the limit can be given out.
    rlimit scarce = before;
    scarce.rlim_cur = static_cast<rlim_t>(lowest_free_descriptor()) + 3;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &scarce) == 0);
    rig.drain();
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);

    CHECK(rig.counters(0).bytes == clients_waiting * 6);
    CHECK(rig.counters(0).connections_accepted == clients_waiting);
    CHECK(rig.counters(0).accept_errors >= 1);
}

TEST_CASE("a drain reads all that is queued, on sockets no event has told of") {
    NetTemporaryDirectory directory;
    const std::string datagram_path = directory.file("d.sock");
    const std::string stream_path = directory.file("s.sock");
    NetRig rig(
        {udp_listener(), tcp_listener(), unix_listener(ListenerType::unix_datagram, datagram_path),
         unix_listener(ListenerType::unix_stream, stream_path)},
        2);
    constexpr std::uint64_t udp_sent = 500;
    std::vector<NetClient> clients;
    for (std::uint64_t i = 0; i < udp_sent; ++i) {
        if (i % 50 == 0) clients.push_back(NetClient::udp(rig.address(0)));
        REQUIRE(clients.back().send("u:1|c"));
    }
    // Connections that nobody has accepted.
    for (int i = 0; i < 5; ++i) {
        clients.push_back(NetClient::tcp(rig.address(1)));
        REQUIRE(clients.back().send("t:1|c\nt:2|c\n"));
    }
    for (int i = 0; i < 3; ++i) {
        clients.push_back(NetClient::unix_stream(stream_path));
        REQUIRE(clients.back().send("s:1|c\ns:2|c\n"));
    }
    for (int i = 0; i < 4; ++i) REQUIRE(NetClient::unix_datagram(datagram_path).send("d:1|c"));

    rig.drain();
    CHECK(rig.counters(0).datagrams == udp_sent);
    CHECK(rig.counters(1).bytes == 5 * 12);
    CHECK(rig.counters(1).connections_open == 0);
    CHECK(rig.counters(2).datagrams == 4);
    CHECK(rig.counters(3).bytes == 3 * 12);
    CHECK(rig.shard(0).recorder.lines(1).size() + rig.shard(1).recorder.lines(1).size() == 5 * 12);
    CHECK(rig.shard(0).recorder.refused.empty());

    // Nothing comes after it.
    const std::size_t taken = rig.shard(0).recorder.taken.size();
    CHECK_FALSE(NetClient::tcp(rig.address(1)).is_connected());
    CHECK_FALSE(NetClient::unix_datagram(datagram_path).is_connected());
    for (const NetClient& client : clients) static_cast<void>(client.send("x:1|c\n"));
    rig.poll();
    rig.drain();
    CHECK(rig.shard(0).recorder.taken.size() == taken);
}

TEST_CASE("a line that its client has not ended when we stop is refused, not guessed") {
    NetRig rig({tcp_listener()});
    const NetClient open = NetClient::tcp(rig.address());
    REQUIRE(open.send("whole:1|c\ncut:1|c|#route:/ca"));
    const NetClient ended = NetClient::tcp(rig.address());
    REQUIRE(ended.send("ended:1|c"));
    ended.half_close();
    rig.drain();
    CHECK(rig.recorder().lines().find("whole:1|c\n") != std::string::npos);
    CHECK(rig.recorder().lines().find("ended:1|c\n") != std::string::npos);
    CHECK(rig.recorder().lines().find("cut") == std::string::npos);
    REQUIRE(rig.recorder().refused.size() == 1);
    CHECK(rig.recorder().refused[0].refused == protocol::Reject::truncated);
    CHECK(rig.counters().lines_refused == 1);
}

TEST_CASE("a drain reads what a full window held back") {
    NetRig rig({tcp_listener()});
    const NetClient client = NetClient::tcp(rig.address());
    REQUIRE(rig.until([&] { return rig.counters().connections_open == 1; }));
    const std::string lines = [] {
        std::string text;
        for (int i = 0; i < 1'000; ++i) text += "a.metric.of.some.length:12345|c|#tag:value\n";
        return text;
    }();
    std::size_t sent = 0;
    while (const std::size_t more = client.send_some(lines)) sent += more;
    REQUIRE(sent > 0);
    // What has arrived; the rest waits in the client's kernel, and comes as room is made.
    int not_arrived = 0;
    REQUIRE(::ioctl(client.fd(), TIOCOUTQ, &not_arrived) == 0);
    REQUIRE(not_arrived > 0);
    rig.drain();
    CHECK(rig.counters().bytes > sent - static_cast<std::size_t>(not_arrived));
    CHECK(rig.counters().connections_open == 0);
    CHECK(client.is_hung_up());
}

TEST_CASE("a flood does not hold up a drain, and all of it is accounted for") {
    NetRig rig({udp_listener()});
    const NetClient client = NetClient::udp(rig.address());
    std::atomic<bool> stop = false;
    std::atomic<std::uint64_t> sent = 0;
    std::thread flood([&] {
        // Until the socket is closed, which a connected sender is told.
        while (!stop && client.send("a:1|c")) ++sent;
    });
    REQUIRE(rig.until([&] { return rig.counters().datagrams > 1'000; }));
    rig.drain();
    stop = true;
    flood.join();
    const ListenerCounters counters = rig.counters();
    CHECK(counters.datagrams == rig.recorder().taken.size());
    // What met no socket any more is not ours: its sender learns of it.
    const std::uint64_t accounted = counters.datagrams + counters.kernel_drops;
    CHECK(accounted <= sent);
}

TEST_CASE("a socket that was handed to us stays open to senders") {
    const auto any = SocketAddress::parse_internet("127.0.0.1:0").value();
    FileDescriptor passed{::socket(AF_INET, SOCK_DGRAM, 0)};
    REQUIRE(::bind(passed.get(), any.data(), any.size()) == 0);
    const FileDescriptor owner{::dup(passed.get())};
    const std::string address = SocketAddress::of_socket(passed.get()).to_string();
    const NetClient client = NetClient::udp(address);
    for (int i = 1; i <= 3; ++i) {
        CAPTURE(i);
        REQUIRE(client.send("a:1|c"));
        std::vector<InheritedSocket> inherited;
        inherited.push_back({"apps", FileDescriptor{::dup(owner.get())}});
        NetRig agent({udp_listener()}, 1, std::move(inherited));
        agent.drain();
        CHECK(agent.counters().datagrams == 1);
        CHECK(agent.counters().kernel_drops == 0);
    }
}

TEST_CASE("every descriptor is given back") {
    NetTemporaryDirectory directory;
    const auto run = [&](bool drained) {
        NetRig rig({udp_listener(), tcp_listener(),
                    unix_listener(ListenerType::unix_datagram, directory.file("d.sock")),
                    unix_listener(ListenerType::unix_stream, directory.file("s.sock"))},
                   2);
        std::vector<NetClient> clients;
        for (int i = 0; i < 10; ++i) {
            clients.push_back(NetClient::tcp(rig.address(1)));
            REQUIRE(clients.back().send("a:1|c\nhalf"));
        }
        REQUIRE(rig.until([&] { return rig.counters(1).bytes == 100; }));
        if (drained) rig.drain();
    };
    run(true);  // whatever is opened once and for all
    const std::size_t before = open_descriptors();
    run(true);
    CHECK(open_descriptors() == before);
    run(false);
    CHECK(open_descriptors() == before);
    const auto nothing = open_listeners(
        std::vector{udp_listener(), tcp_listener("127.0.0.1:0"), udp_listener("localhost:1")}, 2);
    CHECK_FALSE(nothing.has_value());
    CHECK(open_descriptors() == before);
}

}  // namespace
}  // namespace pitot::agent
