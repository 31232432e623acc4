// Queue files: what is written is read; what is cut anywhere, or damaged anywhere, is set
// aside with a message; and nothing in one allocates what it does not hold.
#include <doctest/doctest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "agent/alerts/channels/queue_file.h"
#include "tests/support/channel_rig.h"
#include "tests/support/config_rig.h"

using namespace pitot;
using namespace pitot::agent::alerts::channels;
using namespace pitot::tests;

namespace {

QueueFile sample() {
    Message message = channel_message("slow", MessageType::firing);
    message.fixed_labels = {{"team", "shop"}};
    message.description = "lines\nof text";
    message.repeat_ns = 7;
    message.untold = 950;
    Message without = channel_message("b", MessageType::settled, std::string("\0\xff\n", 3));
    without.threshold.reset();
    without.has_value = false;
    without.has_peak = false;
    Message overflow;
    overflow.type = MessageType::overflow;
    overflow.held_back = 12;
    QueueFile file;
    file.saved_unix_ns = 1'785'542'400'000'000'000;
    file.channel.queue = {
        {.message = std::make_shared<const Message>(message), .age_ns = 5, .may_be_known = true},
        {.message = std::make_shared<const Message>(overflow), .age_ns = 6}};
    file.channel.alerts = {{.message = std::make_shared<const Message>(message), .is_known = true},
                           {.message = std::make_shared<const Message>(without), .age_ns = 9}};
    return file;
}

void check_equal(const QueueFile& a, const QueueFile& b) {
    CHECK(a.saved_unix_ns == b.saved_unix_ns);
    REQUIRE(a.channel.queue.size() == b.channel.queue.size());
    for (std::size_t i = 0; i < a.channel.queue.size(); ++i) {
        CHECK(*a.channel.queue[i].message == *b.channel.queue[i].message);
        CHECK(a.channel.queue[i].age_ns == b.channel.queue[i].age_ns);
        CHECK(a.channel.queue[i].may_be_known == b.channel.queue[i].may_be_known);
    }
    REQUIRE(a.channel.alerts.size() == b.channel.alerts.size());
    for (std::size_t i = 0; i < a.channel.alerts.size(); ++i) {
        CHECK(*a.channel.alerts[i].message == *b.channel.alerts[i].message);
        CHECK(a.channel.alerts[i].age_ns == b.channel.alerts[i].age_ns);
        CHECK(a.channel.alerts[i].is_known == b.channel.alerts[i].is_known);
    }
}

}  // namespace

TEST_CASE("what is written is read") {
    const auto read = decode_queue(encode_queue(sample()));
    REQUIRE_MESSAGE(read, read.error());
    check_equal(*read, sample());
    CHECK(decode_queue(encode_queue({}))->channel.queue.empty());
}

TEST_CASE("a file that is cut at any byte is known to be") {
    const std::string bytes = encode_queue(sample());
    for (std::size_t end = 0; end < bytes.size(); ++end) {
        CAPTURE(end);
        CHECK(!decode_queue(std::string_view(bytes).substr(0, end)));
    }
    CHECK(!decode_queue(bytes + "x"));
}

TEST_CASE("a file that is damaged at any byte is known to be") {
    const std::string bytes = encode_queue(sample());
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        CAPTURE(at);
        std::string damaged = bytes;
        damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
        CHECK(!decode_queue(damaged));
    }
}

TEST_CASE("a file on the disk is whole, and set aside when it is not") {
    const ConfigDirectory directory;
    const std::filesystem::path path = directory.path() / "hook.queue";
    const auto absent = read_queue(path);
    REQUIRE(absent);
    CHECK(!*absent);

    REQUIRE(write_queue(path, sample()));
    REQUIRE(write_queue(path, sample()));
    CHECK(!std::filesystem::exists(path.string() + ".new"));
    CHECK((std::filesystem::status(path).permissions() & std::filesystem::perms(0777)) ==
          std::filesystem::perms(0600));
    const auto read = read_queue(path);
    REQUIRE(read);
    REQUIRE(*read);
    check_equal(**read, sample());

    std::filesystem::resize_file(path, 40);
    const auto wrong = read_queue(path);
    REQUIRE(!wrong);
    CHECK(wrong.error().contains("must be whole"));
    CHECK(wrong.error().contains("hook.queue.bad"));
    CHECK(std::filesystem::exists(path.string() + ".bad"));
    CHECK(!std::filesystem::exists(path));
    CHECK(read_queue(path).has_value());
}

TEST_CASE("a folder that is not there is a sentence") {
    const auto written = write_queue("/nonexistent/hook.queue", sample());
    REQUIRE(!written);
    CHECK(written.error().contains("the queue is not saved: cannot open"));
}
