#include "sinks/influxdb/answer.h"

#include <fmt/format.h>

#include <charconv>
#include <string_view>

#include "sinks/http/classify.h"

namespace pitot::sinks::influxdb {
namespace {

bool says(const http::Response& response, std::string_view phrase) {
    return response.body.find(phrase) != std::string::npos;
}

// "… dropped=5000": whether that is all of them.
bool drops_all(const http::Response& response, std::size_t items) {
    constexpr std::string_view before = "dropped=";
    if (!says(response, "partial write") || says(response, "unable to parse")) return false;
    const std::size_t at = response.body.rfind(before);
    if (at == std::string::npos) return false;
    const char* const begin = response.body.data() + at + before.size();
    std::size_t dropped = 0;
    const auto [end, error] =
        std::from_chars(begin, response.body.data() + response.body.size(), dropped);
    return error == std::errc{} && dropped >= items;
}

std::string_view advice(const http::Response& response, const Target& target) {
    if (target.version == Version::v1) {
        return says(response, "database not found")
                   ? "create the database, or set create_database = true"
                   : "mend the url of this sink";
    }
    return says(response, "page not found")
               ? "the server has no /api/v2/write; InfluxDB before 1.8 needs database instead of "
                 "org and bucket"
               : "create the bucket, or mend org and bucket";
}

}  // namespace

Outcome outcome_of(const http::Result& result, const Target& target, std::size_t items,
                   std::int64_t now_unix_ns) {
    Outcome outcome = http::classify(result, now_unix_ns);
    if (!result) return outcome;
    const http::Response& response = *result;
    if (outcome.verdict == Verdict::delivered) {
        if (response.status == 204 || (response.body.empty() && response.is_complete)) {
            return outcome;
        }
        return {.verdict = Verdict::hold,
                .reason = fmt::format("the destination answers {} with what is no answer to a "
                                      "write ({}): check the url of this sink",
                                      response.status, response.excerpt())};
    }
    if (says(response, "hinted handoff queue not empty")) return {.verdict = Verdict::delivered};
    if (response.status == 400 && drops_all(response, items)) {
        outcome.verdict = Verdict::partial;
        outcome.items.assign(items, ItemVerdict::rejected);
    } else if (response.status == 404) {
        outcome.reason = fmt::format("the destination answers 404 ({}): {}", response.excerpt(),
                                     advice(response, target));
    } else if (response.status == 500 && says(response, "retention policy not found")) {
        outcome.verdict = Verdict::hold;
        outcome.reason = fmt::format(
            "the destination answers 500 ({}): create the retention policy, or mend "
            "retention_policy",
            response.excerpt());
    }
    return outcome;
}

bool lacks_database(const http::Result& result) {
    return result && result->status == 404 && says(*result, "database not found");
}

std::string query_error(const http::Result& result) {
    if (!result) return result.error().what;
    const bool is_good = result->status >= 200 && result->status < 300;
    if (is_good && !says(*result, "\"error\"")) return "";
    return fmt::format("the destination answers {} ({})", result->status, result->excerpt());
}

}  // namespace pitot::sinks::influxdb
