// Snapshot → documents for `POST /_bulk`: newline-delimited JSON, an action line and a
// source line for each.
//
//   {"create":{"_index":"metrics-2026.08.01","_id":"hJ3…"}}
//   {"@timestamp":"2026-08-01T00:00:10.000Z","host":{"name":"web-1"},
//    "metric":{"name":"page.views","type":"counter"},"labels":{"env":"prod"},
//    "delta":3,"rate":0.3,"total":7}                             (one line)
//
// One document for each series with news in the interval, its time the end of the interval:
//
//   counter                          delta, rate (a second), total (since birth)
//   gauge                            value
//   set                              unique
//   timer, histogram, distribution   count, sum, min, max, mean, stddev, p50, p99_9, …
//                                    in the unit that was sent
//
// and one for each sample with a time of its own (delta or value), event (event.title, .text,
// .priority, .alert_type, .aggregation_key, .source_type) and service check (check.status,
// check.code, check.message). The metric's name is a value, not a field: names never meet the
// limits and conflicts that fields have. Fields are few and always the same, so that
// one mapping (index_template.h) knows them all; labels.h says what becomes of tags.
//
// A pure function but for what it remembers of series: name, type and labels are encoded
// once, at birth; a flush writes digits, time and id. Flush thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sinks/elasticsearch/document_batches.h"
#include "sinks/elasticsearch/target_index.h"
#include "sinks/sink.h"

namespace pitot::sinks::elasticsearch {

// Clients recommend 1,000 to 5,000 documents a request.
inline constexpr std::size_t batch_documents_max = 5'000;

// A sample, event or service check with a time of its own goes to the index of its own day
// if that is near: a sender with a broken clock would else make the server open an index for
// every day of history. What lies further away goes to the index of the flush, with its time.
inline constexpr std::int64_t own_index_past_s_max = 7 * 86'400;
inline constexpr std::int64_t own_index_future_s_max = 86'400;

struct EncoderSettings {
    std::string sink;  // its name: two sinks never share an id
    TargetIndex target;
    std::string host;               // host.name
    std::uint64_t run = 0;          // Context::run
    std::vector<double> quantiles;  // in (0, 1], ascending
    BatchLimits limits = {.bytes = 5 * 1024 * 1024, .documents = batch_documents_max};
};

// `report` takes sentences for the log, at most one per snapshot.
std::unique_ptr<Encoder> make_encoder(EncoderSettings settings,
                                      std::function<void(const std::string&)> report);

// The name of the metric (or the title of the event) in an item that make_encoder()'s encoder
// made, as it stands in the JSON; for messages.
std::string_view subject_of(std::string_view item);

}  // namespace pitot::sinks::elasticsearch
