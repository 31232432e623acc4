// The options of a server: where it listens, and the token that it wants to see.
//
//   address = "127.0.0.1:9125"
//   token = { file = "/etc/pitot/token" }
//
// Read in the same way for the agent's server ([http]) and for one of a sink's own. An address
// that other machines can reach must have a token: what the process counts, and who sends it,
// is not for everybody who can open a connection.
#pragma once

#include <optional>
#include <string_view>

#include "sinks/http/listen_address.h"
#include "sinks/options.h"

namespace pitot::sinks::http {

struct ListenOptions {
    std::optional<ListenAddress> address;  // none: no server, or a problem
    bool is_empty = false;                 // `address` is "": what that means is the caller's
    Secret token;
};

// `fallback` stands in for an absent address, if there is one. `token_key` is what the option
// is called: "token". Problems are with `options`.
ListenOptions read_listen_options(Options& options, std::optional<std::string_view> fallback,
                                  std::string_view token_key);

}  // namespace pitot::sinks::http
