#include "agent/aggregate/series_table.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "agent/aggregate/timer_cell.h"
#include "agent/limits.h"
#include "protocol/compensated_sum.h"

namespace pitot::agent {
namespace {

using protocol::Kind;
using protocol::MetricLine;
using protocol::Part;
using protocol::Reject;

// What a name takes in the map of metrics.
std::size_t metric_bytes(std::string_view name) {
    return name.size() + sizeof(std::string) + sizeof(std::uint32_t);
}

std::size_t samples_in(const Part& part) {
    return part.kind == Kind::set ? 1 : part.values.size();
}

}  // namespace

// These are inline: each line comes to one of them.
inline void SeriesTable::touch(RowId row_id, Row& row) {
    if (row.touched_turn == turn_) return;
    row.touched_turn = turn_;
    open_page().touched.push_back(row_id);
}

inline void SeriesTable::add_to_counter(Row& row, double value, double sample_rate) noexcept {
    row.set_cell(open_, protocol::saturating_add(row.cell<double>(open_), value / sample_rate));
}

inline void SeriesTable::add_to_gauge(Row& row, double value, bool is_delta, std::int64_t now_ns) {
    Page& page = open_page();
    auto place = row.cell<std::uint64_t>(open_);
    if (place == 0) {
        page.gauges.emplace_back();
        place = page.gauges.size();
        row.set_cell(open_, place);
    }
    GaugeCell& gauge = page.gauges[place - 1];
    if (is_delta) {
        gauge.moved = protocol::saturating_add(gauge.moved, value);
    } else {
        gauge = {.value = value, .moved = 0, .set_at_ns = now_ns};
    }
}

SeriesTable::SeriesTable(const TableSettings& settings)
    : settings_(settings),
      keys_(settings.key_seed),
      // Overflow series twice: those forgotten in an interval keep their rows until its end,
      // and as many new ones can come meanwhile.
      rows_(settings.series_max + 2 * (limits::overflow_series_max + protocol::kind_count)),
      pages_{Page(settings.histogram, settings.value_bytes_max),
             Page(settings.histogram, settings.value_bytes_max)} {}

Reject SeriesTable::record(const MetricLine& line, protocol::Parser& parser, const Accent& accent,
                           std::int64_t now_ns) {
    if (line.timestamp_s != 0) return record_timed(line, parser, accent);
    for (const Part& part : line.parts) {
        const std::expected<RowId, Reject> row = find_or_admit(line, part, parser, accent);
        // The identity is the same for all parts, so only the first can be refused here.
        if (!row) return row.error();
        record(*row, part, now_ns);
    }
    return Reject::none;
}

void SeriesTable::find(std::span<const protocol::QuickLine> lines, Spelling spelling,
                       std::span<RowId> rows) noexcept {
    static_assert(no_row == KeyTable::no_value);
    keys_.find(lines, spelling, rows);
    for (const RowId row : rows.first(lines.size())) {
        if (row != no_row) [[likely]]
            __builtin_prefetch(&rows_[row], 1);
    }
}

std::expected<RowId, Reject> SeriesTable::find_or_admit(const MetricLine& line, const Part& part,
                                                        protocol::Parser& parser,
                                                        const Accent& accent) {
    const SeriesKey spelled{
        .name = line.name, .tags = line.tags, .kind = part.kind, .spelling = accent.spelling};
    const std::uint32_t hash = keys_.hash(spelled);
    if (const KeyTable::Handle known = keys_.find(spelled, hash); known != 0) [[likely]] {
        return keys_.value(known);
    }
    return admit(line, spelled, hash, samples_in(part), parser, accent);
}

Reject SeriesTable::identify(const MetricLine& line, protocol::Parser& parser, const Accent& accent,
                             protocol::Identity& identity) {
    Reject refused = parser.identity(line, identity);
    if (refused != Reject::none) return refused;
    origin_.read(identity.tags);
    identity.tags = origin_.with_host();
    if (accent.additions != nullptr) {
        const ClientHost host = origin_.host() ? ClientHost::said : ClientHost::unsaid;
        refused = adder_.add(*accent.additions, host, identity);
    }
    if (refused != Reject::none) return refused;
    return std::ranges::binary_search(settings_.reserved_names, identity.name)
               ? Reject::reserved_name
               : Reject::none;
}

// A spelling not met before.
std::expected<RowId, Reject> SeriesTable::admit(const MetricLine& line, const SeriesKey& spelled,
                                                std::uint32_t hash, std::size_t samples,
                                                protocol::Parser& parser, const Accent& accent) {
    protocol::Identity identity;
    if (const Reject refused = identify(line, parser, accent, identity); refused != Reject::none) {
        return std::unexpected(refused);
    }
    ++open_page().counts.slow_readings;
    const SeriesKey canonical = canonicalizer_.key_of(identity, spelled.kind);
    const std::uint32_t canonical_hash = keys_.hash(canonical);

    RowId row = 0;
    if (const KeyTable::Handle known = keys_.find(canonical, canonical_hash); known != 0) {
        row = keys_.value(known);
    } else if (canonical.tags != overflow_tags && may_be_born(canonical)) {
        row = give_birth(canonical, canonical_hash);
    } else {
        // Not remembered as a spelling: there may be any number of them.
        return overflow_row(canonical.name, canonical.kind, Limited::overflow_series, samples);
    }
    if (canonical != spelled) remember_spelling(row, spelled, hash);
    return row;
}

void SeriesTable::remember_spelling(RowId row, const SeriesKey& key, std::uint32_t hash) {
    const std::size_t cost = KeyTable::cost_of(key);
    if (rows_[row].aliases >= limits::aliases_per_series_max ||
        alias_bytes_ + cost > settings_.bytes_max / limits::alias_share || !has_bytes_for(key)) {
        return;
    }
    add_spelling(row, key, hash);
    ++rows_[row].aliases;
    alias_bytes_ += cost;
}

SeriesKey SeriesTable::canonical_key(RowId row) {
    KeyTable::Handle spelling = rows_[row].spellings;
    while (keys_.next(spelling) != 0) spelling = keys_.next(spelling);
    return keys_.key(spelling);
}

// Whether a row with this key, or another spelling of one, fits what the table may hold: in
// room that forgotten ones left, or in more memory.
bool SeriesTable::has_bytes_for(const SeriesKey& key) const {
    const std::size_t live = keys_.live_bytes() + KeyTable::cost_of(key) + rows_.bytes();
    const std::size_t held = keys_.bytes_with(key) + rows_.bytes_with_another();
    const bool takes_memory = held > keys_.bytes() + rows_.bytes();
    return live + metric_names_bytes_ <= settings_.bytes_max &&
           (!takes_memory || held + metric_names_bytes_ <= settings_.bytes_max);
}

bool SeriesTable::may_be_born(const SeriesKey& canonical) {
    const bool table_has_room =
        rows_.in_use() - overflow_series_ < settings_.series_max && has_bytes_for(canonical);
    // A name has one series without tags, so only tagged ones need counting.
    if (canonical.tags.empty() || !table_has_room) return table_has_room;
    auto found = tagged_series_.find(canonical.name);
    if (found == tagged_series_.end()) {
        found = tagged_series_.try_emplace(std::string(canonical.name), 0).first;
        metric_names_bytes_ += metric_bytes(canonical.name);
    }
    if (found->second >= settings_.series_per_metric_max) return false;
    ++found->second;
    return true;
}

RowId SeriesTable::give_birth(const SeriesKey& canonical, std::uint32_t hash) {
    const RowId row = rows_.add();
    Row& born = rows_[row];
    born.kind = canonical.kind;
    born.in_use = true;
    add_spelling(row, canonical, hash);
    const SeriesKey kept = keys_.key(born.spellings);
    open_page().births.push_back({.text = kept.name.data(),
                                  .row = row,
                                  .name_bytes = static_cast<std::uint16_t>(kept.name.size()),
                                  .tags_bytes = static_cast<std::uint16_t>(kept.tags.size()),
                                  .kind = kept.kind});
    return row;
}

RowId SeriesTable::overflow_row(std::string_view name, Kind kind, Limited reason,
                                std::size_t samples) {
    Page& page = open_page();
    page.counts.limited[std::to_underlying(reason)] += samples;
    page.note_culprit(name);
    SeriesKey key{.name = name, .tags = overflow_tags, .kind = kind};
    std::uint32_t hash = keys_.hash(key);
    if (const KeyTable::Handle known = keys_.find(key, hash); known != 0) return keys_.value(known);

    if (overflow_series_ >= limits::overflow_series_max ||
        key.name.size() + key.tags.size() > protocol::identity_bytes_max) {
        key.name = overflow_name;
        hash = keys_.hash(key);
        const KeyTable::Handle known = keys_.find(key, hash);
        if (known != 0) return keys_.value(known);
    }
    ++overflow_series_;
    const RowId row = give_birth(key, hash);
    rows_[row].is_overflow = true;
    return row;
}

void SeriesTable::add_spelling(RowId row, const SeriesKey& key, std::uint32_t hash) {
    const KeyTable::Handle handle = keys_.insert(key, hash, row);
    keys_.set_next(handle, rows_[row].spellings);
    rows_[row].spellings = handle;
}

void SeriesTable::record(RowId row, const Part& part, std::int64_t now_ns) {
    if (!record_part(row, part, now_ns)) [[unlikely]]
        record_in_overflow(row, part, now_ns);
}

// False if the line is of another kind, or sampled, or there is no memory for its value.
inline bool SeriesTable::add_to_timer(Row& row, const protocol::QuickLine& line) {
    const bool is_timer =
        line.kind == Kind::timer || line.kind == Kind::histogram || line.kind == Kind::distribution;
    if (!is_timer || line.sample_rate != 1 || row.is_overflow) return false;
    auto cell = row.cell<TimerCell>(open_);
    if (!add_value(cell, open_page(), line.value, Memory::limited)) [[unlikely]]
        return false;
    row.set_cell(open_, cell);
    return true;
}

std::size_t SeriesTable::record(std::span<const protocol::QuickLine> lines,
                                std::span<const RowId> rows, protocol::TimerRate timer_rate,
                                std::int64_t now_ns) {
    std::size_t counted = 0;
    std::size_t at = 0;
    for (; at < lines.size() && rows[at] != no_row; ++at) {
        const protocol::QuickLine& line = lines[at];
        Row& row = rows_[rows[at]];
        if (line.kind == Kind::counter) {
            add_to_counter(row, line.value, line.sample_rate);
        } else if (line.kind == Kind::gauge) {
            add_to_gauge(row, line.value, line.gauge_is_delta, now_ns);
        } else if (!add_to_timer(row, line)) {
            record(rows[at],
                   Part{.kind = line.kind,
                        .gauge_is_delta = false,
                        .timer_rate = timer_rate,
                        .sample_rate = line.sample_rate,
                        .values = {&line.value, 1},
                        .member = {}},
                   now_ns);
            continue;
        }
        touch(rows[at], row);
        ++counted;
    }
    count_aggregated(counted);
    return at;
}

bool SeriesTable::record_part(RowId row_id, const Part& part, std::int64_t now_ns) {
    Row& row = rows_[row_id];
    if (!add_to_cell(row, part, now_ns)) [[unlikely]]
        return false;
    touch(row_id, row);
    count_aggregated(samples_in(part));
    return true;
}

void SeriesTable::record_in_overflow(RowId row, const Part& part, std::int64_t now_ns) {
    const SeriesKey key = canonical_key(row);
    const RowId overflow =
        overflow_row(key.name, key.kind, Limited::overflow_values, samples_in(part));
    const bool recorded = record_part(overflow, part, now_ns);
    assert(recorded);
    static_cast<void>(recorded);
}

bool SeriesTable::add_to_cell(Row& row, const Part& part, std::int64_t now_ns) {
    switch (part.kind) {
        case Kind::counter:
            for (const double value : part.values) add_to_counter(row, value, part.sample_rate);
            return true;
        case Kind::gauge:
            for (const double value : part.values) {
                add_to_gauge(row, value, part.gauge_is_delta, now_ns);
            }
            return true;
        case Kind::timer:
        case Kind::histogram:
        case Kind::distribution:
            return add_timer(row, part);
        case Kind::set:
            return add_member(row, part.member);
    }
    std::unreachable();
}

bool SeriesTable::add_timer(Row& row, const Part& part) {
    if (part.sample_rate != 1 && part.timer_rate == protocol::TimerRate::count) [[unlikely]] {
        return add_once(row, part);
    }
    auto cell = row.cell<TimerCell>(open_);
    const Memory memory = row.is_overflow ? Memory::granted : Memory::limited;
    if (!add_values(cell, open_page(), part.values, 1 / part.sample_rate, memory)) return false;
    row.set_cell(open_, cell);
    return true;
}

// Values of a timer whose rate is of the count alone. The number of the row is no parameter, as
// nearly no line needs it: the value of its key is that.
bool SeriesTable::add_once(Row& row, const Part& part) {
    Page& page = open_page();
    const RowId row_id = keys_.value(row.spellings);
    auto cell = row.cell<TimerCell>(open_);
    const Memory memory = row.is_overflow ? Memory::granted : Memory::limited;
    if (memory == Memory::limited && !page.unsent.has_room_for(row_id)) return false;
    if (!add_values(cell, page, part.values, 1, memory)) return false;
    row.set_cell(open_, cell);
    page.unsent.add(row_id, (1 / part.sample_rate - 1) * static_cast<double>(part.values.size()));
    return true;
}

bool SeriesTable::add_member(Row& row, std::string_view member) {
    Page& page = open_page();
    auto place = row.cell<std::uint64_t>(open_);
    const auto members = [&]() -> protocol::UniqueCount& {
        return page.sets[static_cast<std::uint32_t>(place - 1)];
    };
    if (page.value_memory.is_full() && !row.is_overflow && (place == 0 || members().may_grow())) {
        return false;
    }
    if (place == 0) {
        place = std::uint64_t{page.sets.take()} + 1;
        row.set_cell(open_, place);
    }
    members().add(hash_of_member(member, settings_.member_seed));
    return true;
}

Reject SeriesTable::record_timed(const MetricLine& line, protocol::Parser& parser,
                                 const Accent& accent) {
    protocol::Identity identity;
    if (const Reject refused = identify(line, parser, accent, identity); refused != Reject::none) {
        return refused;
    }
    Page& page = open_page();
    const std::span<const protocol::Tag> tags = canonicalizer_.tags_of(identity);
    for (const Part& part : line.parts) {
        page.counts.samples += part.values.size();
        if (page.passing_memory.is_full() ||
            page.timed.size() + part.values.size() > limits::timed_samples_per_interval_max) {
            page.counts.limited[std::to_underlying(Limited::timed_samples)] += part.values.size();
            continue;
        }
        page.counts.aggregated += part.values.size();
        protocol::TimedPoint kept;
        kept.kind = part.kind;
        kept.timestamp_s = line.timestamp_s;
        // Most clients send several samples of one series in a row; they share its text.
        if (!page.timed.empty() && page.timed.back().name == identity.name &&
            std::ranges::equal(page.timed.back().tags, tags)) {
            kept.name = page.timed.back().name;
            kept.tags = page.timed.back().tags;
        } else {
            kept.name = keep(identity.name);
            kept.tags = keep(tags);
        }
        const double divisor = part.kind == Kind::counter ? part.sample_rate : 1;
        for (const double value : part.values) {
            kept.value = value / divisor;
            page.timed.push_back(kept);
        }
    }
    return Reject::none;
}

bool SeriesTable::has_room_for_event() {
    Page& page = open_page();
    ++page.counts.samples;
    if (!page.passing_memory.is_full() &&
        page.events.size() + page.service_checks.size() < limits::events_per_interval_max) {
        ++page.counts.aggregated;
        return true;
    }
    ++page.counts.limited[std::to_underlying(Limited::events)];
    return false;
}

std::string_view SeriesTable::keep(std::string_view text) {
    return agent::keep(open_page().text, text);
}

std::span<const protocol::Tag> SeriesTable::keep(std::span<const protocol::Tag> tags) {
    kept_tags_.assign(tags.begin(), tags.end());
    for (protocol::Tag& tag : kept_tags_) {
        tag.key = keep(tag.key);
        tag.value = keep(tag.value);
    }
    return open_page().tags.keep(kept_tags_);
}

template <class Told>
void SeriesTable::keep_origin(Told& told, const Accent& accent) {
    const ClientHost host = origin_.settle(told);
    told.hostname = keep(told.hostname);
    told.tags =
        keep(accent.additions == nullptr ? told.tags
                                         : adder_.with_tags(*accent.additions, host, told.tags));
}

void SeriesTable::record(const protocol::Event& event, const Accent& accent) {
    if (!has_room_for_event()) return;
    Page& page = open_page();
    protocol::Event kept = event;
    for (std::string_view* text :
         {&kept.title, &kept.text, &kept.aggregation_key, &kept.source_type, &kept.container_id,
          &kept.external_data, &kept.cardinality}) {
        *text = keep(*text);
    }
    keep_origin(kept, accent);
    page.events.push_back(kept);
}

void SeriesTable::record(const protocol::ServiceCheck& check, const Accent& accent) {
    if (!has_room_for_event()) return;
    Page& page = open_page();
    protocol::ServiceCheck kept = check;
    for (std::string_view* text :
         {&kept.name, &kept.message, &kept.container_id, &kept.external_data, &kept.cardinality}) {
        *text = keep(*text);
    }
    keep_origin(kept, accent);
    page.service_checks.push_back(kept);
}

SeriesTable::Closed SeriesTable::turn() {
    Page& closed = open_page();
    closed.retired.swap(retired_);
    // From the next page on these numbers can name other series.
    for (const RowId row : closed.retired) rows_.release(row);
    const Closed result{.page = &closed, .index = open_, .turn = turn_};
    open_ = 1 - open_;
    ++turn_;
    assert(open_page().touched.empty());
    std::vector<KeyTable::Handle>& unread = forgotten_keys_[open_];
    unread_keys_.insert(unread_keys_.end(), unread.begin(), unread.end());
    unread.clear();
    return result;
}

void SeriesTable::request_retirement(std::span<const RowId> rows, std::uint32_t turn) {
    for (const RowId row : rows) retirements_.push_back({.row = row, .turn = turn});
}

bool SeriesTable::retire_some(std::size_t rows_max) {
    for (; rows_max > 0 && !unread_keys_.empty(); --rows_max) {
        keys_.release(unread_keys_.back());
        unread_keys_.pop_back();
    }
    for (; rows_max > 0 && !retirements_.empty(); --rows_max) {
        const Retirement asked = retirements_.back();
        retirements_.pop_back();
        // One that was asked for twice may be forgotten by now.
        const Row& row = rows_[asked.row];
        if (row.in_use && row.touched_turn <= asked.turn) forget(asked.row);
    }
    return is_retiring();
}

void SeriesTable::forget(RowId row) {
    KeyTable::Handle spelling = rows_[row].spellings;
    while (keys_.next(spelling) != 0) {
        const KeyTable::Handle next = keys_.next(spelling);
        alias_bytes_ -= KeyTable::cost_of(keys_.key(spelling));
        keys_.erase(spelling);
        spelling = next;
    }
    const SeriesKey canonical = keys_.key(spelling);
    if (rows_[row].is_overflow) {
        --overflow_series_;
    } else if (!canonical.tags.empty()) {
        const auto metric = tagged_series_.find(canonical.name);
        assert(metric != tagged_series_.end());
        if (--metric->second == 0) {
            tagged_series_.erase(metric);
            metric_names_bytes_ -= metric_bytes(canonical.name);
        }
    }
    keys_.unlink(spelling);
    forgotten_keys_[open_].push_back(spelling);
    rows_.clear(row);
    retired_.push_back(row);
}

}  // namespace pitot::agent
