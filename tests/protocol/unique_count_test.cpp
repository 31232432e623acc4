// Covers protocol/unique_count.h: exact counts, the change to registers, the error of the
// estimate from nothing to a million, merging in any order, and clear().
#include "protocol/unique_count.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "tests/support/allocation_counter.h"

using pitot::protocol::UniqueCount;
using pitot::tests::allocations;

namespace {

static_assert(sizeof(UniqueCount) <= 72);

constexpr double standard_error = 1.04 / 128;  // 1.04 / sqrt(2^14)

// Stands for the keyed hash of member number `member`: the finalizer of SplitMix64, which
// gives different members different hashes.
std::uint64_t hash_of(std::uint64_t member, std::uint64_t seed) {
    std::uint64_t x = (member + 1) * 0x9e3779b97f4a7c15 + seed * 0xd1342543de82ef95;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

UniqueCount count_of(const std::vector<std::uint64_t>& hashes) {
    UniqueCount count;
    for (const std::uint64_t hash : hashes) count.add(hash);
    return count;
}

std::vector<std::uint64_t> hashes(std::uint64_t first, std::uint64_t last, std::uint64_t seed) {
    std::vector<std::uint64_t> all;
    for (std::uint64_t member = first; member < last; ++member)
        all.push_back(hash_of(member, seed));
    return all;
}

// Whether two counts hold the same, down to the last register. Every register that is
// raised raises the estimate; so if the union estimates what each of both does, neither
// has anything that the other has not.
bool hold_the_same(const UniqueCount& left, const UniqueCount& right) {
    UniqueCount both = left;
    both.merge(right);
    return left.is_exact() == right.is_exact() && both.is_exact() == left.is_exact() &&
           left.estimate() == right.estimate() && both.estimate() == left.estimate();
}

}  // namespace

TEST_CASE("nothing seen") {
    const UniqueCount count;
    CHECK(count.empty());
    CHECK(count.is_exact());
    CHECK(count.estimate() == 0);
}

TEST_CASE("up to 256 members are counted, each once, whatever their hashes") {
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
        UniqueCount count;
        for (std::uint64_t member = 0; member < UniqueCount::exact_members_max; ++member) {
            // Hashes that crowd the same slots, the one that marks free slots among them.
            const std::uint64_t hash = seed == 3 ? member << 32 : hash_of(member, seed);
            for (int times = 0; times < 3; ++times) count.add(hash);
            REQUIRE(count.is_exact());
            REQUIRE(!count.empty());
            REQUIRE(count.estimate() == static_cast<double>(member + 1));
        }
        // Seen before: still exact.
        count.add(seed == 3 ? 0 : hash_of(0, seed));
        CHECK(count.is_exact());
        // One too many.
        count.add(std::numeric_limits<std::uint64_t>::max());
        CHECK(!count.is_exact());
        CHECK(!count.empty());
        CHECK(count.estimate() >= 257);
    }
}

TEST_CASE("zero is a hash like others") {
    UniqueCount count;
    count.add(0);
    CHECK(!count.empty());
    CHECK(count.estimate() == 1);
    count.add(0);
    CHECK(count.estimate() == 1);
    count.add(1);
    CHECK(count.estimate() == 2);

    UniqueCount other;
    other.add(0);
    other.merge(count);
    CHECK(other.estimate() == 2);

    // It raises its register, too: without it the estimate would be the same.
    const auto members = hashes(0, 400, 5);
    UniqueCount with_zero;
    with_zero.add(0);
    for (const std::uint64_t member : members) with_zero.add(member);
    CHECK(with_zero.estimate() > count_of(members).estimate());
}

TEST_CASE("the estimate is within four standard errors, from 0 to 1,000,000") {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        UniqueCount count;
        std::uint64_t next_check = 1;
        for (std::uint64_t members = 1; members <= 1'000'000; ++members) {
            count.add(hash_of(members, seed));
            if (members != next_check) continue;
            CAPTURE(seed);
            CAPTURE(members);
            const auto exact = static_cast<double>(members);
            if (members <= UniqueCount::exact_members_max) {
                REQUIRE(count.estimate() == exact);
            } else {
                REQUIRE(std::abs(count.estimate() - exact) <= 4 * standard_error * exact);
            }
            next_check = std::max(next_check + 1, next_check * 21 / 20);
        }
        CHECK(std::abs(count.estimate() - 1e6) <= 4 * standard_error * 1e6);
    }
}

TEST_CASE("errors have the stated size and no bias") {
    for (const std::uint64_t members : {1'000U, 16'384U, 60'000U}) {
        CAPTURE(members);
        constexpr int runs = 60;
        double error_sum = 0;
        double square_sum = 0;
        for (std::uint64_t run = 0; run < runs; ++run) {
            const double estimate = count_of(hashes(0, members, 100 + run)).estimate();
            const double error = estimate / static_cast<double>(members) - 1;
            error_sum += error;
            square_sum += error * error;
        }
        // Fixed seeds, so these either hold or do not; bounds are four deviations off.
        CHECK(std::abs(error_sum / runs) <= 4 * standard_error / std::sqrt(runs));
        CHECK(std::sqrt(square_sum / runs) <= standard_error * (1 + 4 / std::sqrt(2 * runs)));
    }
}

TEST_CASE("numbers that nobody can add one by one are estimated, too") {
    // After n members a register has rank k or less with probability e^(-n / (m·2^k)), so
    // registers can be drawn instead of members. Beyond 10^17 more and more are full.
    std::mt19937_64 random(22);
    std::uniform_real_distribution<double> probability;
    for (const double members : {1e4, 1e6, 1e9, 1e12, 1e15, 1e17, 1e18, 1.5e19}) {
        CAPTURE(members);
        UniqueCount count;
        for (std::uint64_t number = 0; number < 16'384; ++number) {
            const double drawn = members / 16'384 / -std::log(probability(random));
            const double rank = std::clamp(std::ceil(std::log2(drawn)), 0.0, 51.0);
            if (rank == 0) continue;
            const std::uint64_t first_one =
                rank == 51 ? 0 : std::uint64_t{1} << static_cast<int>(50 - rank);
            count.add(number << 50 | first_one);
        }
        CHECK(std::abs(count.estimate() / members - 1) <= 4 * standard_error);
    }
}

TEST_CASE("hashes at the ends of what registers hold give finite estimates") {
    // All registers at the highest rank: the bits behind their numbers are all 0.
    std::vector<std::uint64_t> full_rank(16'384);
    for (std::size_t number = 0; number < full_rank.size(); ++number)
        full_rank[number] = std::uint64_t{number} << 50;
    const UniqueCount full = count_of(full_rank);
    CHECK(full.estimate() == 0x1p64);
    full_rank.pop_back();
    CHECK(std::isfinite(count_of(full_rank).estimate()));

    std::vector<std::uint64_t> one_register(1'000);
    for (std::size_t rest = 0; rest < one_register.size(); ++rest) one_register[rest] = rest;
    CHECK(std::isfinite(count_of(one_register).estimate()));
    CHECK(count_of(one_register).estimate() >= 257);
}

TEST_CASE("merging is counting the union, in any order and from any parts") {
    std::mt19937_64 random(21);
    constexpr std::array<std::uint64_t, 9> sizes{0, 1, 100, 255, 256, 257, 300, 2'000, 30'000};
    for (int round = 0; round < 200; ++round) {
        CAPTURE(round);
        const std::uint64_t size = sizes[random() % sizes.size()];
        const auto members = hashes(0, size, static_cast<std::uint64_t>(round));
        const UniqueCount expected = count_of(members);

        // Each member goes to one to three parts, which therefore overlap.
        std::vector<UniqueCount> parts(1 + random() % 6);
        for (const std::uint64_t hash : members) {
            for (std::uint64_t times = 0; times <= random() % 3; ++times)
                parts[random() % parts.size()].add(hash);
        }

        for (int order = 0; order < 3; ++order) {
            std::vector<UniqueCount> left = parts;
            while (left.size() > 1) {
                std::shuffle(left.begin(), left.end(), random);
                left[left.size() - 2].merge(left.back());
                left.pop_back();
            }
            REQUIRE(left.front().is_exact() == (size <= UniqueCount::exact_members_max));
            REQUIRE(hold_the_same(left.front(), expected));
        }
    }
}

TEST_CASE("the check that two counts hold the same can fail") {
    for (const std::uint64_t size : {10U, 256U, 257U, 20'000U}) {
        auto members = hashes(0, size, 7);
        const UniqueCount one = count_of(members);
        members.back() = 0x5555'0000'0000'0000;  // a high rank
        CHECK(!hold_the_same(one, count_of(members)));
    }
}

TEST_CASE("merging with itself changes nothing") {
    for (const std::uint64_t size : {0U, 10U, 256U, 5'000U}) {
        UniqueCount count = count_of(hashes(0, size, 8));
        const UniqueCount before = count;
        count.merge(count);
        CHECK(hold_the_same(count, before));
    }
}

TEST_CASE("clear() forgets members and keeps memory") {
    for (const std::uint64_t size : {200U, 5'000U}) {
        const auto first = hashes(0, size, 9);
        const auto second = hashes(size, 2 * size, 9);
        UniqueCount count = count_of(first);
        count.add(0);
        const auto before = allocations();
        for (int interval = 0; interval < 3; ++interval) {
            count.clear();
            for (const std::uint64_t hash : second) count.add(hash);
        }
        CHECK(allocations() == before);
        CHECK(hold_the_same(count, count_of(second)));
        count.clear();
        CHECK(count.empty());
        CHECK(count.is_exact());
        CHECK(count.estimate() == 0);
    }
}

TEST_CASE("a count without members has no heap memory, and a small one little") {
    const auto before = allocations();
    UniqueCount empty;
    empty.merge(UniqueCount());
    empty.clear();
    CHECK(allocations() == before);
    for (std::uint64_t member = 0; member < 8; ++member) empty.add(hash_of(member, 1));
    CHECK(allocations() == before + 1);
}
