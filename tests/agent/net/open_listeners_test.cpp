// Opening: what is bound where, what is refused and with which words, and what happens to
// the files of Unix sockets.

#include "agent/net/open_listeners.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "agent/net/open_socket.h"
#include "agent/net/socket_address.h"
#include "agent/net/socket_file.h"
#include "tests/support/net_client.h"
#include "tests/support/net_rig.h"
#include "tests/support/net_temporary_directory.h"

namespace pitot::agent {
namespace {

using tests::net_listener;
using tests::NetClient;
using tests::NetRig;
using tests::NetTemporaryDirectory;
using tests::tcp_listener;
using tests::udp_listener;
using tests::unix_listener;

// The one error of opening these; "" if there is not exactly one.
std::string error_of(const std::vector<ListenerConfig>& listeners, std::uint32_t shards = 1,
                     std::vector<InheritedSocket> inherited = {}) {
    const auto opened = open_listeners(listeners, shards, std::move(inherited));
    if (opened || opened.error().size() != 1) return "";
    return opened.error().front().to_string();
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// What a process that was killed leaves behind: a socket file nobody answers on.
void leave_stale_file(const std::string& path, int kind) {
    const auto address = SocketAddress::parse_unix(path).value();
    const FileDescriptor dead{::socket(AF_UNIX, kind, 0)};
    REQUIRE(::bind(dead.get(), address.data(), address.size()) == 0);
}

mode_t mode_of(const std::string& path) {
    struct stat status{};
    REQUIRE(::lstat(path.c_str(), &status) == 0);
    return status.st_mode & 07777;
}

bool exists(const std::string& path) {
    struct stat status{};
    return ::lstat(path.c_str(), &status) == 0;
}

TEST_CASE("to whom a socket file is to be given") {
    ListenerConfig config;
    config.owner = "root";
    CHECK(new_owner_text(config) == "user root");
    config.group = "adm";
    CHECK(new_owner_text(config) == "root:adm");
    config.owner.clear();
    CHECK(new_owner_text(config) == "group adm");
}

TEST_CASE("the report names the port the kernel chose, and every shard's socket has it") {
    for (const ListenerConfig& config : {udp_listener(), tcp_listener()}) {
        NetRig rig({config}, 3);
        const ListenerReport& report = rig.reports.front();
        CHECK(report.name == "apps");
        CHECK(report.sockets == 3);
        CHECK(report.port != 0);
        CHECK(report.where == std::string{transport_name(config.type)} +
                                  " 127.0.0.1:" + std::to_string(report.port));
    }
}

TEST_CASE("an address that somebody has is an error, whoever it is") {
    for (const std::uint32_t shards : {1U, 2U}) {
        CAPTURE(shards);
        SUBCASE("another agent, over UDP") {
            NetRig first({udp_listener()}, shards);
            const std::string address = first.address();
            CHECK(error_of({udp_listener(address)}, shards) ==
                  "listeners.apps: cannot bind udp " + address +
                      ": address already in use; another StatsD agent may be running (ss -ulpn "
                      "'sport = " +
                      std::to_string(first.reports[0].port) + "')");
        }
        SUBCASE("another agent, over TCP") {
            NetRig first({tcp_listener()}, shards);
            CHECK(contains(error_of({tcp_listener(first.address())}, shards),
                           ": address already in use; another StatsD agent may be running (ss "
                           "-tlpn 'sport = "));
        }
        SUBCASE("another agent, on every address") {
            NetRig first({udp_listener()}, shards);
            const std::string port = std::to_string(first.reports[0].port);
            CHECK(contains(error_of({udp_listener("*:" + port)}, shards), "already in use"));
        }
        SUBCASE("a process that would share its port with us") {
            const FileDescriptor other{::socket(AF_INET, SOCK_DGRAM, 0)};
            const int on = 1;
            ::setsockopt(other.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
            const auto any = SocketAddress::parse_internet("127.0.0.1:0").value();
            REQUIRE(::bind(other.get(), any.data(), any.size()) == 0);
            const std::string address = SocketAddress::of_socket(other.get()).to_string();
            CHECK(contains(error_of({udp_listener(address)}, shards), "already in use"));
        }
        SUBCASE("a default listener too") {
            NetRig first({udp_listener()}, shards);
            ListenerConfig second = udp_listener(first.address());
            second.is_default = true;
            CHECK(contains(error_of({second}, shards), "already in use"));
        }
    }
}

TEST_CASE("a port is free again as soon as its agent has ended") {
    std::string address;
    {
        NetRig first({tcp_listener()}, 2);
        address = first.address();
        NetClient client = NetClient::tcp(address);
        CHECK(client.send("a:1|c\n"));
        CHECK(first.until([&] { return first.counters().bytes == 6; }));
    }
    NetRig second({tcp_listener(address)}, 2);
    CHECK(second.address() == address);
}

TEST_CASE("all problems are told at once, each with its listener") {
    NetTemporaryDirectory directory;
    ListenerConfig nowhere = udp_listener("192.0.2.77:8125");
    nowhere.name = "nowhere";
    ListenerConfig resolved = tcp_listener("localhost:8125");
    resolved.name = "resolved";
    ListenerConfig homeless =
        unix_listener(ListenerType::unix_datagram, directory.file("no/such/dsd.sock"));
    homeless.name = "homeless";
    ListenerConfig long_path =
        unix_listener(ListenerType::unix_stream, directory.file(std::string(100, 'x')));
    long_path.name = "long_path";

    const auto opened =
        open_listeners(std::vector{udp_listener(), nowhere, resolved, homeless, long_path}, 2);
    REQUIRE_FALSE(opened.has_value());
    REQUIRE(opened.error().size() == 4);
    const auto message = [&](std::size_t i) { return opened.error()[i].to_string(); };
    CHECK(contains(message(0), "listeners.nowhere: cannot bind udp 192.0.2.77:8125: "));
    CHECK(contains(message(0), "must be an address of this host"));
    CHECK(contains(message(1), "listeners.resolved: address must be an IP address and a port"));
    CHECK(contains(message(2), "listeners.homeless: cannot bind " + homeless.path));
    CHECK(contains(message(2), "the directory " + directory.file("no/such") + " must exist"));
    CHECK(contains(message(3), "listeners.long_path: path must be at most 107 bytes long"));
}

TEST_CASE("a default listener that cannot be opened is left out with a warning") {
    NetTemporaryDirectory directory;
    ListenerConfig homeless =
        unix_listener(ListenerType::unix_datagram, directory.file("missing/dsd.sock"));
    homeless.name = "default_unix";
    homeless.is_default = true;

    NetRig rig({homeless, udp_listener()});
    REQUIRE(rig.warnings.size() == 1);
    CHECK(contains(rig.warnings[0], "listeners.default_unix: cannot bind "));
    CHECK(contains(rig.warnings[0], "; going on without it"));
    CHECK(rig.reports[0].where.empty());
    // The others keep their numbers.
    CHECK(NetClient::udp(rig.address(1)).send("a:1|c"));
    REQUIRE(rig.until([&] { return rig.recorder().taken.size() == 1; }));
    CHECK(rig.recorder().taken[0].listener == 1);

    const auto opened = open_listeners(std::vector{homeless}, 1);
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().front().to_string() == "no listener could be opened");
}

TEST_CASE("the granted receive buffer is reported, with the sysctl that would raise it") {
    ListenerConfig modest = udp_listener();
    modest.receive_buffer_bytes = 65'536;
    NetRig granted({modest});
    CHECK(granted.reports[0].receive_buffer_asked_bytes == 65'536);
    CHECK(granted.reports[0].receive_buffer_granted_bytes == 65'536);
    CHECK(granted.advice.empty());

    // More than the kernel can give to anybody.
    ListenerConfig greedy = udp_listener();
    greedy.receive_buffer_bytes = 4'000'000'000;
    const auto opened = open_listeners(std::vector{greedy}, 1);
    REQUIRE(opened.has_value());
    CHECK(opened->reports[0].receive_buffer_granted_bytes < 4'000'000'000);
    REQUIRE(opened->advice.size() == 1);
    CHECK(contains(opened->advice[0],
                   "listeners.apps: asked for a receive buffer of 4000000000 bytes, the kernel "
                   "granted "));
    CHECK(contains(opened->advice[0], "sysctl -w net.core.rmem_max=4000000000"));
}

TEST_CASE("the queue of a Unix datagram socket is reported") {
    NetRig rig({unix_listener(ListenerType::unix_datagram, "@pitot-test-queue")});
    std::uint32_t kernel_says = 0;
    std::ifstream("/proc/sys/net/unix/max_dgram_qlen") >> kernel_says;
    CHECK(rig.reports[0].queue_datagrams_max == kernel_says);
    CHECK(rig.advice.size() == (kernel_says < unix_queue_datagrams_wanted ? 1 : 0));
}

TEST_CASE("a socket file has the mode asked for, whatever the umask") {
    NetTemporaryDirectory directory;
    const mode_t before = ::umask(0077);
    for (const mode_t mode : {mode_t{0666}, mode_t{0600}, mode_t{0620}}) {
        ListenerConfig config =
            unix_listener(ListenerType::unix_datagram, directory.file("dsd.sock"));
        config.mode = mode;
        config.owner = std::to_string(::geteuid());
        config.group = std::to_string(::getegid());
        NetRig rig({config});
        CHECK(mode_of(config.path) == mode);
    }
    ::umask(before);
}

TEST_CASE("an unknown owner or group is an error, and leaves no file") {
    NetTemporaryDirectory directory;
    ListenerConfig config = unix_listener(ListenerType::unix_stream, directory.file("dsd.sock"));
    config.owner = "nobody-of-that-name";
    CHECK(error_of({config}) ==
          "listeners.apps: owner must be a user of this host or a number, got "
          "\"nobody-of-that-name\"");
    config.owner.clear();
    config.group = "nobody-of-that-name";
    CHECK(contains(error_of({config}), "group must be a group of this host or a number"));
    CHECK_FALSE(exists(config.path));
}

TEST_CASE("a stale file is replaced, a living one and a stranger's are not") {
    NetTemporaryDirectory directory;
    const std::string path = directory.file("dsd.sock");
    for (const ListenerType type : {ListenerType::unix_datagram, ListenerType::unix_stream}) {
        const ListenerConfig config = unix_listener(type, path);
        const int kind = is_stream(type) ? SOCK_STREAM : SOCK_DGRAM;
        CAPTURE(kind);
        SUBCASE("stale") {
            leave_stale_file(path, kind);
            NetRig rig({config});
            CHECK(rig.reports[0].sockets == 1);
        }
        SUBCASE("stale, of the other type") {
            leave_stale_file(path, kind == SOCK_STREAM ? SOCK_DGRAM : SOCK_STREAM);
            NetRig rig({config});
            CHECK(rig.reports[0].sockets == 1);
        }
        SUBCASE("stale, while another agent replaces files in this directory") {
            leave_stale_file(path, kind);
            const FileDescriptor lock{::open(directory.file("").c_str(), O_RDONLY | O_DIRECTORY)};
            REQUIRE(::flock(lock.get(), LOCK_EX) == 0);
            CHECK(contains(error_of({config}), "another process has locked"));
            CHECK(exists(path));
        }
        SUBCASE("living") {
            NetRig first({config});
            CHECK(contains(error_of({config}), "a living process answers on it"));
            CHECK(exists(path));
        }
        SUBCASE("living, of the other type") {
            NetRig first({unix_listener(
                is_stream(type) ? ListenerType::unix_datagram : ListenerType::unix_stream, path)});
            CHECK(contains(error_of({config}), "a living process answers on it"));
        }
        SUBCASE("not a socket") {
            std::ofstream(path) << "precious";
            CHECK(contains(error_of({config}), "it exists and is not a socket"));
            CHECK(exists(path));
        }
        SUBCASE("a link to nowhere") {
            REQUIRE(::symlink("/nonexistent", path.c_str()) == 0);
            CHECK(contains(error_of({config}), "it exists and is not a socket"));
        }
        ::unlink(path.c_str());
    }
}

TEST_CASE("a socket file is removed at the end, if it is still ours") {
    NetTemporaryDirectory directory;
    const ListenerConfig config =
        unix_listener(ListenerType::unix_datagram, directory.file("dsd.sock"));
    SUBCASE("drained") {
        NetRig rig({config});
        rig.drain();
        CHECK_FALSE(exists(config.path));
    }
    SUBCASE("never started") {
        CHECK(open_listeners(std::vector{config}, 1).has_value());
        CHECK_FALSE(exists(config.path));
    }
    SUBCASE("replaced by somebody else") {
        auto rig = std::make_unique<NetRig>(std::vector{config});
        REQUIRE(::unlink(config.path.c_str()) == 0);
        NetRig successor({config});
        rig.reset();
        CHECK(exists(config.path));
        CHECK(NetClient::unix_datagram(config.path).send("a:1|c"));
    }
}

TEST_CASE("an abstract name leaves no file and is ours alone") {
    const ListenerConfig config =
        unix_listener(ListenerType::unix_datagram, "@pitot-test-" + std::to_string(::getpid()));
    NetRig rig({config});
    CHECK(rig.reports[0].where == "unix " + config.path);
    CHECK(contains(error_of({config}), "a living process answers on it"));
    CHECK(NetClient::unix_datagram(config.path).send("a:1|c"));
    REQUIRE(rig.until([&] { return rig.recorder().taken.size() == 1; }));
    CHECK(rig.recorder().taken[0].bytes == "a:1|c");
}

TEST_CASE("Unix sockets go to the shards in turn") {
    NetTemporaryDirectory directory;
    std::vector<ListenerConfig> configs;
    for (int i = 0; i < 4; ++i) {
        configs.push_back(unix_listener(ListenerType::unix_datagram,
                                        directory.file(std::to_string(i) + ".sock")));
    }
    NetRig rig(configs, 2);
    for (const ListenerConfig& config : configs) {
        CHECK(NetClient::unix_datagram(config.path).send("a:1|c"));
    }
    CHECK(rig.until([&] {
        return rig.shard(0).recorder.taken.size() == 2 && rig.shard(1).recorder.taken.size() == 2;
    }));
}

// A UDP socket such as systemd would pass, for the listener of that name.
std::vector<InheritedSocket> inherit_udp(const std::string& listener) {
    const auto any = SocketAddress::parse_internet("127.0.0.1:0").value();
    std::vector<InheritedSocket> inherited;
    inherited.push_back({listener, FileDescriptor{::socket(AF_INET, SOCK_DGRAM, 0)}});
    REQUIRE(::bind(inherited[0].descriptor.get(), any.data(), any.size()) == 0);
    return inherited;
}

TEST_CASE("a socket that was opened by somebody else is used as it is, on one shard") {
    std::vector<InheritedSocket> inherited = inherit_udp("apps");
    const std::string address = SocketAddress::of_socket(inherited[0].descriptor.get()).to_string();
    NetRig rig({udp_listener("127.0.0.1:1")}, 2, std::move(inherited));
    CHECK(rig.address() == address);
    CHECK(NetClient::udp(address).send("a:1|c"));
    CHECK(rig.until([&] { return rig.counters().datagrams == 1; }));
}

TEST_CASE("an inherited socket must be what its listener is, and have one") {
    CHECK(contains(error_of({tcp_listener()}, 1, inherit_udp("apps")),
                   "must be a socket of type tcp"));
    CHECK(error_of({udp_listener()}, 1, inherit_udp("typo")) ==
          "listeners.typo: a socket was passed to the agent for it, but there is no listener of "
          "that name");
}

}  // namespace
}  // namespace pitot::agent
