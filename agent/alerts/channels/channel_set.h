// All channels of the process, their one thread, and their queue files.
//
//     ChannelSet channels(config.channels, config.alerts.rules, settings, clock, log);
//     channels.open();                         // reads the queue files
//     channels.start();
//     channels.recall(firing, now);            // once, after AlertEngine::restore()
//     …
//     channels.tell(engine.flush(snapshot, moment), moment.wall_ns);   // at each flush
//     …
//     channels.stop(deadline);                 // after the last flush
//
// tell() makes the messages, puts them into the queues, and returns: it waits for nothing.
// Delivery, timers and the queue files are the loop's, "pitot-channels", so that neither a
// destination nor a disk holds up a flush. A message is told to the channels that its rule
// names (to "log" if it names none), its end also to those that were told it before.
//
// Queue files. Each channel has one, `channels/NAME.queue` in the state directory, written
// whole beside the old one and renamed: at once when something changed, and at most once in
// `save_interval`. is_saved() says whether they hold all that was told: an engine's state that
// is written only then is never ahead of them, so that a kill -9 in between tells a message
// twice rather than never. Without a state directory nothing outlives the process.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/alerts/channels/channel.h"
#include "agent/alerts/channels/message_maker.h"
#include "agent/alerts/channels/registry.h"
#include "agent/alerts/definition.h"
#include "agent/alerts/engine.h"
#include "agent/clock.h"
#include "agent/service/liveness.h"

namespace spdlog {
class logger;
}

namespace pitot::agent::alerts::channels {

inline constexpr std::chrono::nanoseconds save_interval = std::chrono::seconds(1);

struct ChannelSetSettings {
    std::filesystem::path state_directory;      // "": nothing is kept
    std::string host;                           // in all messages; "": this machine's name
    std::string link;                           // of the agent's pages, for generatorURL; "": none
    std::int64_t interval_ns = 10'000'000'000;  // between flushes
    std::uint64_t seed = 0;                     // of the jitter of back-offs and repeats
};

struct ChannelReport {
    std::string name;
    std::string type;
    ChannelStatus status;
    std::string file_problem;  // why its queue file is not what it should be; "" if all is well
};

class ChannelSet {
public:
    // Copies what it needs of definitions and rules. Clock and log outlive the set.
    ChannelSet(std::span<const ChannelDefinition> definitions,
               const std::vector<RuleDefinition>& rules, ChannelSetSettings settings,
               const Clock& clock, spdlog::logger& log);
    ~ChannelSet();  // ends the loop if it runs
    ChannelSet(const ChannelSet&) = delete;
    ChannelSet& operator=(const ChannelSet&) = delete;

    // Once, before start(): reads the queue files. What is wrong with one goes to the log and
    // report(); the channel then begins anew.
    void open();
    void start();

    // Flush thread. Notices of the engine's flush, and when that was.
    void tell(std::span<const Notice> notices, std::int64_t now_unix_ns);
    // Flush thread. All that fires and was told before, as `firing` notices: once after a
    // restore, so that channels which repeat alerts know of all; and, for fresh values in
    // repeats, as often as one likes (once a minute is plenty).
    void recall(std::span<const Notice> firing, std::int64_t now_unix_ns);

    // Any thread. The queue files hold everything that was told until now.
    bool is_saved() const;

    // Delivers what waits, by the deadline at the latest, and writes the queue files. False if
    // a channel was still at it then. No tell() may follow.
    bool stop(std::int64_t deadline_steady_ns);

    // Any thread, after open(); in the order of the configuration.
    std::vector<ChannelReport> report() const;
    // For the watchdog, from any thread, after start().
    WatchedLoop watched();

private:
    struct Loop;
    struct Member;

    bool is_addressed(const Member& member, const std::string& rule) const;
    void tell_one(const Notice& notice, std::int64_t now_unix_ns);
    void save_soon();
    void save();
    void save_one(Member& member);

    ChannelSetSettings settings_;
    const Clock& clock_;
    spdlog::logger& log_;
    MessageMaker maker_;
    std::unique_ptr<Loop> loop_;
    std::vector<std::unique_ptr<Member>> members_;
};

}  // namespace pitot::agent::alerts::channels
