#include "sinks/prometheus/names.h"

#include <algorithm>
#include <array>
#include <utility>

namespace pitot::sinks::prometheus {
namespace {

bool is_digit(char character) {
    return character >= '0' && character <= '9';
}

bool is_word(char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           is_digit(character) || character == '_';
}

std::string sanitised(std::string_view name, bool allow_colon) {
    std::string out;
    out.reserve(name.size() + 1);
    if (name.empty() || is_digit(name.front())) out += '_';
    for (const char character : name) {
        if (is_word(character) || (allow_colon && character == ':')) {
            out += character;
        } else if ((static_cast<unsigned char>(character) & 0xc0U) != 0x80U) {
            out += '_';  // once for a character of several bytes
        }
    }
    return out;
}

bool is_name(std::string_view name, bool allow_colon) {
    return !name.empty() && !is_digit(name.front()) &&
           std::ranges::all_of(name, [allow_colon](char character) {
               return is_word(character) || (allow_colon && character == ':');
           });
}

bool is_reserved(std::string_view label, std::span<const std::string> reserved) {
    constexpr std::array<std::string_view, 4> always{"instance", "job", "le", "quantile"};
    return label.starts_with("__") || std::ranges::find(always, label) != always.end() ||
           std::ranges::find(reserved, label) != reserved.end();
}

void append_escaped(std::string_view text, bool escape_quote, std::string& out) {
    for (const char character : text) {
        if (character == '\n') {
            out += "\\n";
            continue;
        }
        if (character == '\\' || (escape_quote && character == '"')) out += '\\';
        out += character;
    }
}

}  // namespace

std::string metric_name(std::string_view name) {
    return sanitised(name, true);
}

std::string label_name(std::string_view name) {
    return sanitised(name, false);
}

bool is_metric_name(std::string_view name) {
    return is_name(name, true);
}

bool is_label_name(std::string_view name) {
    return is_name(name, false);
}

Labels label_text(std::span<const protocol::Tag> tags, std::span<const std::string> reserved) {
    std::vector<std::pair<std::string, std::string_view>> labels;
    labels.reserve(tags.size());
    for (const protocol::Tag& tag : tags) {
        const std::string_view value = tag.has_value ? tag.value : "true";
        if (value.empty()) continue;
        std::string name = label_name(tag.key);
        if (is_reserved(name, reserved)) name.insert(0, "exported_");
        labels.emplace_back(std::move(name), value);
    }
    // Stable: values that share a label stay in the order of their tags.
    std::ranges::stable_sort(labels, {}, &std::pair<std::string, std::string_view>::first);

    Labels out;
    for (std::size_t i = 0; i < labels.size(); ++i) {
        const auto& [name, value] = labels[i];
        if (i > 0 && labels[i - 1].first == name) {
            out.text.back() = ',';  // over the closing quote
            ++out.merged;
        } else {
            if (!out.text.empty()) out.text += ',';
            out.text += name;
            out.text += "=\"";
        }
        append_label_value(value, out.text);
        out.text += '"';
    }
    return out;
}

void append_label_value(std::string_view value, std::string& out) {
    append_escaped(value, true, out);
}

void append_help(std::string_view text, std::string& out) {
    append_escaped(text, false, out);
}

}  // namespace pitot::sinks::prometheus
