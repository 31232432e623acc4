#include "agent/flush/merger.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <iterator>
#include <tuple>
#include <utility>

#include "agent/aggregate/series_table.h"
#include "agent/aggregate/timer_cell.h"
#include "agent/limits.h"
#include "protocol/compensated_sum.h"

namespace pitot::agent {

using protocol::Kind;
using protocol::SeriesId;

namespace {

// What a total is taken to need when there are many: growth limited to coarse buckets on
// both sides, and the object.
constexpr std::size_t total_bytes_reserved =
    2 * limits::coarse_buckets_max * sizeof(double) + sizeof(protocol::Distribution);

bool is_timer(Kind kind) {
    return kind == Kind::timer || kind == Kind::histogram || kind == Kind::distribution;
}

}  // namespace

Merger::Merger(MergerSettings settings)
    : settings_(std::move(settings)),
      registry_(settings_.key_seed, settings_.series_max),
      shards_(settings_.shards),
      total_memory_(settings_.total_bytes_max) {}

const protocol::Snapshot& Merger::merge(std::span<const ShardPage> pages, const Interval& interval,
                                        const ShardPage& own) {
    assert(pages_.empty() && pages.size() == shards_.size());
    forget_last_interval();
    pages_.assign(pages.begin(), pages.end());
    pages_.push_back(own);
    snapshot_ = {};
    snapshot_.sequence = interval.sequence;
    snapshot_.start_unix_ns = interval.start_unix_ns;
    snapshot_.end_unix_ns = interval.end_unix_ns;
    snapshot_.elapsed_s = interval.elapsed_s;

    if (own.closed.page != nullptr) read_own(own);
    for (std::size_t shard = 0; shard < shards_.size(); ++shard) {
        const ShardPage& from = pages_[shard];
        if (from.closed.page == nullptr) continue;
        from.closed.page->value_memory.spend_reserve();
        bind_births(shards_[shard], from);
        read_touched(shards_[shard], from);
        release_retired(shards_[shard], from);
        std::ranges::copy(from.closed.page->timed, std::back_inserter(timed_));
        std::ranges::copy(from.closed.page->events, std::back_inserter(events_));
        std::ranges::copy(from.closed.page->service_checks, std::back_inserter(service_checks_));
        const IntakeCounts& counts = from.closed.page->counts;
        for (std::size_t i = 0; i < counts.rejected.size(); ++i) {
            snapshot_.rejected[i] += counts.rejected[i];
        }
        sweep(shards_[shard], from);
    }
    settle_counters();
    settle_gauges();
    settle_timers();
    settle_sets();

    view_columns();
    return snapshot_;
}

void Merger::view_columns() {
    snapshot_.own = own_points_;
    snapshot_.quantile_ranks = settings_.quantiles;
    snapshot_.series = registry_.all();
    snapshot_.counters = counters_;
    snapshot_.gauges = gauges_;
    snapshot_.timers = timers_;
    snapshot_.sets = sets_;
    snapshot_.timed = timed_;
    snapshot_.events = events_;
    snapshot_.service_checks = service_checks_;
}

std::optional<SeriesId> Merger::made_series(const MadeGauge& gauge) {
    std::vector<protocol::Tag> tags;
    tags.reserve(gauge.tags.size());
    for (const auto& [key, value] : gauge.tags) {
        tags.push_back({.key = key, .value = value, .has_value = true});
    }
    protocol::Identity identity{.name = gauge.name, .tags = tags};
    const Additions additions{.prefix = {}, .tags = settings_.constant_tags};
    if (adder_.add(additions, ClientHost::unsaid, identity) != protocol::Reject::none)
        return std::nullopt;
    const SeriesKey key = canonicalizer_.key_of(identity, Kind::gauge);
    if (const auto known = registry_.find(key)) {
        return made_.contains(*known) ? known : std::nullopt;
    }
    const SeriesId id = registry_.resolve_own(key, snapshot_.start_unix_ns).id;
    add_point(id);
    ++live_rows_[id];
    return id;
}

const protocol::Snapshot& Merger::add(std::span<const MadeGauge> gauges) {
    for (const MadeGauge& gauge : gauges) {
        const auto id = made_series(gauge);
        if (!id) {
            ++made_refused_;
            continue;
        }
        made_[*id] = snapshot_.sequence;
        protocol::GaugePoint& point = gauges_[slot_of(*id)];
        note(*id, point.updated);
        point.value = gauge.value;
    }
    std::erase_if(made_, [this](const auto& entry) {
        const auto& [id, given] = entry;
        if (given == snapshot_.sequence) return false;
        --live_rows_[id];
        drop_point(id);
        registry_.forget_own(id);
        return true;
    });
    view_columns();
    return snapshot_;
}

void Merger::finish() {
    for (const ShardPage& from : pages_) {
        if (from.closed.page != nullptr) from.closed.page->reset();
    }
    pages_.clear();
    snapshot_ = {};
}

void Merger::forget_last_interval() {
    for (const SeriesId id : updated_) {
        const protocol::Series& series = registry_[id];
        if (series.birth == 0) continue;
        const std::uint32_t slot = slot_of(id);
        switch (series.kind) {
            case Kind::counter:
                counters_[slot].updated = false;
                counters_[slot].delta = 0;
                break;
            case Kind::gauge:
                gauges_[slot].updated = false;
                break;
            case Kind::timer:
            case Kind::histogram:
            case Kind::distribution:
                timers_[slot].updated = false;
                timers_[slot].values = {};
                timers_[slot].quantiles = {};
                break;
            case Kind::set:
                sets_[slot] = {.id = id};
                break;
        }
    }
    updated_.clear();
    timed_.clear();
    events_.clear();
    service_checks_.clear();
}

void Merger::bind(BoundShard& shard, const Birth& birth, const SeriesRegistry::Resolved& resolved,
                  std::uint32_t turn) {
    if (birth.row >= shard.rows.size()) shard.rows.resize(birth.row + 1);
    assert(shard.rows[birth.row].id == none);
    shard.rows[birth.row] = {
        .id = resolved.id, .last_turn = turn & turn_mask, .is_folded = resolved.is_folded};
    ++live_rows_[resolved.id];
}

void Merger::bind_births(BoundShard& shard, const ShardPage& from) {
    for (const Birth& birth : from.closed.page->births) {
        bind(shard, birth, resolve(birth), from.closed.turn);
    }
}

void Merger::read_own(const ShardPage& from) {
    // All of them are born in the first merge, where nothing is in the columns yet.
    assert(from.closed.page->births.empty() || registry_.all().empty());
    for (const Birth& birth : from.closed.page->births) {
        const auto resolved = registry_.resolve_own(birth.key(), snapshot_.start_unix_ns);
        add_point(resolved.id);
        bind(own_, birth, resolved, from.closed.turn);
        own_points_ = {
            .counters = counters_.size(), .gauges = gauges_.size(), .timers = timers_.size()};
    }
    read_touched(own_, from);
}

SeriesRegistry::Resolved Merger::resolve(const Birth& birth) {
    const SeriesKey key = birth.key();
    SeriesRegistry::Resolved resolved = registry_.resolve(key, snapshot_.start_unix_ns);
    if (!resolved.is_new) return resolved;
    const bool has_total = is_timer(key.kind) && settings_.wants_total &&
                           settings_.wants_total(registry_[resolved.id]);
    if (has_total && totals_ * total_bytes_reserved >= settings_.total_bytes_max &&
        key.tags != overflow_tags && !resolved.is_folded) {
        registry_.forget(resolved.id);
        resolved = registry_.resolve_overflow(key.name, key.kind, snapshot_.start_unix_ns);
    }
    if (resolved.is_new) add_point(resolved.id);
    return resolved;
}

// Where values of a series go that there is no memory for.
SeriesId Merger::overflow_of(SeriesId id) {
    const protocol::Series series = registry_[id];
    const SeriesRegistry::Resolved overflow =
        registry_.resolve_overflow(series.name(), series.kind, snapshot_.start_unix_ns);
    if (overflow.is_new) add_point(overflow.id);
    if (overflow.id >= kept_.size()) kept_.resize(overflow.id + 1, false);
    if (!kept_[overflow.id]) {
        kept_[overflow.id] = true;
        ++live_rows_[overflow.id];
    }
    return overflow.id;
}

void Merger::add_point(SeriesId id) {
    if (id >= slots_.size()) {
        slots_.resize(id + 1, none);
        live_rows_.resize(id + 1, 0);
    }
    const protocol::Series& series = registry_[id];
    switch (series.kind) {
        case Kind::counter:
            slots_[id] = static_cast<std::uint32_t>(counters_.size());
            counters_.push_back({.id = id});
            return;
        case Kind::gauge:
            slots_[id] = static_cast<std::uint32_t>(gauges_.size());
            gauges_.push_back({.id = id});
            gauge_merges_.emplace_back();
            return;
        case Kind::timer:
        case Kind::histogram:
        case Kind::distribution: {
            slots_[id] = static_cast<std::uint32_t>(timers_.size());
            const bool total = settings_.wants_total && settings_.wants_total(series);
            timer_totals_.push_back(total ? std::make_unique<protocol::Distribution>(
                                                settings_.histogram, &total_memory_)
                                          : nullptr);
            totals_ += total ? 1U : 0U;
            timers_.push_back({.id = id, .values = {}, .total = timer_totals_.back().get()});
            timer_merges_.emplace_back();
            return;
        }
        case Kind::set:
            slots_[id] = static_cast<std::uint32_t>(sets_.size());
            sets_.push_back({.id = id});
            set_merges_.emplace_back();
            return;
    }
}

namespace {

// Takes one entry out of columns of equal length by putting the last one in its place.
template <typename... Columns>
void swap_remove(std::size_t at, Columns&... columns) {
    ((columns[at] = std::move(columns.back()), columns.pop_back()), ...);
}

}  // namespace

void Merger::drop_point(SeriesId id) {
    const std::uint32_t slot = slot_of(id);
    switch (registry_[id].kind) {
        case Kind::counter:
            slot_of(counters_.back().id) = slot;
            swap_remove(slot, counters_);
            break;
        case Kind::gauge:
            slot_of(gauges_.back().id) = slot;
            swap_remove(slot, gauges_, gauge_merges_);
            break;
        case Kind::timer:
        case Kind::histogram:
        case Kind::distribution:
            slot_of(timers_.back().id) = slot;
            totals_ -= timer_totals_[slot] != nullptr ? 1U : 0U;
            swap_remove(slot, timers_, timer_totals_, timer_merges_);
            break;
        case Kind::set:
            slot_of(sets_.back().id) = slot;
            swap_remove(slot, sets_, set_merges_);
            break;
    }
    slot_of(id) = none;
}

void Merger::read_touched(BoundShard& shard, const ShardPage& from) {
    RowStore& rows = *from.rows;
    for (const RowId row_id : from.closed.page->touched) {
        BoundRow& bound = shard.rows[row_id];
        assert(bound.id != none);
        bound.last_turn = from.closed.turn & turn_mask;
        bound.retiring = false;
        Row& row = rows[row_id];
        const std::uint64_t cell = row.cells[from.closed.index];
        row.cells[from.closed.index] = 0;
        Page& page = *from.closed.page;
        bool folded = bound.is_folded;
        if (!read_cell(bound.id, row_id, cell, page, Memory::limited)) {
            const bool read = read_cell(overflow_of(bound.id), row_id, cell, page, Memory::granted);
            assert(read);
            folded = read;
        }
        if (folded) {
            ++page.counts.limited[std::to_underlying(Limited::overflow_rows)];
            page.note_culprit(registry_[bound.id].name());
        }
    }
}

bool Merger::note(SeriesId id, bool& updated) {
    if (updated) return false;
    updated = true;
    updated_.push_back(id);
    return true;
}

bool Merger::read_cell(SeriesId id, RowId row, std::uint64_t cell, Page& page, Memory memory) {
    const std::uint32_t slot = slot_of(id);
    switch (registry_[id].kind) {
        case Kind::counter: {
            protocol::CounterPoint& point = counters_[slot];
            note(id, point.updated);
            const auto sum = std::bit_cast<double>(cell);
            point.delta = protocol::saturating_add(point.delta, sum);
            point.total = protocol::saturating_add(point.total, sum);
            return true;
        }
        case Kind::gauge:
            read_gauge(id, page.gauges[cell - 1]);
            return true;
        case Kind::timer:
        case Kind::histogram:
        case Kind::distribution: {
            const PlacedTimer seen{.page = &page,
                                   .cell = std::bit_cast<TimerCell>(cell),
                                   .unsent = page.unsent.of(row)};
            if (note(id, timers_[slot].updated)) {
                timer_merges_[slot] = seen;
                return true;
            }
            return merge_values(timer_merges_[slot], seen, memory);
        }
        case Kind::set: {
            PlacedSet seen{.page = &page, .place = static_cast<std::uint32_t>(cell - 1)};
            PlacedSet& merged = set_merges_[slot];
            if (note(id, sets_[slot].updated)) {
                merged = seen;
                return true;
            }
            // An estimate takes in members where it is, and needs no more memory.
            if (merged.members().is_exact()) {
                if (!seen.members().is_exact()) {
                    std::swap(merged, seen);
                } else if (memory == Memory::limited && merged.page->value_memory.is_full()) {
                    return false;
                }
            }
            merged.members().merge(seen.members());
            return true;
        }
    }
    std::unreachable();
}

void Merger::read_gauge(SeriesId id, const GaugeCell& seen) {
    GaugeMerge& merge = gauge_merges_[slot_of(id)];
    if (note(id, gauges_[slot_of(id)].updated)) merge = {};
    // A shard that set the gauge knows which of its own moves came after, and where another
    // shard set it later, they are void with the value. Moves of a shard that did not set it
    // count after the last set, whichever came first: the order of moves is not kept across
    // shards, and one client stays on one shard.
    if (!seen.is_set()) {
        merge.moved = protocol::saturating_add(merge.moved, seen.moved);
    } else if (merge.last_set == nullptr || seen.set_at_ns >= merge.last_set->set_at_ns) {
        merge.last_set = &seen;
    }
}

void Merger::release_retired(BoundShard& shard, const ShardPage& from) {
    for (const RowId row : from.closed.page->retired) {
        const SeriesId id = std::exchange(shard.rows[row], BoundRow{}).id;
        assert(id != none && live_rows_[id] > 0);
        if (--live_rows_[id] > 0) {
            registry_.keep_text(id);
            continue;
        }
        drop_point(id);
        registry_.forget(id);
        ++expired_total_;
    }
}

// The agent's own counters are told when they move.
void Merger::settle_counters() {
    const std::span<protocol::CounterPoint> of_clients =
        std::span(counters_).subspan(own_points_.counters);
    for (protocol::CounterPoint& point : of_clients) {
        if (point.updated) {
            point.silent = 0;
            point.stands_still = false;
            continue;
        }
        if (point.silent < UINT16_MAX) ++point.silent;
        point.stands_still = point.silent <= settings_.zero_intervals;
    }
}

void Merger::settle_gauges() {
    for (const SeriesId id : updated_) {
        if (registry_[id].kind != Kind::gauge) continue;
        protocol::GaugePoint& point = gauges_[slot_of(id)];
        const GaugeMerge& merge = gauge_merges_[slot_of(id)];
        const GaugeCell* const set = merge.last_set;
        const double base =
            set != nullptr ? protocol::saturating_add(set->value, set->moved) : point.value;
        point.value = protocol::saturating_add(base, merge.moved);
    }
}

void Merger::settle_timers() {
    // Room for all at once: points keep views of it.
    const std::size_t ranks = settings_.quantiles.size();
    const auto timers = static_cast<std::size_t>(std::ranges::count_if(
        updated_, [this](SeriesId id) { return is_timer(registry_[id].kind); }));
    quantiles_.resize(timers * ranks);
    std::span<double> room(quantiles_);
    for (const SeriesId id : updated_) {
        if (!is_timer(registry_[id].kind)) continue;
        const std::uint32_t slot = slot_of(id);
        protocol::TimerPoint& point = timers_[slot];
        point.values = view_of(timer_merges_[slot]).with_unsent(timer_merges_[slot].unsent);
        point.total_count += point.values.count();
        point.total_sum = protocol::saturating_add(point.total_sum, point.values.total_sum());
        point.values.quantiles(settings_.quantiles, room.first(ranks));
        point.quantiles = room.first(ranks);
        room = room.subspan(ranks);
        if (protocol::Distribution* total = timer_totals_[slot].get(); total != nullptr) {
            if (total_memory_.is_tight()) total->limit_growth(limits::coarse_buckets_max);
            point.values.add_to(*total);
        }
    }
}

// Exact values are sorted where they are: the page is the flush's by now.
protocol::DistributionView Merger::view_of(PlacedTimer& timer) {
    if (timer.cell.form == TimerForm::distribution) {
        return protocol::DistributionView::sketched(distribution_of(timer.cell, *timer.page));
    }
    const TimerValues held = values_of(timer.cell, *timer.page);
    if (held.weights.empty()) {
        std::ranges::sort(held.values);
        return protocol::DistributionView::exact(held.values, {});
    }
    sort_scratch_.clear();
    for (std::size_t i = 0; i < held.values.size(); ++i) {
        sort_scratch_.emplace_back(held.values[i], held.weights[i]);
    }
    std::ranges::sort(sort_scratch_);
    for (std::size_t i = 0; i < held.values.size(); ++i) {
        std::tie(held.values[i], held.weights[i]) = sort_scratch_[i];
    }
    return protocol::DistributionView::exact(held.values, held.weights);
}

void Merger::settle_sets() {
    for (const SeriesId id : updated_) {
        if (registry_[id].kind != Kind::set) continue;
        const protocol::UniqueCount& members = set_merges_[slot_of(id)].members();
        sets_[slot_of(id)].unique = members.estimate();
        sets_[slot_of(id)].is_exact = members.is_exact();
        sets_[slot_of(id)].members = &members;
    }
}

// Looks at a slice of the rows for series that have been silent for too long.
void Merger::sweep(BoundShard& shard, const ShardPage& from) {
    shard.retirements.rows.clear();
    shard.retirements.turn = from.closed.turn;
    if (shard.rows.empty()) return;
    std::size_t slice = shard.rows.size() / limits::expiry_sweep_fraction + 1;
    for (; slice > 0; --slice) {
        if (++shard.sweep_at >= shard.rows.size()) shard.sweep_at = 0;
        BoundRow& bound = shard.rows[shard.sweep_at];
        if (bound.id == none || bound.retiring) continue;
        const std::uint32_t expiry =
            settings_.expiry_intervals[std::to_underlying(registry_[bound.id].kind)];
        const std::uint32_t silent_turns = (from.closed.turn - bound.last_turn) & turn_mask;
        if (expiry == 0 || silent_turns < expiry) continue;
        bound.retiring = true;
        shard.retirements.rows.push_back(static_cast<RowId>(shard.sweep_at));
    }
}

Retirements Merger::take_retirements(std::size_t shard) {
    return std::exchange(shards_[shard].retirements, {});
}

}  // namespace pitot::agent
