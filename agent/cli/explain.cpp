// `pitot explain` for people, and the loop over lines that both formats share.
#include "agent/cli/explain.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <istream>
#include <iterator>
#include <ostream>
#include <vector>

#include "agent/aggregate/origin_tags.h"
#include "agent/cli/becomes.h"
#include "agent/cli/exit_codes.h"
#include "agent/printable.h"
#include "protocol/event.h"
#include "protocol/framing.h"

namespace pitot::agent {

namespace {

using protocol::Reject;

// A longer line is shown by its beginning.
constexpr std::size_t shown_bytes_max = 400;

std::string number_text(double value) {
    std::array<char, 32> text{};
    return {text.data(), std::to_chars(text.begin(), text.end(), value).ptr};
}

// The whole text: what is too long was cut before.
std::string shown(std::string_view text) {
    return printable(text, std::string_view::npos);
}

// Characters, not bytes: what a caret line has to be indented by.
std::size_t columns(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char byte) {
        return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U;
    }));
}

// "1700000000 (2023-11-14 22:13:20 UTC)"
std::string timestamp_text(std::int64_t timestamp_s) {
    using namespace std::chrono;
    const sys_seconds moment{seconds{timestamp_s}};
    const sys_days day = floor<days>(moment);
    const year_month_day date{day};
    const hh_mm_ss time{moment - day};
    const auto two = [](auto number) {
        const std::string text = std::to_string(number);
        return text.size() < 2 ? "0" + text : text;
    };
    return std::to_string(timestamp_s) + " (" + std::to_string(static_cast<int>(date.year())) +
           "-" + two(static_cast<unsigned>(date.month())) + "-" +
           two(static_cast<unsigned>(date.day())) + " " + two(time.hours().count()) + ":" +
           two(time.minutes().count()) + ":" + two(time.seconds().count()) + " UTC)";
}

std::size_t value_count(const protocol::MetricLine& metric) {
    std::size_t count = 0;
    for (const protocol::Part& part : metric.parts) count += part.values.size();
    return count;
}

// Explains lines on one stream, with one parser.
class Explainer {
public:
    Explainer(protocol::Reading reading, const Becomes& becomes, std::ostream& out)
        : parser_(reading), becomes_(becomes), out_(out) {}

    // True if no line was refused.
    bool explain_datagram(std::string_view datagram) {
        bool all_accepted = true;
        protocol::LineSplitter lines(datagram);
        for (std::string_view line; lines.next(line);) {
            const bool accepted = explain_line(line) && print_sinks(line);
            all_accepted = accepted && all_accepted;
            out_ << '\n';
        }
        return all_accepted;
    }

private:
    bool explain_line(std::string_view line);
    Reject explain_metric(std::string_view line);
    Reject explain_event(std::string_view line);
    Reject explain_service_check(std::string_view line);
    bool print_sinks(std::string_view line);
    void print_refusal(std::string_view line, Reject reject);
    void print_line(std::string_view line);
    void print_part(const protocol::Part& part);
    void print_tags(std::string_view label, std::span<const protocol::Tag> tags);
    void print_tags_kept(std::span<const protocol::Tag> said, std::span<const protocol::Tag> kept);
    template <class Record>
    void print_common(const Record& record);

    void print(std::string_view label, std::string_view text) {
        constexpr std::size_t label_columns = 14;
        std::string padded = "  " + std::string(label);
        padded.resize(std::max(padded.size() + 1, label_columns + 2), ' ');
        out_ << padded << shown(text) << '\n';
    }
    void print_if_any(std::string_view label, std::string_view text) {
        if (!text.empty()) print(label, text);
    }

    protocol::Parser parser_;
    const Becomes& becomes_;
    std::ostream& out_;
};

bool Explainer::explain_line(std::string_view line) {
    Reject reject = Reject::none;
    switch (protocol::classify(line)) {
        case protocol::LineType::metric:
            reject = explain_metric(line);
            break;
        case protocol::LineType::event:
            reject = explain_event(line);
            break;
        case protocol::LineType::service_check:
            reject = explain_service_check(line);
            break;
    }
    if (reject != Reject::none) print_refusal(line, reject);
    return reject == Reject::none;
}

// After one interval that held this line alone. False when the configuration refuses what the
// grammar took.
bool Explainer::print_sinks(std::string_view line) {
    bool is_accepted = true;
    for (const Becoming& becoming : becomes_(line)) {
        is_accepted = is_accepted && !becoming.is_refused;
        out_ << "  in " << shown(becoming.sink) << '\n';
        if (becoming.text.empty()) out_ << "    nothing\n";
        protocol::LineSplitter lines(becoming.text);
        for (std::string_view sent; lines.next(sent);) {
            out_ << "    " << shown(sent) << '\n';
        }
    }
    return is_accepted;
}

void Explainer::print_line(std::string_view line) {
    const std::string_view beginning = line.substr(0, shown_bytes_max);
    out_ << shown(beginning);
    if (beginning.size() < line.size()) out_ << "… (" << line.size() << " bytes)";
    out_ << '\n';
}

// a:1:x|c
//     ^
//   refused       bad_number: the value must be a finite decimal number, got "x"
void Explainer::print_refusal(std::string_view line, Reject reject) {
    const std::string_view part = parser_.refused_part();
    print_line(line);

    const auto offset = static_cast<std::size_t>(part.data() - line.data());
    if (part.size() < line.size() && offset + part.size() <= shown_bytes_max) {
        const std::size_t indent = columns(shown(line.substr(0, offset)));
        const std::size_t width = columns(shown(part));
        out_ << std::string(indent, ' ') << std::string(std::max<std::size_t>(width, 1), '^')
             << '\n';
    }
    std::string why = std::string(to_string(reject)) + ": " + std::string(describe(reject));
    if (reject != Reject::too_long && reject != Reject::too_many_tags) {
        why += part.empty() ? ", got nothing"
                            : ", got \"" + shown(part.substr(0, shown_bytes_max)) + "\"";
    }
    print("refused", why);

    if (parser_.reading().dialect == protocol::Dialect::dogstatsd) {
        protocol::Reading other = parser_.reading();
        other.dialect = protocol::Dialect::statsd;
        protocol::Parser statsd(other);
        protocol::MetricLine metric;
        if (protocol::classify(line) == protocol::LineType::metric &&
            statsd.parse_metric(line, metric) == Reject::none && value_count(metric) > 1) {
            print("note", "the statsd dialect reads this line: it packs samples");
        }
    }
}

void Explainer::print_part(const protocol::Part& part) {
    using protocol::Kind;
    print("kind", part.gauge_is_delta ? "gauge, moved by its value" : to_string(part.kind));
    if (part.kind == Kind::set) {
        print("member", part.member);
    } else {
        std::string values;
        for (const double value : part.values) {
            if (!values.empty()) values += "  ";
            values += number_text(value);
        }
        if (part.kind == Kind::timer) values += "  ms";
        print(part.values.size() == 1 ? "value" : "values", values);
    }
    const bool is_negative =
        std::ranges::any_of(part.values, [](double value) { return std::signbit(value); });
    if (part.kind == Kind::gauge && is_negative && !part.gauge_is_delta) {
        print("note", "gauge_sign = \"absolute\": the sign is part of the value and moves nothing");
    }
    if (part.sample_rate != 1) {
        const bool is_timer = part.kind == Kind::timer || part.kind == Kind::histogram ||
                              part.kind == Kind::distribution;
        const bool is_of_count = is_timer && part.timer_rate == protocol::TimerRate::count;
        print("sample rate", number_text(part.sample_rate) + ": each value stands for " +
                                 number_text(1 / part.sample_rate) +
                                 (is_of_count ? " in the count, and for one in all else" : ""));
    }
}

// Those that stay with the series, event or check, and those that told of its origin.
void Explainer::print_tags_kept(std::span<const protocol::Tag> said,
                                std::span<const protocol::Tag> kept) {
    print_tags("tags", kept);
    std::vector<protocol::Tag> taken_out;
    std::ranges::copy_if(said, std::back_inserter(taken_out), [&](const protocol::Tag& tag) {
        return std::ranges::find(kept, tag) == kept.end();
    });
    print_tags("taken out", taken_out);
}

void Explainer::print_tags(std::string_view label, std::span<const protocol::Tag> tags) {
    std::string text;
    for (const protocol::Tag& tag : tags) {
        if (!text.empty()) text += "  ";
        text += tag.key;
        if (tag.has_value) text.append("=").append(tag.value);
    }
    print_if_any(label, text);
}

template <class Record>
void Explainer::print_common(const Record& record) {
    if (record.timestamp_s != 0) print("timestamp", timestamp_text(record.timestamp_s));
    print_if_any("container", record.container_id);
    if (record.cgroup_inode != 0) print("cgroup inode", std::to_string(record.cgroup_inode));
    print_if_any("external data", record.external_data);
    print_if_any("cardinality", record.cardinality);
    if (record.unknown_fields != 0) {
        print("passed over", std::to_string(record.unknown_fields) +
                                 (record.unknown_fields == 1 ? " field" : " fields") +
                                 " that cannot be read");
    }
}

Reject Explainer::explain_metric(std::string_view line) {
    protocol::MetricLine metric;
    if (const Reject reject = parser_.parse_metric(line, metric); reject != Reject::none) {
        return reject;
    }
    protocol::Identity identity;
    if (const Reject reject = parser_.identity(metric, identity); reject != Reject::none) {
        return reject;
    }
    print_line(line);
    print("name", identity.name);
    for (const protocol::Part& part : metric.parts) print_part(part);
    OriginTags origin;
    origin.read(identity.tags);
    print_tags_kept(identity.tags, origin.with_host());
    print_common(metric);
    return Reject::none;
}

Reject Explainer::explain_event(std::string_view line) {
    protocol::Event event;
    if (const Reject reject = parser_.parse_event(line, event); reject != Reject::none) {
        return reject;
    }
    print_line(line);
    print("kind", "event");
    print("title", event.title);
    print_if_any("text", event.text);
    print("priority", to_string(event.priority));
    print("alert type", to_string(event.alert_type));
    protocol::Event settled = event;
    OriginTags origin;
    origin.settle(settled);
    print_if_any("host", settled.hostname);
    print_if_any("aggregation", event.aggregation_key);
    print_if_any("source type", event.source_type);
    print_tags_kept(event.tags, settled.tags);
    print_common(event);
    return Reject::none;
}

Reject Explainer::explain_service_check(std::string_view line) {
    protocol::ServiceCheck check;
    if (const Reject reject = parser_.parse_service_check(line, check); reject != Reject::none) {
        return reject;
    }
    print_line(line);
    print("kind", "service check");
    print("name", check.name);
    print("status", std::to_string(static_cast<int>(check.status)) + ", " +
                        std::string(to_string(check.status)));
    protocol::ServiceCheck settled = check;
    OriginTags origin;
    origin.settle(settled);
    print_if_any("host", settled.hostname);
    print_if_any("message", check.message);
    print_tags_kept(check.tags, settled.tags);
    print_common(check);
    return Reject::none;
}

int explain_as_json(const ExplainArguments& arguments, std::istream& in, std::ostream& out) {
    protocol::Parser parser(arguments.reading);
    for (const std::string& line : arguments.lines) {
        out << explain_datagram_as_json(line, parser) << '\n';
    }
    if (arguments.use_stdin) {
        // Flushed answer by answer: a program may wait for one before it asks again.
        for (std::string request; std::getline(in, request);) {
            out << answer_explain_request(request, parser) << '\n' << std::flush;
        }
    }
    return out.flush() ? exit_success : exit_failure;
}

}  // namespace

int explain(const ExplainArguments& arguments, std::istream& in, std::ostream& out,
            std::ostream& err) {
    if (arguments.lines.empty() && !arguments.use_stdin) {
        err << "pitot explain: must have lines to explain, as arguments or with --stdin, got "
               "none\n";
        return exit_usage;
    }
    if (arguments.json) return explain_as_json(arguments, in, out);

    const std::expected<Becomes, std::vector<Problem>> becomes = Becomes::make(arguments);
    if (!becomes) {
        err << render(becomes.error(), {.excerpts = false, .prefix = "", .closing = "."});
        return exit_configuration;
    }
    Explainer explainer(arguments.reading, *becomes, out);
    bool all_accepted = true;
    for (const std::string& line : arguments.lines) {
        all_accepted = explainer.explain_datagram(line) && all_accepted;
    }
    if (arguments.use_stdin) {
        for (std::string line; std::getline(in, line);) {
            all_accepted = explainer.explain_datagram(line) && all_accepted;
        }
    }
    return all_accepted && out.flush() ? exit_success : exit_failure;
}

}  // namespace pitot::agent
