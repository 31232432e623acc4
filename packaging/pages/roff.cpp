#include "packaging/pages/roff.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace pitot::pages {

namespace {

constexpr std::size_t source_columns_max = 78;

// The first code point of `text`, which is taken off it. Our sources are UTF-8.
char32_t take_code_point(std::string_view& text) {
    const auto lead = static_cast<unsigned char>(text.front());
    const std::size_t bytes = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    char32_t point = bytes == 1 ? lead : lead & (0x7FU >> bytes);
    for (const char byte : text.substr(1, bytes - 1)) {
        point = (point << 6U) | (static_cast<unsigned char>(byte) & 0x3FU);
    }
    text.remove_prefix(std::min(bytes, text.size()));
    return point;
}

// man(7): these look like something else in print, or act.
std::string_view escape_of(char32_t point) {
    switch (point) {
        case U'\\':
            return R"(\e)";
        case U'-':
            return R"(\-)";
        case U'"':
            return R"(\(dq)";
        case U'\'':
            return R"(\(aq)";
        case U'`':
            return R"(\(ga)";
        case U'^':
            return R"(\(ha)";
        case U'~':
            return R"(\(ti)";
        default:
            return {};
    }
}

}  // namespace

std::string escaped(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const char32_t point = take_code_point(text);
        if (const std::string_view escape = escape_of(point); !escape.empty()) {
            out += escape;
        } else if (point < 0x80) {
            out += static_cast<char>(point);
        } else {
            out += fmt::format(R"(\[u{:04X}])", static_cast<std::uint32_t>(point));
        }
    }
    return out;
}

std::string bold(std::string_view text) {
    return R"(\fB)" + escaped(text) + R"(\fR)";
}

std::string italic(std::string_view text) {
    return R"(\fI)" + escaped(text) + R"(\fR)";
}

std::string prose(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const std::size_t open = text.find('`');
        const std::size_t close =
            open == std::string_view::npos ? std::string_view::npos : text.find('`', open + 1);
        out += escaped(close == std::string_view::npos ? text : text.substr(0, open));
        if (close == std::string_view::npos) break;
        out += bold(text.substr(open + 1, close - open - 1));
        text.remove_prefix(close + 1);
    }
    return out;
}

Page::Page(const Heading& heading) {
    std::string title(heading.title);
    std::ranges::transform(title, title.begin(), [](char letter) {
        return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
    });
    line(fmt::format(R"(.TH "{}" {} "{}" "pitot {}" "{}")", title, heading.section, heading.date,
                     heading.version, heading.manual));
}

void Page::line(std::string_view request_or_text) {
    text_.append(request_or_text).append("\n");
}

// Lines of the source are short, for whoever reads or compares them; roff fills its own.
void Page::fill(std::string_view marked) {
    std::size_t column = 0;
    while (!marked.empty()) {
        const std::string_view word = marked.substr(0, marked.find(' '));
        marked.remove_prefix(std::min(word.size() + 1, marked.size()));
        if (column > 0) {
            const bool fits = column + 1 + word.size() <= source_columns_max;
            text_ += fits ? ' ' : '\n';
            column = fits ? column + 1 : 0;
        }
        // At the beginning of a line a full stop begins a request.
        if (column == 0 && word.starts_with('.')) text_ += R"(\&)";
        text_ += word;
        column += word.size();
    }
    text_ += '\n';
}

void Page::section(std::string_view title) {
    line(".SH " + escaped(title));
    follows_title_ = true;
}

void Page::subsection(std::string_view title) {
    line(".SS " + escaped(title));
    follows_title_ = true;
}

void Page::name(std::string_view what, std::string_view purpose) {
    section("NAME");
    line(escaped(what) + R"( \- )" + std::string(purpose));
}

void Page::row(std::string_view marked) {
    if (!std::exchange(follows_title_, false)) line(".br");
    line(marked);
}

// A title begins a paragraph by itself.
void Page::begin_paragraph() {
    if (!std::exchange(follows_title_, false)) line(".PP");
}

void Page::paragraph(std::string_view marked) {
    begin_paragraph();
    fill(marked);
}

void Page::term(std::string_view marked_name, std::string_view marked) {
    follows_title_ = false;
    line(".TP");
    line(marked_name);
    fill(marked);
}

void Page::further(std::string_view marked) {
    line(".IP");
    fill(marked);
}

void Page::verbatim(std::string_view text) {
    begin_paragraph();
    line(".in +4n");
    line(".EX");
    while (!text.empty()) {
        const std::string_view row = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(row.size() + 1, text.size()));
        // An empty line means something to roff too.
        const bool needs_guard = row.empty() || row.starts_with('.');
        line((needs_guard ? R"(\&)" : "") + escaped(row));
    }
    line(".EE");
    line(".in");
}

}  // namespace pitot::pages
