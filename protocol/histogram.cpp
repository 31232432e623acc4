// Finding a bucket, growing, halving and merging: see histogram.h.
//
// Every index is first found at schema_max and then halved down to the schema asked for.
// One small table serves all schemas that way, and the halving rule and the index of a
// value cannot disagree, because they are the same computation.
#include "protocol/histogram.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "protocol/histogram_bounds.h"

namespace pitot::protocol {
namespace {

static_assert(std::numeric_limits<double>::is_iec559, "buckets are read off the bits of a double");

constexpr int mantissa_bits = 52;
constexpr std::uint64_t mantissa_mask = (std::uint64_t{1} << mantissa_bits) - 1;
constexpr int exponent_bias = 1023;
constexpr int exponent_min = -1022;  // of a normal double
constexpr int exponent_max = 1023;
constexpr int smallest_double_exponent = exponent_min - mantissa_bits;
constexpr int bounds_per_octave = 1 << schema_max;
static_assert(bound_mantissas.size() == bounds_per_octave);

// Buckets a side starts with: two octaves or so of a timer at schema 5 in two cache lines.
constexpr std::size_t buckets_initial = 16;

// Where index i goes when the resolution is halved `halvings` times: i / 2^halvings,
// rounded up.
constexpr int halved(int index, int halvings) {
    return (index + (1 << halvings) - 1) >> halvings;
}

static_assert(halved(exponent_max + 1, -schema_min) -
                      halved(smallest_double_exponent, -schema_min) + 1 ==
                  buckets_max_min,
              "at schema_min all doubles fit into buckets_max_min buckets");

// The mantissa's upper bits choose a cell. Cells are so narrow that no more than one bound
// lies in each, so one comparison with that bound finds the bucket.
constexpr int cell_bits = schema_max + 1;
constexpr int cell_shift = mantissa_bits - cell_bits;
constexpr std::size_t cell_count = std::size_t{1} << cell_bits;

// For each cell, how many bounds lie below all of it.
constexpr auto bounds_below_cell = [] {
    std::array<std::uint16_t, cell_count> below{};
    std::uint16_t bound = 0;
    for (std::size_t cell = 0; cell < cell_count; ++cell) {
        while (bound < bound_mantissas.size() && bound_mantissas[bound] < cell << cell_shift)
            ++bound;
        below[cell] = bound;
    }
    return below;
}();

// The bounds with one more behind the last, which no mantissa exceeds.
constexpr auto bounds_and_sentinel = [] {
    std::array<std::uint64_t, bound_mantissas.size() + 1> bounds{};
    std::ranges::copy(bound_mantissas, bounds.begin());
    bounds.back() = mantissa_mask;
    return bounds;
}();

constexpr bool cells_hold_one_bound_at_most() {
    for (std::size_t cell = 0; cell + 1 < cell_count; ++cell)
        if (bounds_below_cell[cell + 1] - bounds_below_cell[cell] > 1) return false;
    return bounds_below_cell.back() == bound_mantissas.size();
}
static_assert(cells_hold_one_bound_at_most());

// The index at schema_max of the positive finite double that has these bits.
int finest_index(std::uint64_t bits) {
    int exponent = static_cast<int>(bits >> mantissa_bits);
    std::uint64_t mantissa = bits & mantissa_mask;
    if (exponent == 0) [[unlikely]] {  // subnormal: move its first 1 to where it is implied
        const int shift = std::countl_zero(mantissa) - (63 - mantissa_bits);
        mantissa = (mantissa << shift) & mantissa_mask;
        exponent = 1 - shift;
    }
    const std::size_t below = bounds_below_cell[mantissa >> cell_shift];
    const int within_octave =
        static_cast<int>(below) + static_cast<int>(mantissa > bounds_and_sentinel[below]);
    return (exponent - exponent_bias) * bounds_per_octave + within_octave;
}

// Histogram::index_of(), where add() can have it inline.
int index_at(double value, int schema) {
    const std::uint64_t bits = std::bit_cast<std::uint64_t>(value) & ~(std::uint64_t{1} << 63);
    return halved(finest_index(bits), schema_max - schema);
}

// How often first … last must be halved to fit into buckets_max.
int halvings_to_fit(int first, int last, std::size_t buckets_max) {
    int halvings = 0;
    while (static_cast<std::size_t>(halved(last, halvings) - halved(first, halvings)) >=
           buckets_max)
        ++halvings;
    return halvings;
}

}  // namespace

Histogram::Histogram(HistogramShape shape, std::pmr::memory_resource* memory)
    : shape_(shape), present_(shape), positive_(memory), negative_(memory) {
    assert(shape.schema >= schema_min && shape.schema <= schema_max);
    assert(shape.buckets_max >= buckets_max_min);
}

void Histogram::add(double value, double weight) {
    assert(std::isfinite(weight) && weight > 0);
    count(value, weight_on_grid(weight));
}

void Histogram::add(std::span<const double> values) {
    for (const double value : values) count(value, 1);
}

[[gnu::always_inline]] inline void Histogram::count(double value, double counted) {
    assert(std::isfinite(value));
    if (value == 0) {
        zero_count_ += counted;
        return;
    }
    Buckets& buckets = value > 0 ? positive_ : negative_;
    int index = index_at(value, present_.schema);
    if (!buckets.covers(index)) [[unlikely]]
        index = make_room(buckets, index);
    buckets[index] += counted;
}

int Histogram::make_room(Buckets& buckets, int index) {
    const int first = buckets.empty() ? index : std::min(index, buckets.first());
    const int last = buckets.empty() ? index : std::max(index, buckets.last());
    const std::size_t width = width_max(buckets);
    const int halvings = halvings_to_fit(first, last, width);
    coarsen(halvings);
    const int coarser_index = halved(index, halvings);
    buckets.cover(coarser_index, coarser_index, width);
    return coarser_index;
}

std::size_t Histogram::width_max(const Buckets& buckets) const {
    return std::min(present_.buckets_max, std::max(growth_max_, buckets.capacity()));
}

void Histogram::limit_growth(std::size_t buckets) {
    assert(buckets >= buckets_max_min);
    growth_max_ = buckets;
}

void Histogram::merge(const Histogram& other) {
    present_.buckets_max = std::min(present_.buckets_max, other.present_.buckets_max);
    const int common_schema = std::min(schema(), other.schema());
    const int halvings = schema() - common_schema;
    const int other_halvings = other.schema() - common_schema;

    // Both sides share a schema, so the wider one decides.
    int further = 0;
    const auto make_fit = [&](const Buckets& buckets, const Buckets& other_buckets) {
        if (buckets.empty() && other_buckets.empty()) return;
        int first = std::numeric_limits<int>::max();
        int last = std::numeric_limits<int>::min();
        if (!buckets.empty()) {
            first = halved(buckets.first(), halvings);
            last = halved(buckets.last(), halvings);
        }
        if (!other_buckets.empty()) {
            first = std::min(first, halved(other_buckets.first(), other_halvings));
            last = std::max(last, halved(other_buckets.last(), other_halvings));
        }
        further = std::max(further, halvings_to_fit(first, last, width_max(buckets)));
    };
    make_fit(positive_, other.positive_);
    make_fit(negative_, other.negative_);

    coarsen(halvings + further);
    const int apart = other.schema() - schema();  // read here, as `other` may be *this
    positive_.add(other.positive_, apart, width_max(positive_));
    negative_.add(other.negative_, apart, width_max(negative_));
    zero_count_ += other.zero_count_;
}

double Histogram::scale(double factor) {
    assert(factor >= 1);
    if (zero_count_ > 0) zero_count_ = weight_on_grid(zero_count_ * factor);
    return zero_count_ + positive_.scale(factor) + negative_.scale(factor);
}

void Histogram::clear() {
    present_ = shape_;
    growth_max_ = std::numeric_limits<std::size_t>::max();
    zero_count_ = 0;
    positive_.clear();
    negative_.clear();
}

double Histogram::relative_error() const {
    // (b - 1) / (b + 1) with b = e^x is tanh(x / 2).
    return std::tanh(std::exp2(-schema()) * std::numbers::ln2 / 2);
}

int Histogram::index_of(double value, int schema) {
    assert(value != 0 && std::isfinite(value));
    assert(schema >= schema_min && schema <= schema_max);
    return index_at(value, schema);
}

double Histogram::upper_bound(int index, int schema) {
    assert(schema >= schema_min && schema <= schema_max);
    const std::int64_t finest = std::int64_t{index} * (std::int64_t{1} << (schema_max - schema));
    const std::int64_t exponent = finest >> schema_max;  // rounded down
    if (exponent > exponent_max) return std::numeric_limits<double>::max();

    const auto bound = static_cast<std::size_t>(finest & (bounds_per_octave - 1));
    const std::uint64_t mantissa = bound_mantissas[bound];
    if (exponent >= exponent_min) {
        const auto biased = static_cast<std::uint64_t>(exponent + exponent_bias);
        return std::bit_cast<double>(biased << mantissa_bits | mantissa);
    }
    if (exponent < smallest_double_exponent) return 0;  // below every double but zero
    const std::uint64_t subnormal =
        (std::uint64_t{1} << mantissa_bits | mantissa) >> (exponent_min - exponent);
    return std::bit_cast<double>(subnormal);
}

double Histogram::representative(int index, int schema) {
    // With the lower bound u / b the harmonic mean 2·u·(u / b) / (u + u / b) is 2u / (b + 1).
    const double base = std::exp2(std::exp2(-schema));
    return upper_bound(index, schema) * (2 / (base + 1));
}

void Histogram::coarsen(int halvings) {
    if (halvings == 0) return;
    present_.schema -= halvings;
    assert(present_.schema >= schema_min);
    positive_.coarsen(halvings);
    negative_.coarsen(halvings);
}

Histogram::Side Histogram::Buckets::side() const {
    return {first_, std::span(storage_).subspan(static_cast<std::size_t>(offset_),
                                                static_cast<std::size_t>(width_))};
}

void Histogram::Buckets::cover(int first, int last, std::size_t buckets_max) {
    if (!empty()) {
        first = std::min(first, first_);
        last = std::max(last, this->last());
    }
    const int width = last - first + 1;
    assert(static_cast<std::size_t>(width) <= buckets_max);

    // Indices of buckets, and their places in storage_:
    //
    //     index   room_first   first_       last()
    //                | zeros   | the run    | zeros   |
    //     place      0         offset_                storage_.size()
    //
    // Often there is room left; after clear(), at the place the same values had before.
    const int room_first = first_ - offset_;
    if (first < room_first || last >= room_first + static_cast<int>(storage_.size())) {
        if (static_cast<std::size_t>(width) > storage_.size()) {
            const std::size_t ample = std::max(buckets_initial, 2 * storage_.size());
            const std::size_t size =
                std::max(static_cast<std::size_t>(width), std::min(ample, buckets_max));
            storage_.reserve(size);  // and no more than that
            storage_.resize(size);
        }
        // Free room at both ends alike: each end may be the one that grows next.
        const int offset = (static_cast<int>(storage_.size()) - width) / 2;
        move_to(offset + (empty() ? 0 : first_ - first));
        if (empty()) first_ = first;
    }
    offset_ += first - first_;
    first_ = first;
    width_ = width;
}

// Moves the run so that it begins at `offset`, and leaves zeros where it was.
void Histogram::Buckets::move_to(int offset) {
    if (offset == offset_) return;
    const auto begin = storage_.begin();
    if (offset < offset_) {
        std::move(begin + offset_, begin + offset_ + width_, begin + offset);
        std::fill(begin + std::max(offset_, offset + width_), begin + offset_ + width_, 0.0);
    } else {
        std::move_backward(begin + offset_, begin + offset_ + width_, begin + offset + width_);
        std::fill(begin + offset_, begin + std::min(offset_ + width_, offset), 0.0);
    }
    offset_ = offset;
}

void Histogram::Buckets::coarsen(int halvings) {
    if (empty()) return;
    const int first = halved(first_, halvings);
    const int last = halved(this->last(), halvings);
    // Ascending, and no bucket moves up: a count is never overwritten before it is read.
    for (int index = first_; index <= this->last(); ++index) {
        const double count = std::exchange((*this)[index], 0);
        storage_[static_cast<std::size_t>(offset_ + halved(index, halvings) - first)] += count;
    }
    first_ = first;
    width_ = last - first + 1;
}

double Histogram::Buckets::scale(double factor) {
    double weight = 0;
    for (int index = first_; index < first_ + width_; ++index) {
        double& count = (*this)[index];
        if (count > 0) count = weight_on_grid(count * factor);
        weight += count;
    }
    return weight;
}

void Histogram::Buckets::add(const Buckets& other, int other_halvings, std::size_t buckets_max) {
    if (other.empty()) return;
    cover(halved(other.first(), other_halvings), halved(other.last(), other_halvings), buckets_max);
    const std::span<const double> counts = other.side().counts;
    int index = other.first();
    for (const double count : counts) (*this)[halved(index++, other_halvings)] += count;
}

void Histogram::Buckets::clear() {
    const auto begin = storage_.begin() + offset_;
    std::fill(begin, begin + width_, 0.0);
    width_ = 0;
}

}  // namespace pitot::protocol
