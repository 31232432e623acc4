// `pitot explain --format json`: requests in, answers out. explain.h has the formats.
//
// Requests are read by Boost.JSON. Answers are written here, so that keys keep the order
// of the documentation and numbers look as people write them.
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <optional>

#include "agent/cli/explain.h"
#include "agent/cli/hex.h"
#include "protocol/event.h"
#include "protocol/framing.h"

namespace pitot::agent {

namespace {

namespace json = boost::json;
using protocol::Reject;

void append_text(std::string& out, std::string_view text) {
    out += json::serialize(text);
}

template <class Number>
void append_number(std::string& out, Number number) {
    std::array<char, 32> text{};
    out.append(text.data(), std::to_chars(text.begin(), text.end(), number).ptr);
}

// Writes one object, key by key. The keys are ours and need no escapes.
class ObjectWriter {
public:
    explicit ObjectWriter(std::string& out) : out_(out) { out_ += '{'; }
    ~ObjectWriter() { out_ += '}'; }
    ObjectWriter(const ObjectWriter&) = delete;
    ObjectWriter& operator=(const ObjectWriter&) = delete;

    // Starts a member; the value is whatever is appended to the string it returns.
    std::string& member(std::string_view key) {
        if (!first_) out_ += ',';
        first_ = false;
        return out_.append("\"").append(key).append("\":");
    }
    void text(std::string_view key, std::string_view value) { append_text(member(key), value); }
    void text_if_any(std::string_view key, std::string_view value) {
        if (!value.empty()) text(key, value);
    }
    template <class Number>
    void number(std::string_view key, Number value) {
        append_number(member(key), value);
    }

private:
    std::string& out_;
    bool first_ = true;
};

// ["k","v"] for a tag with a value, "bare" for one without.
void write_tags(ObjectWriter& object, std::span<const protocol::Tag> tags) {
    std::string& out = object.member("tags");
    out += '[';
    for (const protocol::Tag& tag : tags) {
        if (&tag != tags.data()) out += ',';
        if (!tag.has_value) {
            append_text(out, tag.key);
            continue;
        }
        out += '[';
        append_text(out, tag.key);
        out += ',';
        append_text(out, tag.value);
        out += ']';
    }
    out += ']';
}

// The fields that metrics, events and service checks share.
template <class Record>
void write_common(ObjectWriter& object, const Record& record) {
    if (record.timestamp_s != 0) object.number("timestamp", record.timestamp_s);
    object.text_if_any("container_id", record.container_id);
    if (record.cgroup_inode != 0) object.number("inode", record.cgroup_inode);
    object.text_if_any("external_data", record.external_data);
    object.text_if_any("cardinality", record.cardinality);
}

void write_values(ObjectWriter& object, const protocol::Part& part) {
    std::string& out = object.member("values");
    out += '[';
    if (part.kind == protocol::Kind::set) append_text(out, part.member);
    for (const double& value : part.values) {
        if (&value != part.values.data()) out += ',';
        append_number(out, value);
    }
    out += ']';
}

void write_part(std::string& out, const protocol::Part& part, const protocol::Identity& identity,
                const protocol::MetricLine& line) {
    ObjectWriter object(out);
    object.member("accepted") += "true";
    object.text("kind", part.gauge_is_delta ? "gauge_delta" : to_string(part.kind));
    object.text("name", identity.name);
    write_values(object, part);
    object.number("sample_rate", part.sample_rate);
    write_tags(object, identity.tags);
    write_common(object, line);
}

void write_event(std::string& out, const protocol::Event& event) {
    ObjectWriter object(out);
    object.member("accepted") += "true";
    object.text("kind", "event");
    object.text("title", event.title);
    object.text("text", event.text);
    object.text_if_any("aggregation_key", event.aggregation_key);
    object.text("priority", to_string(event.priority));
    object.text_if_any("source_type", event.source_type);
    object.text("alert_type", to_string(event.alert_type));
    object.text_if_any("hostname", event.hostname);
    write_tags(object, event.tags);
    write_common(object, event);
}

void write_service_check(std::string& out, const protocol::ServiceCheck& check) {
    ObjectWriter object(out);
    object.member("accepted") += "true";
    object.text("kind", "service_check");
    object.text("name", check.name);
    object.number("status", static_cast<int>(check.status));
    object.text_if_any("hostname", check.hostname);
    object.text_if_any("message", check.message);
    write_tags(object, check.tags);
    write_common(object, check);
}

Reject write_metric(std::string& out, std::string_view line, protocol::Parser& parser) {
    protocol::MetricLine metric;
    if (const Reject reject = parser.parse_metric(line, metric); reject != Reject::none) {
        return reject;
    }
    protocol::Identity identity;
    if (const Reject reject = parser.identity(metric, identity); reject != Reject::none) {
        return reject;
    }
    for (const protocol::Part& part : metric.parts) {
        if (&part != metric.parts.data()) out += ',';
        write_part(out, part, identity, metric);
    }
    return Reject::none;
}

// The entries of one line; nothing is written if it is refused.
Reject write_accepted(std::string& out, std::string_view line, protocol::Parser& parser) {
    switch (protocol::classify(line)) {
        case protocol::LineType::metric:
            return write_metric(out, line, parser);
        case protocol::LineType::event: {
            protocol::Event event;
            const Reject reject = parser.parse_event(line, event);
            if (reject == Reject::none) write_event(out, event);
            return reject;
        }
        case protocol::LineType::service_check: {
            protocol::ServiceCheck check;
            const Reject reject = parser.parse_service_check(line, check);
            if (reject == Reject::none) write_service_check(out, check);
            return reject;
        }
    }
    return Reject::none;
}

void write_lines(ObjectWriter& answer, std::string_view datagram, protocol::Parser& parser) {
    std::string& out = answer.member("lines");
    out += '[';
    bool first = true;
    protocol::LineSplitter lines(datagram);
    for (std::string_view line; lines.next(line);) {
        if (!first) out += ',';
        first = false;
        const Reject reject = write_accepted(out, line, parser);
        if (reject == Reject::none) continue;
        ObjectWriter refused(out);
        refused.member("accepted") += "false";
        refused.text("reason", to_string(reject));
    }
    out += ']';
}

// The datagram a request asks about, or in `error` what the request must be.
std::optional<std::string> datagram_of(const json::object& request, std::string& error) {
    const json::value* const input = request.if_contains("input");
    const json::value* const hex = request.if_contains("hex");
    if ((input == nullptr) == (hex == nullptr)) {
        error = R"(a request must have either "input" or "hex", got )";
        error += input == nullptr ? "neither" : "both";
        return std::nullopt;
    }
    const json::value& given = input != nullptr ? *input : *hex;
    if (!given.is_string()) {
        error = input != nullptr ? R"("input" must be a string)" : R"("hex" must be a string)";
        return std::nullopt;
    }
    const std::string_view text = given.get_string();
    if (input != nullptr) return std::string(text);
    std::optional<std::string> bytes = bytes_of_hex(text);
    if (!bytes) error = R"("hex" must be pairs of hexadecimal digits)";
    return bytes;
}

}  // namespace

std::string answer_explain_request(std::string_view request, protocol::Parser& parser) {
    std::string answer;
    {
        ObjectWriter object(answer);
        boost::system::error_code failure;
        const json::value parsed = json::parse(request, failure);
        const json::object* const members = failure ? nullptr : parsed.if_object();
        const json::value* const id = members == nullptr ? nullptr : members->if_contains("id");
        object.member("id") += id == nullptr ? "null" : json::serialize(*id);

        std::string error;
        if (failure) {
            object.text("error",
                        "a request must be one JSON object on one line, got " + failure.message());
        } else if (members == nullptr) {
            object.text("error", "a request must be one JSON object, got another kind of value");
        } else if (const auto datagram = datagram_of(*members, error)) {
            write_lines(object, *datagram, parser);
        } else {
            object.text("error", error);
        }
    }
    return answer;
}

std::string explain_datagram_as_json(std::string_view datagram, protocol::Parser& parser) {
    std::string answer;
    {
        ObjectWriter object(answer);
        write_lines(object, datagram, parser);
    }
    return answer;
}

}  // namespace pitot::agent
