// PITOT_… variables of the environment: any option, without a file.
//
//     PITOT_INTERVAL=1s
//     PITOT_SINKS__PUSH__URL=http://127.0.0.1:9091
//
// The parts of a key have two underscores between them. Case does not count, and neither
// does the difference between '-' and '_': a part names what the file has under that name,
// so that PITOT_SINKS__EU_WEST__URL reaches [sinks.EU-west]; otherwise its lower case is the
// key. Values are read as those of --set are. They come before what files say, and behind
// --set.
//
// A variable that names no option is a problem like a key that names none, for a mistyped
// one would be overlooked for ever. Two kinds of variables are no options: PITOT_CONFIG,
// which names the file where the command line does not, and what Kubernetes and Docker set
// for a service that is called pitot (PITOT_SERVICE_HOST, PITOT_PORT_8125_UDP and so on).
#pragma once

#include <string_view>
#include <vector>

#include "agent/config/document.h"
#include "agent/config/options.h"

namespace pitot::agent {

inline constexpr std::string_view config_variable = "PITOT_CONFIG";

struct Variable {
    std::vector<std::string> path;  // "sinks", "push", "url"
    Node value;
};

// Those that are set, in the order of their names. Problems go where `context` has them.
std::vector<Variable> read_variables(ReadContext& context);

// Lays them on `document`, whose keys they may mean.
void apply(ReadContext& context, std::vector<Variable> variables, Table& document);

}  // namespace pitot::agent
