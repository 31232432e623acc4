#include "agent/web/series_documents.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <expected>
#include <set>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "agent/alerts/matcher.h"
#include "agent/alerts/parser.h"
#include "agent/printable.h"
#include "sinks/json_writer.h"

namespace pitot::agent {
namespace {

using sinks::JsonWriter;

AlertsAnswer refusal(const std::string& why) {
    constexpr unsigned bad_request = 400;
    std::string text;
    JsonWriter json(text);
    json.begin_object();
    json.field("status", "error");
    json.field("errorType", "bad_data");
    json.field("error", why);
    json.end_object();
    return {bad_request, text + '\n'};
}

// What a question asks for.
struct Wanted {
    alerts::Matcher matcher;
    std::size_t selectors = 0;  // none: everything
    std::size_t most = listed_series_max;
};

std::string add_selector(Wanted& wanted, const std::string& text) {
    auto expression = alerts::parse_expression(alerts::SourceText(text));
    if (!expression) {
        return fmt::format("match[]: {}: {}", printable(text), expression.error().what);
    }
    const auto* const selector =
        std::get_if<alerts::Selector>(&(*expression)[expression->root].what);
    if (selector == nullptr || selector->window || selector->offset) {
        return fmt::format(R"(match[]: must be a selector such as `x{{tag="value"}}`, got `{}`)",
                           printable(text));
    }
    wanted.matcher.add(
        {.metric = selector->metric, .matches = selector->matches, .accepts = alerts::all_kinds});
    ++wanted.selectors;
    return {};
}

std::expected<Wanted, std::string> wanted_of(const Query& query) {
    Wanted wanted;
    for (const auto& [key, value] : query) {
        if (key == "limit") {
            std::size_t most = 0;
            const char* const end = value.data() + value.size();
            const auto [stop, error] = std::from_chars(value.data(), end, most);
            if (value.empty() || error != std::errc() || stop != end) {
                return std::unexpected(
                    fmt::format("limit: must be a number, got \"{}\"", printable(value)));
            }
            // As with Prometheus, 0 is no limit: there is one of our own.
            if (most > 0) wanted.most = std::min(most, listed_series_max);
        } else if (key == "match[]") {
            if (wanted.selectors >= series_matches_max) {
                return std::unexpected(
                    fmt::format("match[]: must be given {} times at most", series_matches_max));
            }
            std::string fault = add_selector(wanted, value);
            if (!fault.empty()) return std::unexpected(std::move(fault));
        }
    }
    return wanted;
}

bool is_wanted(const Wanted& wanted, const protocol::Series& series) {
    bool is_match = wanted.selectors == 0;
    if (is_match) return true;
    wanted.matcher.match(series, [&](std::uint32_t, const alerts::GroupLabels&) {  //
        is_match = true;
    });
    return is_match;
}

void add_series(JsonWriter& json, const protocol::Series& series) {
    json.begin_object();
    json.field("__name__", series.name());
    json.field("__type__", to_string(series.kind));
    std::string_view last;
    for (const protocol::Tag tag : series.tags()) {
        // Tags are sorted, so that those of one key stand side by side.
        if (tag.key != last || last.empty()) json.field(tag.key, tag.value);
        last = tag.key;
    }
    json.end_object();
}

// What stands behind the list: how much there is of it.
void end(JsonWriter& json, std::size_t listed, std::size_t matched) {
    json.key("pitot");
    json.begin_object();
    json.key("listed");
    json.integer(listed);
    json.key("matched");
    json.integer(matched);
    json.end_object();
    if (listed < matched) {
        json.key("warnings");
        json.begin_array();
        json.text(fmt::format("{} of {} are listed", listed, matched));
        json.end_array();
    }
    json.end_object();
}

}  // namespace

AlertsAnswer series_document(const SeriesWalk& each, const Query& query) {
    const auto wanted = wanted_of(query);
    if (!wanted) return refusal(wanted.error());
    std::string text;
    JsonWriter json(text);
    json.begin_object();
    json.field("status", "success");
    json.key("data");
    json.begin_array();
    std::size_t matched = 0;
    std::size_t listed = 0;
    each([&](const protocol::Series& series) {
        if (!is_wanted(*wanted, series)) return;
        ++matched;
        if (listed >= wanted->most || text.size() >= listed_bytes_max) return;
        ++listed;
        add_series(json, series);
    });
    json.end_array();
    end(json, listed, matched);
    return {.text = text + '\n'};
}

AlertsAnswer series_names_document(const SeriesWalk& each, const Query& query) {
    const auto wanted = wanted_of(query);
    if (!wanted) return refusal(wanted.error());
    std::set<std::string, std::less<>> names;
    each([&](const protocol::Series& series) {
        if (names.size() >= listed_series_max || !is_wanted(*wanted, series)) return;
        if (!names.contains(series.name())) names.emplace(series.name());
    });
    std::string text;
    JsonWriter json(text);
    json.begin_object();
    json.field("status", "success");
    json.key("data");
    json.begin_array();
    std::size_t listed = 0;
    for (const std::string& name : names) {
        if (listed >= wanted->most || text.size() >= listed_bytes_max) break;
        ++listed;
        json.text(name);
    }
    json.end_array();
    end(json, listed, names.size());
    return {.text = text + '\n'};
}

}  // namespace pitot::agent
