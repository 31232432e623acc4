// Hands batches of documents to Elasticsearch or OpenSearch: `POST /_bulk`, one at a time.
//
// Before the first one, and after a connection was lost, it looks after the index template
// (template_keeper.h). What became of each document is in the answer (bulk_answer.h). Ids are
// in the documents, so that a batch whose answer was lost is sent again without harm; where a
// data stream may have rolled over meanwhile, it is first asked what it has (stored_before.h).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "sinks/context.h"
#include "sinks/elasticsearch/index_template.h"
#include "sinks/http/options.h"
#include "sinks/sink.h"

namespace pitot::sinks::elasticsearch {

struct TransportSettings {
    std::string name;  // of the sink, for the log
    http::HttpOptions http;
    TargetIndex target;
    std::optional<TemplateSettings> index_template;  // none: it is the operator's
};

// `context` outlives it.
std::unique_ptr<Transport> make_transport(TransportSettings settings, const Context& context);

}  // namespace pitot::sinks::elasticsearch
