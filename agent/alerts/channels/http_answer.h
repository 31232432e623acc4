// What an HTTP answer means for a message.
//
//   2xx                     delivered
//   408, 425, 5xx           retry, with Retry-After
//   429, 503                throttled, with Retry-After
//   3xx and all other 4xx   refused: the same message would be refused again
//   no answer               retry
//
// Where the sinks hold everything until an operator mends it (sinks/http/classify.h), a
// message is dropped: what should wake somebody is worth nothing a day later, and the log and
// the status show the refusal.
#pragma once

#include <cstdint>

#include "agent/alerts/channels/outbox.h"
#include "sinks/http/redaction.h"
#include "sinks/http/response.h"

namespace pitot::agent::alerts::channels {

// `hidden` takes out what the client's own redaction does not know: a secret URL.
Answer answer_of(const sinks::http::Result& result, std::int64_t now_unix_ns,
                 const sinks::http::Redaction& hidden);

}  // namespace pitot::agent::alerts::channels
