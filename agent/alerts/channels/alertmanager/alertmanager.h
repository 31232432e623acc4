// Alertmanager, by its API version 2: the state of all alerts, kept up to date at every
// instance.
//
//   urls          required; of all instances, which talk to each other and so tell once
//   resend        "1m"    what fires is sent again, so that it does not end by itself
//   min_severity  "info"
//   external_url  ""      of the agent's pages, as generatorURL; else what is known of them
//
// and those of HTTP (sinks/http/options.h), the same for all instances.
//
// Alertmanager wants state, not messages: each instance is sent what changed at once, and all
// of it every `resend`. What fires has an end at now + 4 × max(resend, interval), what is over
// is sent for another 15 minutes. Each instance has its own list of what it lacks, back-off
// and status, so that one that hangs delays no other; of an alert that changes meanwhile it is
// sent the newest state only. It knows an alert by its labels: when a level or an edited rule
// changes them, what they were is ended in the same request. Grouping, silences and repeats are
// Alertmanager's work.
#pragma once

#include "agent/alerts/channels/registry.h"

namespace pitot::agent::alerts::channels::alertmanager {

MakeChannel read(sinks::Options& options);

}  // namespace pitot::agent::alerts::channels::alertmanager
