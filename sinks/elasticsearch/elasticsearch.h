// The Elasticsearch and OpenSearch sink: a document for each series with news, by the bulk API.
//
//   [sinks.search]
//   type = "elasticsearch"
//   url = "http://127.0.0.1:9200"
//   index = "metrics-%Y.%m.%d"                  # or data_stream = "metrics-pitot-default"
//   host = "web-1"                              # default: the host name
//   gzip = true                                 # and timeout = "30s": other defaults here
//   api_key = ""                                # besides username, password, bearer_token
//   batch_bytes = "5MiB"
//   queue_bytes = "512MiB"
//   manage_template = true                      # template_name, template_priority
//   shards = 1
//   replicas = -1                               # the server's own default
//
// encoder.h has the documents, index_template.h their mapping, transport.h the sending.
#pragma once

#include <memory>

#include "sinks/context.h"
#include "sinks/options.h"
#include "sinks/sink.h"

namespace pitot::sinks::elasticsearch {

std::unique_ptr<Sink> make(Options& options, const Context& context);

}  // namespace pitot::sinks::elasticsearch
