// What an HTTP answer means for a batch, where the destination has no rules of its own.
//
//   2xx            delivered
//   408            retry
//   413            split
//   429, 503       throttle, with Retry-After
//   other 5xx      retry, with Retry-After
//   401, 403       hold: credentials
//   3xx, 404, 405  hold: the URL
//   400, 422       rejected; hold where it is a web page (a proxy's), or about TLS
//   other          hold: the answer is shown
//   no answer      retry; hold where it is about TLS, which an operator must mend
//
// A transport calls this first and then looks into the answers it knows better.
#pragma once

#include <cstdint>

#include "sinks/http/response.h"
#include "sinks/outcome.h"

namespace pitot::sinks::http {

Outcome classify(const Result& result, std::int64_t now_unix_ns);

}  // namespace pitot::sinks::http
