#include "sinks/http/classify.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "sinks/delivery/backoff.h"
#include "sinks/http/client.h"

namespace pitot::sinks::http {
namespace {

// "the destination answers 503: shutting down"
std::string says(const Response& response, std::string_view advice) {
    std::string text = fmt::format("the destination answers {}", response.status);
    const std::string excerpt = response.excerpt();
    if (!excerpt.empty()) {
        text += fmt::format(" ({})", excerpt);
    } else if (!response.is_complete && response.headers.empty()) {
        text += fmt::format(" (with more than {} bytes of headers)", response_header_bytes_max);
    }
    if (!advice.empty()) text += fmt::format(": {}", advice);
    return text;
}

Outcome later(Verdict verdict, const Response& response, std::int64_t now_unix_ns) {
    Outcome outcome{.verdict = verdict, .reason = says(response, "")};
    const std::string_view retry_after = response.header("Retry-After");
    if (!retry_after.empty()) outcome.retry_after = parse_retry_after(retry_after, now_unix_ns);
    return outcome;
}

std::string redirect_advice(const Response& response) {
    const std::string_view location = response.header("Location");
    // Not the address itself: it may carry a token.
    return location.empty() ? "mend the url of this sink"
                            : "redirects are not followed; mend the url of this sink";
}

// What servers of TLS answer to a request without it: Go's, nginx's, Apache's.
bool wants_tls(const Response& response) {
    constexpr std::array<std::string_view, 3> phrases{"HTTP request to an HTTPS server",
                                                      "plain HTTP request was sent to HTTPS port",
                                                      "plain HTTP to an SSL-enabled server port"};
    return response.status == 400 && std::ranges::any_of(phrases, [&](std::string_view phrase) {
               return response.body.find(phrase) != std::string::npos;
           });
}

// What a server of TLS, or a proxy before it, answers in HTTP to what was wrong with TLS. Empty:
// nothing was. nginx has no other status for it.
std::string_view tls_advice(const Response& response) {
    struct Phrase {
        std::string_view text;
        std::string_view advice;
    };
    constexpr std::array<Phrase, 3> phrases{
        {{"No required SSL certificate was sent",
          "it asks for a client certificate; set tls_certificate_file and tls_key_file"},
         {"The SSL certificate error",
          "it does not accept the client certificate; renew tls_certificate_file"},
         {"certificate required", "set tls_certificate_file and tls_key_file"}}};
    if (wants_tls(response)) return "use https:// in the url of this sink";
    if (response.status != 400) return {};
    for (const Phrase& phrase : phrases) {
        if (response.body.find(phrase.text) != std::string::npos) return phrase.advice;
    }
    return {};
}

// Words about the data, or a page from somebody who has not seen it?
Outcome refusal(const Response& response) {
    if (!response.is_html()) return {.verdict = Verdict::rejected, .reason = says(response, "")};
    return {.verdict = Verdict::hold,
            .reason = says(response,
                           "that is a web page, and no word of this destination's; check the url "
                           "of this sink and the proxies on the way")};
}

}  // namespace

Outcome classify(const Result& result, std::int64_t now_unix_ns) {
    if (!result) {
        const bool is_lasting = result.error().kind == FailureKind::tls;
        return {.verdict = is_lasting ? Verdict::hold : Verdict::retry,
                .reason = result.error().what};
    }
    const Response& response = *result;
    const unsigned status = response.status;
    if (status >= 200 && status < 300) return {.verdict = Verdict::delivered};
    if (status >= 300 && status < 400) {
        return {.verdict = Verdict::hold, .reason = says(response, redirect_advice(response))};
    }
    if (const std::string_view advice = tls_advice(response); !advice.empty()) {
        return {.verdict = Verdict::hold, .reason = says(response, advice)};
    }
    switch (status) {
        case 400:
        case 422:
            return refusal(response);
        case 401:
        case 403:
            return {.verdict = Verdict::hold,
                    .reason = says(response, "check the credentials of this sink")};
        case 404:
        case 405:
            return {.verdict = Verdict::hold,
                    .reason = says(response, "mend the url of this sink")};
        case 408:
            return later(Verdict::retry, response, now_unix_ns);
        case 413:
            return {.verdict = Verdict::split, .reason = says(response, "")};
        case 429:
        case 503:
            return later(Verdict::throttle, response, now_unix_ns);
        default:
            break;
    }
    if (status >= 500 && status < 600) return later(Verdict::retry, response, now_unix_ns);
    return {.verdict = Verdict::hold, .reason = says(response, "check the url of this sink")};
}

}  // namespace pitot::sinks::http
