// Receives datagrams and throws them away: the least that a server can cost on this machine.
//
//     null_receiver 127.0.0.1:0                    one wake-up for what there is
//     null_receiver 127.0.0.1:0 --wait-us 1000     after a small batch, looks again so much later
//
// Every figure of tests/bench/whole_process.py stands beside what this takes for the same load, in
// the same run. It reads as pitot does, as many datagrams with one recvmmsg(), drops counted
// (SO_RXQ_OVFL), but it waits in that same call, which is cheaper than an event loop.
//
// Prints the address it is bound to as one line of JSON, and its account as another one when it
// ends, on SIGTERM, after it has read what the socket holds.
#include <fmt/format.h>
#include <linux/sock_diag.h>
#include <sys/resource.h>
#include <CLI/CLI.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <string>

#include "agent/net/receive_ring.h"
#include "tests/bench/bench_socket.h"

using namespace pitot;

namespace {

using agent::datagram_bytes_max;
constexpr std::size_t datagrams_per_read = agent::datagrams_per_read_max;

volatile sig_atomic_t is_stopped = 0;

void stop(int /*signal*/) {
    is_stopped = 1;
}

struct Account {
    std::uint64_t datagrams = 0;
    std::uint64_t bytes = 0;
    std::uint64_t reads = 0;
};

class Ring {
public:
    Ring() {
        for (std::size_t i = 0; i < datagrams_per_read; ++i) {
            pieces_[i] = {.iov_base = slots_[i].data(), .iov_len = datagram_bytes_max};
            headers_[i].msg_hdr.msg_iov = &pieces_[i];
            headers_[i].msg_hdr.msg_iovlen = 1;
            headers_[i].msg_hdr.msg_control = &controls_[i];
        }
    }

    // As recvmmsg(): how many datagrams, or -1.
    int read(int fd, int flags, Account& account) {
        for (mmsghdr& header : headers_) {
            header.msg_hdr.msg_controllen = control_bytes;
            header.msg_hdr.msg_flags = 0;
        }
        const int received = ::recvmmsg(fd, headers_.data(), datagrams_per_read, flags, nullptr);
        if (received <= 0) return received;
        ++account.reads;
        account.datagrams += static_cast<std::uint64_t>(received);
        for (std::size_t i = 0; i < static_cast<std::size_t>(received); ++i) {
            account.bytes += headers_[i].msg_len;
        }
        return received;
    }

private:
    static constexpr std::size_t control_bytes = CMSG_SPACE(sizeof(std::uint32_t));

    std::array<std::array<char, datagram_bytes_max>, datagrams_per_read> slots_{};
    std::array<std::array<char, control_bytes>, datagrams_per_read> controls_{};
    std::array<iovec, datagrams_per_read> pieces_{};
    std::array<mmsghdr, datagrams_per_read> headers_{};
};

// What the kernel grants: with the right to it, all that is asked for.
int ask_for_buffer(int fd, int bytes) {
    if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0) {
        ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    }
    int granted = 0;
    socklen_t size = sizeof granted;
    ::getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &granted, &size);
    return granted;
}

std::uint32_t kernel_drops(int fd) {
    std::array<std::uint32_t, SK_MEMINFO_VARS> memory{};
    socklen_t size = sizeof memory;
    ::getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory.data(), &size);
    return memory[SK_MEMINFO_DROPS];
}

void say_address(int fd, const bench::Address& asked, const std::string& text, int buffer_bytes) {
    std::string where = text;
    if (!asked.is_unix()) {
        sockaddr_in bound{};
        socklen_t size = sizeof bound;
        ::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size);
        where = fmt::format("{}:{}", text.substr(0, text.rfind(':')), ntohs(bound.sin_port));
    }
    fmt::print(R"({{"address":"{}","receive_buffer":{}}})"
               "\n",
               where, buffer_bytes);
    std::fflush(stdout);
}

void say_account(const Account& account, std::uint32_t drops) {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
    };
    fmt::print(R"({{"datagrams":{},"bytes":{},"reads":{},"kernel_drops":{},"user_s":{:.6f},)"
               R"("system_s":{:.6f}}})"
               "\n",
               account.datagrams, account.bytes, account.reads, drops, seconds(usage.ru_utime),
               seconds(usage.ru_stime));
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("Receives datagrams and throws them away.");
    std::string text;
    long wait_us = 0;
    int buffer_bytes = 8 * 1024 * 1024;
    app.add_option("address", text, "ADDRESS:PORT (UDP), or the path of a Unix socket")->required();
    app.add_option("--wait-us", wait_us, "pause after a batch that was not full")
        ->check(CLI::Range(0, 999'999));
    app.add_option("--receive-buffer", buffer_bytes, "bytes asked of the kernel");
    CLI11_PARSE(app, argc, argv);

    const bench::Address address(text);
    const bench::DatagramSocket socket(address);
    const int fd = socket.fd();
    if (::bind(fd, address.get(), address.size()) != 0) bench::fail("bind");
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
    const int granted = ask_for_buffer(fd, buffer_bytes);
    // A signal that comes just before a call waits no longer than this to be seen.
    const timeval patience{.tv_sec = 0, .tv_usec = 100'000};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    struct sigaction action{};
    action.sa_handler = stop;  // without SA_RESTART: a waiting call ends
    ::sigaction(SIGTERM, &action, nullptr);
    say_address(fd, address, text, granted);

    static Ring ring;
    Account account;
    const timespec pause{.tv_sec = 0, .tv_nsec = wait_us * 1'000};
    while (is_stopped == 0) {
        const int received = ring.read(fd, MSG_WAITFORONE, account);
        if (received < 0 && errno != EINTR && errno != EAGAIN) bench::fail("recvmmsg");
        if (wait_us > 0 && received < static_cast<int>(datagrams_per_read)) {
            ::clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, nullptr);
        }
    }
    while (ring.read(fd, MSG_DONTWAIT, account) > 0) {
    }
    say_account(account, kernel_drops(fd));
    return 0;
}
