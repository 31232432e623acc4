#include "sinks/http/redaction.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>

namespace pitot::sinks::http {
namespace {

constexpr std::string_view replacement = "[secret]";

// Below that a credential may be a part of any word.
constexpr std::size_t short_bytes = 6;

bool is_word(char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9');
}

// RFC 4648 section 4; what is no base64 ends it.
std::string decoded_base64(std::string_view text) {
    constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    std::uint32_t bits = 0;
    int count = 0;
    for (const char character : text) {
        const std::size_t digit = digits.find(character);
        if (digit == std::string_view::npos) break;
        bits = (bits << 6U | static_cast<std::uint32_t>(digit)) & 0xffffffU;
        count += 6;
        if (count < 8) continue;
        count -= 8;
        out += static_cast<char>(bits >> static_cast<unsigned>(count) & 0xffU);
    }
    return out;
}

std::string in_json(std::string_view text, bool escapes_slash) {
    std::string out;
    for (const char character : text) {
        if (character == '"' || character == '\\' || (escapes_slash && character == '/')) {
            out += '\\';
        }
        out += character;
    }
    return out;
}

std::string in_html(std::string_view text) {
    constexpr std::array<std::pair<char, std::string_view>, 5> entities{
        {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}}};
    std::string out;
    for (const char character : text) {
        const auto* const entity =
            std::ranges::find(entities, character, &std::pair<char, std::string_view>::first);
        if (entity == entities.end()) {
            out += character;
        } else {
            out += entity->second;
        }
    }
    return out;
}

std::string in_url(std::string_view text) {
    std::string out;
    for (const char character : text) {
        if (is_word(character) || std::string_view("-._~").contains(character)) {
            out += character;
        } else {
            fmt::format_to(std::back_inserter(out), "%{:02X}",
                           static_cast<unsigned char>(character));
        }
    }
    return out;
}

// Whether what is at [begin, end) is no part of a longer word.
bool stands_alone(std::string_view text, std::size_t begin, std::size_t end) {
    return (begin == 0 || !is_word(text[begin - 1])) && (end == text.size() || !is_word(text[end]));
}

}  // namespace

Redaction::Redaction(const Secret& authorization,
                     const std::vector<std::pair<std::string, Secret>>& headers) {
    const std::string_view whole = authorization.reveal();
    hide(whole);
    if (const std::size_t space = whole.find(' '); space != std::string_view::npos) {
        const std::string_view payload = whole.substr(space + 1);
        hide(payload);
        // Of these the payload is base64 of "name:secret".
        const std::string_view scheme = whole.substr(0, space);
        const std::string plain =
            scheme == "Basic" || scheme == "ApiKey" ? decoded_base64(payload) : std::string();
        const std::size_t colon = plain.find(':');
        if (colon != std::string::npos) hide(std::string_view(plain).substr(colon + 1));
    }
    for (const auto& [name, value] : headers) hide(value.reveal());
    std::ranges::sort(secrets_, std::ranges::greater(), &std::string::size);
}

void Redaction::hide(std::string_view secret) {
    if (secret.empty()) return;
    for (const std::string& form :
         std::array{std::string(secret), in_json(secret, false), in_json(secret, true),
                    in_html(secret), in_url(secret)}) {
        if (std::ranges::find(secrets_, form) == secrets_.end()) secrets_.push_back(form);
    }
}

std::string Redaction::clean(std::string text) const {
    for (const std::string& secret : secrets_) {
        std::size_t at = 0;
        while ((at = text.find(secret, at)) != std::string::npos) {
            if (secret.size() < short_bytes && !stands_alone(text, at, at + secret.size())) {
                ++at;
                continue;
            }
            text.replace(at, secret.size(), replacement);
            at += replacement.size();
        }
    }
    return text;
}

}  // namespace pitot::sinks::http
