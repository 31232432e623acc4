// What is legal and unwise: the warnings of `pitot check`, and of `pitot run` at its start.
//
// Called by the readers of the tables concerned, once a table has been read. Only what the
// operator wrote is warned about: a default that this machine cannot grant is reported by
// `pitot run`, with what it granted. Each warning says what will happen and what to do.
#pragma once

#include <span>
#include <vector>

#include "agent/config/config.h"
#include "agent/config/environment.h"
#include "agent/config/options.h"

namespace pitot::agent {

// A receive buffer that the system will not grant; an address that others can reach.
void advise_on_listener(SectionReader& section, const ListenerConfig& listener,
                        const Environment& environment);

// More connections than files that may be open.
void advise_on_connections(SectionReader& root, std::span<const ListenerConfig> listeners,
                           const Environment& environment);

// A resolution too low for a percentile to mean much, or that so few buckets cannot hold.
void advise_on_histogram(SectionReader& section, const protocol::HistogramShape& shape);

// Percentiles so high that they are the maximum. `quantiles` in (0, 1].
void advise_on_percentiles(SectionReader& root, std::span<const double> quantiles);

}  // namespace pitot::agent
