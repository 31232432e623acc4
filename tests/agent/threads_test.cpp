// Shards, flush and listeners on their real threads: nothing lost, nothing doubled, whatever
// the moment of a turn or of a stop. This is the test that ThreadSanitizer runs.
#include <doctest/doctest.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "agent/clock.h"
#include "agent/flush/flusher.h"
#include "agent/net/open_listeners.h"
#include "agent/shard_set.h"
#include "tests/support/net_client.h"
#include "tests/support/net_rig.h"
#include "tests/support/net_temporary_directory.h"
#include "tests/support/summing_sink.h"

namespace pitot::tests {
namespace {

constexpr std::int64_t second = 1'000'000'000;

// The data path of the process without its main().
class Running {
public:
    Running(std::vector<agent::ListenerConfig> listeners, std::uint32_t shard_count,
            std::int64_t interval_ns, agent::TableSettings table = {},
            agent::MergerSettings merger = {})
        : log_("test", std::make_shared<spdlog::sinks::null_sink_mt>()) {
        auto opened = agent::open_listeners(listeners, shard_count);
        REQUIRE(opened.has_value());
        reports_ = opened->reports;
        const std::vector<protocol::Reading> readings(listeners.size());
        shards_ =
            std::make_unique<agent::ShardSet>(table, readings, clock_, std::move(opened->shards));
        merger.shards = shard_count;
        agent::FlusherSettings settings{.interval_ns = interval_ns,
                                        .offset_ns = 0,
                                        .merger = std::move(merger),
                                        .listener_names = {}};
        for (const auto& listener : listeners) settings.listener_names.push_back(listener.name);
        settings.self_metrics.emplace();
        flusher_ = std::make_unique<agent::Flusher>(
            std::move(settings), *shards_, std::vector<sinks::Sink*>{&sink_}, clock_, log_);
        shards_->start();
        flusher_->start();
    }

    // As App does it.
    agent::Ledger stop() {
        flusher_->stop();
        CHECK(shards_->drain(clock_.steady_ns() + 60 * second));
        flusher_->flush_rest(clock_.steady_ns() + 60 * second);
        shards_->stop();
        return flusher_->ledger();
    }

    std::string address(std::size_t listener = 0) const {
        const std::string& where = reports_[listener].where;
        return where.substr(where.find(' ') + 1);
    }
    SummingSink& sink() { return sink_; }
    const agent::Flusher& flusher() const { return *flusher_; }

private:
    agent::SystemClock clock_;
    spdlog::logger log_;
    std::vector<agent::ListenerReport> reports_;
    SummingSink sink_;
    std::unique_ptr<agent::ShardSet> shards_;
    std::unique_ptr<agent::Flusher> flusher_;
};

// What the agent told of itself, flush by flush, is what its account says in the end.
void check_told(const agent::Ledger& ledger, const SummingSink::Seen& seen) {
    const auto told = [&](const std::string& name) {
        return static_cast<std::uint64_t>(seen.deltas.at("pitot." + name));
    };
    CHECK(told("lines") == ledger.intake.lines);
    CHECK(told("lines_accepted") + told("rejected") == ledger.intake.lines);
    CHECK(told("samples_aggregated") == ledger.intake.aggregated);
    CHECK(told("listener.datagrams") == ledger.listeners[0].counters.datagrams);
    // The last flush tells of those before it.
    CHECK(told("flushes") == ledger.flush.flushes - 1);
}

void check_account(const agent::Ledger& ledger, std::uint64_t datagrams_sent) {
    CHECK(ledger.closed());
    CHECK(ledger.listeners[0].counters.datagrams + ledger.listeners[0].counters.kernel_drops ==
          datagrams_sent);
    CHECK(ledger.flush.silent_shards == 0);
}

TEST_CASE("many senders, two shards, flushes in between: every count arrives once") {
    Running agent({udp_listener()}, 2, second / 10);
    constexpr int senders = 4;
    constexpr int datagrams = 3'000;
    std::vector<std::thread> threads;
    for (int sender = 0; sender < senders; ++sender) {
        threads.emplace_back([&agent, sender] {
            const NetClient client = NetClient::udp(agent.address());
            const std::string line =
                "hits:1|c|#sender:" + std::to_string(sender) + "\nload:3:4|ms\nbad\n";
            for (int i = 0; i < datagrams; ++i) {
                client.send(line);
                // A pace that a loaded machine under a sanitizer keeps up with: what the
                // kernel drops would be in the account, but not in the sums.
                if (i % 64 == 0) std::this_thread::yield();
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    agent.sink().wait_for([](const SummingSink::Seen& seen) { return seen.snapshots >= 3; });
    const agent::Ledger ledger = agent.stop();
    const SummingSink::Seen seen = agent.sink().seen();

    const auto received = static_cast<double>(ledger.listeners[0].counters.datagrams);
    CHECK(seen.deltas.at("hits") == received);
    CHECK(seen.timer_counts.at("load") == 2 * received);
    CHECK(seen.late_or_doubled == 0);
    CHECK(ledger.intake.lines == 3 * ledger.listeners[0].counters.datagrams);
    check_account(ledger, senders * datagrams);
    check_told(ledger, seen);
}

TEST_CASE("what was sent before the stop is counted, a hundred times") {
    const NetTemporaryDirectory directory;
    for (int round = 0; round < 100; ++round) {
        const std::string path = directory.file("stop.sock");
        Running agent({round % 2 == 0 ? udp_listener()
                                      : unix_listener(agent::ListenerType::unix_datagram, path)},
                      2, 3600 * second);
        const NetClient client =
            round % 2 == 0 ? NetClient::udp(agent.address()) : NetClient::unix_datagram(path);
        for (int i = 0; i < 50; ++i) client.send("hits:1|c");
        const agent::Ledger ledger = agent.stop();
        const SummingSink::Seen seen = agent.sink().seen();
        REQUIRE(seen.deltas.contains("hits"));
        CHECK(seen.deltas.at("hits") == 50);
        check_account(ledger, 50);
    }
}

// A steady clock that the test can stop for one thread: whoever asks it while the gate is
// closed, but for the thread that closed it, waits.
class GatedClock final : public agent::Clock {
public:
    std::int64_t wall_ns() const override { return system_.wall_ns(); }
    std::int64_t steady_ns() const override {
        std::unique_lock lock(mutex_);
        if (closed_ && std::this_thread::get_id() != keeper_) {
            waiting_ = true;
            changed_.notify_all();
            changed_.wait(lock, [this] { return !closed_; });
        }
        return system_.steady_ns();
    }
    void close() {
        const std::scoped_lock lock(mutex_);
        closed_ = true;
        keeper_ = std::this_thread::get_id();
    }
    void wait_for_visitor() const {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return waiting_; });
    }
    void open() {
        const std::scoped_lock lock(mutex_);
        closed_ = false;
        changed_.notify_all();
    }

private:
    agent::SystemClock system_;
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    mutable bool waiting_ = false;
    bool closed_ = false;
    std::thread::id keeper_;
};

TEST_CASE("a shard that slept through a flush hands over everything at the stop") {
    GatedClock clock;
    spdlog::logger log("test", std::make_shared<spdlog::sinks::null_sink_mt>());
    const std::vector<agent::ListenerConfig> listeners{udp_listener()};
    auto opened = agent::open_listeners(listeners, 1);
    REQUIRE(opened.has_value());
    const std::string where = opened->reports[0].where;
    const NetClient client = NetClient::udp(where.substr(where.find(' ') + 1));
    agent::ShardSet shards({}, std::vector<protocol::Reading>(1), clock, std::move(opened->shards));
    SummingSink sink;
    agent::Flusher flusher(
        {.interval_ns = 3600 * second, .offset_ns = 0, .merger = {}, .listener_names = {"udp"}},
        shards, {&sink}, clock, log);
    shards.start();

    // The shard sticks in the batch of the first line, and the flush gives it up.
    clock.close();
    client.send("hits:1|c");
    clock.wait_for_visitor();
    flusher.flush_rest(clock.steady_ns());
    CHECK(flusher.ledger().flush.silent_shards == 1);
    CHECK(sink.seen().deltas.empty());

    // It wakes up, answers that flush, and counts on.
    clock.open();
    for (int i = 0; i < 10; ++i) client.send("hits:1|c");
    CHECK(shards.drain(clock.steady_ns() + 60 * second));
    flusher.flush_rest(clock.steady_ns() + 60 * second);
    shards.stop();
    CHECK(sink.seen().deltas.at("hits") == 11);
    CHECK(flusher.ledger().intake.lines == 11);
    CHECK(flusher.ledger().closed());
}

TEST_CASE("series come and go while lines flow") {
    agent::MergerSettings merger;
    merger.expiry_intervals.fill(2);
    agent::TableSettings table;
    table.series_max = 2'000;
    Running agent({udp_listener()}, 2, second / 20, table, merger);
    constexpr int datagrams = 6'000;
    std::vector<std::thread> threads;
    for (int sender = 0; sender < 2; ++sender) {
        threads.emplace_back([&agent, sender] {
            const NetClient client = NetClient::udp(agent.address());
            for (int i = 0; i < datagrams; ++i) {
                client.send("hits:1|c|#id:" + std::to_string(i / 3 + sender) + "\nload:" +
                            std::to_string(i % 100) + "|h|#id:" + std::to_string(i % 50));
                if (i % 16 == 0) std::this_thread::yield();
            }
        });
    }
    // As who asks for all series does: it reads their names where the shards have them.
    std::atomic<bool> is_over = false;
    std::string strange;
    std::thread walker([&] {
        while (!is_over) {
            agent.flusher().each_series([&](const protocol::Series& series) {
                const bool is_own = series.name().starts_with("pitot.");
                const bool is_known = series.name() == "hits" || series.name() == "load";
                if (is_own || (is_known && series.tags().text().starts_with("id:"))) return;
                if (series.tags().text() != agent::overflow_tags) strange = series.name();
            });
            std::this_thread::yield();
        }
    });
    for (std::thread& thread : threads) thread.join();
    // Long enough for the first ones to be forgotten.
    agent.sink().wait_for([](const SummingSink::Seen& seen) { return seen.snapshots >= 30; });
    is_over = true;
    walker.join();
    CHECK(strange == "");
    const agent::Ledger ledger = agent.stop();
    const SummingSink::Seen seen = agent.sink().seen();
    const auto received = static_cast<double>(ledger.listeners[0].counters.datagrams);
    CHECK(seen.deltas.at("hits") == received);
    CHECK(seen.timer_counts.at("load") == received);
    CHECK(ledger.series_expired > 0);
    check_account(ledger, 2 * datagrams);
    check_told(ledger, seen);
}

}  // namespace
}  // namespace pitot::tests
