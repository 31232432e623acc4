// The settings that every sink over HTTP has, read and checked in one place.
//
//   url                   required
//   timeout               "10s"   of one attempt } or what the sink says
//   gzip                  false                  }
//   username              ""      with `password`: basic authentication
//   bearer_token          ""      or a token instead
//   headers               {}      further headers, name by name; their values are secrets
//   tls_ca_file           ""      authorities to trust instead of the system's
//   tls_certificate_file  ""      what we show, with tls_key_file and tls_key_password
//   tls_server_name       ""      the name to check, where it is not the url's host
//   tls_verify            true
//
// Nothing is opened on the network. The files of TLS are read, as those of secrets are, so that
// `pitot check` and the start tell what is wrong with them; the client reads them again.
#pragma once

#include <chrono>
#include <span>
#include <string_view>
#include <vector>

#include "sinks/http/client.h"
#include "sinks/options.h"

namespace pitot::sinks::http {

// An option for a token, and the scheme under which the destination wants it.
struct TokenOption {
    std::string_view key = "bearer_token";
    std::string_view scheme = "Bearer";
};

// What differs from sink to sink.
struct HttpDefaults {
    std::chrono::nanoseconds timeout = std::chrono::seconds(10);
    bool gzip = false;
    std::vector<TokenOption> tokens = {TokenOption()};
};

struct HttpOptions {
    ClientSettings client;
    std::chrono::nanoseconds timeout{};
    bool gzip = false;
};

// Problems go to `options`; the result is then good for nothing but being destroyed.
HttpOptions read_http_options(Options& options, const HttpDefaults& defaults = {});

// All but `url`, for what reads its URLs by itself, under the option `urls_key`: none of them,
// where none is good. The client is for the first one; a problem or warning that is about a
// URL is recorded for that option.
HttpOptions read_http_options_for(Options& options, std::string_view urls_key,
                                  std::span<const Url> urls, const HttpDefaults& defaults = {});

// The parts of it, for what has a URL and is no sink. Both are to be called with the URL that
// the settings are for.
TlsSettings read_tls_options(Options& options, const Url& url);
std::vector<std::pair<std::string, Secret>> read_headers(Options& options);

}  // namespace pitot::sinks::http
