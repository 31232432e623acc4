#include "sinks/http/options.h"

#include <algorithm>
#include <string>

namespace pitot::sinks::http {
namespace {

using std::literals::chrono_literals::operator""min;
using std::literals::chrono_literals::operator""ms;

bool has_control_byte(std::string_view text) {
    return std::ranges::any_of(text, [](char character) {
        const auto byte = static_cast<unsigned char>(character);
        return byte < 0x20 || byte == 0x7f;
    });
}

Secret read_authorization(Options& options) {
    const std::string user = options.text("username", "");
    const Secret password = options.secret("password");
    const Secret token = options.secret("bearer_token");
    if (has_control_byte(user) || user.find(':') != std::string::npos) {
        options.problem("username", "must not contain ':' or control characters");
    }
    if (has_control_byte(password.reveal())) {
        options.problem("password", "must not contain control characters, such as a line feed");
    }
    if (has_control_byte(token.reveal())) {
        options.problem("bearer_token", "must not contain control characters, such as a line feed");
    }
    if (!user.empty() && !token.empty()) {
        options.problem("bearer_token", "must not be set together with username, got both");
    }
    if (user.empty() && !password.empty()) {
        options.problem("password", "must come with a username, got it alone");
    }
    if (!token.empty()) return bearer_authorization(token);
    if (!user.empty()) return basic_authorization(user, password);
    return Secret();
}

}  // namespace

HttpOptions read_http_options(Options& options, const HttpDefaults& defaults) {
    HttpOptions out;
    const bool has_url = options.has("url");
    const std::string text = options.required_text("url");
    if (has_url) {
        if (auto url = parse_url(text)) {
            out.client.url = std::move(*url);
        } else {
            options.problem("url", url.error());
        }
    }
    out.timeout = options.duration("timeout", defaults.timeout, 100ms, 5min);
    out.gzip = options.boolean("gzip", defaults.gzip);
    out.client.authorization = read_authorization(options);
    return out;
}

}  // namespace pitot::sinks::http
