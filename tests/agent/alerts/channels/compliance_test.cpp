// The contract of channel.h, for every type of the registry. A new type joins by saying in
// begin() how it is told where its destination is.
#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

#include "agent/alerts/channels/queue_file.h"
#include "agent/alerts/channels/registry.h"
#include "tests/support/channel_rig.h"
#include "tests/support/http_double.h"

using namespace pitot;
using namespace pitot::agent::alerts::channels;
using namespace pitot::tests;
using namespace std::chrono_literals;

namespace {

struct ComplianceRig : ChannelRig {
    HttpDouble server;
    SinkOptions options{"it"};
    std::unique_ptr<Channel> channel;
    bool is_remote = true;

    void begin(std::string_view type) {
        if (type == "webhook") {
            options.set("url", server.url()).set("rate_limit", "none");
        } else if (type == "alertmanager") {
            options.set("urls", std::vector<std::string>{server.url()});
        } else {
            REQUIRE(type == "log");
            is_remote = false;
        }
        if (is_remote) options.set("bearer_token", "t0ken-of-ours");
        channel = make(type, options);
        CHECK(channel->name() == "it");
        CHECK(channel->type() == type);
    }
    ChannelCounts counts() const {
        const ChannelCounts out = channel->status().counts;
        CHECK(out.closed());
        return out;
    }
    // What the destination has been told, as one text.
    std::string told() const {
        std::string out = is_remote ? "" : said.str();
        for (const HttpDouble::Received& request : server.requests()) out += request.body + "\n";
        return out;
    }
};

void for_each_type(const std::function<void(ComplianceRig&)>& scenario) {
    for (const ChannelType& type : channel_types()) {
        CAPTURE(type.name);
        ComplianceRig rig;
        rig.begin(type.name);
        scenario(rig);
        CHECK(rig.server.complaints() == "");
    }
}

}  // namespace

TEST_CASE("types have names of their own, and can be found by them") {
    for (const ChannelType& type : channel_types()) {
        CHECK(find_channel_type(type.name) == &type);
        CHECK(!type.description.empty());
    }
    CHECK(find_channel_type("smoke signals") == nullptr);
}

TEST_CASE("what is told is delivered, and its end too") {
    for_each_type([](ComplianceRig& rig) {
        rig.channel->tell(ChannelRig::firing("slow"), true);
        rig.settle();
        CHECK(rig.counts().waiting == 1);
        rig.channel->start();
        rig.run_until([&] { return rig.counts().delivered == 1; });
        CHECK(rig.told().contains("slow"));
        CHECK(rig.channel->status().alerts == 1);
        rig.channel->tell(ChannelRig::resolved("slow"), true);
        rig.run_until([&] { return rig.counts().delivered == 2; });
        CHECK(rig.channel->status().alerts == 0);
        rig.stop(*rig.channel, 5s);
        CHECK(rig.counts().told == 2);
    });
}

TEST_CASE("a destination that is away costs nothing but time") {
    for_each_type([](ComplianceRig& rig) {
        if (!rig.is_remote) return;
        rig.server.next(reply(500));
        rig.server.next(HttpDouble::Step{.cut_request_at = 5});
        rig.server.next(HttpDouble::Step{.cut_reply_at = 3});
        rig.channel->start();
        rig.channel->tell(ChannelRig::firing("slow"), true);
        std::uint32_t failures = 0;
        const auto there = [&] { return rig.channel->status().destinations[0]; };
        while (true) {
            rig.run_until([&] {
                return there().failures_in_a_row > failures || rig.counts().delivered == 1;
            });
            if (rig.counts().delivered == 1) break;
            CHECK(rig.channel->status().is_failing());
            CHECK(rig.counts().waiting == 1);
            failures = there().failures_in_a_row;
            // Less than the time to connect, which passes too.
            rig.advance(4s);
        }
        CHECK(rig.server.requests().size() == 3);  // those that came whole
        CHECK(!rig.channel->status().is_failing());
    });
}

TEST_CASE("what began and ended meanwhile leaves nothing that fires") {
    for_each_type([](ComplianceRig& rig) {
        rig.channel->tell(ChannelRig::firing("slow"), true);
        rig.channel->tell(ChannelRig::resolved("slow"), true);
        CHECK(rig.counts().superseded >= 1);
        rig.channel->start();
        rig.run_until([&] { return rig.counts().waiting == 0; });
        CHECK(!rig.told().contains("\"type\":\"firing\""));
        CHECK(!rig.told().contains("slow: firing"));
        CHECK(rig.channel->status().alerts == 0);
    });
}

TEST_CASE("thousands of alerts are bounded") {
    for_each_type([](ComplianceRig& rig) {
        for (std::size_t i = 0; i < alerts_remembered_max + 100; ++i) {
            rig.channel->tell(ChannelRig::firing("a", std::to_string(i)), true);
        }
        CHECK(rig.counts().told == alerts_remembered_max + 100);
        CHECK(rig.channel->status().alerts <= alerts_remembered_max);
        CHECK(rig.channel->status().queued_bytes <= queued_bytes_max);
        CHECK(rig.counts()[MessageLoss::queue_full] >= 100);
    });
}

TEST_CASE("a restart keeps what waits and what fires, through a file") {
    for (const ChannelType& type : channel_types()) {
        CAPTURE(type.name);
        ComplianceRig before;
        before.channels.is_kept = true;
        before.begin(type.name);
        before.channel->tell(ChannelRig::firing("slow"), true);
        before.channel->tell(ChannelRig::firing("other"), true);
        CHECK(before.channel->changes() > 0);
        const std::string bytes =
            encode_queue({.saved_unix_ns = 1, .channel = before.channel->saved()});
        CHECK(!bytes.contains("t0ken-of-ours"));
        auto file = decode_queue(bytes);
        REQUIRE(file);

        ComplianceRig after;
        after.begin(type.name);
        after.channel->restore(std::move(file->channel), 1'000'000'000);
        CHECK(after.counts().waiting == 2);
        after.channel->start();
        after.run_until([&] { return after.counts().delivered == 2; });
        after.channel->tell(ChannelRig::resolved("slow"), false);
        after.run_until([&] { return after.counts().delivered == 3; });
        CHECK(after.told().contains("slow"));
    }
}

TEST_CASE("a stop is in time, whatever the destination does") {
    for_each_type([](ComplianceRig& rig) {
        rig.server.otherwise({.silent = true});
        rig.channel->start();
        rig.channel->tell(ChannelRig::firing("slow"), true);
        rig.settle();
        bool is_drained = false;
        rig.channel->stop(rig.time.steady_ns() + 3'000'000'000, [&] { is_drained = true; });
        rig.settle();
        rig.advance(3s);
        rig.run_until([&] { return is_drained; });
        CHECK(rig.counts().waiting == 0);
        CHECK(rig.counts().delivered + rig.counts()[MessageLoss::shutdown] == 1);
    });
}

TEST_CASE("credentials that come back are not shown") {
    for_each_type([](ComplianceRig& rig) {
        if (!rig.is_remote) return;
        rig.server.otherwise({.reply = reply(403, "go away, t0ken-of-ours")});
        rig.channel->start();
        rig.channel->tell(ChannelRig::firing("slow"), true);
        rig.run_until([&] { return rig.counts()[MessageLoss::refused] == 1; });
        const std::string error = rig.channel->status().destinations[0].last_error;
        CHECK(error.contains("go away"));
        CHECK(!(rig.said.str() + error).contains("t0ken-of-ours"));
    });
}

TEST_CASE("what clients write reaches no destination as a control byte") {
    for_each_type([](ComplianceRig& rig) {
        Message message = channel_message("slow", MessageType::firing, "a\x1b[31m\r\n\"}],\x7f");
        message.summary = "slow";
        rig.channel->start();
        rig.channel->tell(ChannelRig::pointer(message), true);
        rig.run_until([&] { return rig.counts().delivered == 1; });
        std::string told = rig.told();
        std::erase(told, '\n');  // what told() and the log put between lines
        for (const char c : told) CHECK((static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
        CHECK(!rig.told().contains("\r"));
    });
}
