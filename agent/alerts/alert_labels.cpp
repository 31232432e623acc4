#include "agent/alerts/alert_labels.h"

#include <fmt/format.h>

#include <utility>

#include "agent/printable.h"

namespace pitot::agent::alerts {

namespace {

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_hexadecimal(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f');
}

// Reads as what printable() makes of another character.
bool begins_as_escaped(std::string_view text) {
    if (text.starts_with("\\u{")) return true;
    return text.starts_with("\\x") && text.size() >= 4 && is_hexadecimal(text[2]) &&
           is_hexadecimal(text[3]);
}

// Those that begin with "__" are Prometheus' own.
std::string prometheus_name(std::string_view name) {
    std::string out;
    if (name.empty() || is_digit(name.front())) out += '_';
    for (const char c : name) out += is_letter(c) || is_digit(c) ? c : '_';
    while (out.starts_with("__")) out.erase(0, 1);
    return out;
}

}  // namespace

std::string label_text(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        if (begins_as_escaped(text)) {
            out += "\\x5c";
            text.remove_prefix(1);
            continue;
        }
        const Character character = first_character(text);
        append_printable(out, text, character);
        text.remove_prefix(character.bytes);
    }
    return out;
}

void AlertLabels::add_own(std::string_view name, std::string_view value) {
    own_.emplace(name, value);
    if (!value.empty()) texts_.emplace(name, label_text(value));
}

void AlertLabels::add(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    std::string shown = label_text(name);
    std::string text = label_text(value);
    std::string wanted = names_ == Names::prometheus ? prometheus_name(name) : shown;
    const auto taken = texts_.find(wanted);
    // The client tells the same as we do. What is our own changes, and a label must not come and
    // go with it.
    const bool is_own = own_.contains(wanted);
    if (taken != texts_.end() && taken->second == text && wanted == name && !is_own) return;
    if (taken != texts_.end() || is_own) wanted = free_name(wanted);
    if (wanted != shown) originals_.emplace(std::move(shown), text);
    texts_.emplace(std::move(wanted), std::move(text));
}

std::string AlertLabels::free_name(const std::string& name) const {
    std::string out = "tag_" + name;
    for (int number = 2; texts_.contains(out); ++number) {
        out = fmt::format("tag_{}_{}", name, number);
    }
    return out;
}

}  // namespace pitot::agent::alerts
