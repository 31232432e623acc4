#include "sinks/http/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

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

char small(char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

std::string small(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](char letter) { return small(letter); });
    return out;
}

// tchar of RFC 9110 section 5.6.2.
bool is_token_character(char character) {
    constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9') || marks.find(character) != std::string::npos;
}

// Written by the client or by the sink, or about the connection and none of the operator's.
constexpr std::array<std::string_view, 16> own_headers{"accept",
                                                       "authorization",
                                                       "connection",
                                                       "content-encoding",
                                                       "content-length",
                                                       "content-type",
                                                       "expect",
                                                       "host",
                                                       "keep-alive",
                                                       "proxy-connection",
                                                       "te",
                                                       "trailer",
                                                       "transfer-encoding",
                                                       "upgrade",
                                                       "user-agent",
                                                       "http2-settings"};

// What is wrong with a header's name; empty when nothing is.
std::string wrong_header_name(const std::string& name) {
    if (name.empty() || !std::ranges::all_of(name, is_token_character)) {
        return "must have names of letters, digits and \"-\", as headers do, got another one";
    }
    const std::string plain = small(name);
    if (plain == "authorization") {
        return "must not contain Authorization; there are options for credentials";
    }
    if (std::ranges::find(own_headers, plain) != own_headers.end()) {
        return fmt::format("must not contain {}, which pitot writes itself", name);
    }
    return {};
}

Secret read_basic(Options& options) {
    const std::string user = options.text("username", "");
    const Secret password = options.secret("password");
    if (has_control_byte(user) || user.find(':') != std::string::npos) {
        options.problem("username", "must not contain ':' or control characters");
    }
    if (has_control_byte(password.reveal())) {
        options.problem("password", "must not contain control characters, such as a line feed");
    }
    if (user.empty() && !password.empty()) {
        options.problem("password", "must come with a username, got it alone");
    }
    return user.empty() ? Secret() : basic_authorization(user, password);
}

// One way to authorize, or none.
Secret read_authorization(Options& options, const std::vector<TokenOption>& tokens) {
    Secret authorization = read_basic(options);
    std::string_view chosen = authorization.empty() ? "" : "username";
    for (const TokenOption& option : tokens) {
        const Secret token = options.secret(option.key);
        if (token.empty()) continue;
        if (has_control_byte(token.reveal())) {
            options.problem(option.key, "must not contain control characters, such as a line feed");
        }
        if (!chosen.empty()) {
            options.problem(option.key,
                            fmt::format("must not be set together with {}, got both", chosen));
        }
        chosen = option.key;
        authorization = token_authorization(option.scheme, token);
    }
    return authorization;
}

// Whoever sets one of these counts on what is sent being encrypted.
void refuse_without_https(Options& options, const TlsSettings& settings) {
    for (const auto& [key, is_set] :
         {std::pair<std::string_view, bool>("tls_ca_file", !settings.ca_file.empty()),
          {"tls_certificate_file", !settings.certificate_file.empty()},
          {"tls_key_file", !settings.key_file.empty()},
          {"tls_key_password", !settings.key_password.empty()},
          {"tls_server_name", !settings.server_name.empty()},
          {"tls_verify", !settings.verify}}) {
        if (is_set) options.problem(key, "must come with a url of https://, got one of http://");
    }
}

void check_tls_files(Options& options, const TlsSettings& settings) {
    bool is_good = true;
    for (const auto& [key, path] :
         {std::pair<std::string_view, const std::string&>("tls_ca_file", settings.ca_file),
          {"tls_certificate_file", settings.certificate_file},
          {"tls_key_file", settings.key_file}}) {
        if (path.empty() || path.starts_with('/')) continue;
        options.problem(key, fmt::format("must be an absolute path, got \"{}\"", path));
        is_good = false;
    }
    if (!is_good) return;
    TlsContext context(settings);
    if (const auto read = context.refresh(); !read) {
        options.problem(read.error().option, read.error().what);
    }
    for (const TlsProblem& remark : context.remarks()) options.warning(remark.option, remark.what);
}

}  // namespace

TlsSettings read_tls_options(Options& options, const Url& url) {
    TlsSettings settings;
    settings.ca_file = options.text("tls_ca_file", "");
    settings.certificate_file = options.text("tls_certificate_file", "");
    settings.key_file = options.text("tls_key_file", "");
    settings.key_password = options.secret("tls_key_password");
    settings.server_name = options.text("tls_server_name", "");
    settings.verify = options.boolean("tls_verify", true);
    if (!url.is_https) {
        refuse_without_https(options, settings);
        return settings;
    }
    if (settings.certificate_file.empty() && !settings.key_file.empty()) {
        options.problem("tls_key_file", "must come with tls_certificate_file, got it alone");
    }
    if (settings.certificate_file.empty() && !settings.key_password.empty()) {
        options.problem("tls_key_password", "must come with tls_certificate_file, got it alone");
    }
    if (has_control_byte(settings.server_name) ||
        settings.server_name.find_first_of(" /:@") != std::string::npos) {
        if (!is_ip_address(settings.server_name)) {
            options.problem("tls_server_name", fmt::format("must be a host name or an address, "
                                                           "got \"{}\"",
                                                           settings.server_name));
        }
    }
    if (!settings.verify) {
        options.warning("tls_verify",
                        "is false: whoever can redirect the connection can read and change what "
                        "is sent, credentials included; better is tls_ca_file");
    }
    check_tls_files(options, settings);
    return settings;
}

std::vector<std::pair<std::string, Secret>> read_headers(Options& options) {
    std::vector<std::pair<std::string, Secret>> headers = options.secret_table("headers");
    std::vector<std::string> seen;
    for (const auto& [name, value] : headers) {
        if (const std::string wrong = wrong_header_name(name); !wrong.empty()) {
            options.problem("headers", wrong);
        } else if (has_control_byte(value.reveal())) {
            options.problem("headers", fmt::format("must not contain control characters, such as "
                                                   "a line feed, in {}",
                                                   name));
        } else if (std::ranges::find(seen, small(name)) != seen.end()) {
            options.problem("headers", fmt::format("must name {} once, got it twice", name));
        }
        seen.push_back(small(name));
    }
    return headers;
}

HttpOptions read_http_options(Options& options, const HttpDefaults& defaults) {
    const bool has_url = options.has("url");
    const std::string text = options.required_text("url");
    std::vector<Url> urls;
    if (has_url) {
        if (auto url = parse_url(text)) {
            urls.push_back(std::move(*url));
        } else {
            options.problem("url", url.error());
        }
    }
    return read_http_options_for(options, "url", urls, defaults);
}

HttpOptions read_http_options_for(Options& options, std::string_view urls_key,
                                  std::span<const Url> urls, const HttpDefaults& defaults) {
    HttpOptions out;
    if (!urls.empty()) out.client.url = urls.front();
    out.timeout = options.duration("timeout", defaults.timeout, 100ms, 5min);
    out.gzip = options.boolean("gzip", defaults.gzip);
    out.client.authorization = read_authorization(options, defaults.tokens);
    out.client.headers = read_headers(options);
    // What is wrong with the url is said once.
    Url checked = out.client.url;
    checked.is_https = urls.empty() || std::ranges::any_of(urls, &Url::is_https);
    out.client.tls = read_tls_options(options, checked);
    const bool has_secrets = !out.client.authorization.empty() || !out.client.headers.empty();
    for (const Url& url : urls) {
        if (!has_secrets || url.is_https || url.is_loopback()) continue;
        options.warning(
            urls_key,
            fmt::format("sends {} in the clear to {}; better is https://",
                        out.client.authorization.empty() ? "the values of headers" : "credentials",
                        url.host));
    }
    return out;
}

}  // namespace pitot::sinks::http
