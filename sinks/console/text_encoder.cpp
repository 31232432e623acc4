#include "sinks/console/text_encoder.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <iterator>
#include <numeric>
#include <span>
#include <string_view>
#include <utility>

#include "sinks/number_text.h"

namespace pitot::sinks::console {
namespace {

using protocol::Kind;
using protocol::Snapshot;

std::string number(double value) {
    std::string text;
    append_number(value, text);
    return text;
}

// A terminal obeys control bytes: none of a sender's reach it.
void append_plain(std::string_view text, std::string& out) {
    for (const char character : text) {
        const auto byte = static_cast<unsigned char>(character);
        out += byte < 0x20 || byte == 0x7f ? ' ' : character;
    }
}

void append_tags(std::span<const protocol::Tag> tags, std::string& out) {
    if (tags.empty()) return;
    out += " {";
    for (const protocol::Tag& tag : tags) {
        if (&tag != tags.data()) out += ',';
        append_plain(tag.key, out);
        if (!tag.has_value) continue;
        out += '=';
        append_plain(tag.value, out);
    }
    out += '}';
}

void append_headline(const Snapshot& snapshot, std::size_t series, std::string& out) {
    const std::chrono::sys_seconds end{std::chrono::seconds(snapshot.end_unix_ns / 1'000'000'000)};
    const auto refused =
        std::accumulate(snapshot.rejected.begin(), snapshot.rejected.end(), std::uint64_t{0});
    fmt::format_to(std::back_inserter(out),
                   "{:%Y-%m-%dT%H:%M:%SZ}  series: {}  events: {}  service checks: {}  "
                   "refused lines: {}\n",
                   fmt::gmtime(std::chrono::system_clock::to_time_t(end)), series,
                   snapshot.events.size(), snapshot.service_checks.size(), refused);
}

// "  page.views {env=prod,shell} counter: "
void append_head(const protocol::Series& series, std::string& out) {
    out += "  ";
    append_plain(series.name(), out);
    append_tags(series.tags().split(), out);
    fmt::format_to(std::back_inserter(out), " {}: ", to_string(series.kind));
}

void append_distribution(const protocol::DistributionView& values,
                         std::span<const double> quantiles,
                         const std::vector<std::string>& quantile_names, std::string& out) {
    const auto print = std::back_inserter(out);
    fmt::format_to(print, "{} values, {:.6g} to {:.6g}, mean {:.6g}", number(values.count()),
                   values.minimum(), values.maximum(), values.mean());
    for (std::size_t i = 0; i < quantiles.size(); ++i) {
        fmt::format_to(print, ", p{} {:.6g}", quantile_names[i], quantiles[i]);
    }
}

void append_value(const Snapshot& snapshot, const Updated& updated, Quantiles& quantiles,
                  const std::vector<std::string>& quantile_names, std::string& out) {
    const auto print = std::back_inserter(out);
    switch (updated.series->kind) {
        case Kind::counter: {
            const protocol::CounterPoint& point = snapshot.counters[updated.index];
            fmt::format_to(print, "{}{}, {:.6g}/s, {} in all", point.delta < 0 ? "" : "+",
                           number(point.delta), point.delta / snapshot.elapsed_s,
                           number(point.total));
            break;
        }
        case Kind::gauge:
            fmt::format_to(print, "{}", number(snapshot.gauges[updated.index].value));
            break;
        case Kind::set: {
            const protocol::SetPoint& point = snapshot.sets[updated.index];
            fmt::format_to(print, "{}{} different", point.is_exact ? "" : "about ",
                           number(point.unique));
            break;
        }
        case Kind::timer:
        case Kind::histogram:
        case Kind::distribution: {
            const protocol::TimerPoint& point = snapshot.timers[updated.index];
            append_distribution(point.values, quantiles.of(point), quantile_names, out);
            break;
        }
    }
}

}  // namespace

TextEncoder::TextEncoder(std::vector<double> quantiles)
    : order_(append_head), quantiles_(std::move(quantiles)) {
    for (const double quantile : quantiles_.ranks()) {
        quantile_names_.push_back(number(quantile * 100));
    }
}

void TextEncoder::append(const Snapshot& snapshot, std::string& out) {
    quantiles_.begin(snapshot);
    const std::vector<Updated>& all = order_.update(snapshot);
    append_headline(snapshot, all.size() + snapshot.timed.size(), out);
    for (const Updated& updated : all) {
        out += updated.head;
        append_value(snapshot, updated, quantiles_, quantile_names_, out);
        out += '\n';
    }
    for (const protocol::TimedPoint& point : snapshot.timed) {
        out += "  ";
        append_plain(point.name, out);
        append_tags(point.tags, out);
        fmt::format_to(std::back_inserter(out), " {}: {} at {}\n", to_string(point.kind),
                       number(point.value), point.timestamp_s);
    }
    for (const protocol::Event& event : snapshot.events) {
        fmt::format_to(std::back_inserter(out), "  event ({}): ", to_string(event.alert_type));
        append_plain(event.title, out);
        append_tags(event.tags, out);
        out += '\n';
    }
    for (const protocol::ServiceCheck& check : snapshot.service_checks) {
        out += "  ";
        append_plain(check.name, out);
        append_tags(check.tags, out);
        fmt::format_to(std::back_inserter(out), " service check: {} ", to_string(check.status));
        append_plain(check.message, out);
        out += '\n';
    }
}

}  // namespace pitot::sinks::console
