// Looking up hosts and trying their addresses (sinks/net/look_up.h, http/client.h and
// influxdb/udp_transport.h above it): one that hangs harms nobody else and is left behind, one
// that has several addresses is reached by any of them. The look-up is the test's own; the
// network is real, on loopback.
#include "sinks/net/look_up.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "sinks/http/client.h"
#include "sinks/influxdb/udp_transport.h"
#include "tests/support/http_double.h"
#include "tests/support/sink_rig.h"

using namespace pitot::sinks;
using namespace pitot::tests;
using std::literals::chrono_literals::operator""ms;
using std::literals::chrono_literals::operator""s;

namespace {

// A name server that is silent until it is told to speak.
class NameServer {
public:
    net::Addresses answer(const std::string& host) {
        std::unique_lock lock(mutex_);
        ++asked_;
        changed_.notify_all();
        changed_.wait(lock, [&] { return speaks_ || host != "hung.example"; });
        ++answered_;
        changed_.notify_all();
        if (host == "nowhere.example") return std::unexpected("Name or service not known");
        return addresses_;
    }
    void speak() {
        const std::lock_guard lock(mutex_);
        speaks_ = true;
        changed_.notify_all();
    }
    void wait_until_answered(int count) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return answered_ >= count; });
    }
    void wait_until_asked(int count) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return asked_ >= count; });
    }
    int asked() {
        const std::lock_guard lock(mutex_);
        return asked_;
    }
    void has(std::vector<std::string> addresses) { addresses_ = std::move(addresses); }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::string> addresses_{"127.0.0.1"};
    bool speaks_ = false;
    int asked_ = 0;
    int answered_ = 0;
};

struct Bench {
    // Threads of look-ups that are left behind have it too.
    std::shared_ptr<NameServer> names = std::make_shared<NameServer>();
    std::optional<SinkRig> rig;

    Bench() {
        rig.emplace();
        rig->context.look_up = [names = names](const std::string& host) {
            return names->answer(host);
        };
    }
};

// A client, and the answer to its last request.
struct Asking {
    Bench& bench;
    http::Client client;
    std::optional<http::Result> result;

    Asking(Bench& its_bench, const std::string& host, std::uint16_t port)
        : bench(its_bench), client({.url = {.host = host, .port = port}}, its_bench.rig->context) {}

    void begin() {
        result.reset();
        client.send({.method = http::Method::get},
                    bench.rig->time.steady_ns() + std::chrono::nanoseconds(20s).count(),
                    [this](http::Result got) { result = std::move(got); });
    }
    const http::Result& end() {
        bench.rig->run_until([&] { return result.has_value(); });
        return *result;
    }
};

// An address that takes no connections and does not say so: its queue is full.
class SilentAddress {
public:
    SilentAddress(const char* address, std::uint16_t port) {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        ::inet_pton(AF_INET, address, &to.sin_addr);
        auto* const generic = reinterpret_cast<sockaddr*>(&to);
        sockets_[0] = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        REQUIRE(::bind(sockets_[0], generic, sizeof to) == 0);
        REQUIRE(::listen(sockets_[0], 0) == 0);
        for (std::size_t i = 1; i < sockets_.size(); ++i) {
            sockets_[i] = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
            // The first ones fill the queue and are connected, the others wait for ever.
            const bool connected = ::connect(sockets_[i], generic, sizeof to) == 0;
            REQUIRE((connected || errno == EINPROGRESS));
        }
    }
    ~SilentAddress() {
        for (const int socket : sockets_) ::close(socket);
    }
    SilentAddress(const SilentAddress&) = delete;
    SilentAddress& operator=(const SilentAddress&) = delete;

private:
    std::array<int, 5> sockets_{};
};

// Datagrams to 127.0.0.1 at a port of the kernel's choice.
class Receiver {
public:
    Receiver() : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        auto* const generic = reinterpret_cast<sockaddr*>(&address);
        REQUIRE(::bind(socket_, generic, length) == 0);
        REQUIRE(::getsockname(socket_, generic, &length) == 0);
        port_ = ntohs(address.sin_port);
    }
    ~Receiver() { ::close(socket_); }
    Receiver(const Receiver&) = delete;
    Receiver& operator=(const Receiver&) = delete;

    std::uint16_t port() const { return port_; }
    std::string take() const {
        std::array<char, 100> bytes{};
        const ssize_t count = ::recv(socket_, bytes.data(), bytes.size(), MSG_DONTWAIT);
        return count < 0 ? "nothing" : std::string(bytes.data(), static_cast<std::size_t>(count));
    }

private:
    int socket_;
    std::uint16_t port_ = 0;
};

}  // namespace

TEST_CASE("a look-up that hangs costs its own destination an attempt, and others nothing") {
    Bench bench;
    HttpDouble server;
    HttpDouble another;
    Asking hung(bench, "hung.example", server.port());
    Asking well(bench, "well.example", another.port());
    hung.begin();
    well.begin();
    CHECK(well.end().has_value());
    CHECK_FALSE(hung.result);
    bench.rig->advance(5s);
    REQUIRE(hung.result);
    REQUIRE_FALSE(hung.result->has_value());
    CHECK(hung.result->error().kind == http::FailureKind::timeout);
    CHECK(hung.result->error().what == "cannot look up the address of hung.example in time");

    // Whoever asks again waits for the same answer; there is one thread, however often.
    for (int attempt = 0; attempt < 3; ++attempt) {
        hung.begin();
        bench.rig->advance(5s);
        CHECK_FALSE(hung.result->has_value());
    }
    hung.begin();
    bench.rig->settle();
    // Its thread may not have had a turn of the processor yet: the time here is not its own.
    bench.names->wait_until_asked(2);
    CHECK(bench.names->asked() == 2);
    bench.names->speak();
    CHECK(hung.end().has_value());
    CHECK(bench.rig->time.next_ns() == -1);
    bench.names->wait_until_answered(2);
}

TEST_CASE("a look-up that hangs is left behind, whoever wanted it and however it ends") {
    for (const bool is_udp : {false, true}) {
        for (const bool was_given_up : {false, true}) {
            CAPTURE(is_udp);
            CAPTURE(was_given_up);
            Bench bench;
            bool is_told = false;
            const Batch batch{.body = "a", .items = {{.end = 1, .points = 1}}};
            std::unique_ptr<Transport> transport = influxdb::make_udp_transport(
                {.name = "udp", .host = "hung.example", .port = 1}, bench.rig->context);
            std::optional<Asking> asking;
            asking.emplace(bench, "hung.example", std::uint16_t{1});
            if (is_udp) {
                transport->send(batch, Purpose::deliver, bench.rig->time.steady_ns() + 1000,
                                [&](const Outcome& outcome) {
                                    is_told = true;
                                    CHECK(outcome.verdict == Verdict::retry);
                                });
            } else {
                asking->begin();
            }
            bench.rig->run_until([&] { return bench.names->asked() == 1; });
            if (was_given_up) bench.rig->advance(20s);
            CHECK((is_told || asking->result.has_value()) == was_given_up);
            asking.reset();
            transport.reset();
            if (was_given_up) bench.rig->settle();
            bench.rig.reset();  // the io thread's world goes too
            bench.names->speak();
            bench.names->wait_until_answered(1);
        }
    }
}

TEST_CASE("a name without an address, an address without a name") {
    Bench bench;
    HttpDouble server;
    Asking nowhere(bench, "nowhere.example", server.port());
    nowhere.begin();
    REQUIRE_FALSE(nowhere.end().has_value());
    CHECK(nowhere.result->error().kind == http::FailureKind::resolve);
    CHECK(nowhere.result->error().what ==
          "cannot look up the address of nowhere.example: Name or service not known");

    Asking address(bench, "127.0.0.1", server.port());
    address.begin();
    CHECK(address.end().has_value());
    CHECK(bench.names->asked() == 1);

    const net::Addresses local = net::look_up_by_system("localhost");
    REQUIRE(local);
    CHECK(std::ranges::any_of(
        *local, [](const std::string& text) { return text == "127.0.0.1" || text == "::1"; }));
    CHECK_FALSE(net::look_up_by_system("no..name"));
}

TEST_CASE("a name with several addresses is reached by any of them") {
    Bench bench;
    HttpDouble server;
    const SilentAddress silent("127.0.0.2", server.port());

    // The first refuses; then the next is tried at once.
    bench.names->has({"127.0.0.3", "127.0.0.1"});
    {
        Asking asking(bench, "well.example", server.port());
        asking.begin();
        CHECK(asking.end().has_value());
    }

    // The first is silent for its half of the time.
    bench.names->has({"127.0.0.2", "127.0.0.1"});
    Asking late(bench, "well.example", server.port());
    late.begin();
    bench.rig->run_until([&] { return bench.rig->time.next_ns() == 2'500'000'000; });
    bench.rig->advance(2499ms);
    CHECK_FALSE(late.result);
    bench.rig->advance(1ms);
    CHECK(late.end().has_value());
    CHECK(bench.rig->time.next_ns() == -1);

    // None is reached: which said what, and all of it within the time to connect.
    bench.names->has({"127.0.0.2", "127.0.0.3"});
    Asking never(bench, "well.example", server.port());
    never.begin();
    bench.rig->run_until([&] { return bench.rig->time.next_ns() == 2'500'000'000; });
    bench.rig->advance(2500ms);
    REQUIRE_FALSE(never.end().has_value());
    CHECK(never.result->error().what ==
          "cannot connect to well.example:" + std::to_string(server.port()) +
              ": 127.0.0.2: Connection timed out; 127.0.0.3: Connection refused "
              "(nobody listens there: is the server running?)");
    CHECK(server.complaints() == "");
}

TEST_CASE("datagrams go to the next address once one refuses them, and stay there") {
    Bench bench;
    const Receiver receiver;
    bench.names->has({"127.0.0.2", "127.0.0.1"});
    const auto transport = influxdb::make_udp_transport(
        {.name = "udp", .host = "well.example", .port = receiver.port()}, bench.rig->context);
    const Batch batch{.body = "line\n", .items = {{.end = 5, .points = 1}}};
    for (int round = 0; round < 3; ++round) {
        std::optional<Outcome> outcome;
        transport->send(batch, Purpose::deliver, bench.rig->time.steady_ns() + 1'000'000'000,
                        [&](Outcome got) { outcome = std::move(got); });
        bench.rig->run_until([&] { return outcome.has_value(); });
        CHECK(outcome->verdict == Verdict::delivered);
        CHECK(receiver.take() == "line\n");
        CHECK(receiver.take() == "nothing");
        if (round == 1) bench.rig->advance(120s);  // the name is looked up again
    }
    CHECK(bench.names->asked() == 2);

    // Where nobody listens at any of them, the last one's trouble is said.
    bench.names->has({"127.0.0.3", "127.0.0.2"});
    const auto lost = influxdb::make_udp_transport(
        {.name = "udp", .host = "well.example", .port = receiver.port()}, bench.rig->context);
    std::optional<Outcome> outcome;
    lost->send(batch, Purpose::deliver, bench.rig->time.steady_ns() + 1'000'000'000,
               [&](Outcome got) { outcome = std::move(got); });
    bench.rig->run_until([&] { return outcome.has_value(); });
    CHECK(outcome->verdict == Verdict::retry);
    CHECK(outcome->reason.ends_with("nobody listens there"));
}
