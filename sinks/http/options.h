// The settings that every sink over HTTP has, read and checked in one place.
//
//   url           required
//   timeout       "10s"   of one attempt
//   gzip          false
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

// Problems go to `options`; the result is then good for nothing but being destroyed.
HttpOptions read_http_options(Options& options);

}  // namespace pitot::sinks::http
