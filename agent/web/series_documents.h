// The JSON of the pages about series: which there are, and which names. `pitot check --live`
// asks for both; so may whoever asks a Prometheus (its HTTP API, "Finding series by label
// matchers" and "Querying label values"), for that is the shape.
//
//   /api/v1/series?match[]=SELECTOR&limit=N
//   /api/v1/label/__name__/values?limit=N
//
// A selector is one of the rules' language: `checkout.time{env="prod"}`, with `*` in a quoted
// name. Without any, all series are meant. Beside its tags a series has `__name__` and
// `__type__`, the kind it was sent as. Of a tag that came several times the first value is
// shown.
//
// Made when somebody asks, from what the merge keeps anyway; bounded in number and in bytes.
// What is left out is said by a member `warnings`, as Prometheus does, and by `pitot`, which
// has the true numbers.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "agent/web/alerts_documents.h"
#include "agent/web/query.h"
#include "protocol/snapshot.h"

namespace pitot::agent {

// Of one answer. A client of ours takes no longer answer than 4 MiB (cli/http_get.h).
inline constexpr std::size_t listed_series_max = 20'000;
inline constexpr std::size_t listed_bytes_max = std::size_t{3} << 20U;
// Of one question: a walk over all series asks each of them for each selector.
inline constexpr std::size_t series_matches_max = 20;

// Calls for each series; Flusher::each_series().
using SeriesWalk = std::function<void(const std::function<void(const protocol::Series&)>&)>;

// 400, and a member `error`, where a selector or the limit is none.
AlertsAnswer series_document(const SeriesWalk& each, const Query& query);
// Sorted.
AlertsAnswer series_names_document(const SeriesWalk& each, const Query& query);

}  // namespace pitot::agent
