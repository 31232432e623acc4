// Which listener a passed socket becomes. (That they are really passed, by number and by
// variables, is for a process of its own: end_to_end/service_test.py.)
#include "agent/service/passed_sockets.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "agent/config/listeners.h"
#include "agent/net/socket_address.h"
#include "tests/support/manager_double.h"
#include "tests/support/net_temporary_directory.h"

namespace pitot::agent {
namespace {

using tests::environment_of;
using tests::NetTemporaryDirectory;

FileDescriptor bound(int kind, const SocketAddress& address) {
    FileDescriptor socket{::socket(address.family(), kind, 0)};
    REQUIRE(::bind(socket.get(), address.data(), address.size()) == 0);
    if (kind == SOCK_STREAM) REQUIRE(::listen(socket.get(), 1) == 0);
    return socket;
}

FileDescriptor internet(int kind) {
    return bound(kind, SocketAddress::parse_internet("127.0.0.1:0").value());
}

std::string where(const FileDescriptor& socket) {
    return SocketAddress::of_socket(socket.get()).to_string();
}

ListenerConfig listener(std::string name, ListenerType type, const std::string& place) {
    ListenerConfig config = default_listener(std::move(name), type);
    config.is_default = false;
    const bool is_internet = type == ListenerType::udp || type == ListenerType::tcp;
    (is_internet ? config.address : config.path) = place;
    return config;
}

std::vector<PassedSocket> passed(std::string name, FileDescriptor socket) {
    std::vector<PassedSocket> all;
    all.push_back({std::move(name), std::move(socket)});
    return all;
}

TEST_CASE("by name, whatever the configuration says of its address") {
    std::vector<ListenerConfig> listeners{listener("apps", ListenerType::udp, "127.0.0.1:8125"),
                                          listener("other", ListenerType::udp, "127.0.0.1:1")};
    const auto assigned =
        assign_passed_sockets(passed("apps", internet(SOCK_DGRAM)), listeners).value();
    REQUIRE(assigned.size() == 1);
    CHECK(assigned[0].listener == "apps");
    CHECK(listeners.size() == 2);
}

TEST_CASE("by type and address, where one unit gives all its sockets one name") {
    NetTemporaryDirectory directory;
    const std::string path = directory.file("d.sock");
    FileDescriptor udp = internet(SOCK_DGRAM);
    FileDescriptor tcp = internet(SOCK_STREAM);
    FileDescriptor unix_datagram = bound(SOCK_DGRAM, SocketAddress::parse_unix(path).value());
    std::vector<ListenerConfig> listeners{listener("a", ListenerType::tcp, where(tcp)),
                                          listener("b", ListenerType::unix_datagram, path),
                                          listener("c", ListenerType::udp, where(udp))};
    std::vector<PassedSocket> all = passed("pitot.socket", std::move(udp));
    all.push_back({"pitot.socket", std::move(tcp)});
    all.push_back({"pitot.socket", std::move(unix_datagram)});
    const auto assigned = assign_passed_sockets(std::move(all), listeners).value();
    REQUIRE(assigned.size() == 3);
    CHECK(assigned[0].listener == "c");
    CHECK(assigned[1].listener == "a");
    CHECK(assigned[2].listener == "b");
}

TEST_CASE("without listeners of the operator's the passed sockets are the list") {
    NetTemporaryDirectory directory;
    const std::string path = directory.file("s.sock");
    std::vector<ListenerConfig> listeners = default_listeners(environment_of({}));
    REQUIRE(listeners.size() >= 4);
    FileDescriptor udp = internet(SOCK_DGRAM);
    const std::string udp_where = where(udp);
    std::vector<PassedSocket> all = passed("pitot", std::move(udp));
    all.push_back({"pitot", internet(SOCK_STREAM)});
    all.push_back({"streams", bound(SOCK_STREAM, SocketAddress::parse_unix(path).value())});
    const auto assigned = assign_passed_sockets(std::move(all), listeners).value();
    REQUIRE(assigned.size() == 3);
    REQUIRE(listeners.size() == 3);
    CHECK(listeners[0].name == "pitot");
    CHECK(listeners[0].type == ListenerType::udp);
    CHECK(listeners[0].address == udp_where);
    CHECK(listeners[0].receive_buffer_bytes > 0);
    CHECK(listeners[1].name == "pitot-2");
    CHECK(listeners[1].type == ListenerType::tcp);
    CHECK(listeners[2].type == ListenerType::unix_stream);
    CHECK(listeners[2].path == path);
    for (std::size_t i = 0; i < 3; ++i) CHECK(assigned[i].listener == listeners[i].name);
}

TEST_CASE("a socket that nobody would read is an error, as is what is none") {
    std::vector<ListenerConfig> listeners{listener("apps", ListenerType::udp, "127.0.0.1:8125")};
    FileDescriptor tcp = internet(SOCK_STREAM);
    const std::string tcp_where = where(tcp);
    std::vector<PassedSocket> all = passed("web", std::move(tcp));
    all.push_back({"log", FileDescriptor{::dup(STDERR_FILENO)}});
    const int log_fd = all.back().descriptor.get();
    const auto assigned = assign_passed_sockets(std::move(all), listeners);
    REQUIRE_FALSE(assigned.has_value());
    REQUIRE(assigned.error().size() == 2);
    CHECK(assigned.error()[0].to_string() ==
          "the socket " + tcp_where +
              " (\"web\") belongs to no listener: one must have its name (FileDescriptorName= in "
              "the socket unit), or its type and address");
    CHECK(assigned.error()[1].to_string() ==
          "descriptor " + std::to_string(log_fd) +
              " (\"log\") must be a socket for datagrams or streams");
}

TEST_CASE("variables that are not for us, or wrong") {
    CHECK(take_passed_sockets(environment_of({}), 7).value().empty());
    CHECK(take_passed_sockets(environment_of({{"LISTEN_FDS", "1"}}), 7).value().empty());
    CHECK(take_passed_sockets(environment_of({{"LISTEN_PID", "8"}, {"LISTEN_FDS", "1"}}), 7)
              .value()
              .empty());
    CHECK(take_passed_sockets(environment_of({{"LISTEN_PID", "7"}, {"LISTEN_FDS", "0"}}), 7)
              .value()
              .empty());
    for (const char* count : {"x", "-1", "", "99999999"}) {
        CAPTURE(count);
        const auto wrong =
            take_passed_sockets(environment_of({{"LISTEN_PID", "7"}, {"LISTEN_FDS", count}}), 7);
        REQUIRE_FALSE(wrong.has_value());
        CHECK(wrong.error() == "LISTEN_FDS must be a number of sockets up to 1024, got \"" +
                                   std::string(count) + "\"");
    }
}

}  // namespace
}  // namespace pitot::agent
