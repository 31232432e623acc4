// KeyTable against std::map: any mix of finds, insertions and erasures, through growth.
#include "agent/aggregate/key_table.h"

#include <doctest/doctest.h>

#include <array>
#include <map>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace pitot::agent {
namespace {

using protocol::Kind;

TEST_CASE("keys differ by name, tags, kind and spelling, and by where the name ends") {
    KeyTable table(1);
    const SeriesKey keys[] = {
        {"a", "b", Kind::counter, Spelling::plain},
        {"ab", "", Kind::counter, Spelling::plain},
        {"", "ab", Kind::counter, Spelling::plain},
        {"a", "b", Kind::gauge, Spelling::plain},
        {"a", "b", Kind::counter, spelling_of(protocol::TagDialect::influx)},
    };
    std::uint32_t value = 0;
    for (const SeriesKey& key : keys) {
        CHECK(table.find(key, table.hash(key)) == 0);
        table.insert(key, table.hash(key), value++);
    }
    value = 0;
    for (const SeriesKey& key : keys) {
        const KeyTable::Handle found = table.find(key, table.hash(key));
        REQUIRE(found != 0);
        CHECK(table.value(found) == value++);
        CHECK(table.key(found) == key);
    }
    CHECK(table.size() == 5);
}

TEST_CASE("it answers as a map does, and handles stay valid") {
    std::mt19937 random(5);
    KeyTable table(99);
    std::map<std::pair<std::string, std::string>, std::pair<KeyTable::Handle, std::uint32_t>> model;
    for (std::uint32_t step = 0; step < 200'000; ++step) {
        const std::string name = "name" + std::to_string(random() % 30'000);
        const std::string tags(random() % 60, static_cast<char>('a' + random() % 3));
        const SeriesKey key{.name = name, .tags = tags};
        const std::uint32_t hash = table.hash(key);
        const auto known = model.find({name, tags});
        const KeyTable::Handle found = table.find(key, hash);
        REQUIRE((found != 0) == (known != model.end()));
        if (known == model.end()) {
            model[{name, tags}] = {table.insert(key, hash, step), step};
        } else if (random() % 4 == 0) {
            REQUIRE(found == known->second.first);
            table.erase(found);
            model.erase(known);
        } else {
            REQUIRE(table.value(found) == known->second.second);
        }
    }
    CHECK(table.size() == model.size());
    for (const auto& [text, entry] : model) {
        CHECK(table.key(entry.first).name == text.first);
        CHECK(table.key(entry.first).tags == text.second);
    }
}

TEST_CASE("many lines are looked up as each alone is") {
    std::mt19937 random(11);
    KeyTable table(5);
    const protocol::QuickReader reader;
    std::vector<std::string> texts;
    for (int i = 0; i < 4'000; ++i) {
        // Parts of every length up to a few vectors; some differ in their last byte alone.
        const std::string name = std::string(random() % 40, 'n') + std::to_string(i / 2);
        const std::string tags = random() % 2 == 0 ? "" : "|#" + std::string(random() % 70, 't');
        texts.push_back(name + (random() % 9 == 0 ? ":a|s" : ":1|c") + tags);
        if (random() % 2 == 0) --texts.back().back();
    }
    std::array<protocol::QuickLine, KeyTable::keys_per_find_max> lines;
    std::array<std::uint32_t, KeyTable::keys_per_find_max> values{};
    std::size_t found = 0;
    for (std::size_t at = 0; at < 2 * texts.size(); at += lines.size()) {
        for (std::size_t i = 0; i < lines.size(); ++i) {
            std::string_view text = texts[(at + i) % texts.size()];
            REQUIRE(reader.read(text, {}, std::span(lines).subspan(i, 1)) == 1);
        }
        table.find(lines, Spelling::plain, values);
        for (std::size_t i = 0; i < lines.size(); ++i) {
            const SeriesKey key{.name = lines[i].name(), .tags = lines[i].tags()};
            const KeyTable::Handle known = lines[i].is_usual ? table.find(key, table.hash(key)) : 0;
            REQUIRE(values[i] == (known == 0 ? KeyTable::no_value : table.value(known)));
            found += known == 0 ? 0U : 1U;
        }
        // Half of them stay unknown.
        for (std::size_t i = 0; i < lines.size(); i += 2) {
            const SeriesKey key{.name = lines[i].name(), .tags = lines[i].tags()};
            if (!lines[i].is_usual || table.find(key, table.hash(key)) != 0) continue;
            table.insert(key, table.hash(key), static_cast<std::uint32_t>(at + i));
        }
    }
    CHECK(found > 1'000);
}

TEST_CASE("slots that are to be left can be left without another key") {
    KeyTable table(3);
    std::vector<KeyTable::Handle> handles;
    const auto add = [&] {
        const std::string name = "name" + std::to_string(handles.size());
        const SeriesKey key{.name = name};
        const auto value = static_cast<std::uint32_t>(handles.size());
        handles.push_back(table.insert(key, table.hash(key), value));
    };
    while (!table.is_moving()) add();
    const std::size_t while_moving = table.bytes();
    int steps = 0;
    for (; table.is_moving(); ++steps) {
        table.move_on();
        for (std::uint32_t value = 0; value < handles.size(); value += 37) {
            const SeriesKey key = table.key(handles[value]);
            REQUIRE(table.find(key, table.hash(key)) == handles[value]);
        }
    }
    CHECK(steps > 10);  // a few at a time
    CHECK(table.bytes() < while_moving);
    table.move_on();
    add();
    for (std::uint32_t value = 0; value < handles.size(); ++value) {
        REQUIRE(table.value(handles[value]) == value);
        const SeriesKey key = table.key(handles[value]);
        REQUIRE(table.find(key, table.hash(key)) == handles[value]);
    }
}

TEST_CASE("after mass erasure slots go back in steps, and everything is found meanwhile") {
    KeyTable table(7);
    const auto key_name = [](int i) { return "name" + std::to_string(i); };
    std::vector<KeyTable::Handle> handles;
    for (int i = 0; i < 200'000; ++i) {
        const std::string name = key_name(i);
        const SeriesKey key{.name = name};
        handles.push_back(table.insert(key, table.hash(key), static_cast<std::uint32_t>(i)));
    }
    const std::size_t full = table.bytes();
    for (int i = 100; i < 200'000; ++i) table.erase(handles[static_cast<std::size_t>(i)]);
    CHECK(table.size() == 100);
    // What grows the small table again must not find the large one still to be emptied: an
    // assertion in it says so.
    for (int i = 200'000; i < 500'000; ++i) {
        const std::string name = key_name(i);
        const SeriesKey key{.name = name};
        const KeyTable::Handle handle = table.insert(key, table.hash(key), 1);
        if (i % 1'000 == 0) {
            for (int old = 0; old < 100; ++old) {
                const std::string old_name = key_name(old);
                const SeriesKey old_key{.name = old_name};
                REQUIRE(table.value(table.find(old_key, table.hash(old_key))) ==
                        static_cast<std::uint32_t>(old));
            }
        }
        if (i < 400'000) table.erase(handle);
    }
    CHECK(table.size() == 100 + 100'000);
    CHECK(table.bytes() < full);
}

TEST_CASE("insertion and erasure in turn do not make it grow") {
    KeyTable table(3);
    std::size_t bytes = 0;
    for (int round = 0; round < 200; ++round) {
        std::vector<KeyTable::Handle> handles;
        for (int i = 0; i < 1'000; ++i) {
            const std::string name = std::to_string(round) + "." + std::to_string(i);
            const SeriesKey key{.name = name};
            handles.push_back(table.insert(key, table.hash(key), 0));
        }
        for (const KeyTable::Handle handle : handles) table.erase(handle);
        if (round == 20) bytes = table.bytes();
    }
    CHECK(table.size() == 0);
    CHECK(table.bytes() <= bytes);
}

}  // namespace
}  // namespace pitot::agent
