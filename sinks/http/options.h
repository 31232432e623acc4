// The settings that every sink over HTTP has, read and checked in one place.
//
//   url           required
//   timeout       "10s"   of one attempt } or what the sink says
//   gzip          false                  }
//   username      ""      with `password`: basic authentication
//   bearer_token  ""      or a token instead
#pragma once

#include <chrono>

#include "sinks/http/client.h"
#include "sinks/options.h"

namespace pitot::sinks::http {

struct HttpOptions {
    ClientSettings client;
    std::chrono::nanoseconds timeout{};
    bool gzip = false;
};

// What differs from destination to destination.
struct HttpDefaults {
    std::chrono::nanoseconds timeout = std::chrono::seconds(10);
    bool gzip = false;
};

// Problems go to `options`; the result is then good for nothing but being destroyed.
HttpOptions read_http_options(Options& options, const HttpDefaults& defaults = {});

}  // namespace pitot::sinks::http
