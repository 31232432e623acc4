#include "sinks/influxdb/line_key.h"

#include <algorithm>
#include <array>

namespace pitot::sinks::influxdb {
namespace {

// InfluxDB 1 refuses a tag "time"; InfluxDB 2 uses the others itself.
constexpr std::array<std::string_view, 4> reserved_tags{"time", "_field", "_measurement", "_time"};

struct TagText {
    std::string key;  // clean, not escaped yet
    std::string value;
    bool is_added = false;
};

bool is_control(char character) {
    const auto byte = static_cast<unsigned char>(character);
    return byte < 0x20 || byte == 0x7f;
}

std::string clean(std::string_view text, const KeySettings& settings) {
    std::string out(text);
    for (char& character : out) {
        if (is_control(character)) character = '_';
        if (character == '\\' && settings.slash_for_backslash) character = '/';
    }
    return out;
}

void trim_backslashes(std::string& text) {
    while (text.ends_with('\\')) text.pop_back();
}

std::string clean_name(std::string_view text, const KeySettings& settings) {
    std::string name = clean(text, settings);
    trim_backslashes(name);
    if (name.empty()) name.push_back('_');
    return name;
}

std::string clean_measurement(std::string_view text, const KeySettings& settings) {
    constexpr std::string_view takes_backslashes = ",= \"";
    std::string name;
    for (const char character : clean_name(text, settings)) {
        if (takes_backslashes.find(character) != std::string_view::npos) trim_backslashes(name);
        name += character;
    }
    if (name.front() == '#') name.front() = '_';
    return name;
}

void append_escaped(std::string_view text, std::string_view specials, std::string& out) {
    for (const char character : text) {
        if (specials.find(character) != std::string_view::npos) out += '\\';
        out += character;
    }
}

std::string tag_name(std::string_view key, std::span<const AddedTag> added,
                     const KeySettings& settings) {
    std::string name = clean_name(key, settings);
    const auto takes_name = [&](const AddedTag& tag) { return tag.wins && tag.key == name; };
    if (std::ranges::any_of(added, takes_name) ||
        std::ranges::find(reserved_tags, name) != reserved_tags.end()) {
        name += '_';
    }
    return name;
}

// Neighbours of one key become one; what is added gives way to what is there.
void merge(std::vector<TagText>& tags) {
    std::ranges::stable_sort(tags, {}, &TagText::key);
    std::vector<TagText> merged;
    for (TagText& tag : tags) {
        if (merged.empty() || merged.back().key != tag.key) {
            merged.push_back(std::move(tag));
        } else if (!tag.is_added) {
            merged.back().value.append(",").append(tag.value);
        }
    }
    tags = std::move(merged);
}

}  // namespace

std::string line_key(std::string_view measurement, std::span<const protocol::Tag> tags,
                     std::span<const AddedTag> added, const KeySettings& settings) {
    std::vector<TagText> all;
    all.reserve(tags.size() + added.size() + settings.tags.size());
    for (const protocol::Tag& tag : tags) {
        if (tag.has_value && tag.value.empty()) continue;
        all.push_back({.key = tag_name(tag.key, added, settings),
                       .value = tag.has_value ? clean(tag.value, settings) : "true"});
    }
    const auto add = [&](std::string_view key, std::string_view value) {
        if (key.empty() || value.empty()) return;
        all.push_back(
            {.key = clean_name(key, settings), .value = clean(value, settings), .is_added = true});
    };
    for (const AddedTag& tag : added) add(tag.key, tag.value);
    for (const auto& [key, value] : settings.tags) add(key, value);
    merge(all);

    std::string out;
    append_escaped(clean_measurement(measurement, settings), ", ", out);
    for (TagText& tag : all) {
        trim_backslashes(tag.value);
        if (tag.value.empty()) continue;
        out += ',';
        append_escaped(tag.key, ",= ", out);
        out += '=';
        append_escaped(tag.value, ",= ", out);
    }
    return out;
}

std::string series_key(std::string_view name, std::span<const protocol::Tag> tags,
                       protocol::Kind kind, const KeySettings& settings) {
    const std::array added{
        AddedTag{.key = settings.type_tag, .value = to_string(kind), .wins = true},
        AddedTag{.key = settings.host_tag, .value = settings.host_name}};
    return line_key(name, tags, added, settings);
}

void append_string_field(std::string_view text, std::string& out) {
    out += '"';
    for (const char character : text) {
        if (character == '\n') {
            out += R"(\\n)";
        } else if (is_control(character)) {
            out += ' ';
        } else {
            if (character == '"' || character == '\\') out += '\\';
            out += character;
        }
    }
    out += '"';
}

std::string excerpt(std::string_view text) {
    constexpr std::size_t bytes_max = 200;
    const auto continues = [](char character) {
        return (static_cast<unsigned char>(character) & 0xc0U) == 0x80U;
    };
    std::size_t length = std::min(text.size(), bytes_max);
    while (length < text.size() && length > 0 && continues(text[length])) --length;
    std::string out(text.substr(0, length));
    std::ranges::replace_if(out, is_control, '_');
    if (length < text.size()) out += " …";
    return out;
}

}  // namespace pitot::sinks::influxdb
