#include "sinks/http/response.h"

#include <algorithm>

#include "sinks/http/request.h"

namespace pitot::sinks::http {
namespace {

char small(char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

bool same_name(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, small, small);
}

}  // namespace

std::string_view to_string(Method method) noexcept {
    switch (method) {
        case Method::get:
            return "GET";
        case Method::head:
            return "HEAD";
        case Method::put:
            return "PUT";
        case Method::post:
            return "POST";
        case Method::remove:
            return "DELETE";
    }
    return "GET";
}

std::string_view Response::header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
        if (same_name(key, name)) return value;
    }
    return {};
}

std::string Response::excerpt() const {
    constexpr std::size_t bytes_max = 300;
    const std::string_view line = std::string_view(body).substr(0, body.find('\n'));
    std::string out;
    for (const char character : line.substr(0, bytes_max)) {
        const auto byte = static_cast<unsigned char>(character);
        out += byte < 0x20 || byte == 0x7f ? ' ' : character;
    }
    while (out.ends_with(' ')) out.pop_back();
    // Not in the middle of a character.
    if (line.size() > bytes_max) {
        while (!out.empty() && (static_cast<unsigned char>(out.back()) & 0x80U) != 0) {
            out.pop_back();
        }
        out += " …";
    }
    return out;
}

}  // namespace pitot::sinks::http
