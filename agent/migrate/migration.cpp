#include "agent/migrate/migration.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <iterator>

#include "agent/config/address.h"
#include "agent/config/toml_text.h"
#include "agent/config/units.h"
#include "agent/printable.h"

namespace pitot::agent {

namespace {

std::optional<double> number_in(std::string_view text) {
    while (text.starts_with(' ')) text.remove_prefix(1);
    while (text.ends_with(' ')) text.remove_suffix(1);
    double number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (text.empty() || error != std::errc() || stop != end || !std::isfinite(number)) {
        return std::nullopt;
    }
    return number;
}

std::optional<double> number_in(const Node& node) {
    if (const auto* const whole = std::get_if<std::int64_t>(&node.value)) {
        return static_cast<double>(*whole);
    }
    if (const auto* const real = std::get_if<double>(&node.value)) return *real;
    if (const std::string* const text = node.text()) return number_in(std::string_view(*text));
    return std::nullopt;
}

bool matches(std::string_view pattern, std::string_view key) {
    return pattern.ends_with('*') ? key.starts_with(pattern.substr(0, pattern.size() - 1))
                                  : key == pattern;
}

std::string joined(const std::string& path, const std::string& key) {
    return path.empty() ? key : path + "." + key;
}

}  // namespace

Migration::Migration(std::string_view server, const Table& settings,
                     std::span<const std::string_view> sink_types)
    : server_(server), settings_(settings), sink_types_(sink_types) {
    sections_.push_back({"", {}});
}

// Keys may hold dots themselves; the longest key that fits is meant.
const Node* Migration::find(const std::string& path) const {
    const Table* table = &settings_;
    std::string_view rest = path;
    while (table != nullptr) {
        if (const Entry* const entry = table->find(rest)) return &entry->node;
        const std::size_t dot = rest.find('.');
        if (dot == std::string_view::npos) return nullptr;
        const Entry* const entry = table->find(rest.substr(0, dot));
        table = entry == nullptr ? nullptr : entry->node.table();
        rest.remove_prefix(dot + 1);
    }
    return nullptr;
}

const Node* Migration::take(const std::string& path) {
    const Node* const node = find(path);
    if (node != nullptr) taken_.insert(path);
    return node;
}

std::optional<std::string> Migration::text(const std::string& path) {
    const Node* const node = take(path);
    if (node == nullptr) return std::nullopt;
    if (const std::string* const text = node->text()) return *text;
    if (const auto number = number_in(*node)) return fmt::format("{}", *number);
    no_counterpart(path, "it is no text");
    return std::nullopt;
}

std::optional<double> Migration::number(const std::string& path) {
    const Node* const node = take(path);
    if (node == nullptr) return std::nullopt;
    if (const auto number = number_in(*node)) return number;
    no_counterpart(path, "it is no number");
    return std::nullopt;
}

std::optional<bool> Migration::boolean(const std::string& path) {
    const Node* const node = take(path);
    if (node == nullptr) return std::nullopt;
    if (const bool* const value = std::get_if<bool>(&node->value)) return *value;
    const std::string* const text = node->text();
    const std::string word = text != nullptr ? *text : toml_value(*node);
    constexpr std::array<std::string_view, 8> yes{"yes",  "Yes",  "on",   "1",
                                                  "true", "True", "TRUE", "y"};
    constexpr std::array<std::string_view, 8> no{"no",    "No",    "off",   "0",
                                                 "false", "False", "FALSE", "n"};
    if (std::ranges::find(yes, word) != yes.end()) return true;
    if (std::ranges::find(no, word) != no.end()) return false;
    no_counterpart(path, "it is neither true nor false");
    return std::nullopt;
}

std::optional<std::vector<double>> Migration::numbers(const std::string& path) {
    const Node* const node = take(path);
    if (node == nullptr) return std::nullopt;
    std::vector<double> numbers;
    bool all = true;
    const auto add = [&](std::optional<double> number) {
        all = all && number.has_value();
        if (number) numbers.push_back(*number);
    };
    if (const auto* const array = std::get_if<Array>(&node->value)) {
        for (const Node& element : *array) add(number_in(element));
    } else if (const std::string* const text = node->text(); text != nullptr && !text->empty()) {
        for (std::string_view rest = *text; !rest.empty();) {
            const std::size_t comma = std::min(rest.find(','), rest.size());
            add(number_in(rest.substr(0, comma)));
            rest.remove_prefix(std::min(comma + 1, rest.size()));
        }
    } else {
        add(number_in(*node));
    }
    if (all) return numbers;
    no_counterpart(path, "it holds something besides numbers");
    return std::nullopt;
}

std::optional<std::vector<std::string>> Migration::texts(const std::string& path) {
    const Node* const node = take(path);
    if (node == nullptr) return std::nullopt;
    if (const std::string* const text = node->text()) return std::vector{*text};
    std::vector<std::string> texts;
    if (const auto* const array = std::get_if<Array>(&node->value)) {
        for (const Node& element : *array) {
            if (const std::string* const text = element.text()) texts.push_back(*text);
        }
        return texts;
    }
    no_counterpart(path, "it is no list of texts");
    return std::nullopt;
}

Migration::Section& Migration::section(const std::string& name) {
    const auto found = std::ranges::find(sections_, name, &Section::name);
    if (found != sections_.end()) return *found;
    return sections_.emplace_back(Section{name, {}});
}

void Migration::set(const std::string& section_name, const std::string& key, std::string value,
                    std::string_view comment) {
    Section& where = section(section_name);
    const auto known = std::ranges::find(where.options, key, &Option::key);
    if (known == where.options.end()) {
        where.options.push_back({key, std::move(value), std::string(comment)});
    } else {
        *known = {key, std::move(value), std::string(comment)};
    }
}

void Migration::set_duration(const std::string& section_name, const std::string& key,
                             double seconds, double least_s, double most_s) {
    const double bounded = std::clamp(seconds, least_s, most_s);
    const std::chrono::nanoseconds rounded(
        static_cast<std::int64_t>(std::llround(bounded * 1'000)) * 1'000'000);
    const std::string comment =
        bounded == seconds
            ? ""
            : fmt::format("{} has {} s, which is out of our range", server_, seconds);
    set(section_name, key, toml_text(format_duration(rounded)), comment);
}

std::string Migration::add_listener(std::string_view name, std::string_view type,
                                    const std::string& place) {
    std::string full = fmt::format("listeners.{}", name);
    for (int number = 2; std::ranges::find(sections_, full, &Section::name) != sections_.end();
         ++number) {
        full = fmt::format("listeners.{}{}", name, number);
    }
    set(full, "type", toml_text(type));
    set(full, type.starts_with("unix") ? "path" : "address", toml_text(place));
    return full;
}

bool Migration::has_sink(std::string_view type) const {
    return std::ranges::find(sink_types_, type) != sink_types_.end();
}

void Migration::no_counterpart(const std::string& path, std::string_view why) {
    notes_.push_back(
        fmt::format("{}: `{}` has no counterpart: {}", server_, printable(path, 120), why));
}

void Migration::note(std::string text) {
    notes_.push_back(fmt::format("{}: {}", server_, std::move(text)));
}

void Migration::explain_rest(std::span<const Reason> reasons) {
    explain_rest_of(settings_, "", "pitot does not know this setting", reasons);
}

void Migration::explain_rest_of(const Table& table, const std::string& path, std::string_view why,
                                std::span<const Reason> reasons) {
    for (const Entry& entry : table.entries) {
        const std::string full = joined(path, entry.key);
        if (taken_.contains(full)) continue;
        const auto found = std::ranges::find_if(
            reasons, [&](const Reason& reason) { return matches(reason.key, full); });
        const std::string_view reason = found == reasons.end() ? why : found->why;
        const Table* const inner = entry.node.table();
        if (inner != nullptr && !inner->entries.empty()) {
            explain_rest_of(*inner, full, reason, reasons);
        } else {
            no_counterpart(full, reason);
        }
    }
}

std::string Migration::text() const {
    std::string out = fmt::format(
        "# From a configuration of {}, by `pitot migrate`. What is not in here has pitot's "
        "default;\n# `pitot check --show FILE` prints all of it.\n",
        server_);
    const auto to = std::back_inserter(out);
    for (const std::string& note : notes_) fmt::format_to(to, "\n# {}", note);
    if (!notes_.empty()) out += '\n';
    for (const Section& section : sections_) {
        if (section.options.empty()) continue;
        out += section.name.empty() ? "\n" : fmt::format("\n[{}]\n", section.name);
        for (const Option& option : section.options) {
            fmt::format_to(to, "{} = {}{}{}\n", option.key, option.value,
                           option.comment.empty() ? "" : "  # ", option.comment);
        }
    }
    return out;
}

std::optional<std::string> listen_address(const std::string& host, std::uint16_t port) {
    if (host.empty() || host == "*" || host == "::" || host == "[::]") {
        return fmt::format("*:{}", port);
    }
    if (host == "localhost") return fmt::format("127.0.0.1:{}", port);
    const bool is_bare_v6 = host.contains(':') && !host.starts_with('[');
    std::string address =
        is_bare_v6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
    if (!parse_listen_address(address)) return std::nullopt;
    return address;
}

std::optional<std::uint16_t> port_of(std::optional<double> number) {
    if (!number || *number < 0 || *number > 65'535 || *number != std::floor(*number)) {
        return std::nullopt;
    }
    return static_cast<std::uint16_t>(*number);
}

}  // namespace pitot::agent
