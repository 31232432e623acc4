// Sends StatsD lines by a schedule: the open-loop load for any server, pitot or another.
//
//     load_generator 127.0.0.1:8125 --lines-per-second 100000 --seconds 10
//     load_generator /run/pitot/dsd.sock --datagram-bytes 0 --sources 4 --cycles 1 --draw in-turn
//
// The lines are made before the first one is sent (workload.h says what they are). Datagrams go
// out by plain sendmmsg(), without segmentation offload, as many at a time as the schedule has due
// (send_schedule.h), from each source in turn. Nothing the server does slows the schedule down but
// a full queue of a Unix socket: then the datagram stays due, and what waited is told as lateness.
//
// At the end it prints one JSON object: what was sent, how long that took, and how far it was
// behind. A run whose sender fell behind says nothing about the server. Exit code 1 when nobody
// listens, or when the load took twice its time.
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <map>
#include <string>
#include <vector>

#include "tests/bench/bench_socket.h"
#include "tests/bench/send_schedule.h"
#include "tests/bench/workload.h"

using namespace pitot;

namespace {

// More than this late, and a datagram is counted as late: well above what a timer is late by,
// and below what a queue of the default size holds of any rate that is sent here.
constexpr std::int64_t noticeably_late_ns = 1'000'000;

struct Options {
    std::string address;
    double lines_per_s = 0;  // 0: as fast as it goes
    double seconds = 10;
    std::uint64_t cycles = 0;  // in place of seconds: through all prepared lines so often
    std::uint64_t sources = 1;
    std::uint64_t burst_max = 64;
    bool waits_for_a_line = false;
    bench::WorkloadShape shape;
};

// What was sent, and how.
struct Sent {
    std::uint64_t lines = 0;
    std::uint64_t datagrams = 0;
    std::uint64_t bytes = 0;
    std::uint64_t calls = 0;
    std::uint64_t queue_full = 0;  // EAGAIN: the Unix socket's queue
    std::uint64_t no_buffers = 0;  // ENOBUFS
    std::uint64_t late_datagrams = 0;
    std::int64_t late_ns_max = 0;
    std::int64_t took_ns = 0;
    bool is_complete = true;
};

std::int64_t now_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

void pause_until(std::int64_t at_ns) {
    const timespec at{.tv_sec = at_ns / 1'000'000'000, .tv_nsec = at_ns % 1'000'000'000};
    ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr);
}

class Generator {
public:
    explicit Generator(const Options& options)
        : options_(options), load_(options.shape), address_(options.address) {
        for (const std::string& datagram : load_.datagrams()) {
            lines_.push_back(1 + static_cast<std::uint32_t>(std::ranges::count(datagram, '\n')));
            // sendmmsg() does not write to what it sends.
            pieces_.push_back(
                {.iov_base = const_cast<char*>(datagram.data()), .iov_len = datagram.size()});
        }
        headers_.resize(pieces_.size());
        for (std::size_t i = 0; i < pieces_.size(); ++i) {
            headers_[i].msg_hdr.msg_iov = &pieces_[i];
            headers_[i].msg_hdr.msg_iovlen = 1;
        }
        for (std::uint64_t source = 0; source < options.sources; ++source) {
            sockets_.emplace_back(address_);
            if (::connect(sockets_.back().fd(), address_.get(), address_.size()) != 0) {
                bench::fail("connect");
            }
        }
        // Else the kernel adds 50 µs to each pause.
        ::prctl(PR_SET_TIMERSLACK, 1);
    }

    Sent run() {
        const double lines_per_datagram = static_cast<double>(load_.totals().lines) /
                                          static_cast<double>(load_.datagrams().size());
        const double datagrams_per_s = options_.lines_per_s / lines_per_datagram;
        bench::SendSchedule schedule(datagrams_per_s, options_.burst_max);
        const std::uint64_t total =
            options_.cycles > 0   ? options_.cycles * headers_.size()
            : datagrams_per_s > 0 ? static_cast<std::uint64_t>(datagrams_per_s * options_.seconds)
                                  : UINT64_MAX;
        const std::int64_t end_ns = last_moment_ns(total, datagrams_per_s);
        const std::int64_t start_ns = now_ns();
        std::int64_t elapsed_ns = 0;
        while (sent_.datagrams < total) {
            elapsed_ns = now_ns() - start_ns;
            if (elapsed_ns >= end_ns) break;
            const std::uint64_t due = std::min(schedule.due(elapsed_ns), total - sent_.datagrams);
            if (due == 0) {
                pause_until(start_ns + schedule.next_ns());
                continue;
            }
            note_lateness(schedule.late_ns(elapsed_ns), due);
            schedule.sent(send(due));
        }
        sent_.took_ns = now_ns() - start_ns;
        sent_.is_complete = total == UINT64_MAX || sent_.datagrams == total;
        return sent_;
    }

    std::string description() const { return load_.description(); }

private:
    // Of a load of a known size twice the time it should take: a server that reads nothing from
    // a Unix socket must not hold us up for ever.
    std::int64_t last_moment_ns(std::uint64_t total, double datagrams_per_s) const {
        if (total == UINT64_MAX) return static_cast<std::int64_t>(options_.seconds * 1e9);
        if (datagrams_per_s <= 0) return 600'000'000'000;
        return static_cast<std::int64_t>(2e9 * static_cast<double>(total) / datagrams_per_s) +
               1'000'000'000;
    }

    void note_lateness(std::int64_t late_ns, std::uint64_t due) {
        sent_.late_ns_max = std::max(sent_.late_ns_max, late_ns);
        if (late_ns > noticeably_late_ns) sent_.late_datagrams += due;
    }

    // Sends up to `due` datagrams from the next source; how many went.
    std::uint64_t send(std::uint64_t due) {
        const std::size_t begin = sent_.datagrams % headers_.size();
        const auto count = static_cast<unsigned>(
            std::min({due, options_.burst_max, std::uint64_t{headers_.size() - begin}}));
        // Each cycle begins with another source: every series comes from several of them.
        const std::size_t source =
            (sent_.calls + sent_.datagrams / headers_.size()) % sockets_.size();
        ++sent_.calls;
        const int result = ::sendmmsg(sockets_[source].fd(), &headers_[begin], count, MSG_DONTWAIT);
        if (result < 0) {
            note_error(sockets_[source].fd());
            return 0;
        }
        for (std::size_t i = begin; i < begin + static_cast<std::size_t>(result); ++i) {
            sent_.lines += lines_[i];
            sent_.bytes += pieces_[i].iov_len;
        }
        sent_.datagrams += static_cast<std::uint64_t>(result);
        return static_cast<std::uint64_t>(result);
    }

    void note_error(int fd) {
        if (errno == EAGAIN) {
            ++sent_.queue_full;
        } else if (errno == ENOBUFS) {
            ++sent_.no_buffers;
        } else if (errno != EINTR) {
            bench::fail("send");
        }
        pollfd writable{.fd = fd, .events = POLLOUT, .revents = 0};
        ::poll(&writable, 1, 1);
    }

    const Options options_;
    const bench::Workload load_;
    const bench::Address address_;
    std::vector<std::uint32_t> lines_;  // by datagram
    std::vector<iovec> pieces_;
    std::vector<mmsghdr> headers_;
    std::vector<bench::DatagramSocket> sockets_;
    Sent sent_;
};

double cpu_s() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void print(const Sent& sent, double cpu_s_used, const std::string& description) {
    const double took_s = static_cast<double>(sent.took_ns) * 1e-9;
    fmt::print(R"({{"load":"{}","lines":{},"datagrams":{},"bytes":{},"calls":{},)"
               R"("took_s":{:.6f},"lines_per_s":{:.1f},"complete":{},"late_ms_max":{:.3f},)"
               R"("late_datagrams":{},"queue_full":{},"no_buffers":{},"cpu_s":{:.6f}}})"
               "\n",
               description, sent.lines, sent.datagrams, sent.bytes, sent.calls, took_s,
               static_cast<double>(sent.lines) / took_s, sent.is_complete,
               static_cast<double>(sent.late_ns_max) * 1e-6, sent.late_datagrams, sent.queue_full,
               sent.no_buffers, cpu_s_used);
}

void add_options(CLI::App& app, Options& options) {
    const std::map<std::string, bench::Draw> draws{{"uniform", bench::Draw::uniform},
                                                   {"zipf", bench::Draw::zipf},
                                                   {"in-turn", bench::Draw::in_turn}};
    const std::map<std::string, bench::Types> types{{"mixed", bench::Types::mixed},
                                                    {"counters", bench::Types::counters},
                                                    {"gauges", bench::Types::gauges},
                                                    {"timers", bench::Types::timers}};
    bench::WorkloadShape& shape = options.shape;
    app.add_option("address", options.address, "ADDRESS:PORT (UDP), or the path of a Unix socket")
        ->required();
    app.add_option("--lines-per-second", options.lines_per_s, "0: as fast as it goes");
    app.add_option("--seconds", options.seconds);
    app.add_option("--cycles", options.cycles,
                   "in place of --seconds: through all prepared lines so often");
    app.add_option("--sources", options.sources, "sockets to send from")
        ->check(CLI::Range(1, 1'000));
    app.add_option("--burst", options.burst_max, "datagrams at a time, at most")
        ->check(CLI::Range(1, 1'024));
    app.add_flag("--wait", options.waits_for_a_line,
                 "says \"prepared\", and begins when it reads a line from standard input");
    app.add_option("--series", shape.series)->check(CLI::Range(1, 100'000'000));
    app.add_option("--tags", shape.tags)->check(CLI::Range(0U, bench::tags_max));
    app.add_flag("--short-names", shape.short_names, "13 bytes instead of 28");
    app.add_option("--draw", shape.draw)->transform(CLI::CheckedTransformer(draws));
    app.add_option("--types", shape.types)->transform(CLI::CheckedTransformer(types));
    app.add_option("--datagram-bytes", shape.datagram_bytes, "filled with lines; 0: one line each")
        ->check(CLI::Range(0, 65'507));
    app.add_option("--lines", shape.lines, "prepared, and sent again and again")
        ->check(CLI::PositiveNumber);
    app.add_option("--seed", shape.seed);
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app("Sends StatsD lines by a schedule.");
    Options options;
    add_options(app, options);
    CLI11_PARSE(app, argc, argv);

    Generator generator(options);
    if (options.waits_for_a_line) {
        std::puts("prepared");
        std::fflush(stdout);
        while (const int c = std::getchar()) {
            if (c == '\n' || c == EOF) break;
        }
    }
    const double cpu_s_before = cpu_s();
    const Sent sent = generator.run();
    print(sent, cpu_s() - cpu_s_before, generator.description());
    return sent.is_complete ? 0 : 1;
}
