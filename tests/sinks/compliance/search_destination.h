// Elasticsearch, strict about documents and with a memory for their ids.
#pragma once

#include <memory>

#include "tests/sinks/compliance/http_destination.h"

namespace pitot::tests {

std::unique_ptr<Destination> search_destination(Wire wire);

}  // namespace pitot::tests
