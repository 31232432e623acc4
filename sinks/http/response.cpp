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

bool begins_with(std::string_view text, std::string_view what) {
    return same_name(text.substr(0, what.size()), what);
}

// What a web page says: its title, or the words between its tags.
std::string page_text(std::string_view body) {
    constexpr std::string_view title = "<title>";
    const auto found = std::ranges::search(body, title, {}, small, small);
    if (!found.empty()) {
        body.remove_prefix(static_cast<std::size_t>(found.end() - body.begin()));
        return std::string(body.substr(0, body.find('<')));
    }
    std::string out;
    bool is_tag = false;
    for (const char character : body) {
        is_tag = character == '<' || (is_tag && character != '>');
        const bool is_text = !is_tag && character != '>';
        const bool is_blank = !is_text || character == ' ' || character == '\n' ||
                              character == '\r' || character == '\t';
        if (!is_blank) {
            out += character;
        } else if (!out.empty() && out.back() != ' ') {
            out += ' ';
        }
    }
    return out;
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

bool Response::is_html() const {
    if (begins_with(header("Content-Type"), "text/html")) return true;
    std::string_view text(body);
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
    return begins_with(text, "<!doctype html") || begins_with(text, "<html");
}

std::string Response::excerpt() const {
    if (is_html()) return fit_for_log(page_text(body), redaction.get());
    return fit_for_log(std::string_view(body).substr(0, body.find('\n')), redaction.get());
}

std::string fit_for_log(std::string_view text, const Redaction* redaction) {
    constexpr std::size_t bytes_max = 300;
    // Before anything is cut, which might leave half a credential.
    const std::string clean =
        redaction == nullptr ? std::string(text) : redaction->clean(std::string(text));
    const std::string_view line(clean);
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
