// Members while they are few, registers and Ertl's estimator beyond: see unique_count.h.
#include "protocol/unique_count.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numbers>

namespace pitot::protocol {
namespace {

constexpr std::size_t register_count = std::size_t{1} << UniqueCount::precision_bits;

// The bits of a hash that do not choose the register. A register's rank is the position
// of the first 1 among them, from 1, or one more than there are when all are 0.
constexpr int rank_bits = 64 - UniqueCount::precision_bits;
constexpr int rank_max = rank_bits + 1;

// Slots for members, a power of two: two cache lines to begin with, and in the end twice
// as many as members, so that a search ends after a few steps. (One member too many is
// put there, too, before all of them go into the registers.)
constexpr std::size_t members_slots_initial = 16;
constexpr std::size_t members_slots_max = 2 * UniqueCount::exact_members_max;
static_assert(std::has_single_bit(members_slots_max) && members_slots_max > members_slots_initial);

// Ertl's sigma: what the registers that are still 0 contribute. x + Σ x^(2^k)·2^(k-1).
// Diverges at 1, so it must not be asked when all registers are 0.
double sigma(double x) {
    double factor = 1;
    double total = x;
    double before = 0;
    do {
        x *= x;
        before = total;
        total += x * factor;
        factor += factor;
    } while (total != before);
    return total;
}

// Ertl's tau: what the registers that are full contribute.
// (1 - x - Σ (1 - x^(2^-k))²·2^-k) / 3.
double tau(double x) {
    if (x <= 0 || x >= 1) return 0;
    double factor = 1;
    double total = 1 - x;
    double before = 0;
    do {
        x = std::sqrt(x);
        before = total;
        factor /= 2;
        total -= (1 - x) * (1 - x) * factor;
    } while (total != before);
    return total / 3;
}

}  // namespace

void UniqueCount::add(std::uint64_t hash) {
    if (estimating_) {
        raise_register(hash);
    } else {
        add_exact(hash);
    }
}

void UniqueCount::merge(const UniqueCount& other) {
    if (&other == this) return;
    if (other.estimating_) {
        if (!estimating_) start_estimating();
        std::ranges::transform(
            registers_, other.registers_, registers_.begin(),
            [](std::uint8_t mine, std::uint8_t theirs) { return std::max(mine, theirs); });
        return;
    }
    if (other.has_member_zero_) add(0);
    for (const std::uint64_t member : other.members_)
        if (member != 0) add(member);
}

void UniqueCount::clear() {
    std::ranges::fill(members_, 0);
    if (estimating_) std::ranges::fill(registers_, std::uint8_t{0});
    member_count_ = 0;
    has_member_zero_ = false;
    estimating_ = false;
}

double UniqueCount::estimate() const {
    if (!estimating_) return member_count_;

    std::array<std::size_t, rank_max + 1> registers_of_rank{};
    for (const std::uint8_t rank : registers_) ++registers_of_rank[rank];

    constexpr double m = register_count;
    const auto share = [&](std::size_t rank) {
        return static_cast<double>(registers_of_rank[rank]) / m;
    };
    double denominator = tau(1 - share(rank_max));
    for (std::size_t rank = rank_bits; rank >= 1; --rank)
        denominator = (denominator + share(rank)) / 2;
    denominator += sigma(share(0));
    const double estimated = m / (2 * std::numbers::ln2 * denominator);

    // There are registers because there were more than exact_members_max members, and no
    // more than there are hashes, which infinity (all registers full) would say.
    return std::clamp(estimated, static_cast<double>(exact_members_max + 1), 0x1p64);
}

void UniqueCount::add_exact(std::uint64_t hash) {
    if (hash == 0) {
        if (has_member_zero_) return;
        has_member_zero_ = true;
    } else {
        if (needs_more_slots()) grow_members();
        const std::size_t mask = members_.size() - 1;
        std::size_t slot = hash & mask;
        while (members_[slot] != 0) {
            if (members_[slot] == hash) return;
            slot = (slot + 1) & mask;
        }
        members_[slot] = hash;
    }
    ++member_count_;
    if (member_count_ > exact_members_max) start_estimating();
}

bool UniqueCount::needs_more_slots() const {
    const bool is_half_full = 2 * (member_count_ + std::size_t{1}) > members_.size();
    return is_half_full && members_.size() < members_slots_max;
}

bool UniqueCount::may_grow() const {
    if (estimating_) return false;
    return needs_more_slots() || (member_count_ == exact_members_max && registers_.empty());
}

// Twice as many slots, the same members.
void UniqueCount::grow_members() {
    std::pmr::vector<std::uint64_t> grown(std::max(members_slots_initial, 2 * members_.size()),
                                          members_.get_allocator());
    const std::size_t mask = grown.size() - 1;
    for (const std::uint64_t member : members_) {
        if (member == 0) continue;
        std::size_t slot = member & mask;
        while (grown[slot] != 0) slot = (slot + 1) & mask;
        grown[slot] = member;
    }
    members_.swap(grown);
}

// All members so far go into the registers, so that these are what they would have been
// without an exact beginning.
void UniqueCount::start_estimating() {
    registers_.resize(register_count);
    estimating_ = true;
    if (has_member_zero_) raise_register(0);
    for (const std::uint64_t member : members_)
        if (member != 0) raise_register(member);
}

void UniqueCount::raise_register(std::uint64_t hash) {
    std::uint8_t& rank = registers_[hash >> rank_bits];
    // The 1 put behind the last bit bounds the rank at rank_max.
    const std::uint64_t rest = hash << precision_bits | std::uint64_t{1} << (precision_bits - 1);
    rank = std::max(rank, static_cast<std::uint8_t>(std::countl_zero(rest) + 1));
}

}  // namespace pitot::protocol
