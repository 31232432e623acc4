// Messages as JSON by HTTP, each in a request of its own.
//
//   url            required; a secret: what stands behind the host may be a credential
//   method         "POST"    | "PUT"
//   format         "pitot"   | "alertmanager", its version 4
//   signature_key  ""        a secret; requests are then signed
//   external_url   ""        of the agent's pages, in the messages; else what is known of it
//
// and those of the Outbox (outbox.h) and of HTTP (sinks/http/options.h). README.md says what
// a receiver gets, and how it checks the signature.
#pragma once

#include "agent/alerts/channels/registry.h"

namespace pitot::agent::alerts::channels::webhook {

MakeChannel read(sinks::Options& options);

}  // namespace pitot::agent::alerts::channels::webhook
