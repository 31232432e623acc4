// Datagrams: every one is read or counted as dropped, on every family and over all shards,
// whatever is in them.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "agent/net/datagram_reader.h"
#include "agent/net/kernel_drops.h"
#include "agent/net/socket_address.h"
#include "tests/support/net_client.h"
#include "tests/support/net_rig.h"
#include "tests/support/net_temporary_directory.h"

namespace pitot::agent {
namespace {

using tests::NetClient;
using tests::NetRecorder;
using tests::NetRig;
using tests::NetTemporaryDirectory;
using tests::udp_listener;
using tests::unix_listener;

TEST_CASE("UDP is read on both families, and on one socket for both") {
    struct Row {
        const char* listener;
        const char* client;
        const char* sender;
    };
    constexpr Row rows[] = {
        {"127.0.0.1:0", "127.0.0.1:", "udp 127.0.0.1:"},
        {"0.0.0.0:0", "127.0.0.1:", "udp 127.0.0.1:"},
        {"[::1]:0", "[::1]:", "udp [::1]:"},
        {"[::]:0", "[::1]:", "udp [::1]:"},
        {"[::]:0", "127.0.0.1:", "udp 127.0.0.1:"},
        {"*:0", "127.0.0.1:", "udp 127.0.0.1:"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.listener);
        CAPTURE(row.client);
        NetRig rig({udp_listener(row.listener)});
        const NetClient client = NetClient::udp(row.client + std::to_string(rig.reports[0].port));
        REQUIRE(client.send("a:1|c\nb:2|c"));
        REQUIRE(rig.until([&] { return !rig.recorder().taken.empty(); }));
        CHECK(rig.recorder().taken[0].bytes == "a:1|c\nb:2|c");
        CHECK(rig.recorder().taken[0].peer.starts_with(row.sender));
        CHECK(rig.counters().datagrams == 1);
        CHECK(rig.counters().bytes == 11);
    }
}

TEST_CASE("a listener on ::1 leaves the port to IPv4") {
    NetRig ipv6({udp_listener("[::1]:0")});
    NetRig ipv4({udp_listener("127.0.0.1:" + std::to_string(ipv6.reports[0].port))});
    CHECK(ipv4.reports[0].port == ipv6.reports[0].port);
}

TEST_CASE("a datagram may be empty, or as long as UDP can carry") {
    NetRig rig({udp_listener()});
    const NetClient client = NetClient::udp(rig.address());
    const std::string longest = std::string(65'500, 'x') + ":1|c\nz";
    REQUIRE(longest.size() <= 65'507);
    REQUIRE(::send(client.fd(), "", 0, 0) == 0);
    REQUIRE(client.send(longest));
    REQUIRE(rig.until([&] { return rig.counters().datagrams == 2; }));
    REQUIRE(rig.recorder().taken.size() == 1);  // an empty one holds no line
    CHECK(rig.recorder().taken[0].bytes == longest);
    CHECK(rig.counters().truncated_datagrams == 0);
}

TEST_CASE("the shards of a listener share its port, and nothing is lost between them") {
    constexpr std::size_t clients = 64;
    constexpr std::size_t datagrams_each = 20;
    NetRig rig({udp_listener()}, 2);
    for (std::size_t i = 0; i < clients; ++i) {
        const NetClient client = NetClient::udp(rig.address());
        for (std::size_t j = 0; j < datagrams_each; ++j) REQUIRE(client.send("a:1|c"));
    }
    CHECK(rig.until([&] { return rig.counters().datagrams == clients * datagrams_each; }));
    CHECK(rig.counters().kernel_drops == 0);
    // Dealt out by address: that one of 64 clients reaches either shard is as good as sure.
    CHECK(rig.shard(0).recorder.taken.size() > 0);
    CHECK(rig.shard(1).recorder.taken.size() > 0);
    // All of one client is on one shard.
    for (const NetRecorder::Piece& piece : rig.shard(0).recorder.taken) {
        for (const NetRecorder::Piece& other : rig.shard(1).recorder.taken) {
            if (piece.peer == other.peer) FAIL(piece.peer);
        }
    }
}

TEST_CASE("one client's datagrams reach every shard where they are dealt at random") {
    constexpr std::size_t datagrams = 64;
    ListenerConfig listener = udp_listener();
    listener.steering = Steering::random;
    NetRig rig({listener}, 3);
    const NetClient client = NetClient::udp(rig.address());
    for (std::size_t i = 0; i < datagrams; ++i) REQUIRE(client.send("a:1|c"));
    CHECK(rig.until([&] { return rig.counters().datagrams == datagrams; }));
    CHECK(rig.counters().kernel_drops == 0);
    // That one of 64 reaches each of three is as good as sure: missed once in 10^11 runs.
    for (std::size_t shard = 0; shard < 3; ++shard) {
        CHECK(rig.shard(shard).recorder.taken.size() > 0);
    }
}

TEST_CASE("one client's datagrams reach the shard of the processor that they came by") {
    ListenerConfig listener = udp_listener();
    listener.steering = Steering::cpu;
    NetRig rig({listener}, 2);
    const NetClient client = NetClient::udp(rig.address());
    cpu_set_t mine;
    REQUIRE(::sched_getaffinity(0, sizeof mine, &mine) == 0);
    std::array<std::size_t, 2> wanted{};
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (!CPU_ISSET(cpu, &mine)) continue;
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        REQUIRE(::sched_setaffinity(0, sizeof one, &one) == 0);
        // On loopback that is the sender's.
        REQUIRE(client.send("a:1|c"));
        ++wanted[cpu % 2];
    }
    REQUIRE(::sched_setaffinity(0, sizeof mine, &mine) == 0);
    CHECK(rig.until([&] { return rig.counters().datagrams == wanted[0] + wanted[1]; }));
    CHECK(rig.shard(0).recorder.taken.size() == wanted[0]);
    CHECK(rig.shard(1).recorder.taken.size() == wanted[1]);
}

TEST_CASE("a batch is one read, and a wake-up has an end") {
    constexpr std::size_t turn = datagrams_per_read_max * reads_per_wake_up_max;
    NetRig rig({udp_listener()});
    const NetClient client = NetClient::udp(rig.address());
    for (std::size_t i = 0; i < turn + 10; ++i) REQUIRE(client.send("a:1|c"));
    rig.shard().io.restart();
    rig.shard().io.poll_one();
    CHECK(rig.recorder().taken.size() == turn);
    CHECK(rig.recorder().batches == reads_per_wake_up_max);
    CHECK(rig.counters().reads == reads_per_wake_up_max);
    CHECK(rig.until([&] { return rig.recorder().taken.size() == turn + 10; }));
}

TEST_CASE("what the kernel drops is counted to the datagram: sent = read + drops") {
    ListenerConfig config = udp_listener();
    config.receive_buffer_bytes = 1;  // the kernel gives its least
    for (const std::uint32_t shards : {1U, 2U}) {
        CAPTURE(shards);
        NetRig rig({config}, shards);
        constexpr std::uint64_t sent = 3'000;
        const NetClient client = NetClient::udp(rig.address());
        for (std::uint64_t i = 0; i < sent; ++i) REQUIRE(client.send("a:1|c"));
        // The drops came last: no later datagram will tell of them.
        CHECK(rig.until([&] {
            const ListenerCounters counters = rig.counters();
            return counters.datagrams + counters.kernel_drops == sent;
        }));
        CHECK(rig.counters().kernel_drops > 0);
        CHECK(rig.counters().datagrams > 0);

        // And with readings of both kinds in turn.
        for (int round = 1; round <= 5; ++round) {
            for (std::uint64_t i = 0; i < sent; ++i) REQUIRE(client.send("a:1|c"));
            rig.poll();
        }
        const ListenerCounters after = rig.counters();
        CHECK(after.datagrams + after.kernel_drops == 6 * sent);
        CHECK(after.datagrams == rig.shard(0).recorder.taken.size() +
                                     (shards > 1 ? rig.shard(1).recorder.taken.size() : 0));
    }
}

TEST_CASE("kernel drops of an inherited socket count from when it is ours") {
    const auto any = SocketAddress::parse_internet("127.0.0.1:0").value();
    FileDescriptor passed{::socket(AF_INET, SOCK_DGRAM, 0)};
    const int least = 1;
    ::setsockopt(passed.get(), SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
    REQUIRE(::bind(passed.get(), any.data(), any.size()) == 0);
    const NetClient client = NetClient::udp(SocketAddress::of_socket(passed.get()).to_string());
    for (int i = 0; i < 1'000; ++i) REQUIRE(client.send("a:1|c"));  // most are dropped

    std::vector<InheritedSocket> inherited;
    inherited.push_back({"apps", std::move(passed)});
    NetRig rig({udp_listener()}, 1, std::move(inherited));
    rig.poll();
    CHECK(rig.counters().datagrams > 0);
    CHECK(rig.counters().kernel_drops == 0);
}

TEST_CASE("readings of kernel drops may wrap around, and come late") {
    KernelDrops fresh;
    CHECK(fresh.observe(0) == 0);
    CHECK(fresh.observe(3) == 3);
    CHECK(fresh.observe(3) == 0);
    CHECK(fresh.observe(2) == 0);  // as it was when an older datagram was queued
    CHECK(fresh.observe(10) == 7);

    KernelDrops wrapping(0xFFFF'FFFE);
    CHECK(wrapping.observe(0xFFFF'FFFF) == 1);
    CHECK(wrapping.observe(4) == 5);
    CHECK(wrapping.observe(0xFFFF'FFFF) == 0);
    CHECK(wrapping.observe(5) == 1);
}

TEST_CASE("a Unix datagram socket is read, and its named senders are shown") {
    NetTemporaryDirectory directory;
    const std::string path = directory.file("dsd.sock");
    NetRig rig({unix_listener(ListenerType::unix_datagram, path)});
    REQUIRE(NetClient::unix_datagram(path).send("a:1|c"));

    const FileDescriptor named{::socket(AF_UNIX, SOCK_DGRAM, 0)};
    const auto name =
        SocketAddress::parse_unix("@pitot-sender-" + std::to_string(::getpid())).value();
    const auto listener = SocketAddress::parse_unix(path).value();
    REQUIRE(::bind(named.get(), name.data(), name.size()) == 0);
    REQUIRE(::sendto(named.get(), "b:1|c", 5, 0, listener.data(), listener.size()) == 5);

    REQUIRE(rig.until([&] { return rig.recorder().taken.size() == 2; }));
    CHECK(rig.recorder().lines() == "a:1|c\nb:1|c\n");
    CHECK(rig.recorder().taken[0].peer == "unix");
    CHECK(rig.recorder().taken[1].peer == "unix " + name.to_string());
}

TEST_CASE("of a datagram that is cut off, the whole lines count and the rest is refused") {
    const std::string path = "@pitot-cut-" + std::to_string(::getpid());
    NetRig rig({unix_listener(ListenerType::unix_datagram, path)});
    const NetClient client = NetClient::unix_datagram(path);
    const int room = 1024 * 1024;
    ::setsockopt(client.fd(), SOL_SOCKET, SO_SNDBUF, &room, sizeof room);

    const std::string unfinished(datagram_bytes_max, 'x');
    REQUIRE(client.send("a:1|c\nb:2|c\n" + unfinished));
    REQUIRE(client.send(unfinished + "y"));                     // one line, and nothing whole
    REQUIRE(client.send(unfinished.substr(1) + "\n" + "cut"));  // cut right behind a line
    REQUIRE(client.send("c:3|c"));                              // the next is not harmed
    REQUIRE(rig.until([&] { return rig.counters().datagrams == 4; }));

    CHECK(rig.counters().truncated_datagrams == 3);
    CHECK(rig.counters().lines_refused == 3);
    CHECK(rig.counters().bytes == 3 * datagram_bytes_max + 5);
    REQUIRE(rig.recorder().taken.size() == 3);
    CHECK(rig.recorder().taken[0].bytes == "a:1|c\nb:2|c\n");
    CHECK(rig.recorder().taken[2].bytes == "c:3|c");
    REQUIRE(rig.recorder().refused.size() == 3);
    CHECK(rig.recorder().refused[0].refused == protocol::Reject::truncated);
    CHECK(rig.recorder().refused[0].bytes == std::string(datagram_bytes_max - 12, 'x'));
    CHECK(rig.recorder().refused[2].bytes.empty());
}

// Open descriptors of this process.
std::size_t open_descriptors() {
    std::size_t count = 0;
    for (int fd = 0; fd < 1024; ++fd) {
        if (::fcntl(fd, F_GETFD) != -1) ++count;
    }
    return count;
}

TEST_CASE("open files that a sender passes along are not kept") {
    const std::string path = "@pitot-fds-" + std::to_string(::getpid());
    // A UDP listener on the same shard: the two share one ring.
    NetRig rig({unix_listener(ListenerType::unix_datagram, path), udp_listener()});
    const NetClient client = NetClient::unix_datagram(path);
    const NetClient neighbour = NetClient::udp(rig.address(1));
    const std::size_t before = open_descriptors();
    for (std::uint64_t i = 1; i <= 5; ++i) {
        REQUIRE(neighbour.send("b:1|c"));
        std::array<char, 5> line{'a', ':', '1', '|', 'c'};
        iovec piece{.iov_base = line.data(), .iov_len = line.size()};
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
        msghdr message{};
        message.msg_iov = &piece;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        cmsghdr* rights = CMSG_FIRSTHDR(&message);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof(int));
        const int standard_input = 0;
        std::memcpy(CMSG_DATA(rights), &standard_input, sizeof standard_input);
        REQUIRE(::sendmsg(client.fd(), &message, 0) == 5);
        REQUIRE(rig.until([&] { return rig.counters(0).datagrams == i; }));
        REQUIRE(rig.until([&] { return rig.counters(1).datagrams == i; }));
    }
    CHECK(open_descriptors() == before);
    CHECK(rig.counters(0).truncated_datagrams == 0);
}

TEST_CASE("a socket that the event loop cannot watch is read by the clock") {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_DGRAM, 0, ends.data()) == 0);
    const FileDescriptor sender{ends[1]};
    boost::asio::io_context io{1};
    // As if the user's limit of watched descriptors were used up: it is watched already.
    Descriptor other(io, ends[0]);

    NetRecorder recorder;
    ListenerCounters counters;
    ReceiveRing ring;
    OpenSocket socket;
    socket.descriptor = FileDescriptor{ends[0]};
    socket.type = ListenerType::unix_datagram;
    ManualClock clock;
    DatagramReader reader(io, std::move(socket), ring, recorder, counters, clock);
    reader.start();
    const auto send_and_wait = [&](std::uint64_t datagrams) {
        REQUIRE(::write(sender.get(), "a:1|c", 5) == 5);
        while (counters.datagrams < datagrams) {
            io.restart();
            io.run_for(std::chrono::milliseconds(1));
        }
    };
    send_and_wait(1);
    send_and_wait(2);
    CHECK(counters.receive_errors == 1);
    CHECK(counters.last_error == EEXIST);
    static_cast<void>(other.release());
    clock.advance_ns(60'000'000'000);
    send_and_wait(3);
    send_and_wait(4);
    CHECK(counters.receive_errors == 1);
    reader.drain();
    io.poll();
}

TEST_CASE("a socket that cannot be read is counted and left alone for a while") {
    // A pipe is readable and no socket: the surest of errors.
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const FileDescriptor writer{ends[1]};
    REQUIRE(::write(writer.get(), "x", 1) == 1);

    boost::asio::io_context io{1};
    NetRecorder recorder;
    ListenerCounters counters;
    ReceiveRing ring;
    OpenSocket socket;
    socket.descriptor = FileDescriptor{ends[0]};
    socket.type = ListenerType::unix_datagram;
    const SystemClock clock;
    DatagramReader reader(io, std::move(socket), ring, recorder, counters, clock);
    reader.start();
    constexpr std::uint64_t looks = 1'000;
    for (std::uint64_t i = 0; i < looks; ++i) io.poll();
    CHECK(counters.receive_errors >= 1);
    CHECK(counters.receive_errors < looks / 2);
    CHECK(counters.last_error == ENOTSOCK);
    CHECK(recorder.batches == 0);
}

}  // namespace
}  // namespace pitot::agent
