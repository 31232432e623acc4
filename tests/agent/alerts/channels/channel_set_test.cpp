// The set of all channels with its thread: from Notices to a real Alertmanager and a webhook,
// over a restart and a kill, with queue files that are damaged or cannot be written.
#include <doctest/doctest.h>
#include <poll.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/ringbuffer_sink.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/alerts/channels/channel_set.h"
#include "tests/support/alertmanager_process.h"
#include "tests/support/config_rig.h"
#include "tests/support/http_double.h"

using namespace pitot;
using namespace pitot::agent;
using namespace pitot::agent::alerts;
using namespace pitot::agent::alerts::channels;
using namespace pitot::tests;

namespace {

constexpr std::chrono::seconds patience{60};

void wait_for(const std::function<bool()>& condition) {
    const auto give_up = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        REQUIRE_MESSAGE(std::chrono::steady_clock::now() < give_up, "it never came true");
        ::poll(nullptr, 0, 5);
    }
}

RuleDefinition rule_for(const std::string& name, std::vector<std::string> channels) {
    RuleDefinition rule;
    rule.rule.name = name;
    rule.channels = std::move(channels);
    return rule;
}

struct SetRig {
    SystemClock clock;
    // Read while the channels' thread goes on.
    std::shared_ptr<spdlog::sinks::ringbuffer_sink_mt> lines =
        std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(1'000);
    spdlog::logger log{"test", lines};
    ConfigDirectory directory;
    std::vector<RuleDefinition> rules{rule_for("slow", {"it"}), rule_for("quiet", {})};
    std::unique_ptr<ChannelSet> set;

    // Reads the tables as the agent does.
    void begin(const std::string& toml, bool is_kept = true) {
        const ConfigDirectory files;
        const LoadedConfig loaded = loaded_of(config_arguments(files.write("c", toml)));
        set = std::make_unique<ChannelSet>(
            loaded.config.channels, rules,
            ChannelSetSettings{.state_directory = is_kept ? directory.path() : "",
                               .host = "web-1",
                               .link = "http://web-1:9125"},
            clock, log);
        set->open();
        set->start();
    }
    void begin_hook(const HttpDouble& server) {
        begin("[channels.it]\ntype = \"webhook\"\nurl = \"" + server.url() + "\"\n");
    }
    void tell(NoticeType type, const std::string& rule = "slow") {
        Notice notice;
        notice.type = type;
        notice.rule = rule;
        notice.labels = {{"service", "pay"}};
        notice.severity = "critical";
        notice.level = type == NoticeType::firing ? 1 : 0;
        notice.started_wall_ns = clock.wall_ns();
        set->tell(std::vector{notice}, clock.wall_ns());
    }
    ChannelStatus status(const std::string& name = "it") const {
        for (const ChannelReport& report : set->report()) {
            if (report.name == name) return report.status;
        }
        FAIL("no such channel");
        return {};
    }
    bool has_said(std::string_view text) const {
        return std::ranges::any_of(lines->last_formatted(),
                                   [&](const std::string& line) { return line.contains(text); });
    }
    bool stop() { return set->stop(clock.steady_ns() + 10'000'000'000); }
    std::filesystem::path queue_file() const { return directory.path() / "channels" / "it.queue"; }
};

}  // namespace

TEST_CASE_FIXTURE(SetRig, "a real Alertmanager shows the alert, then its end") {
    const AlertmanagerProcess manager;
    begin("[channels.it]\ntype = \"alertmanager\"\nurls = [\"" + manager.url() + "\"]\n");
    tell(NoticeType::firing);
    wait_for([&] { return status().counts.delivered == 1; });
    const std::string alerts = manager.alerts();
    CHECK(alerts.contains("\"alertname\":\"slow\""));
    CHECK(alerts.contains("\"service\":\"pay\""));
    CHECK(alerts.contains("\"state\":\"active\""));
    CHECK(alerts.contains("\"generatorURL\":\"http://web-1:9125\""));
    tell(NoticeType::resolved);
    wait_for([&] { return status().counts.delivered == 2; });
    wait_for([&] { return manager.alerts().starts_with("[]"); });
    CHECK(stop());
    CHECK(status().counts.closed());
}

TEST_CASE_FIXTURE(SetRig, "rules are told where they say, and in the log where they say nothing") {
    HttpDouble server;
    begin_hook(server);
    tell(NoticeType::firing);
    tell(NoticeType::firing, "quiet");
    wait_for([&] { return status().counts.delivered == 1 && status("log").counts.delivered == 1; });
    CHECK(server.requests().size() == 1);
    CHECK(server.requests().at(0).body.contains(R"("link":"http://web-1:9125")"));
    CHECK(has_said("alerts.quiet: firing, critical: "));
    CHECK(!has_said("alerts.slow: "));
    CHECK(stop());
}

TEST_CASE_FIXTURE(SetRig, "what waits outlives the process, however it ends") {
    HttpDouble server;
    server.otherwise({.reply = reply(503, "", {"Retry-After: 600"})});
    begin_hook(server);
    tell(NoticeType::firing);
    wait_for([&] { return status().is_failing() && set->is_saved(); });

    SUBCASE("by a stop") {
        CHECK(stop());
        CHECK(status().counts.waiting == 1);
    }
    SUBCASE("killed") {}
    set.reset();
    server.otherwise({});
    begin_hook(server);
    wait_for([&] { return status().counts.delivered == 1; });
    CHECK(has_said("channels.it: 1 message(s) wait since before the start"));

    SUBCASE("and its end is told, though the rule is gone") {
        wait_for([&] { return set->is_saved(); });
        set.reset();
        rules.clear();
        begin_hook(server);
        tell(NoticeType::resolved);
        wait_for([&] { return status().counts.delivered == 1; });
        CHECK(server.requests().back().body.contains(R"("type":"resolved")"));
    }
    CHECK(stop());
    // Nothing is left.
    set.reset();
    begin_hook(server);
    CHECK(status().counts.waiting == 0);
    CHECK(stop());
}

TEST_CASE_FIXTURE(SetRig, "is_saved says whether all that was told is in the files") {
    HttpDouble server;
    begin_hook(server);
    CHECK(set->is_saved());
    tell(NoticeType::firing);
    wait_for([&] { return set->is_saved() && status().counts.delivered == 1; });
    CHECK(std::filesystem::exists(queue_file()));
    CHECK(stop());
    CHECK(set->is_saved());
}

TEST_CASE_FIXTURE(SetRig, "a damaged file is set aside, and said") {
    std::filesystem::create_directories(queue_file().parent_path());
    std::ofstream(queue_file()) << "pitot-channel and then something else";
    HttpDouble server;
    begin_hook(server);
    CHECK(set->report().at(0).file_problem.contains("the channel begins anew"));
    CHECK(std::filesystem::exists(queue_file().string() + ".bad"));
    CHECK(has_said("channels.it: "));
    tell(NoticeType::firing);
    wait_for([&] { return set->is_saved() && status().counts.delivered == 1; });
    CHECK(stop());
    CHECK(set->report().at(0).file_problem.empty());
}

TEST_CASE_FIXTURE(SetRig, "a folder that cannot be written is said, and keeps nothing from going") {
    std::ofstream(directory.path() / "channels") << "a file where the folder should be";
    HttpDouble server;
    begin_hook(server);
    tell(NoticeType::firing);
    wait_for([&] { return status().counts.delivered == 1; });
    wait_for([&] { return set->is_saved(); });
    CHECK(has_said("channels: cannot make "));
    CHECK(stop());
    CHECK(set->report().at(0).file_problem.contains("the queue is not saved: cannot open"));
}

TEST_CASE_FIXTURE(SetRig, "without a state directory nothing is written, and a stop loses") {
    HttpDouble server;
    server.otherwise({.reply = reply(503)});
    begin("[channels.it]\ntype = \"webhook\"\nurl = \"" + server.url() + "\"\n", false);
    tell(NoticeType::firing);
    wait_for([&] { return status().is_failing(); });
    CHECK(set->is_saved());
    CHECK(stop());
    CHECK(status().counts[MessageLoss::shutdown] == 1);
    CHECK(std::filesystem::is_empty(directory.path()));
}

TEST_CASE_FIXTURE(SetRig, "the loop answers who asks whether it turns") {
    HttpDouble server;
    begin_hook(server);
    const WatchedLoop loop = set->watched();
    CHECK(loop.name == "channels");
    loop.ask(clock.steady_ns());
    wait_for([&] { return loop.pulse->waiting_ns(clock.steady_ns()) == 0; });
    CHECK(stop());
}
