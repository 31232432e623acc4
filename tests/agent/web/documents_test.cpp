// The documents: all of a sample as JSON that a strict reader takes, printable whatever was
// sent; and those of an agent that has not flushed yet.
#include "agent/web/documents.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <string>

#include "tests/support/golden.h"
#include "tests/support/status_sample.h"

using namespace pitot;
using namespace pitot::tests;

namespace {

boost::json::value parsed(const std::string& text) {
    boost::json::error_code error;
    boost::json::value value = boost::json::parse(text, error);
    REQUIRE_MESSAGE(!error, text);
    return value;
}

// No control characters but the last line feed, nothing that reverses the reading direction.
bool is_printable(const std::string& text) {
    const std::string_view all_but_last(text.data(), text.size() - 1);
    return text.ends_with('\n') &&
           std::ranges::none_of(all_but_last,
                                [](char character) {
                                    return static_cast<unsigned char>(character) < 0x20 ||
                                           character == 0x7f;
                                }) &&
           !text.contains("\u202e");
}

}  // namespace

TEST_CASE("the status document") {
    const StatusSample sample;
    const std::string document = agent::status_document(sample.report());
    check_golden("status/all.json", document);
    CHECK(is_printable(document));
    const boost::json::value value = parsed(document);
    CHECK(value.at("health").at("state").as_string() == "failing");
    CHECK(value.at_pointer("/ledger/closed").as_bool());
    CHECK(value.at_pointer("/sinks/push/points/lost/queue_full").as_int64() == 110);
    CHECK(value.at_pointer("/interval/lines_per_s").to_number<double>() == 12'300);
    CHECK(value.at_pointer("/interval/datagrams").as_int64() == 8'000);
}

TEST_CASE("the health document is a part of it, with the process") {
    const StatusSample sample;
    const std::string document = agent::health_document(sample.report());
    CHECK(is_printable(document));
    const boost::json::value health = parsed(document);
    const boost::json::value status = parsed(agent::status_document(sample.report()));
    CHECK(health.at("parts") == status.at("health").at("parts"));
    CHECK(health.at("state").as_string() == "failing");
    CHECK(health.at("phase").as_string() == "running");
    for (const std::string part :
         {"intake", "listeners.apps", "listeners.local", "shards.0", "shards.1", "flush",
          "delivery", "sinks.metrics", "sinks.push"}) {
        CAPTURE(part);
        REQUIRE(health.at("parts").as_object().contains(part));
        CHECK(health.at("parts").at(part).as_object().contains("since"));
    }
    CHECK(health.at_pointer("/parts/sinks.push/queue/points").as_int64() == 300);
    CHECK(health.at_pointer("/parts/listeners.apps/lost/kernel_drops").as_int64() == 17);
    CHECK(health.at_pointer("/parts/intake/refused/no_value").as_int64() == 5);
}

TEST_CASE("before the first flush") {
    StatusSample sample;
    sample.facts.flush.last = nullptr;
    const boost::json::value value = parsed(agent::status_document(sample.report()));
    CHECK_FALSE(value.as_object().contains("interval"));
    CHECK_FALSE(value.as_object().contains("ledger"));
    CHECK(value.at_pointer("/listeners/apps/datagrams").as_int64() == 0);
    CHECK(value.at_pointer("/sinks/push/delivery").as_string() == "retrying");
}
