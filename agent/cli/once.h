// `pitot once`: lines in, intervals out, on a virtual clock and without a socket.
//
//     printf 'hits:1|c\nload:320|ms\n' | pitot once
//
// Each line of the input is
//     {"datagram": "…"}        what a client would send; may hold several lines
//     {"datagram_hex": "…"}    the same, of any bytes
//     {"flush": true}          an interval ends, and time moves on by one
//     anything else            a datagram as it stands; nothing, if the line is empty
// At the end of the input what is left is flushed. Everything goes through the parser,
// table, merger and encoders of the running agent, so that what is printed is what would
// be sent.
#pragma once

#include <iosfwd>

#include "agent/cli/arguments.h"

namespace pitot::agent {

// Prints each interval as one JSON object a line, or, with a sink, the bytes it would
// send. Returns the exit code: 0; 1 when a line of the input was an object that says none
// of the above, or output broke; 78 when the configuration has problems.
int once(const OnceArguments& arguments, std::istream& in, std::ostream& out, std::ostream& err);

}  // namespace pitot::agent
