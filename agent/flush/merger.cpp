#include "agent/flush/merger.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <iterator>
#include <tuple>
#include <utility>

#include "agent/aggregate/canonical.h"
#include "agent/aggregate/timer_cell.h"
#include "agent/limits.h"
#include "protocol/compensated_sum.h"

namespace pitot::agent {

using protocol::Kind;
using protocol::SeriesId;

Merger::Merger(MergerSettings settings)
    : settings_(std::move(settings)),
      registry_(settings_.key_seed, settings_.series_max),
      shards_(settings_.shards),
      merged_distributions_(protocol::Distribution(settings_.histogram)),
      merged_sets_(protocol::UniqueCount()) {}

const protocol::Snapshot& Merger::merge(std::span<const ShardPage> pages,
                                        const Interval& interval) {
    assert(pages_.empty() && pages.size() == shards_.size());
    forget_last_interval();
    pages_.assign(pages.begin(), pages.end());
    snapshot_ = {};
    snapshot_.sequence = interval.sequence;
    snapshot_.start_unix_ns = interval.start_unix_ns;
    snapshot_.end_unix_ns = interval.end_unix_ns;
    snapshot_.elapsed_s = interval.elapsed_s;

    for (std::size_t shard = 0; shard < pages_.size(); ++shard) {
        const ShardPage& from = pages_[shard];
        if (from.closed.page == nullptr) continue;
        bind_births(shards_[shard], from);
        read_touched(shards_[shard], from);
        release_retired(shards_[shard], from);
        collect_timed(*from.closed.page);
        std::ranges::copy(from.closed.page->events, std::back_inserter(events_));
        std::ranges::copy(from.closed.page->service_checks, std::back_inserter(service_checks_));
        const IntakeCounts& counts = from.closed.page->counts;
        for (std::size_t i = 0; i < counts.rejected.size(); ++i) {
            snapshot_.rejected[i] += counts.rejected[i];
        }
        sweep(shards_[shard], from);
    }
    settle_gauges();
    settle_timers();
    settle_sets();

    snapshot_.series = registry_.all();
    snapshot_.counters = counters_;
    snapshot_.gauges = gauges_;
    snapshot_.timers = timers_;
    snapshot_.sets = sets_;
    snapshot_.timed = timed_;
    snapshot_.events = events_;
    snapshot_.service_checks = service_checks_;
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
                timer_pieces_[slot] = none;
                break;
            case Kind::set:
                sets_[slot] = {.id = id};
                set_pieces_[slot] = none;
                break;
        }
    }
    updated_.clear();
    pieces_.clear();
    merged_distributions_.reset();
    merged_sets_.reset();
    values_.reset();
    timed_.clear();
    timed_tags_.clear();
    events_.clear();
    service_checks_.clear();
}

void Merger::bind_births(BoundShard& shard, const ShardPage& from) {
    for (const Birth& birth : from.closed.page->births) {
        const SeriesKey key{.name = birth.name, .tags = birth.tags, .kind = birth.kind};
        const SeriesRegistry::Resolved resolved = registry_.resolve(key, snapshot_.start_unix_ns);
        if (resolved.is_new) add_point(resolved.id);
        if (birth.row >= shard.rows.size()) shard.rows.resize(birth.row + 1);
        assert(shard.rows[birth.row].id == none);
        shard.rows[birth.row] = {.id = resolved.id, .last_turn = from.closed.turn};
        ++live_rows_[resolved.id];
    }
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
            timer_totals_.push_back(
                total ? std::make_unique<protocol::Distribution>(settings_.histogram) : nullptr);
            timers_.push_back({.id = id, .values = {}, .total = timer_totals_.back().get()});
            timer_pieces_.push_back(none);
            return;
        }
        case Kind::set:
            slots_[id] = static_cast<std::uint32_t>(sets_.size());
            sets_.push_back({.id = id});
            set_pieces_.push_back(none);
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
            swap_remove(slot, timers_, timer_totals_, timer_pieces_);
            break;
        case Kind::set:
            slot_of(sets_.back().id) = slot;
            swap_remove(slot, sets_, set_pieces_);
            break;
    }
    slot_of(id) = none;
}

void Merger::read_touched(BoundShard& shard, const ShardPage& from) {
    RowStore& rows = from.table->rows();
    for (const RowId row_id : from.closed.page->touched) {
        BoundRow& bound = shard.rows[row_id];
        assert(bound.id != none);
        bound.last_turn = from.closed.turn;
        bound.retiring = false;
        Row& row = rows[row_id];
        const std::uint64_t cell = row.cells[from.closed.index];
        row.cells[from.closed.index] = 0;
        read_cell(bound.id, row.kind, cell, *from.closed.page);
    }
}

void Merger::read_cell(SeriesId id, Kind kind, std::uint64_t cell, Page& page) {
    const std::uint32_t slot = slot_of(id);
    const auto note = [this, id](bool& updated) {
        if (!updated) updated_.push_back(id);
        return std::exchange(updated, true);
    };
    switch (kind) {
        case Kind::counter: {
            protocol::CounterPoint& point = counters_[slot];
            note(point.updated);
            const auto sum = std::bit_cast<double>(cell);
            point.delta = protocol::saturating_add(point.delta, sum);
            point.total = protocol::saturating_add(point.total, sum);
            return;
        }
        case Kind::gauge: {
            GaugeMerge& merge = gauge_merges_[slot];
            if (!note(gauges_[slot].updated)) merge = {};
            const GaugeCell& seen = page.gauges[cell - 1];
            // A shard that set the gauge knows which of its own moves came after, and where
            // another shard set it later, they are void with the value. Moves of a shard
            // that did not set it count after the last set, whichever came first: the order
            // of moves is not kept across shards, and one client stays on one shard.
            if (!seen.is_set) {
                merge.moved = protocol::saturating_add(merge.moved, seen.moved);
            } else if (!merge.last_set.is_set || seen.set_at_ns >= merge.last_set.set_at_ns) {
                merge.last_set = seen;
            }
            return;
        }
        case Kind::timer:
        case Kind::histogram:
        case Kind::distribution:
            note(timers_[slot].updated);
            pieces_.push_back({.page = &page, .cell = cell, .next = timer_pieces_[slot]});
            timer_pieces_[slot] = static_cast<std::uint32_t>(pieces_.size() - 1);
            return;
        case Kind::set:
            note(sets_[slot].updated);
            pieces_.push_back({.page = &page, .cell = cell, .next = set_pieces_[slot]});
            set_pieces_[slot] = static_cast<std::uint32_t>(pieces_.size() - 1);
            return;
    }
}

void Merger::release_retired(BoundShard& shard, const ShardPage& from) {
    for (const RowId row : from.closed.page->retired) {
        const SeriesId id = std::exchange(shard.rows[row], BoundRow{}).id;
        assert(id != none && live_rows_[id] > 0);
        if (--live_rows_[id] > 0) continue;
        drop_point(id);
        registry_.forget(id);
        ++expired_total_;
    }
}

void Merger::settle_gauges() {
    for (const SeriesId id : updated_) {
        if (registry_[id].kind != Kind::gauge) continue;
        protocol::GaugePoint& point = gauges_[slot_of(id)];
        const GaugeMerge& merge = gauge_merges_[slot_of(id)];
        const GaugeCell& set = merge.last_set;
        const double base =
            set.is_set ? protocol::saturating_add(set.value, set.moved) : point.value;
        point.value = protocol::saturating_add(base, merge.moved);
    }
}

void Merger::settle_timers() {
    for (const SeriesId id : updated_) {
        const Kind kind = registry_[id].kind;
        if (kind == Kind::counter || kind == Kind::gauge || kind == Kind::set) continue;
        const std::uint32_t slot = slot_of(id);
        protocol::TimerPoint& point = timers_[slot];
        point.values = view_of(timer_pieces_[slot]);
        point.total_count += point.values.count();
        point.total_sum = protocol::saturating_add(point.total_sum, point.values.sum());
        if (timer_totals_[slot] != nullptr) point.values.add_to(*timer_totals_[slot]);
    }
}

protocol::DistributionView Merger::view_of(std::uint32_t first_piece) {
    const Piece& first = pieces_[first_piece];
    const auto cell = std::bit_cast<TimerCell>(first.cell);
    if (first.next == none) {
        if (cell.form != TimerForm::distribution) return sorted(cell, *first.page);
        return protocol::DistributionView::sketched(first.page->distributions[cell.place]);
    }

    // Several shards saw the series. If all values together are few, they stay exact.
    std::size_t exact_values = 0;
    for (std::uint32_t at = first_piece; at != none; at = pieces_[at].next) {
        const auto piece = std::bit_cast<TimerCell>(pieces_[at].cell);
        exact_values += piece.form == TimerForm::distribution ? limits::exact_values_max + 1
                                                              : std::size_t{piece.size};
    }
    if (exact_values <= limits::exact_values_max) {
        // A block for all values and weights that both can be sorted in.
        sort_scratch_.clear();
        for (std::uint32_t at = first_piece; at != none; at = pieces_[at].next) {
            const TimerValues held =
                values_of(std::bit_cast<TimerCell>(pieces_[at].cell), *pieces_[at].page);
            for (std::size_t i = 0; i < held.values.size(); ++i) {
                sort_scratch_.emplace_back(held.values[i],
                                           held.weights.empty() ? 1.0 : held.weights[i]);
            }
        }
        std::ranges::sort(sort_scratch_);
        const std::size_t count = sort_scratch_.size();
        double* block = values_.at(values_.allocate(2 * count));
        for (std::size_t i = 0; i < count; ++i) {
            std::tie(block[i], block[count + i]) = sort_scratch_[i];
        }
        return protocol::DistributionView::exact({block, count}, {block + count, count});
    }

    protocol::Distribution& merged = merged_distributions_[merged_distributions_.take()];
    for (std::uint32_t at = first_piece; at != none; at = pieces_[at].next) {
        const auto piece = std::bit_cast<TimerCell>(pieces_[at].cell);
        Page& page = *pieces_[at].page;
        if (piece.form == TimerForm::distribution) {
            merged.merge(page.distributions[piece.place]);
        } else {
            sorted(piece, page).add_to(merged);
        }
    }
    return protocol::DistributionView::sketched(merged);
}

// Sorts the values of a cell where they are: the page is the flush's by now.
protocol::DistributionView Merger::sorted(TimerCell cell, Page& page) {
    const TimerValues held = values_of(cell, page);
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
        const std::uint32_t slot = slot_of(id);
        const auto count_in = [](const Piece& piece) -> const protocol::UniqueCount& {
            return piece.page->sets[static_cast<std::uint32_t>(piece.cell - 1)];
        };
        const Piece& first = pieces_[set_pieces_[slot]];
        const protocol::UniqueCount* members = &count_in(first);
        if (first.next != none) {
            protocol::UniqueCount& merged = merged_sets_[merged_sets_.take()];
            for (std::uint32_t at = set_pieces_[slot]; at != none; at = pieces_[at].next) {
                merged.merge(count_in(pieces_[at]));
            }
            members = &merged;
        }
        sets_[slot].unique = members->estimate();
        sets_[slot].is_exact = members->is_exact();
    }
}

void Merger::collect_timed(Page& page) {
    for (const TimedSample& sample : page.timed) {
        std::vector<protocol::Tag>& tags = timed_tags_.emplace_back();
        split_canonical_tags(sample.tags, tags);
        timed_.push_back({.name = sample.name,
                          .tags = tags,
                          .kind = sample.kind,
                          .timestamp_s = sample.timestamp_s,
                          .value = sample.value});
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
        if (expiry == 0 || from.closed.turn - bound.last_turn < expiry) continue;
        bound.retiring = true;
        shard.retirements.rows.push_back(static_cast<RowId>(shard.sweep_at));
    }
}

Retirements Merger::take_retirements(std::size_t shard) {
    return std::exchange(shards_[shard].retirements, {});
}

}  // namespace pitot::agent
