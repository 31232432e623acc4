// What channels write, byte by byte: both forms of the webhook, Alertmanager's API, the log;
// and that no byte of a client becomes a label's name, a bracket or a line.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "agent/alerts/channels/alertmanager/encoder.h"
#include "agent/alerts/channels/log/log.h"
#include "agent/alerts/channels/prometheus_alert.h"
#include "agent/alerts/channels/webhook/encoder.h"
#include "sinks/http/signature.h"
#include "tests/support/channel_rig.h"

using namespace pitot;
using namespace pitot::agent::alerts::channels;
using namespace pitot::tests;

namespace {

const webhook::EncoderSettings hook{.receiver = "hook", .link = "http://web-1:9125"};

Message overflow() {
    Message message;
    message.type = MessageType::overflow;
    message.host = "web-1";
    message.severity = "critical";
    message.summary = "12 more";
    message.held_back = 12;
    message.told_unix_ns = 1'785'542'460'000'000'000;
    message.started_unix_ns = message.told_unix_ns;
    return message;
}

Message hostile() {
    Message message =
        channel_message("slow", MessageType::firing, "\"\\\n\x1b[31m<!channel>\x7f\xE2\x80\xAE");
    message.labels = {
        {"a\"b", "1"},  {"a.b", "2"},      {"severity", "3"}, {"9", "4"},
        {"__x__", "5"}, {"host", "web-1"}, {"empty", ""},     {"service", message.labels[0].value}};
    return message;
}

const std::string hostile_shown = R"("\\n\x1b[31m<!channel>\x7f\u{202e})";

// One JSON text on one line: no control byte, and every quote and bracket closed.
void check_one_line(const std::string& json) {
    int depth = 0;
    bool in_text = false;
    for (std::size_t i = 0; i < json.size(); ++i) {
        const char c = json[i];
        REQUIRE(static_cast<unsigned char>(c) >= 0x20);
        REQUIRE(c != 0x7f);
        if (in_text && c == '\\') {
            ++i;
        } else if (c == '"') {
            in_text = !in_text;
        } else if (!in_text && (c == '{' || c == '[')) {
            ++depth;
        } else if (!in_text && (c == '}' || c == ']')) {
            --depth;
        }
    }
    CHECK(!in_text);
    CHECK(depth == 0);
}

}  // namespace

TEST_CASE("pitot's own form") {
    Message message = channel_message("slow", MessageType::firing);
    message.fixed_labels = {{"team", "shop"}};
    message.runbook_url = "https://runbooks/slow";
    CHECK(webhook::encode_pitot(message, hook) ==
          R"({"version":"1","type":"firing","channel":"hook","host":"web-1",)"
          R"("time":"2026-08-01T00:01:00.000Z","severity":"critical","summary":"slow is slow",)"
          R"("alert":"slow","fingerprint":")" +
              message.fingerprint() +
              R"(","repeat":false,"over":false,"labels":{"service":"pay"},)"
              R"("rule_labels":{"team":"shop"},"condition":"p95(checkout.time) > 250ms",)"
              R"("reason":"condition","value":312,"peak":512,"threshold":250,"unit":"ms",)"
              R"("started":"2026-08-01T00:00:00.000Z","duration_s":60,)"
              R"("runbook_url":"https://runbooks/slow","link":"http://web-1:9125"})");

    message = channel_message("slow", MessageType::resolved);
    message.has_value = false;
    CHECK(webhook::encode_pitot(message, {.receiver = "hook", .link = ""})
              .contains(R"("reason":"condition","peak":512,"threshold":250)"));
    CHECK(webhook::encode_alertmanager(message, {.receiver = "hook", .link = ""})
              .contains(R"("peak":"512","reason":"condition","summary")"));
    message.untold = 950;
    CHECK(webhook::encode_pitot(message, {.receiver = "hook", .link = ""})
              .ends_with(R"("untold":950})"));
    message.untold = 0;
    message.has_peak = false;
    message.threshold.reset();
    message.unit.clear();
    message.labels.clear();
    CHECK(webhook::encode_pitot(message, {.receiver = "hook", .link = ""}) ==
          R"({"version":"1","type":"resolved","channel":"hook","host":"web-1",)"
          R"("time":"2026-08-01T00:01:00.000Z","severity":"critical","summary":"slow is slow",)"
          R"("alert":"slow","fingerprint":")" +
              message.fingerprint() +
              R"(","repeat":false,"over":true,"labels":{},"rule_labels":{},)"
              R"("condition":"p95(checkout.time) > 250ms","reason":"condition",)"
              R"("started":"2026-08-01T00:00:00.000Z","duration_s":60})");

    CHECK(webhook::encode_pitot(overflow(), {.receiver = "hook", .link = ""}) ==
          R"({"version":"1","type":"overflow","channel":"hook","host":"web-1",)"
          R"("time":"2026-08-01T00:01:00.000Z","severity":"critical","summary":"12 more",)"
          R"("held_back":12})");
}

TEST_CASE("Alertmanager's form") {
    const Message message = channel_message("slow", MessageType::firing);
    const std::string labels =
        R"({"alertname":"slow","host":"web-1","service":"pay","severity":"critical"})";
    const std::string annotations =
        R"({"condition":"p95(checkout.time) > 250ms","peak":"512","reason":"condition",)"
        R"("summary":"slow is slow","threshold":"250","unit":"ms","value":"312"})";
    CHECK(webhook::encode_alertmanager(message, hook) ==
          R"({"version":"4","groupKey":"pitot:)" + message.fingerprint() +
              R"(","truncatedAlerts":0,"status":"firing","receiver":"hook",)"
              R"("groupLabels":{"alertname":"slow"},"commonLabels":)" +
              labels + R"(,"commonAnnotations":)" + annotations +
              R"(,"externalURL":"http://web-1:9125","alerts":[{"status":"firing","labels":)" +
              labels + R"(,"annotations":)" + annotations +
              R"(,"startsAt":"2026-08-01T00:00:00.000Z","endsAt":"0001-01-01T00:00:00Z",)"
              R"("generatorURL":"http://web-1:9125","fingerprint":")" +
              message.fingerprint() + R"("}]})");
    const std::string over =
        webhook::encode_alertmanager(channel_message("slow", MessageType::resolved), hook);
    CHECK(over.contains(R"("status":"resolved")"));
    CHECK(over.contains(R"("endsAt":"2026-08-01T00:01:00.000Z")"));
    CHECK(webhook::encode_alertmanager(overflow(), hook)
              .contains(R"("groupLabels":{"alertname":"pitot_messages_held_back"})"));
}

TEST_CASE("Alertmanager's API") {
    const std::vector<MessagePointer> messages{ChannelRig::firing("a"), ChannelRig::resolved("b")};
    CHECK(alertmanager::encode(messages, {.link = "http://web-1:9125",
                                          .firing_ends_unix_ns = 1'785'542'700'000'000'000}) ==
          R"([{"labels":{"alertname":"a","host":"web-1","service":"pay","severity":"critical"},)"
          R"("annotations":{"condition":"p95(checkout.time) > 250ms","peak":"512",)"
          R"("reason":"condition","summary":"a is slow","threshold":"250","unit":"ms",)"
          R"("value":"312"},"startsAt":"2026-08-01T00:00:00.000Z",)"
          R"("endsAt":"2026-08-01T00:05:00.000Z","generatorURL":"http://web-1:9125"},)"
          R"({"labels":{"alertname":"b","host":"web-1","service":"pay","severity":"critical"},)"
          R"("annotations":{"condition":"p95(checkout.time) > 250ms","peak":"512",)"
          R"("reason":"condition","summary":"b is slow","threshold":"250","unit":"ms",)"
          R"("value":"312"},"startsAt":"2026-08-01T00:00:00.000Z",)"
          R"("endsAt":"2026-08-01T00:01:00.000Z","generatorURL":"http://web-1:9125"}])");
    CHECK(alertmanager::encode({}, {}) == "[]");
}

TEST_CASE("labels have names that Prometheus has, and none is lost") {
    const PrometheusAlert alert = prometheus_alert(hostile());
    const std::map<std::string, std::string> wanted{
        {"alertname", "slow"},     {"severity", "critical"}, {"host", "web-1"}, {"a_b", "1"},
        {"tag_a_b", "2"},          {"tag_severity", "3"},    {"_9", "4"},       {"_x__", "5"},
        {"service", hostile_shown}};
    CHECK(alert.labels == wanted);
    CHECK(alert.annotations.at("original_labels") ==
          R"({"9":"4","__x__":"5","a\"b":"1","a.b":"2","severity":"3"})");
}

TEST_CASE("what clients write is within quotes everywhere") {
    check_one_line(webhook::encode_pitot(hostile(), hook));
    check_one_line(webhook::encode_alertmanager(hostile(), hook));
    check_one_line(alertmanager::encode(std::vector{ChannelRig::pointer(hostile())}, {.link = ""}));
    // Nor is there a control written as JSON has it, that a reader would make one of again.
    for (const std::string& text :
         {webhook::encode_pitot(hostile(), hook), webhook::encode_alertmanager(hostile(), hook),
          alertmanager::encode(std::vector{ChannelRig::pointer(hostile())}, {.link = ""})}) {
        CHECK(text.find("\\u001b") == std::string::npos);
        CHECK(text.find("\xE2\x80\xAE") == std::string::npos);
        CHECK(text.contains("\\\\x1b[31m<!channel>"));
    }
    const std::string line = log::line_of(hostile());
    CHECK(line.find('\n') == std::string::npos);
    CHECK(line.find('\x1b') == std::string::npos);
    CHECK(line.find('\x7f') == std::string::npos);
}

TEST_CASE("lines of the log") {
    const Message message = channel_message("slow", MessageType::firing);
    CHECK(log::line_of(message) ==
          "alerts.slow: firing, critical: slow is slow [service=pay] #" + message.fingerprint());
    Message named = message;
    named.is_repeat = true;
    named.summary = "slow of pay";
    CHECK(log::line_of(named) ==
          "alerts.slow: still firing, critical: slow of pay #" + message.fingerprint());
    CHECK(log::line_of(overflow()) == "alerts: 12 more");
}

TEST_CASE("a fingerprint is that of an instance") {
    const Message message = channel_message("slow", MessageType::firing);
    CHECK(message.fingerprint().size() == 16);
    CHECK(message.fingerprint() == channel_message("slow", MessageType::resolved).fingerprint());
    CHECK(message.fingerprint() != channel_message("slow", MessageType::firing, "b").fingerprint());
    CHECK(message.fingerprint() != channel_message("slo", MessageType::firing).fingerprint());
}

TEST_CASE("signatures are HMAC-SHA256") {
    // RFC 4231, test cases 2 and 1.
    CHECK(sinks::http::hmac_sha256(sinks::Secret("Jefe"), "what do ya want for nothing?") ==
          "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    CHECK(sinks::http::hmac_sha256(sinks::Secret(std::string(20, '\x0b')), "Hi There") ==
          "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
}
