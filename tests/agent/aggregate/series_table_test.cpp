// SeriesTable by itself: how rows come, are found by their spellings, are turned and
// forgotten, and what is allocated meanwhile. What becomes of the values is merger_test's.
#include "agent/aggregate/series_table.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "agent/limits.h"
#include "tests/support/allocation_counter.h"

namespace pitot::agent {
namespace {

class Table {
public:
    explicit Table(const TableSettings& settings = {}) : table_(settings) {}

    void say(const std::string& line) {
        protocol::MetricLine metric;
        REQUIRE(parser_.parse_metric(line, metric) == protocol::Reject::none);
        REQUIRE(table_.record(metric, parser_, {}, ++now_ns_) == protocol::Reject::none);
    }
    // As the flush does: empties the cells of the page, and the page.
    SeriesTable::Closed flush() {
        SeriesTable::Closed closed = table_.turn();
        touched = closed.page->touched;
        births = closed.page->births.size();
        retired = closed.page->retired;
        counts = closed.page->counts;
        for (const RowId row : touched) table_.rows()[row].cells[closed.index] = 0;
        closed.page->reset();
        return closed;
    }
    void forget(std::vector<RowId> rows, std::uint32_t turn) {
        table_.request_retirement(rows, turn);
        retire();
    }
    void retire() {
        while (table_.retire_some(1)) {
        }
    }
    SeriesTable* operator->() { return &table_; }

    std::vector<RowId> touched;
    std::size_t births = 0;
    std::vector<RowId> retired;
    IntakeCounts counts;

private:
    SeriesTable table_;
    protocol::Parser parser_{protocol::Reading{}};
    std::int64_t now_ns_ = 0;
};

TEST_CASE("a row is born once, and touched once in each interval that has news") {
    Table table;
    table.say("a:1|c|#x,y");
    table.say("a:1|c|#x,y");
    table.say("a:1|c|#y,x");
    table.flush();
    CHECK(table.births == 1);
    CHECK(table.touched == std::vector<RowId>{0});
    CHECK(table.counts.slow_readings == 2);  // one for each spelling
    table.say("a:1|c|#y,x");
    table.say("a:1|c|#x,y");
    table.flush();
    CHECK(table.births == 0);
    CHECK(table.touched == std::vector<RowId>{0});
    CHECK(table.counts.slow_readings == 0);
    table.flush();
    CHECK(table.touched.empty());
    CHECK(table->series() == 1);
}

TEST_CASE("of one series only so many spellings are remembered, and all of them are read") {
    Table table;
    table.say("a:1|c|#x");
    const auto spelling = [](int i) {
        return "a:1|c|#x" + std::string(static_cast<std::size_t>(i), ',');
    };
    for (int round = 0; round < 2; ++round) {
        for (int i = 1; i <= 20; ++i) table.say(spelling(i));
    }
    table.flush();
    CHECK(table->series() == 1);
    CHECK(table.counts.aggregated == 41);
    // The first round, and what it did not remember once more.
    CHECK(table.counts.slow_readings == 1 + 20 + (20 - limits::aliases_per_series_max));
}

TEST_CASE("a forgotten row is given back a turn later, and its key when nobody reads it") {
    Table table;
    const std::size_t bytes = table->bytes();
    table.say("a:1|c|#x,y");
    table.say("a:1|c|#y,x");
    table.say("b:1|ms");
    const std::uint32_t turn = table.flush().turn;
    const std::vector<RowId> rows = table.touched;
    table.say("b:1|ms");
    table.forget(rows, turn);
    CHECK(table->series() == 2);  // its number is still taken
    table.flush();
    CHECK(table.retired == std::vector<RowId>{rows[0]});  // `b` spoke again
    CHECK(table->series() == 1);
    table.say("c:1|c");
    CHECK(table->series() == 2);
    table.flush();
    CHECK(table.touched == std::vector<RowId>{rows[0]});  // used again
    table.forget({rows[0], rows[1]}, 100);
    const std::size_t with_keys = table->bytes();
    table.flush();
    CHECK(table->series() == 0);
    // The flush may read the keys until the page is open again.
    table.retire();
    CHECK(table->bytes() == with_keys);
    CHECK_FALSE(table->is_retiring());
    table.flush();
    CHECK(table->is_retiring());
    table.retire();
    // A chunk of rows stays, as numbers of rows are used again; keys and names do not.
    CHECK(table->bytes() <= bytes + 4'096 * sizeof(Row));
}

TEST_CASE("a row that is asked for twice is forgotten once") {
    Table table;
    table.say("a:1|c");
    table.say("b:1|c");
    const std::uint32_t turn = table.flush().turn;
    const std::vector<RowId> rows = table.touched;
    table->request_retirement(rows, turn);
    table->request_retirement(rows, turn);
    table.retire();
    table.flush();
    CHECK(table.retired.size() == 2);
    CHECK(table->series() == 0);
    table.say("c:1|c");
    table.flush();
    CHECK(table->series() == 1);
}

TEST_CASE("births stop at table_bytes and start again below it") {
    TableSettings settings;
    settings.bytes_max = 1ULL << 20U;
    Table table(settings);
    int next = 0;
    const auto name = [](int i) { return std::string(1'000, 'n') + std::to_string(i) + ":1|c"; };
    const auto fill = [&] {
        const int first = next;
        while (table->open_page().counts.limited[0] == 0 && next < first + 5'000) {
            table.say(name(next++));
        }
        return next - first;
    };
    const int room = fill();
    CHECK(room > 500);
    CHECK(room < 1'100);
    // By a chunk at most, for the overflow series.
    CHECK(table->bytes() <= settings.bytes_max + 256 * 1'024);
    const std::uint32_t turn = table.flush().turn;
    fill();  // what room the chunk of the overflow series left
    table.flush();
    table.say(name(0));
    table.flush();
    CHECK(table.counts.limited[0] == 0);  // a known series is not affected
    CHECK(table.births == 0);

    // Every other one of most of them: no chunk becomes empty, and the room is used again.
    std::vector<RowId> forgotten;
    for (RowId row = 1; row < 500; row += 2) forgotten.push_back(row);
    table.forget(forgotten, turn);
    table.flush();
    table.flush();
    table.retire();
    CHECK(fill() >= static_cast<int>(forgotten.size()));
    CHECK(table->bytes() <= settings.bytes_max + 256 * 1'024);
}

TEST_CASE("an interval like the last one allocates nothing") {
    Table table;
    protocol::Parser parser(protocol::Reading{});
    std::vector<std::string> lines;
    for (int i = 0; i < 300; ++i) {
        const std::string tags = "|#id:" + std::to_string(i % 40);
        lines.push_back("hits:1|c|@0.5" + tags);
        lines.push_back("level:1|g" + tags);
        lines.push_back("load:" + std::to_string(i * 37 % 1'000) + ":2:3|ms" + tags);
        lines.push_back("few:1:2|h|@0.5" + tags);
        lines.push_back("wide" + tags.substr(1) + ":1e-6:1e4:" + std::to_string(i) + "|d");
        lines.push_back("users:" + std::to_string(i) + "|s" + (i % 2 == 0 ? "" : tags));
    }
    for (int interval = 0; interval < 6; ++interval) {
        CAPTURE(interval);
        const auto before = tests::allocations();
        std::size_t refused = 0;
        for (const std::string& line : lines) {
            protocol::MetricLine metric;
            refused += parser.parse_metric(line, metric) == protocol::Reject::none ? 0U : 1U;
            refused += table->record(metric, parser, {}, 1) == protocol::Reject::none ? 0U : 1U;
        }
        const auto allocated = tests::allocations() - before;
        CHECK(refused == 0);
        // Both pages have been filled once, and by then know what the other needs.
        if (interval >= 4) CHECK(allocated == 0);
        table.flush();
    }
}

TEST_CASE("each part of a packed line finds the row of its kind") {
    Table table;
    protocol::Parser parser({.dialect = protocol::Dialect::statsd});
    protocol::MetricLine line;
    REQUIRE(parser.parse_metric("a:1:2|c:3|ms:x|s:+4|g", line) == protocol::Reject::none);
    REQUIRE(table->record(line, parser, {}, 1) == protocol::Reject::none);
    table.flush();
    CHECK(table->series() == 4);
    CHECK(table.counts.samples == 5);
    CHECK(table.counts.aggregated == 5);
}

}  // namespace
}  // namespace pitot::agent
