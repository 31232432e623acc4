// The console sink: each interval on standard output, as a JSON line or as text.
//
//   [sinks.out]
//   type = "console"
//   format = "json"     # "json" | "text"
//
// The smallest sink, and the one to copy: an encoder, a transport, and make(), which reads
// the settings and puts a deliverer between the two.
#pragma once

#include <memory>

#include "sinks/context.h"
#include "sinks/options.h"
#include "sinks/sink.h"

namespace pitot::sinks::console {

enum class Format : std::uint8_t { json, text };

std::unique_ptr<Encoder> make_encoder(Format format, std::vector<double> quantiles);

// Writes batches to `descriptor`, which stays the caller's. `context` outlives it.
std::unique_ptr<Transport> make_transport(int descriptor, const Context& context);

std::unique_ptr<Sink> make(Options& options, const Context& context);

// make() on another descriptor than standard output: for tests.
std::unique_ptr<Sink> make_on(int descriptor, Options& options, const Context& context);

}  // namespace pitot::sinks::console
