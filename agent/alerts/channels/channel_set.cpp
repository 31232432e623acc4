#include "agent/alerts/channels/channel_set.h"

#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <random>
#include <system_error>
#include <thread>
#include <utility>

#include <spdlog/logger.h>

#include "agent/alerts/channels/load.h"
#include "agent/alerts/channels/queue_file.h"
#include "agent/printable.h"
#include "agent/version.h"
#include "sinks/io_scheduler.h"

namespace pitot::agent::alerts::channels {
namespace {

// After the deadline of a stop, for the queue files to be written and the thread to say so.
constexpr std::int64_t stop_grace_ns = 1'000'000'000;

std::string host_name() {
    std::array<char, 256> name{};
    // The last byte stays zero, whatever the system does with a name that is too long.
    if (gethostname(name.data(), name.size() - 1) != 0) return "localhost";
    return name.data();
}

ChannelSetSettings with_host(ChannelSetSettings settings) {
    if (settings.host.empty()) settings.host = host_name();
    return settings;
}

}  // namespace

struct ChannelSet::Loop {
    Loop(const Clock& clock, spdlog::logger& log, const ChannelSetSettings& settings)
        : scheduler(sinks::make_io_scheduler(
              io, [&clock] { return clock.wall_ns(); }, [&clock] { return clock.steady_ns(); })),
          random(settings.seed),
          lent{.io = io,
               .time = *scheduler,
               .log = log,
               .random = [this] { return std::uniform_real_distribution<>()(random); },
               .user_agent = "pitot/" + std::string(version()),
               .host_name = settings.host,
               .quantiles = {},
               .run = settings.seed},
          context{.io = lent,
                  .host = settings.host,
                  .link = settings.link,
                  .interval_ns = settings.interval_ns,
                  .is_kept = !settings.state_directory.empty()} {}

    boost::asio::io_context io{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{
        io.get_executor()};
    std::unique_ptr<sinks::Scheduler> scheduler;
    std::mt19937_64 random;
    sinks::Context lent;
    ChannelContext context;
    std::thread thread;
    // Loop thread only.
    sinks::Scheduler::TimerId save_timer = 0;
    std::optional<std::int64_t> saved_ns;  // when files were written last

    std::mutex mutex;
    std::condition_variable changed;
    std::size_t drained = 0;     // guarded by mutex
    bool is_saved_once = false;  // after the stop; guarded by mutex

    Pulse pulse;
};

struct ChannelSet::Member {
    std::unique_ptr<Channel> channel;
    std::filesystem::path path;              // of its queue file; "": none
    std::atomic<std::uint64_t> written = 0;  // changes() of what the file holds
    mutable std::mutex mutex;
    std::string file_problem;  // guarded by mutex
};

ChannelSet::ChannelSet(std::span<const ChannelDefinition> definitions,
                       const std::vector<RuleDefinition>& rules, ChannelSetSettings settings,
                       const Clock& clock, spdlog::logger& log)
    : settings_(with_host(std::move(settings))),
      clock_(clock),
      log_(log),
      maker_(rules, settings_.host),
      loop_(std::make_unique<Loop>(clock, log, settings_)) {
    for (const ChannelDefinition& definition : definitions) {
        auto member = std::make_unique<Member>();
        member->channel = definition.make(loop_->context);
        if (!settings_.state_directory.empty()) {
            member->path = settings_.state_directory / "channels" / (definition.name + ".queue");
        }
        members_.push_back(std::move(member));
    }
}

ChannelSet::~ChannelSet() {
    if (!loop_->thread.joinable()) return;
    loop_->io.stop();
    loop_->thread.join();
}

void ChannelSet::open() {
    if (settings_.state_directory.empty()) return;
    const std::filesystem::path folder = settings_.state_directory / "channels";
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) {
        log_.error("channels: cannot make {}: {}; messages that wait do not outlive the process",
                   printable(folder.string(), 200), error.message());
    }
    for (const std::unique_ptr<Member>& member : members_) {
        auto file = read_queue(member->path);
        if (!file) {
            log_.error("channels.{}: {}", member->channel->name(), file.error());
            const std::lock_guard lock(member->mutex);
            member->file_problem = std::move(file.error());
            continue;
        }
        if (!*file) continue;
        SavedChannel& saved = (*file)->channel;
        if (!saved.queue.empty()) {
            log_.info("channels.{}: {} message(s) wait since before the start",
                      member->channel->name(), saved.queue.size());
        }
        const std::int64_t away_ns =
            std::max<std::int64_t>(0, clock_.wall_ns() - (*file)->saved_unix_ns);
        member->channel->restore(std::move(saved), away_ns);
    }
}

void ChannelSet::start() {
    loop_->lent.time.post([this] {
        for (const std::unique_ptr<Member>& member : members_) member->channel->start();
        save_soon();
    });
    loop_->thread = std::thread([this] { loop_->io.run(); });
    static_cast<void>(pthread_setname_np(loop_->thread.native_handle(), "pitot-channels"));
}

void ChannelSet::tell(std::span<const Notice> notices, std::int64_t now_unix_ns) {
    if (notices.empty()) return;
    for (const Notice& notice : notices) tell_one(notice, now_unix_ns);
    if (!settings_.state_directory.empty()) {
        loop_->lent.time.post([this] { save_soon(); });
    }
}

bool ChannelSet::is_addressed(const Member& member, const std::string& rule) const {
    const std::vector<std::string>* const named = maker_.channels_of(rule);
    if (named == nullptr) return false;
    const std::string_view name = member.channel->name();
    if (named->empty()) return name == default_channel;
    return std::ranges::find(*named, name) != named->end();
}

void ChannelSet::tell_one(const Notice& notice, std::int64_t now_unix_ns) {
    const auto message = std::make_shared<const Message>(maker_.make(notice, now_unix_ns));
    for (const std::unique_ptr<Member>& member : members_) {
        const bool is_meant = is_addressed(*member, notice.rule);
        if (is_meant || message->is_over()) member->channel->tell(message, is_meant);
    }
}

void ChannelSet::recall(std::span<const Notice> firing, std::int64_t now_unix_ns) {
    for (const Notice& notice : firing) {
        const auto message = std::make_shared<const Message>(maker_.make(notice, now_unix_ns));
        for (const std::unique_ptr<Member>& member : members_) {
            if (is_addressed(*member, notice.rule)) member->channel->recall(message);
        }
    }
}

bool ChannelSet::is_saved() const {
    return std::ranges::all_of(members_, [](const std::unique_ptr<Member>& member) {
        return member->path.empty() || member->written.load() == member->channel->changes();
    });
}

// At once, unless that was done a moment ago; and again and again, for what deliveries change.
void ChannelSet::save_soon() {
    Loop& loop = *loop_;
    if (settings_.state_directory.empty()) return;
    const std::int64_t now_ns = loop.lent.time.steady_ns();
    if (!loop.saved_ns || now_ns - *loop.saved_ns >= save_interval.count()) {
        loop.saved_ns = now_ns;
        save();
    }
    if (loop.save_timer != 0) return;
    loop.save_timer = loop.lent.time.at(*loop.saved_ns + save_interval.count(), [this] {
        loop_->save_timer = 0;
        save_soon();
    });
}

void ChannelSet::save() {
    for (const std::unique_ptr<Member>& member : members_) save_one(*member);
}

void ChannelSet::save_one(Member& member) {
    const std::uint64_t changes = member.channel->changes();
    if (member.path.empty() || changes == member.written.load()) return;
    const auto written = write_queue(
        member.path, {.saved_unix_ns = clock_.wall_ns(), .channel = member.channel->saved()});
    // A disk that takes nothing is told of, and does not keep others from writing.
    member.written.store(changes);
    std::string problem = written ? std::string() : written.error();
    bool is_news = false;
    {
        const std::lock_guard lock(member.mutex);
        is_news = problem != member.file_problem && !problem.empty();
        member.file_problem = problem;
    }
    if (is_news) log_.error("channels.{}: {}", member.channel->name(), problem);
}

bool ChannelSet::stop(std::int64_t deadline_steady_ns) {
    Loop& loop = *loop_;
    for (const std::unique_ptr<Member>& member : members_) {
        member->channel->stop(deadline_steady_ns, [&loop] {
            const std::scoped_lock lock(loop.mutex);
            ++loop.drained;
            loop.changed.notify_one();
        });
    }
    // A channel keeps its deadline by itself; the second is for the thread to say so.
    const auto wait = [&](const auto& condition) {
        const std::int64_t left_ns =
            std::max<std::int64_t>(0, deadline_steady_ns - clock_.steady_ns()) + stop_grace_ns;
        std::unique_lock lock(loop.mutex);
        return loop.changed.wait_for(lock, std::chrono::nanoseconds(left_ns), condition);
    };
    const bool all_drained = wait([&] { return loop.drained == members_.size(); });
    loop.lent.time.post([this, &loop] {
        save();
        const std::scoped_lock lock(loop.mutex);
        loop.is_saved_once = true;
        loop.changed.notify_one();
    });
    const bool all_saved = wait([&] { return loop.is_saved_once; });
    return all_drained && all_saved;
}

std::vector<ChannelReport> ChannelSet::report() const {
    std::vector<ChannelReport> out;
    for (const std::unique_ptr<Member>& member : members_) {
        const std::lock_guard lock(member->mutex);
        out.push_back({.name = std::string(member->channel->name()),
                       .type = std::string(member->channel->type()),
                       .status = member->channel->status(),
                       .file_problem = member->file_problem});
    }
    return out;
}

WatchedLoop ChannelSet::watched() {
    Loop& loop = *loop_;
    return {"channels", &loop.pulse, [&loop](std::int64_t now_ns) {
                if (!loop.pulse.ask(now_ns)) return;
                boost::asio::post(loop.io, [&loop] { loop.pulse.answer(); });
            }};
}

}  // namespace pitot::agent::alerts::channels
