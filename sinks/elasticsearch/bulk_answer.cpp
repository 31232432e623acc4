#include "sinks/elasticsearch/bulk_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/parse.hpp>
#include <chrono>
#include <utility>

#include "sinks/http/response.h"

namespace pitot::sinks::elasticsearch {
namespace {

namespace json = boost::json;
using boost::system::error_code;

// A read-only index stays so until the disk has room again, which the server looks at twice
// a minute.
constexpr std::chrono::seconds read_only_pause{30};

// Of a text in the answer; what is beyond is not kept.
constexpr std::size_t text_bytes_max = 2048;

// What stands in the way is the operator's to mend, whatever the document says: the cluster is
// full, the index is closed, an alias has no index to write to, the index's name cannot be.
bool is_about_the_index(std::string_view type, std::string_view reason) {
    if (type == "index_closed_exception" || type == "invalid_index_name_exception") return true;
    constexpr std::array<std::string_view, 3> phrases{"this action would add [",
                                                      "no write index is defined for alias",
                                                      "has more than one index associated with it"};
    return std::ranges::any_of(phrases,
                               [&](std::string_view phrase) { return reason.contains(phrase); });
}

Fate fate_of(std::int64_t status, std::string_view type, std::string_view reason) {
    if (status >= 200 && status < 300) return Fate::stored;
    const bool is_blocked = type == "cluster_block_exception";
    switch (status) {
        case 409:
            return Fate::stored_before;
        case 429:
            return is_blocked ? Fate::later : Fate::again;
        case 403:
            return is_blocked ? Fate::later : Fate::held;
        case 401:
        case 404:
            return Fate::held;
        case 408:
            return Fate::again;
        case 400:
            return is_about_the_index(type, reason) ? Fate::held : Fate::refused;
        default:
            return status >= 500 && status < 600 ? Fate::again : Fate::refused;
    }
}

// Takes the events of Boost.JSON's parser. Depths: 1 the answer, 2 its items, 3 an item,
// 4 what its operation came to, 5 the error.
class Reader {
public:
    static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

    BulkAnswer answer;
    bool has_errors_field = false;
    bool has_items = false;
    const http::Redaction* redaction = nullptr;

    bool on_document_begin(error_code&) { return true; }
    bool on_document_end(error_code&) { return true; }
    bool on_object_begin(error_code&) {
        ++depth_;
        if (depth_ == 4 && in_items_) {
            status_ = 0;
            type_.clear();
            reason_.clear();
        }
        if (depth_ == 5) in_error_ = key_ == "error";
        return true;
    }
    bool on_object_end(std::size_t, error_code&) {
        if (depth_ == 4 && in_items_) end_item();
        --depth_;
        return true;
    }
    bool on_array_begin(error_code&) {
        ++depth_;
        if (depth_ == 2 && key_ == "items") in_items_ = has_items = true;
        return true;
    }
    bool on_array_end(std::size_t, error_code&) {
        if (depth_ == 2) in_items_ = false;
        --depth_;
        return true;
    }
    bool on_key_part(json::string_view part, std::size_t, error_code&) { return grow(part); }
    bool on_key(json::string_view part, std::size_t, error_code&) {
        grow(part);
        key_ = std::exchange(text_, {});
        return true;
    }
    bool on_string_part(json::string_view part, std::size_t, error_code&) { return grow(part); }
    bool on_string(json::string_view part, std::size_t, error_code&) {
        grow(part);
        const std::string text = std::exchange(text_, {});
        if (!in_items_) return true;
        if (depth_ == 5 && in_error_ && key_ == "type") type_ = text;
        if (depth_ == 5 && in_error_ && key_ == "reason") reason_ = text;
        if (depth_ == 4 && key_ == "error") reason_ = text;
        return true;
    }
    bool on_number_part(json::string_view, error_code&) { return true; }
    bool on_int64(std::int64_t value, json::string_view, error_code&) {
        if (depth_ == 4 && in_items_ && key_ == "status") status_ = value;
        return true;
    }
    bool on_uint64(std::uint64_t, json::string_view, error_code&) { return true; }
    bool on_double(double, json::string_view, error_code&) { return true; }
    bool on_bool(bool value, error_code& error) {
        if (depth_ != 1 || key_ != "errors") return true;
        has_errors_field = true;
        answer.all_stored = !value;
        if (!answer.all_stored) return true;
        // All is said: the parser ends here.
        error = boost::system::errc::make_error_code(boost::system::errc::operation_canceled);
        return false;
    }
    bool on_null(error_code&) { return true; }
    bool on_comment_part(json::string_view, error_code&) { return true; }
    bool on_comment(json::string_view, error_code&) { return true; }

private:
    bool grow(json::string_view part) {
        text_.append(part.data(), std::min(part.size(), text_bytes_max - text_.size()));
        return true;
    }

    void end_item() {
        const Fate fate = fate_of(status_, type_, reason_);
        answer.fates.push_back(fate);
        std::string* example = nullptr;
        if (fate == Fate::again || fate == Fate::later) example = &answer.again;
        if (fate == Fate::refused) example = &answer.refused;
        if (fate == Fate::held) example = &answer.held;
        if (example == nullptr || !example->empty()) return;
        *example = http::fit_for_log(fmt::format("{} {}: {}", status_, type_, reason_), redaction);
    }

    std::size_t depth_ = 0;
    bool in_items_ = false;
    bool in_error_ = false;
    std::string key_;   // the last one, whatever depth it was at
    std::string text_;  // of a key or a value that is not over
    std::int64_t status_ = 0;
    std::string type_;
    std::string reason_;
};

std::size_t count(const BulkAnswer& answer, Fate fate) {
    return static_cast<std::size_t>(std::ranges::count(answer.fates, fate));
}

ItemVerdict verdict_of(Fate fate) {
    switch (fate) {
        case Fate::stored:
        case Fate::stored_before:
            return ItemVerdict::delivered;
        case Fate::refused:
            return ItemVerdict::rejected;
        case Fate::again:
        case Fate::later:
        case Fate::held:
            break;
    }
    return ItemVerdict::retry;
}

}  // namespace

std::optional<BulkAnswer> read_bulk_answer(std::string_view body,
                                           const http::Redaction* redaction) {
    json::basic_parser<Reader> parser{json::parse_options{}};
    parser.handler().redaction = redaction;
    error_code error;
    parser.write_some(false, body.data(), body.size(), error);
    Reader& reader = parser.handler();
    if (reader.answer.all_stored) {
        reader.answer.fates.clear();
        return std::move(reader.answer);
    }
    if (error || !parser.done() || !reader.has_errors_field || !reader.has_items) return {};
    return std::move(reader.answer);
}

Outcome outcome_of(const BulkAnswer& answer, std::size_t items) {
    if (answer.all_stored) return {.verdict = Verdict::delivered};
    if (answer.fates.size() != items) {
        return {.verdict = Verdict::retry,
                .reason = fmt::format("the destination answers for {} documents of {}",
                                      answer.fates.size(), items)};
    }
    const std::size_t again = count(answer, Fate::again);
    const std::size_t later = count(answer, Fate::later);
    const std::size_t refused = count(answer, Fate::refused);
    const std::size_t held = count(answer, Fate::held);

    Outcome outcome;
    const auto say = [&outcome, items](std::size_t how_many, std::string_view what,
                                       const std::string& example) {
        if (how_many == 0) return;
        if (!outcome.reason.empty()) outcome.reason += "; ";
        outcome.reason += fmt::format("{} of {} documents {} ({})", how_many, items, what, example);
    };
    say(refused, "are refused", answer.refused);
    say(again + later, "are not taken yet", answer.again);
    say(held, "are not taken", answer.held);
    if (later > 0) outcome.retry_after = read_only_pause;

    const std::size_t undecided = again + later + held;
    if (undecided == 0 && refused == 0) return outcome;
    if (undecided == items) {
        // Nothing is decided: it is the whole that waits.
        outcome.verdict = held > 0                          ? Verdict::hold
                          : answer.again.starts_with("429") ? Verdict::throttle
                                                            : Verdict::retry;
        return outcome;
    }
    outcome.verdict = Verdict::partial;
    outcome.items.reserve(items);
    for (const Fate fate : answer.fates) outcome.items.push_back(verdict_of(fate));
    return outcome;
}

std::string error_text(std::string_view body, const http::Redaction* redaction) {
    error_code error;
    const json::value answer = json::parse({body.data(), body.size()}, error);
    const json::object* const object = error ? nullptr : answer.if_object();
    const json::value* const found = object == nullptr ? nullptr : object->if_contains("error");
    if (found == nullptr || !found->is_object())
        return http::fit_for_log(body.substr(0, body.find('\n')), redaction);
    std::string text;
    for (const std::string_view key : {"type", "reason"}) {
        const json::value* const part = found->get_object().if_contains({key.data(), key.size()});
        if (part == nullptr || !part->is_string()) continue;
        if (!text.empty()) text += ": ";
        text.append(part->get_string().data(), part->get_string().size());
    }
    return http::fit_for_log(text, redaction);
}

}  // namespace pitot::sinks::elasticsearch
