#include "agent/alerts/channels/http_answer.h"

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "agent/printable.h"
#include "sinks/delivery/backoff.h"

namespace pitot::agent::alerts::channels {
namespace {

namespace http = sinks::http;

constexpr std::size_t reason_characters_max = 400;

std::string_view advice_for(unsigned status) {
    if (status >= 300 && status < 400) return "; redirects are not followed: set the url it is at";
    switch (status) {
        case 401:
        case 403:
            return "; check the credentials of this channel";
        case 404:
        case 405:
        case 410:
            return "; check the url of this channel";
        default:
            return "";
    }
}

// A request of which nobody can say how far it came.
bool may_have_arrived(http::FailureKind kind) {
    switch (kind) {
        case http::FailureKind::resolve:
        case http::FailureKind::connect:
        case http::FailureKind::tls:
        case http::FailureKind::internal:
            return false;
        default:
            return true;
    }
}

AnswerVerdict verdict_of(unsigned status) {
    if (status >= 200 && status < 300) return AnswerVerdict::delivered;
    if (status == 429 || status == 503) return AnswerVerdict::throttled;
    if (status == 408 || status == 425 || status >= 500) return AnswerVerdict::retry;
    return AnswerVerdict::refused;
}

}  // namespace

Answer answer_of(const http::Result& result, std::int64_t now_unix_ns,
                 const http::Redaction& hidden) {
    if (!result) {
        return {.verdict = AnswerVerdict::retry,
                .reason = printable(hidden.clean(result.error().what), reason_characters_max),
                .retry_after = {},
                .may_be_known = may_have_arrived(result.error().kind)};
    }
    const http::Response& response = *result;
    Answer answer{.verdict = verdict_of(response.status)};
    if (answer.verdict == AnswerVerdict::delivered) return answer;
    const std::string excerpt = response.excerpt();
    answer.reason =
        printable(hidden.clean(fmt::format("it answers {}{}{}", response.status,
                                           excerpt.empty() ? "" : fmt::format(" ({})", excerpt),
                                           advice_for(response.status))),
                  reason_characters_max);
    answer.retry_after = sinks::parse_retry_after(response.header("Retry-After"), now_unix_ns);
    return answer;
}

}  // namespace pitot::agent::alerts::channels
