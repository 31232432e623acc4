// The page for people: of a sample with a bit of everything, with and without colours, and of
// what is no document of ours.
#include "agent/cli/status_page.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "tests/support/golden.h"
#include "tests/support/status_sample.h"

using namespace pitot;
using namespace pitot::agent;
using namespace pitot::tests;

namespace {

std::string without_colours(const std::string& text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\x1b') {
            i = text.find('m', i);
        } else {
            plain += text[i];
        }
    }
    return plain;
}

}  // namespace

TEST_CASE("a page with a bit of everything") {
    const StatusSample sample;
    const auto page = render_status(status_document(sample.report()), false);
    REQUIRE(page);
    CHECK(page->state == Health::failing);
    check_golden("status/all.txt", page->text);
    CHECK(std::ranges::none_of(page->text, [](char character) {
        return (character < 0x20 && character >= 0 && character != '\n') || character == 0x7f;
    }));
    const auto in_colours = render_status(status_document(sample.report()), true);
    REQUIRE(in_colours);
    CHECK(in_colours->text.contains("\x1b[31mfailing\x1b[0m"));
    CHECK(without_colours(in_colours->text) == page->text);
}

TEST_CASE("before the first flush") {
    StatusSample sample;
    sample.facts.flush.last = nullptr;
    const auto page = render_status(status_document(sample.report()), false);
    REQUIRE(page);
    CHECK(page->text.contains("No interval has ended yet"));
    CHECK_FALSE(page->text.contains("Series"));
}

TEST_CASE("what is missing, or of another type, is left out") {
    for (const std::string_view document :
         {R"({"health":{"state":"ok"}})",
          R"({"health":{"state":"ok","parts":[1]},"sinks":{"a":7},"listeners":{"b":null},
              "interval":3,"ledger":[],"series":"x","busiest":{},"refused":[[],1],"time":4,
              "flush":[],"advice":[{}]})",
          R"({"time":"2026-99-99T00:00:00.000Z","health":{"state":"ok","since":"yesterday"}})"}) {
        CAPTURE(document);
        const auto page = render_status(document, false);
        REQUIRE(page);
        CHECK(page->state == Health::ok);
    }
}

TEST_CASE("what is no document of ours is none") {
    for (const std::string_view document :
         {"", "ok", "{}", "[]", R"({"health":{}})", R"({"health":{"state":"fine"}})",
          R"({"health":{"state":"ok"})", "<html></html>"}) {
        CAPTURE(document);
        CHECK_FALSE(render_status(document, false));
    }
}

TEST_CASE("a document that means ill paints nothing") {
    const auto page = render_status(
        R"({"version":"\u001b[2J","health":{"state":"ok","parts":{"\u001b[31m":
            {"state":"\u0007","reason":"\u202e"}}},"sinks":{"\n\n":{}}})",
        false);
    REQUIRE(page);
    CHECK_FALSE(page->text.contains('\x1b'));
    CHECK_FALSE(page->text.contains('\x07'));
    CHECK_FALSE(page->text.contains("\u202e"));
    CHECK_FALSE(page->text.contains("\n\n\n"));
}

TEST_CASE("a sink that works and loses what it is given does not look well") {
    const auto page_of = [](std::string_view health) {
        const auto page = render_status(
            R"({"version":"1","health":{"state":"failing","parts":{"sinks.out":{"state":")" +
                std::string(health) +
                R"("}}},"sinks":{"out":{"delivery":"working","points":{"delivered":0,)"
                R"("lost":{"rejected":5}}}},"listeners":{"t":{"where":"tcp 127.0.0.1:1",)"
                R"("connections_open":0,"connections_accepted":0}}})",
            false);
        REQUIRE(page);
        return page->text;
    };
    CHECK(page_of("failing").contains("  out  losing "));
    // Losses that are over.
    CHECK(page_of("ok").contains("  out  working "));
    CHECK(page_of("ok").contains("0 connections open of 0 so far"));
}
