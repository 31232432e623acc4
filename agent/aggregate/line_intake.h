// From whole lines to the table: what a shard does with what its sockets read.
//
// Cuts datagrams into lines, reads each with the grammar of its listener, records it, and
// keeps the account: lines = accepted + Σ rejected(reason). A refused line costs its
// neighbours nothing; one of each reason and interval is kept for the operator, with its
// sender.
//
// Two ways through here give the same result. Lines wait for others, until there are enough of
// them to be looked up together. The usual line (quick_line.h) of a known spelling is recorded
// by what QuickReader saw in it; whatever is not usual, or of a spelling not met before, goes
// the plain way, by Parser and SeriesTable::record(), one line after the other. Lines are
// recorded in the order in which they came in. tests/agent/aggregate/line_intake_test.cpp
// compares the two.
//
// Has no thread, no socket and no clock of its own: Shard (agent/shard.h) gives it those,
// and `pitot once` and the tests run it as it is.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "agent/aggregate/series_table.h"
#include "agent/net/peer.h"
#include "protocol/parser.h"
#include "protocol/quick_line.h"

namespace pitot::agent {

class LineIntake {
public:
    enum class Way : std::uint8_t { quick, plain };  // plain: as if no line were usual
    // `readings`: how each listener reads its lines, by the listener's number. `reader`: which
    // vectors find the lines; the results are the same.
    LineIntake(const TableSettings& settings, std::span<const protocol::Reading> readings,
               Way way = Way::quick, protocol::QuickReader reader = {});

    // Whole lines with LF between them. `now_ns`: steady clock, of the receive batch. Lines
    // may be kept until settle(): they and what `sender` points to must live until then.
    void take(std::uint16_t listener, std::string_view lines, const Peer& sender,
              std::int64_t now_ns);

    // Records what take() has kept.
    void settle();

    // A line that nobody could read whole.
    void refuse(protocol::Reject reason, std::string_view beginning, const Peer& sender);

    // Between two batches, when nothing waits.
    SeriesTable& table() noexcept {
        assert(waiting_.count == 0 && "settle() was not called");
        return table_;
    }

private:
    struct Listener {
        std::uint16_t parser = 0;  // of parsers_
        Accent accent;

        bool operator==(const Listener&) const = default;
    };

    Accent accent_of(std::size_t listener, protocol::TagDialect dialect) const;
    // Lines that wait to be looked up together: in the order they came in, all of one listener
    // and one receive batch.
    struct Waiting {
        static constexpr std::size_t lines_max = SeriesTable::keys_per_find_max;

        Listener listener;
        std::int64_t now_ns = 0;
        std::size_t count = 0;
        std::array<protocol::QuickLine, lines_max> lines;
        // Who sent them: each sender a run of lines, which ends before the line `end`.
        struct Run {
            Peer sender;
            std::size_t end = 0;
        };
        std::size_t run_count = 0;
        std::array<Run, lines_max> runs;

        const Peer& sender_of(std::size_t line) const;
    };

    // By Parser: a line that is not usual, or of a spelling that the table does not know.
    void take_slowly(const Listener& listener, std::string_view line, const Peer& sender,
                     std::int64_t now_ns);
    protocol::Reject read(const Listener& listener, std::string_view line, std::int64_t now_ns);
    void keep_sample(protocol::Reject reason, std::string_view line, const Peer& sender);

    SeriesTable table_;
    std::vector<protocol::Parser> parsers_;  // one for each different reading
    std::vector<Listener> listeners_;
    const Way way_;
    const protocol::QuickReader reader_;

    Waiting waiting_;
};

}  // namespace pitot::agent
