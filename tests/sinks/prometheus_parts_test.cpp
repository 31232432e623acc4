// What an exposition is kept in: texts in an arena against a map, records of a page against the
// text that is pushed, in chunks of memory, and what neighbours have in common.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sinks/prometheus/byte_chunks.h"
#include "sinks/prometheus/common_ends.h"
#include "sinks/prometheus/exposition.h"
#include "sinks/prometheus/family_store.h"
#include "sinks/prometheus/page_records.h"
#include "sinks/prometheus/text_arena.h"
#include "sinks/sink.h"
#include "tests/support/sink_snapshot.h"

using namespace pitot::sinks;
using namespace pitot::sinks::prometheus;
using namespace pitot::tests;
using pitot::protocol::Kind;

namespace {

std::string whole(const ByteChunks& chunks) {
    std::string out;
    for (const std::string_view piece : chunks.pieces()) {
        CHECK(!piece.empty());
        out += piece;
    }
    CHECK(out.size() == chunks.size());
    return out;
}

std::string text_of(const PageRecords& page) {
    ByteChunks out;
    page.write_text(out);
    return whole(out);
}

std::string open_metrics_of(const PageRecords& page) {
    ByteChunks out;
    page.write_open_metrics(out);
    return whole(out);
}

// Few letters, so that many have much in common.
std::string random_text(std::mt19937& random, std::size_t size_max) {
    std::string text(random() % (size_max + 1), 'a');
    for (char& character : text) character = static_cast<char>('a' + random() % 8 / 7);
    return text;
}

}  // namespace

TEST_CASE("texts stay what they are while others come and go") {
    std::mt19937 random(1);
    TextArena arena;
    std::map<TextArena::Handle, std::string> kept;
    CHECK(arena.add("") == 0);
    CHECK(arena[0].empty());
    arena.release(0);
    for (int step = 0; step < 60'000; ++step) {
        // Grows, shrinks to nothing, and grows again.
        const bool is_growing = step % 20'000 < 12'000;
        if (kept.empty() || random() % 8 < (is_growing ? 6U : 2U)) {
            const std::size_t size_max = random() % 500 == 0  ? 70'000
                                         : random() % 20 == 0 ? 2000
                                                              : 90;
            std::string text = random_text(random, size_max) + std::to_string(step);
            const TextArena::Handle handle = arena.add(text);
            REQUIRE(handle != 0);
            const bool is_new = kept.emplace(handle, std::move(text)).second;
            REQUIRE(is_new);
        } else {
            auto gone = kept.lower_bound(static_cast<TextArena::Handle>(random()));
            if (gone == kept.end()) gone = kept.begin();
            REQUIRE(arena[gone->first] == gone->second);
            arena.release(gone->first);
            kept.erase(gone);
        }
        if (step % 1000 != 0) continue;
        for (const auto& [handle, text] : kept) REQUIRE(arena[handle] == text);
    }
}

TEST_CASE("texts of each length, next to each other") {
    TextArena arena;
    std::vector<std::pair<TextArena::Handle, std::string>> kept;
    for (std::size_t size = 1; size < 20'000; size += 1 + size / 40) {
        for (const char character : {'a', 'b', 'c'}) {
            std::string text(size, character);
            const TextArena::Handle handle = arena.add(text);
            kept.emplace_back(handle, std::move(text));
        }
    }
    for (const std::size_t size : {65'534U, 65'535U, 65'536U, 1'000'000U}) {
        std::string text(size, 'd');
        const TextArena::Handle handle = arena.add(text);
        kept.emplace_back(handle, std::move(text));
    }
    for (const auto& [handle, text] : kept) CHECK(arena[handle] == text);
}

TEST_CASE("a place that was released is the next one's") {
    TextArena arena;
    const TextArena::Handle first = arena.add("one");
    const TextArena::Handle second = arena.add("two");
    arena.release(first);
    CHECK(arena.add("six") == first);
    CHECK(arena[second] == "two");
}

TEST_CASE("what two texts have in common at their ends") {
    std::mt19937 random(1);
    for (int round = 0; round < 20'000; ++round) {
        std::string a = random_text(random, 40);
        std::string b = random() % 2 == 0 ? a : random_text(random, 40);
        if (!b.empty() && random() % 2 == 0) b[random() % b.size()] = 'x';
        if (random() % 4 == 0) b.insert(random() % (b.size() + 1), "yy");
        CAPTURE(a);
        CAPTURE(b);
        const auto prefix = std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin();
        const auto suffix =
            std::mismatch(a.rbegin(), a.rend(), b.rbegin(), b.rend()).first - a.rbegin();
        CHECK(common_prefix(a, b) == static_cast<std::size_t>(prefix));
        CHECK(common_suffix(a, b) == static_cast<std::size_t>(suffix));
    }
}

TEST_CASE("chunks hold what was written, in its order") {
    ByteChunks chunks;
    CHECK(chunks.pieces().empty());
    std::string expected;
    std::mt19937 random(1);
    for (int i = 0; i < 200; ++i) {
        const std::size_t size = i == 100 ? 3'000'000 : random() % 40'000;
        const std::string text(size, static_cast<char>('a' + i % 26));
        chunks.wrote(write_bytes(text, chunks.room(size + random() % 100)));
        expected += text;
    }
    CHECK(chunks.pieces().size() > 2);
    CHECK((whole(chunks) == expected));
}

TEST_CASE("families with one member, with several, and with fewer again") {
    const ExpositionSettings settings;
    FamilyStore store(settings);
    std::vector<pitot::protocol::Series> series(8);
    series[3] = series_of(Kind::counter, "a.b");
    series[7] = series_of(Kind::counter, "a-b");
    store.look_at(series);
    const FamilyIndex index = store.add(1, FamilyType::counter);
    CHECK(store.hash(index) == 1);
    CHECK(store[index].members.empty());
    store.add_member(index, 7);
    CHECK(store[index].founder == 7);
    CHECK((std::vector(store[index].members.begin(), store[index].members.end()) ==
           std::vector<pitot::protocol::SeriesId>{7}));
    store.add_member(index, 3);
    store.add_member(index, 5);
    store.trim_members(index);
    CHECK(store[index].founder == 7);
    CHECK(store[index].members.size() == 3);
    store.set_members(index, std::vector<pitot::protocol::SeriesId>{3, 5}, 5);
    CHECK(store[index].founder == 5);
    CHECK(store[index].members[0] == 3);
    store.set_members(index, std::vector<pitot::protocol::SeriesId>{3}, 3);
    CHECK(store[index].founder == 3);
    CHECK(store[index].members.size() == 1);
    CHECK(store.name(index) == "a_b_total");
    store.set_members(index, {}, 3);
    CHECK(store[index].members.empty());
    store.release(index);
    CHECK(store.add(2, FamilyType::gauge) == index);
    CHECK(store.hash(index) == 2);
    CHECK(store.type(index) == FamilyType::gauge);
    CHECK(store[index].members.empty());
    CHECK_FALSE(store[index].is_open_metrics_counter);
}

TEST_CASE("the records of a page become the text that is pushed") {
    ExpositionSettings settings;
    settings.prefix = "app_";
    settings.quantiles = {0.5, 0.9};
    settings.open_metrics = true;
    settings.rules.push_back({.match = "slow*", .form = Form::histogram, .buckets = {0.1, 1}});
    settings.rules.push_back({.match = "slower*", .form = Form::histogram, .buckets = {5}});
    std::mt19937 random(1);
    const std::vector<std::string> names{
        "a",      "a.b",      "a-b",      "a.b.c", "slow",
        "slower", "x\\\n\"y", "\xc3\xa4", "7",     "service.requests"};
    const std::vector<std::string> tags{"", "env:prod", "env:prod,host:web-1,region:eu",
                                        "env:prod,host:web-2,region:eu", "env:\"\\,x"};
    // Two, as an exposition counts values when it encodes.
    Exposition pushed(settings, [](const std::string&) {});
    Exposition shown(settings, [](const std::string&) {});
    SnapshotMaker maker(settings.quantiles);
    for (int interval = 0; interval < 60; ++interval) {
        for (int i = 0; i < 8; ++i) {
            const auto kind = static_cast<Kind>(random() % 6);
            const std::string& name = names[random() % names.size()];
            const std::string& tag = tags[random() % tags.size()];
            const double value = static_cast<double>(random() % 4000) / 8 - 50;
            if (kind == Kind::counter) maker.count(name, tag, value);
            if (kind == Kind::gauge) maker.gauge(name, tag, value);
            if (kind == Kind::set) maker.set(name, tag, value);
            if (kind != Kind::counter && kind != Kind::gauge && kind != Kind::set) {
                maker.values(kind, name, tag, {value, value + 1});
            }
        }
        const pitot::protocol::Snapshot snapshot = maker.end_interval();
        Encoded as_text;
        Encoded as_page;
        pushed.encode(snapshot, {}, as_text);
        PageRecords page(shown.layout(), interval % 2 == 0);
        const std::uint64_t points = shown.encode(snapshot, as_page, page);
        REQUIRE(text_of(page) == as_text.batches.at(0).body);
        CHECK(page.text_bytes() == as_text.batches[0].body.size());
        CHECK(points == as_text.batches[0].points);
        CHECK(as_page.batches.empty());
        CHECK(as_page.lost[LossReason::name_clash] == as_text.lost[LossReason::name_clash]);
        CHECK(as_page.lost[LossReason::negative_delta] == as_text.lost[LossReason::negative_delta]);
    }
}

TEST_CASE("a page beyond the bound of its text loses the same families as a push") {
    ExpositionSettings settings;
    settings.open_metrics = true;
    SnapshotMaker maker;
    for (int i = 0; i < 30; ++i) {
        maker.gauge("family." + std::to_string(i % 6), "n:" + std::to_string(i), i);
    }
    const pitot::protocol::Snapshot snapshot = maker.end_interval();
    for (settings.bytes_max = 0; settings.bytes_max < 900; settings.bytes_max += 7) {
        Exposition exposition(settings, [](const std::string&) {});
        Encoded as_text;
        Encoded as_page;
        exposition.encode(snapshot, {}, as_text);
        PageRecords page(exposition.layout());
        const std::uint64_t points = exposition.encode(snapshot, as_page, page);
        CHECK(text_of(page) == as_text.batches.at(0).body);
        CHECK(points == as_text.batches[0].points);
        CHECK(as_page.lost[LossReason::too_large] == as_text.lost[LossReason::too_large]);
    }
}

TEST_CASE("a page of many chunks") {
    ExpositionSettings settings;
    settings.open_metrics = true;
    std::mt19937 random(1);
    SnapshotMaker maker;
    for (int i = 0; i < 5000; ++i) {
        maker.gauge("n" + std::to_string(i % 900) + std::string(random() % 1200, 'n'),
                    "t:" + std::to_string(random()) + std::string(random() % 2000, 't'), i);
    }
    const pitot::protocol::Snapshot snapshot = maker.end_interval();
    Exposition exposition(settings, [](const std::string&) {});
    Encoded encoded;
    exposition.encode(snapshot, {}, encoded);
    PageRecords page(exposition.layout());
    exposition.encode(snapshot, encoded, page);
    CHECK(page.bytes() > 2'000'000);
    CHECK((text_of(page) == encoded.batches.at(0).body));
    const std::string open_metrics = open_metrics_of(page);
    CHECK(open_metrics.ends_with("\n# EOF\n"));
    CHECK(std::ranges::count(open_metrics, '\n') ==
          std::ranges::count(encoded.batches[0].body, '\n') + 1);
}
