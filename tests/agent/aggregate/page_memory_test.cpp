// What a page keeps its values in: the meter that counts them, the arenas for numbers, text
// and tags, and the pool.
#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "agent/aggregate/memory_meter.h"
#include "agent/aggregate/pool.h"
#include "agent/aggregate/span_arena.h"
#include "agent/aggregate/value_arena.h"
#include "protocol/distribution.h"
#include "protocol/unique_count.h"

namespace pitot::agent {
namespace {

TEST_CASE("a meter counts what is held, and keeps its reserve until it is spent") {
    MemoryMeter meter(1'000, 250);
    struct Row {
        std::size_t held_bytes;
        bool is_tight;
        bool is_full;
        bool is_full_with_reserve;
    };
    for (const Row& row :
         {Row{0, false, false, false}, Row{499, false, false, false}, Row{500, true, false, false},
          Row{749, true, false, false}, Row{750, true, true, false}, Row{999, true, true, false},
          Row{1'000, true, true, true}}) {
        CAPTURE(row.held_bytes);
        {
            const std::pmr::vector<char> held(row.held_bytes, &meter);
            CHECK(meter.used_bytes() == row.held_bytes);
            CHECK(meter.is_tight() == row.is_tight);
            CHECK(meter.is_full() == row.is_full);
            meter.spend_reserve();
            CHECK(meter.is_full() == row.is_full_with_reserve);
            meter.restore_reserve();
        }
        CHECK(meter.used_bytes() == 0);
    }
}

TEST_CASE("blocks of numbers do not overlap, lie in one piece, and never move") {
    MemoryMeter meter(1ULL << 30U);
    ValueArena arena(&meter);
    struct Block {
        ValueArena::Offset at;
        std::span<double> values;
        double mark;
    };
    for (int round = 0; round < 2; ++round) {
        std::vector<Block> blocks;
        for (std::size_t i = 0; i < 2'000; ++i) {
            const std::size_t size = i % 50 == 0 ? ValueArena::block_values_max : 1 + i % 64;
            const ValueArena::Offset at = arena.allocate(size);
            CHECK(at != 0);
            blocks.push_back({at, {arena.at(at), size}, static_cast<double>(i)});
            std::ranges::fill(blocks.back().values, blocks.back().mark);
        }
        for (const Block& block : blocks) {
            REQUIRE(arena.at(block.at) == block.values.data());
            REQUIRE(std::ranges::count(block.values, block.mark) ==
                    static_cast<std::ptrdiff_t>(block.values.size()));
        }
        const std::size_t used = meter.used_bytes();
        CHECK(used >= 40 * ValueArena::block_values_max * sizeof(double));
        arena.reset();
        CHECK(meter.used_bytes() == used);  // kept for the next interval
    }
    arena.release();
    CHECK(meter.used_bytes() == 0);
}

TEST_CASE("text that is kept never moves, of any length, and a burst is given back") {
    MemoryMeter meter(1ULL << 30U);
    SpanArena<char> arena(&meter);
    CHECK(keep(arena, "").empty());
    for (int round = 0; round < 2; ++round) {
        std::vector<std::pair<std::string_view, std::string>> kept;
        for (std::size_t i = 0; i < 300; ++i) {
            std::string text(i % 100 == 7 ? 100'000 : i * 13 % 900, 'x');
            text += std::to_string(i);
            kept.emplace_back(keep(arena, text), text);
        }
        for (const auto& [view, text] : kept) REQUIRE(view == text);
        CHECK(meter.used_bytes() > 400'000);
        arena.reset();
        CHECK(meter.used_bytes() < 70'000);
    }
}

TEST_CASE("a long text that comes first is no reason to keep its memory") {
    MemoryMeter meter(1ULL << 30U);
    SpanArena<char> arena(&meter);
    keep(arena, std::string(5'000'000, 'x'));
    arena.reset();
    CHECK(meter.used_bytes() < 70'000);
}

TEST_CASE("a pool hands out cleared objects that keep their memory and their place") {
    MemoryMeter meter(1ULL << 30U);
    Pool<protocol::UniqueCount> pool(&meter);
    for (std::uint64_t round = 1; round <= 3; ++round) {
        std::vector<const protocol::UniqueCount*> places;
        for (std::uint32_t i = 0; i < 100; ++i) {
            CHECK(pool.take() == i);
            CHECK(pool[i].empty());
            places.push_back(&pool[i]);
            for (std::uint64_t member = 0; member < 300; ++member) {
                pool[i].add(member * 0x9E3779B97F4A7C15ULL * round);
            }
        }
        for (std::uint32_t i = 0; i < 100; ++i) CHECK(places[i] == &pool[i]);
        CHECK(pool.used() == 100);
        const std::size_t used = meter.used_bytes();
        CHECK(used > 100 * 16'384);
        pool.reset();
        CHECK(pool.used() == 0);
        CHECK(meter.used_bytes() == used);
    }
    pool.take();
    pool.reset();  // what one interval had beyond twice the need of the next is given back
    CHECK(meter.used_bytes() < 25 * 21'000);
    pool.release();
    CHECK(meter.used_bytes() < 1'024);
}

TEST_CASE("a pool makes its objects as it was told") {
    MemoryMeter meter(1ULL << 30U);
    Pool<protocol::Distribution, protocol::HistogramShape> pool(&meter, {.schema = 2});
    pool[pool.take()].add(5);
    CHECK(pool[0].histogram().schema() == 2);
    CHECK(meter.used_bytes() > sizeof(protocol::Distribution));
}

}  // namespace
}  // namespace pitot::agent
