// One shard's series and their values: where a line becomes part of a number.
//
// The way of a line
// -----------------
// The bytes of its name and tags find the row (KeyTable). A line of a series that was
// seen before in this spelling costs that look-up and an addition; its tags are not even
// split. Only when the bytes are new are the tags split, sorted and joined to the
// canonical key: if that is known, the new bytes become one more spelling of its row; if
// not, a series is born.
//
// Pages
// -----
// Identity is permanent, values have two pages (page.h). turn() closes the open one: it
// exchanges two indices, however many series there are, and frees the numbers of the rows
// that were forgotten meanwhile.
//
// Limits keep totals
// ------------------
// When the table is full, or a metric has its share, a new tag set counts in the overflow
// series of its name, tagged `pitot_overflow:true`. Known series are not affected. When the
// memory for the values of an interval is full (page.h), a value that would take more of it
// counts there, too, until the end of the interval.
//
// Threads: a table belongs to its shard's thread. The flush thread has a closed Page and,
// through rows(), the cells of the rows listed in it, which it reads and empties; nothing else.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "agent/aggregate/additions.h"
#include "agent/aggregate/canonical.h"
#include "agent/aggregate/key_table.h"
#include "agent/aggregate/origin_tags.h"
#include "agent/aggregate/page.h"
#include "agent/aggregate/row_store.h"
#include "protocol/histogram.h"
#include "protocol/parser.h"
#include "protocol/quick_line.h"

namespace pitot::agent {

inline constexpr std::string_view overflow_tags = "pitot_overflow:true";
inline constexpr std::string_view overflow_name = "pitot.overflow";

struct TableSettings {
    std::uint32_t series_max = 1'000'000;
    std::uint32_t series_per_metric_max = 100'000;
    std::uint64_t bytes_max = 512ULL << 20U;
    std::uint64_t value_bytes_max = 512ULL << 20U;  // of one interval
    protocol::HistogramShape histogram;
    std::uint64_t key_seed = 0;     // of this table
    std::uint64_t member_seed = 0;  // of sets; the same for all shards
    // Of each listener, by its number; those beyond add nothing.
    std::vector<Additions> additions = {};
    // Names that no client may use, with whatever tags: sorted.
    std::vector<std::string> reserved_names = {};
};

class SeriesTable {
public:
    explicit SeriesTable(const TableSettings& settings);

    // Records all samples of a line that `parser` has just read. Refuses what only shows
    // when the tags are split. `now_ns`: steady clock, of the receive batch.
    // `accent` is that of the listener: of its dialect of tags, and what it adds.
    [[nodiscard]] protocol::Reject record(const protocol::MetricLine& line,
                                          protocol::Parser& parser, const Accent& accent,
                                          std::int64_t now_ns);
    // Looks up the rows of several lines at once, so that their cache misses overlap; no_row where
    // the spelling is not known (the other record() admits it).
    static constexpr RowId no_row = UINT32_MAX;
    void find(std::span<const protocol::QuickLine> lines, Spelling spelling,
              std::span<RowId> rows) noexcept;
    // Records the samples of lines whose rows find() knew, up to the first one that has none:
    // returns how many those were.
    std::size_t record(std::span<const protocol::QuickLine> lines, std::span<const RowId> rows,
                       protocol::TimerRate timer_rate, std::int64_t now_ns);
    void record(const protocol::Event& event, const Accent& accent);
    void record(const protocol::ServiceCheck& check, const Accent& accent);

    const TableSettings& settings() const noexcept { return settings_; }

    // The page being filled, for the shard's own counts.
    Page& open_page() noexcept { return pages_[open_]; }

    // Closes the open page and opens the other one, which must have been reset.
    struct Closed {
        Page* page = nullptr;
        PageIndex index = 0;
        std::uint32_t turn = 0;  // what touched_turn of its rows says
    };
    Closed turn();

    // Asks to forget rows that had no sample after the page of `turn`. It is done bit by bit, by
    // retire_some(); rows that meanwhile had one are left alone. Those forgotten are listed
    // in Page::retired, and their numbers are used again one page later. The bytes of their keys
    // stay until the flush has read that page (Birth): there is something to do again when the
    // page is opened the next time.
    void request_retirement(std::span<const RowId> rows, std::uint32_t turn);
    // Looks at no more than `rows_max` rows. False when none is left.
    bool retire_some(std::size_t rows_max);
    bool is_retiring() const noexcept { return !retirements_.empty() || !unread_keys_.empty(); }

    // Some of what growing has left to do. A look where there is none.
    void move_on() noexcept { keys_.move_on(); }

    RowStore& rows() noexcept { return rows_; }

    std::size_t series() const noexcept { return rows_.in_use(); }
    // Names, tags and rows.
    std::size_t bytes() const noexcept {
        return keys_.bytes() + rows_.bytes() + metric_names_bytes_;
    }

    // Of keys looked up at once.
    static constexpr std::size_t keys_per_find_max = KeyTable::keys_per_find_max;

private:
    struct TransparentHash : std::hash<std::string_view> {
        using is_transparent = void;
    };

    std::expected<RowId, protocol::Reject> find_or_admit(const protocol::MetricLine& line,
                                                         const protocol::Part& part,
                                                         protocol::Parser& parser,
                                                         const Accent& accent);
    std::expected<RowId, protocol::Reject> admit(const protocol::MetricLine& line,
                                                 const SeriesKey& spelled, std::uint32_t hash,
                                                 std::size_t samples, protocol::Parser& parser,
                                                 const Accent& accent);
    // The series of a line, with what its listener adds; refuses one of a reserved name.
    protocol::Reject identify(const protocol::MetricLine& line, protocol::Parser& parser,
                              const Accent& accent, protocol::Identity& identity);
    bool has_bytes_for(const SeriesKey& key) const;
    bool may_be_born(const SeriesKey& canonical);
    RowId give_birth(const SeriesKey& canonical, std::uint32_t hash);
    RowId overflow_row(std::string_view name, protocol::Kind kind, Limited reason,
                       std::size_t samples);
    void remember_spelling(RowId row, const SeriesKey& key, std::uint32_t hash);
    SeriesKey canonical_key(RowId row);
    void add_spelling(RowId row, const SeriesKey& key, std::uint32_t hash);
    void forget(RowId row);

    protocol::Reject record_timed(const protocol::MetricLine& line, protocol::Parser& parser,
                                  const Accent& accent);
    void record(RowId row, const protocol::Part& part, std::int64_t now_ns);
    void touch(RowId row_id, Row& row);
    void add_to_counter(Row& row, double value, double sample_rate) noexcept;
    [[nodiscard]] bool add_to_timer(Row& row, const protocol::QuickLine& line);
    void count_aggregated(std::size_t samples) noexcept {
        IntakeCounts& counts = open_page().counts;
        counts.samples += samples;
        counts.aggregated += samples;
    }
    // False, with nothing recorded, when there is no memory for the value.
    [[nodiscard]] bool record_part(RowId row, const protocol::Part& part, std::int64_t now_ns);
    void record_in_overflow(RowId row, const protocol::Part& part, std::int64_t now_ns);
    [[nodiscard]] bool add_to_cell(Row& row, const protocol::Part& part, std::int64_t now_ns);
    void add_to_gauge(Row& row, double value, bool is_delta, std::int64_t now_ns);
    [[nodiscard]] bool add_timer(Row& row, const protocol::Part& part);
    [[nodiscard]] bool add_once(Row& row, const protocol::Part& part);
    [[nodiscard]] bool add_member(Row& row, std::string_view member);
    bool has_room_for_event();
    std::string_view keep(std::string_view text);
    std::span<const protocol::Tag> keep(std::span<const protocol::Tag> tags);
    // Keeps tags and hostname of an event or a check, with what its listener adds.
    template <class Told>
    void keep_origin(Told& told, const Accent& accent);

    const TableSettings settings_;
    KeyTable keys_;
    RowStore rows_;
    // Series with tags, by metric name.
    boost::unordered_flat_map<std::string, std::uint32_t, TransparentHash, std::equal_to<>>
        tagged_series_;
    std::size_t metric_names_bytes_ = 0;  // of tagged_series_
    std::size_t overflow_series_ = 0;
    std::size_t alias_bytes_ = 0;
    OriginTags origin_;
    Canonicalizer canonicalizer_;
    Adder adder_;
    std::vector<protocol::Tag> kept_tags_;  // scratch of keep()

    std::array<Page, 2> pages_;
    PageIndex open_ = 0;
    std::uint32_t turn_ = 1;

    struct Retirement {
        RowId row;
        std::uint32_t turn;
    };
    std::vector<Retirement> retirements_;  // asked for, from the back
    std::vector<RowId> retired_;           // done in the open page: free after the turn
    // Of forgotten rows: by the page that was open, and those whose page the flush has read.
    std::array<std::vector<KeyTable::Handle>, 2> forgotten_keys_;
    std::vector<KeyTable::Handle> unread_keys_;
};

}  // namespace pitot::agent
