// Reads the answer to a bulk request: what became of each document?
//
//   {"took":3,"errors":true,"items":[{"create":{"status":201}},
//     {"create":{"status":400,"error":{"type":"mapper_parsing_exception","reason":"…"}}}]}
//
// The status of the whole is 200 whatever became of the documents. Items are told apart by
// their order. The answer is read in one pass without building a tree of it, and reading
// ends at `"errors":false`: then every document is stored.
//
// Verified with OpenSearch 2.19.1 and Elasticsearch 7.10.2; Elasticsearch 8 names some
// errors differently, which is why statuses decide and names only where they must.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sinks/http/redaction.h"
#include "sinks/outcome.h"

namespace pitot::sinks::elasticsearch {

// What is asked for, so that answers stay short: some 30 bytes for a document that is stored,
// a few hundred for one that is not.
inline constexpr std::string_view bulk_answer_filter =
    "filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason";

// The longest answer that is read; 5,000 refusals of 3 KiB each. A longer one means that fewer
// documents must be asked about at a time.
inline constexpr std::size_t bulk_answer_bytes_max = 16 * std::size_t{1024} * 1024;

enum class Fate : std::uint8_t {
    stored,
    stored_before,  // 409: an attempt before this one did, and its answer was lost
    again,          // 429, 5xx: the server is busy
    later,          // the index is read-only, as on a full disk: not soon
    refused,        // 400: this document, for good
    held,           // the operator must act: no index, no right, no room for shards
};

struct BulkAnswer {
    std::vector<Fate> fates;  // empty with all_stored
    bool all_stored = false;
    // The first error of each kind, "429 es_rejected_execution_exception: …", fit for a log.
    std::string again = {};
    std::string refused = {};
    std::string held = {};
};

// Nothing when it is no answer to a bulk request, or only the beginning of one. What it says is
// shown through `redaction`.
std::optional<BulkAnswer> read_bulk_answer(std::string_view body,
                                           const http::Redaction* redaction = nullptr);

// What that means for a batch of so many items (outcome.h).
Outcome outcome_of(const BulkAnswer& answer, std::size_t items);

// "type: reason" of an answer to another request that failed; its beginning where it is
// something else. Fit for a log.
std::string error_text(std::string_view body, const http::Redaction* redaction = nullptr);

}  // namespace pitot::sinks::elasticsearch
