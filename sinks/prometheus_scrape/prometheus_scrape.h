// The Prometheus scrape sink: the state of all series at /metrics, for whoever asks.
//
//   [sinks.metrics]
//   type = "prometheus"
//
// Each flush is encoded once, into one page that never changes (page.h); a scrape has its text
// made, in the format the scraper asks for (format.h), and served: by the agent's own server
// (Sink::routes), or, with an `address`, by one of the sink's own with a thread of its own
// (http/server.h).
// A point counts as delivered when it is on the page: whether anybody scrapes, and how often
// between two flushes, is not ours to know.
//
// It has no queue and no retries: the next page takes the place of the last one. open() binds
// an address of its own; before the first flush the page is empty and valid.
#pragma once

#include <memory>

#include "sinks/context.h"
#include "sinks/options.h"
#include "sinks/sink.h"

namespace pitot::sinks::prometheus_scrape {

std::unique_ptr<Sink> make(Options& options, const Context& context);

}  // namespace pitot::sinks::prometheus_scrape
