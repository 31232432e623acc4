#include "sinks/prometheus/names.h"

#include <algorithm>
#include <array>
#include <utility>

namespace pitot::sinks::prometheus {
namespace {

constexpr bool is_digit(char character) {
    return character >= '0' && character <= '9';
}

constexpr bool is_word(char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           is_digit(character) || character == '_';
}

// What a byte becomes in a metric's name: itself, '_', or nothing where it goes on with a
// character of several bytes. By table, for pages are written of it.
constexpr auto metric_bytes = [] {
    std::array<char, 256> bytes{};
    for (unsigned value = 0; value < bytes.size(); ++value) {
        const auto character = static_cast<char>(value);
        const bool is_rest = (value & 0xc0U) == 0x80U;
        bytes[value] = is_word(character) || character == ':' ? character : is_rest ? '\0' : '_';
    }
    return bytes;
}();

char* write_metric_bytes(std::string_view text, char* at) {
    for (const char character : text) {
        const char written = metric_bytes[static_cast<unsigned char>(character)];
        *at = written;
        if (written != '\0') ++at;
    }
    return at;
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

}  // namespace

std::string metric_name(std::string_view name) {
    std::string out;
    write_metric_name({}, name, out);
    return out;
}

void write_metric_name(std::string_view prefix, std::string_view name, std::string& out) {
    const std::string_view first = prefix.empty() ? name : prefix;
    const bool needs_more = first.empty() || is_digit(first.front());
    out.resize_and_overwrite(prefix.size() + name.size() + 1, [&](char* begin, std::size_t) {
        char* at = begin;
        if (needs_more) *at++ = '_';
        at = write_metric_bytes(name, write_metric_bytes(prefix, at));
        return static_cast<std::size_t>(at - begin);
    });
}

std::string label_name(std::string_view name) {
    std::string out;
    out.reserve(name.size() + 1);
    if (name.empty() || is_digit(name.front())) out += '_';
    for (const char character : name) {
        if (is_word(character)) {
            out += character;
        } else if ((static_cast<unsigned char>(character) & 0xc0U) != 0x80U) {
            out += '_';  // once for a character of several bytes
        }
    }
    return out;
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
    for (const char character : value) {
        if (character == '\n') {
            out += "\\n";
            continue;
        }
        if (character == '\\' || character == '"') out += '\\';
        out += character;
    }
}

}  // namespace pitot::sinks::prometheus
