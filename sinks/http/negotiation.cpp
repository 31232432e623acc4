#include "sinks/http/negotiation.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace pitot::sinks::http {
namespace {

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blanks = " \t";
    const std::size_t begin = text.find_first_not_of(blanks);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

std::string in_small_letters(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](char character) {
        return character >= 'A' && character <= 'Z' ? static_cast<char>(character + ('a' - 'A'))
                                                    : character;
    });
    return out;
}

// Cuts `rest` at the first `separator` that is not within a quoted string.
std::string_view cut(std::string_view& rest, char separator) {
    bool in_quotes = false;
    std::size_t at = 0;
    for (; at < rest.size(); ++at) {
        const char character = rest[at];
        if (in_quotes && character == '\\') {
            ++at;
        } else if (character == '"') {
            in_quotes = !in_quotes;
        } else if (character == separator && !in_quotes) {
            break;
        }
    }
    at = std::min(at, rest.size());
    const std::string_view piece = rest.substr(0, at);
    rest.remove_prefix(std::min(rest.size(), at + 1));
    return trimmed(piece);
}

// A token, or a quoted string without its quotes and escapes.
std::string value_of(std::string_view text) {
    if (text.size() < 2 || !text.starts_with('"') || !text.ends_with('"')) {
        return std::string(text);
    }
    std::string out;
    for (std::size_t at = 1; at + 1 < text.size(); ++at) {
        if (text[at] == '\\' && at + 2 < text.size()) ++at;
        out += text[at];
    }
    return out;
}

// "0.5"; what is no number from 0 to 1 is 0.
double quality_of(std::string_view text) {
    double quality = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, quality, std::chars_format::fixed);
    if (error != std::errc() || stop != end || !(quality >= 0 && quality <= 1)) return 0;
    return quality;
}

struct Parameter {
    std::string name;
    std::string value;
};

std::optional<Parameter> parse_parameter(std::string_view text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) return {};
    return Parameter{.name = in_small_letters(trimmed(text.substr(0, equals))),
                     .value = value_of(trimmed(text.substr(equals + 1)))};
}

}  // namespace

std::string_view MediaRange::parameter(std::string_view name) const {
    const auto found =
        std::ranges::find(parameters, name, &std::pair<std::string, std::string>::first);
    return found == parameters.end() ? std::string_view() : found->second;
}

std::vector<MediaRange> parse_accept(std::string_view header) {
    std::vector<MediaRange> ranges;
    while (!header.empty() && ranges.size() < accept_ranges_max) {
        std::string_view entry = cut(header, ',');
        const std::string type = in_small_letters(cut(entry, ';'));
        const std::size_t slash = type.find('/');
        if (slash == std::string::npos) continue;
        MediaRange range;
        range.type = trimmed(std::string_view(type).substr(0, slash));
        range.subtype = trimmed(std::string_view(type).substr(slash + 1));
        if (range.type.empty() || range.subtype.empty()) continue;
        while (!entry.empty()) {
            std::optional<Parameter> parameter = parse_parameter(cut(entry, ';'));
            if (!parameter) continue;
            if (parameter->name == "q") {
                range.quality = quality_of(parameter->value);
                break;  // what follows belongs to the header, not to the type
            }
            range.parameters.emplace_back(std::move(parameter->name), std::move(parameter->value));
        }
        ranges.push_back(std::move(range));
    }
    return ranges;
}

double coding_quality(std::string_view header, std::string_view coding) {
    std::optional<double> own;
    std::optional<double> of_any;
    for (std::size_t seen = 0; !header.empty() && seen < accept_ranges_max; ++seen) {
        std::string_view entry = cut(header, ',');
        const std::string name = in_small_letters(cut(entry, ';'));
        double quality = 1;
        while (!entry.empty()) {
            const std::optional<Parameter> parameter = parse_parameter(cut(entry, ';'));
            if (parameter && parameter->name == "q") quality = quality_of(parameter->value);
        }
        if (name == "*") of_any = quality;
        if (name == coding || (coding == "gzip" && name == "x-gzip")) own = quality;
    }
    return own.value_or(of_any.value_or(coding == "identity" ? 1 : 0));
}

bool prefers_gzip(std::string_view accept_encoding) {
    const double gzip = coding_quality(accept_encoding, "gzip");
    if (gzip <= 0) return false;
    // Nobody lists identity to ask for it; who lists both means the order.
    const bool is_identity_listed = in_small_letters(accept_encoding).contains("identity");
    return !is_identity_listed || gzip >= coding_quality(accept_encoding, "identity");
}

}  // namespace pitot::sinks::http
