// The form of a line of the log: for people, for programs, for the journal.
//
//     text     2026-11-22T10:00:00.123+01:00 warn  sinks.push: connection refused
//     logfmt   time=2026-11-22T09:00:00.123Z level=warn part=sinks.push message="connection …"
//     json     {"time":"2026-11-22T09:00:00.123Z","level":"warn","part":"sinks.push","message":…}
//     journal  <4>sinks.push: connection refused
//
// Whatever bytes a message has, its line is one line of UTF-8 that shows what it says, and
// that a strict reader of the form reads back: a client chooses names, tags and whole lines
// that end up in messages. What no screen should obey (printable.h) is spelled out, before
// the form's own quoting, so that it stays harmless for those who see it unquoted.
//
// Pure functions; Log (log.h) decides what is told, and when.
//
// Sources: RFC 8259 (JSON), RFC 3339 (time), sd-daemon(3) (the prefixes of the journal),
// the grammar in the documentation of Go's kr/logfmt (a value is bare, or quoted with '\'
// before '"' and '\').
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "agent/config/environment.h"
#include "agent/log/log_config.h"
#include "agent/log/record.h"

namespace pitot::agent {

// A longer message is cut, and marked with "…". Ours have a few hundred characters at most;
// spelled out, this many stay below the 48 KiB at which journald cuts lines (LineMax=).
inline constexpr std::size_t message_characters_max = 4096;

struct Layout {
    LogFormat format = LogFormat::logfmt;  // never automatic
    bool is_colourful = false;             // text only
};

// Where lines go to `descriptor`, such as standard error. Left to us ("auto"), it is text on
// a terminal, the journal's form where systemd says that the descriptor leads to the journal
// (JOURNAL_STREAM, systemd.exec(5)), and logfmt elsewhere. Colours are for terminals, and
// not if NO_COLOR says something (no-color.org) or TERM says "dumb".
Layout layout_for(LogFormat wanted, int descriptor, const Environment& environment);

// Appends the line, with its line feed.
void append_line(const Layout& layout, const Record& record, std::string& out);

}  // namespace pitot::agent
