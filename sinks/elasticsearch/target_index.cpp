#include "sinks/elasticsearch/target_index.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "sinks/elasticsearch/utc_time.h"
#include "sinks/glob.h"

namespace pitot::sinks::elasticsearch {
namespace {

constexpr std::string_view forbidden = R"(\/*?"<>| ,#:)";

// What is wrong with a name, or nothing.
std::optional<std::string> problem_of(std::string_view name) {
    if (name.empty()) return "must not be empty";
    if (name.size() > index_name_bytes_max) {
        return fmt::format("must be at most {} bytes, got {}", index_name_bytes_max, name.size());
    }
    if (name == "." || name == "..") return fmt::format("must be a name, got \"{}\"", name);
    if (name.front() == '-' || name.front() == '_' || name.front() == '+') {
        return fmt::format("must not begin with '-', '_' or '+', got \"{}\"", name);
    }
    for (const char character : name) {
        if (character >= 'A' && character <= 'Z') {
            return fmt::format("must be in small letters, got \"{}\"", name);
        }
        const auto byte = static_cast<unsigned char>(character);
        if (byte < 0x20 || byte == 0x7f) return "must not contain control characters";
        if (forbidden.find(character) != std::string_view::npos) {
            return fmt::format("must not contain '{}' (nor any of {}), got \"{}\"", character,
                               forbidden, name);
        }
    }
    return {};
}

void append_padded(unsigned value, std::size_t digits, std::string& out) {
    std::array<char, 8> text{};
    for (std::size_t at = digits; at-- > 0; value /= 10) {
        text[at] = static_cast<char>('0' + value % 10);
    }
    out.append(text.data(), digits);
}

}  // namespace

std::expected<TargetIndex, std::string> TargetIndex::daily(std::string_view pattern) {
    TargetIndex index;
    std::string_view rest = pattern;
    while (!rest.empty()) {
        const std::size_t percent = std::min(rest.find('%'), rest.size());
        if (percent > 0) index.parts_.push_back({.text = std::string(rest.substr(0, percent))});
        rest.remove_prefix(percent);
        if (rest.empty()) break;
        if (rest.size() < 2 || std::string_view("YmdH").find(rest[1]) == std::string_view::npos) {
            return std::unexpected(
                fmt::format(R"(must use %Y, %m, %d and %H only, got "{}" in "{}")",
                            rest.substr(0, 2), pattern));
        }
        index.parts_.push_back({.text = {}, .date = rest[1]});
        rest.remove_prefix(2);
    }
    // All dates are as long as this one, and none brings a character that decides.
    std::string example;
    index.append_name(0, example);
    if (auto problem = problem_of(example)) return std::unexpected(*std::move(problem));
    return index;
}

std::expected<TargetIndex, std::string> TargetIndex::data_stream(std::string_view name) {
    if (name.find('%') != std::string_view::npos) {
        return std::unexpected(
            fmt::format("must be one name without a date, for the server rolls its indices over "
                        "by itself, got \"{}\"",
                        name));
    }
    if (auto problem = problem_of(name)) return std::unexpected(*std::move(problem));
    if (name.front() == '.') {
        return std::unexpected(fmt::format(
            "must not begin with '.', which is for the server's own, got \"{}\"", name));
    }
    TargetIndex stream;
    stream.parts_.push_back({.text = std::string(name)});
    stream.is_data_stream_ = true;
    return stream;
}

void TargetIndex::append_name(std::int64_t unix_s, std::string& out) const {
    const UtcTime time = utc_time(unix_s);
    for (const Part& part : parts_) {
        switch (part.date) {
            case 'Y':
                append_padded(time.year, 4, out);
                break;
            case 'm':
                append_padded(time.month, 2, out);
                break;
            case 'd':
                append_padded(time.day, 2, out);
                break;
            case 'H':
                append_padded(time.hour, 2, out);
                break;
            default:
                out += part.text;
                break;
        }
    }
}

std::string TargetIndex::wildcard() const {
    std::string out;
    for (const Part& part : parts_) {
        if (part.date == 0) {
            out += part.text;
        } else if (!out.ends_with('*')) {
            out += '*';
        }
    }
    return out;
}

std::string TargetIndex::label() const {
    std::string out;
    for (const Part& part : parts_) {
        switch (part.date) {
            case 'Y':
                out += "yyyy";
                break;
            case 'm':
                out += "mm";
                break;
            case 'd':
                out += "dd";
                break;
            case 'H':
                out += "hh";
                break;
            default:
                out += part.text;
                break;
        }
    }
    return out;
}

bool TargetIndex::looks_like_builtin_data_stream() const {
    constexpr std::array<std::string_view, 4> builtin{"metrics-*-*", "logs-*-*", "traces-*-*",
                                                      "synthetics-*-*"};
    std::string example;
    append_name(0, example);
    return std::ranges::any_of(
        builtin, [&](std::string_view pattern) { return glob_matches(pattern, example); });
}

}  // namespace pitot::sinks::elasticsearch
