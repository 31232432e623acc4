// From whole lines to the table: what a shard does with what its sockets read.
//
// Cuts datagrams into lines, reads each with the grammar of its listener, records it, and
// keeps the account: lines = accepted + Σ rejected(reason). A refused line costs its
// neighbours nothing; one of each reason and interval is kept for the operator, with its
// sender.
//
// Has no thread, no socket and no clock of its own: Shard (agent/shard.h) gives it those,
// and `pitot once` and the tests run it as it is.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "agent/aggregate/series_table.h"
#include "agent/net/peer.h"
#include "protocol/parser.h"

namespace pitot::agent {

class LineIntake {
public:
    // `readings`: how each listener reads its lines, by the listener's number.
    LineIntake(const TableSettings& settings, std::span<const protocol::Reading> readings);

    // Whole lines with LF between them. `now_ns`: steady clock, of the receive batch.
    void take(std::uint16_t listener, std::string_view lines, const Peer& sender,
              std::int64_t now_ns);

    // A line that nobody could read whole.
    void refuse(protocol::Reject reason, std::string_view beginning, const Peer& sender);

    SeriesTable& table() noexcept { return table_; }

private:
    struct Listener {
        std::uint16_t parser = 0;  // of parsers_
        Accent accent;
    };

    Accent accent_of(std::size_t listener, protocol::TagDialect dialect) const;
    protocol::Reject read(const Listener& listener, std::string_view line, std::int64_t now_ns);
    void keep_sample(protocol::Reject reason, std::string_view line, const Peer& sender);

    SeriesTable table_;
    std::vector<protocol::Parser> parsers_;  // one for each different reading
    std::vector<Listener> listeners_;
};

}  // namespace pitot::agent
