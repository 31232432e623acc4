// One push: PUT of the group, POST of a part of it to find a culprit, DELETE at the end.
#pragma once

#include <memory>
#include <string>

#include "sinks/context.h"
#include "sinks/http/options.h"
#include "sinks/pushgateway/quarantine.h"
#include "sinks/sink.h"

namespace pitot::sinks::pushgateway {

struct TransportSettings {
    std::string name;    // of the sink, for the log
    std::string target;  // of the group
    http::HttpOptions http;
    bool delete_on_stop = false;
};

// `quarantine` and `context` outlive the transport.
std::unique_ptr<Transport> make_transport(TransportSettings settings, Quarantine& quarantine,
                                          const Context& context);

}  // namespace pitot::sinks::pushgateway
