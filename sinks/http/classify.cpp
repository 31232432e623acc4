#include "sinks/http/classify.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "sinks/delivery/backoff.h"

namespace pitot::sinks::http {
namespace {

// "the destination answers 503: shutting down"
std::string says(const Response& response, std::string_view advice) {
    std::string text = fmt::format("the destination answers {}", response.status);
    const std::string excerpt = response.excerpt();
    if (!excerpt.empty()) text += fmt::format(" ({})", excerpt);
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
    if (wants_tls(response)) {
        return {.verdict = Verdict::hold,
                .reason = says(response, "use https:// in the url of this sink")};
    }
    switch (status) {
        case 400:
        case 422:
            return {.verdict = Verdict::rejected, .reason = says(response, "")};
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
