// `pitot explain`: how a line is read, or why it is refused.
//
//     pitot explain 'page.load:320|ms|@0.1|#region:eu'     for people
//     pitot explain --format json --stdin                  for programs
//
// To programs it tells the line as it is written; people see what is made of it, which leaves
// out tags that tell where it is from (agent/aggregate/origin_tags.h).
//
// main() calls explain(); it runs the very parser a listener runs, with the reading given
// on the command line. To people it also shows what the line becomes in the sinks
// (becomes.h). It never touches the network.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>

#include "agent/cli/arguments.h"
#include "protocol/parser.h"

namespace pitot::agent {

// Writes to `out` what is made of every line, and returns the exit code: 0; 1 if a line
// was refused (for people only: to a program a refusal is an answer) or `out` broke; 64,
// with a word on `err`, if there is nothing to explain; 78 if the configuration whose
// sinks are to be shown has problems.
int explain(const ExplainArguments& arguments, std::istream& in, std::ostream& out,
            std::ostream& err);

// Answers one request of `--format json --stdin`, {"id": …, "input": "…"} or
// {"id": …, "hex": "…"}, with one line of JSON, without its line feed:
//
//     {"id": …, "lines": [{"accepted": true, "kind": …}, {"accepted": false, "reason": …}]}
//
// A line with several samples has several entries; what is absent on the wire is absent
// here, but for "sample_rate" (1), "tags" ([]), and an event's "text", "priority" and
// "alert_type". A request that is none is answered {"id": …, "error": "what it must be"}.
std::string answer_explain_request(std::string_view request, protocol::Parser& parser);

// The same answer for a datagram; its "id" is left out.
std::string explain_datagram_as_json(std::string_view datagram, protocol::Parser& parser);

}  // namespace pitot::agent
