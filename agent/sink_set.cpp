#include "agent/sink_set.h"

#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cassert>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>

#include <spdlog/logger.h>
#include <spdlog/sinks/null_sink.h>

#include "agent/version.h"
#include "sinks/context.h"
#include "sinks/io_scheduler.h"
#include "sinks/registry.h"

namespace pitot::agent {
namespace {

std::string host_name() {
    std::array<char, 256> name{};
    // The last byte stays zero, whatever the system does with a name that is too long.
    if (gethostname(name.data(), name.size() - 1) != 0) return "localhost";
    return name.data();
}

std::unique_ptr<sinks::Sink> make_sink(const SinkSection& section, const sinks::Context& context) {
    const sinks::SinkType* const type = sinks::find_sink_type(section.type);
    assert(type != nullptr);
    std::unique_ptr<sinks::Sink> sink = type->make(section.options, context);
    for (const sinks::http::Route& route : sink->routes()) section.options.claim_page(route.path);
    return sink;
}

}  // namespace

struct SinkSet::Io {
    Io(const Clock& clock, spdlog::logger& log, std::uint64_t seed, std::vector<double> quantiles)
        : scheduler(sinks::make_io_scheduler(
              context, [&clock] { return clock.wall_ns(); },
              [&clock] { return clock.steady_ns(); })),
          random(seed),
          lent{.io = context,
               .time = *scheduler,
               .log = log,
               .random = [this] { return std::uniform_real_distribution<>()(random); },
               .user_agent = "pitot/" + std::string(version()),
               .host_name = host_name(),
               .quantiles = std::move(quantiles),
               .run = seed} {}

    boost::asio::io_context context{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{
        context.get_executor()};
    std::unique_ptr<sinks::Scheduler> scheduler;
    std::mt19937_64 random;
    sinks::Context lent;
    std::thread thread;

    std::mutex mutex;
    std::condition_variable changed;
    std::size_t drained = 0;  // guarded by mutex

    Pulse pulse;
};

SinkSet::SinkSet(LoadedConfig& loaded, const Clock& clock, spdlog::logger& log, std::uint64_t seed)
    : clock_(clock), io_(std::make_unique<Io>(clock, log, seed, loaded.config.quantiles)) {
    for (const SinkSection& section : loaded.sink_sections) {
        sinks_.push_back(make_sink(section, io_->lent));
    }
}

SinkSet::~SinkSet() {
    if (!io_->thread.joinable()) return;
    io_->context.stop();
    io_->thread.join();
}

std::vector<sinks::Sink*> SinkSet::all() const {
    std::vector<sinks::Sink*> all;
    all.reserve(sinks_.size());
    for (const std::unique_ptr<sinks::Sink>& sink : sinks_) all.push_back(sink.get());
    return all;
}

sinks::Sink* SinkSet::find(std::string_view name) const {
    for (const std::unique_ptr<sinks::Sink>& sink : sinks_) {
        if (sink->name() == name) return sink.get();
    }
    return nullptr;
}

std::vector<std::string> SinkSet::open() {
    std::vector<std::string> errors;
    for (const std::unique_ptr<sinks::Sink>& sink : sinks_) {
        if (const std::optional<std::string> error = sink->open()) {
            errors.push_back(fmt::format("sinks.{}: {}", sink->name(), *error));
        }
    }
    return errors;
}

void SinkSet::start() {
    io_->thread = std::thread([this] { io_->context.run(); });
    static_cast<void>(pthread_setname_np(io_->thread.native_handle(), "pitot-sinks"));
}

bool SinkSet::stop(std::int64_t deadline_steady_ns) {
    Io& io = *io_;
    for (const std::unique_ptr<sinks::Sink>& sink : sinks_) {
        sink->stop(deadline_steady_ns, [&io] {
            const std::scoped_lock lock(io.mutex);
            ++io.drained;
            io.changed.notify_one();
        });
    }
    // A sink keeps its deadline by itself; the second is for the thread to say so.
    const std::int64_t left_ns =
        std::max<std::int64_t>(0, deadline_steady_ns - clock_.steady_ns()) + 1'000'000'000;
    std::unique_lock lock(io.mutex);
    return io.changed.wait_for(lock, std::chrono::nanoseconds(left_ns),
                               [&] { return io.drained == sinks_.size(); });
}

WatchedLoop SinkSet::watched() {
    Io& io = *io_;
    return {"delivery", &io.pulse, [&io](std::int64_t now_ns) {
                if (!io.pulse.ask(now_ns)) return;
                boost::asio::post(io.context, [&io] { io.pulse.answer(); });
            }};
}

SinkTrial sink_trial() {
    return {.types = sink_type_names(), .read = [](const SinkSection& section) {
                const SystemClock clock;
                spdlog::logger silent("pitot", std::make_shared<spdlog::sinks::null_sink_mt>());
                const SinkSet::Io io(clock, silent, 0, {});
                make_sink(section, io.lent);
            }};
}

std::vector<std::string_view> sink_type_names() {
    std::vector<std::string_view> names;
    for (const sinks::SinkType& type : sinks::sink_types()) names.push_back(type.name);
    return names;
}

}  // namespace pitot::agent
