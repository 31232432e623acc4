#include "agent/alerts/source_text.h"

#include <charconv>
#include <cstdint>
#include <utility>

#include "agent/printable.h"

namespace pitot::agent::alerts {

namespace {

// Walks over the text of a file, counting lines and characters as the reader of TOML does.
class Walk {
public:
    Walk(std::string_view rest, Position position) : rest_(rest), position_(position) {}

    bool at_end() const { return rest_.empty(); }
    bool starts_with(std::string_view text) const { return rest_.starts_with(text); }
    char peek() const { return rest_.front(); }
    std::string_view rest() const { return rest_; }
    const Position& position() const { return position_; }

    // One character, as it stands.
    std::string_view next() {
        const std::string_view character = rest_.substr(0, first_character(rest_).bytes);
        rest_.remove_prefix(character.size());
        if (character == "\n") {
            ++position_.line;
            position_.column = 1;
        } else {
            ++position_.column;
        }
        return character;
    }
    void skip(std::size_t characters) {
        for (; characters > 0 && !at_end(); --characters) next();
    }

private:
    std::string_view rest_;
    Position position_;
};

void append_utf8(std::string& out, std::uint32_t code) {
    const auto byte = [&](std::uint32_t value) { out += static_cast<char>(value); };
    if (code < 0x80) {
        byte(code);
    } else if (code < 0x800) {
        byte(0xC0 | (code >> 6));
        byte(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        byte(0xE0 | (code >> 12));
        byte(0x80 | ((code >> 6) & 0x3F));
        byte(0x80 | (code & 0x3F));
    } else {
        byte(0xF0 | (code >> 18));
        byte(0x80 | ((code >> 12) & 0x3F));
        byte(0x80 | ((code >> 6) & 0x3F));
        byte(0x80 | (code & 0x3F));
    }
}

// What an escape stands for; the walk is at its backslash.
std::string read_escape(Walk& walk) {
    walk.next();
    if (walk.at_end()) return {};
    const char letter = walk.next().front();
    std::size_t digits = 0;
    switch (letter) {
        case 'b':
            return "\b";
        case 't':
            return "\t";
        case 'n':
            return "\n";
        case 'f':
            return "\f";
        case 'r':
            return "\r";
        case 'e':
            return "\x1B";
        case 'x':
            digits = 2;
            break;
        case 'u':
            digits = 4;
            break;
        case 'U':
            digits = 8;
            break;
        default:
            return std::string(1, letter);
    }
    const std::string_view hex = walk.rest().substr(0, digits);
    std::uint32_t code = 0;
    std::from_chars(hex.data(), hex.data() + hex.size(), code, 16);
    walk.skip(digits);
    std::string out;
    append_utf8(out, code);
    return out;
}

// A backslash before the end of a line takes the blanks of the next lines with it.
bool is_line_ending_backslash(std::string_view rest) {
    const std::size_t after = rest.find_first_not_of(" \t\r", 1);
    return after != std::string_view::npos && rest[after] == '\n';
}

}  // namespace

SourceText::SourceText(std::string text) : text_(std::move(text)), position_{0, 1, 1, 1} {
    take_places(text_, position_);
}

SourceText::SourceText(std::string text, std::string_view source, Position position)
    : text_(std::move(text)), position_(position) {
    Walk walk(source, {position.source, 1, 1, 1});
    while (!walk.at_end() && walk.position().line < position.line) walk.next();
    if (walk.starts_with("\xEF\xBB\xBF")) {
        // A byte order mark is no character.
        walk = Walk(walk.rest().substr(3), walk.position());
    }
    while (!walk.at_end() && walk.position().line == position.line &&
           walk.position().column < position.column) {
        walk.next();
    }
    if (walk.position().line == position.line && walk.position().column == position.column) {
        take_places(walk.rest(), walk.position());
    }
}

void SourceText::take_places(std::string_view rest, Position position) {
    Walk walk(rest, position);
    char quote = 0;
    bool is_long = false;
    if (walk.starts_with("'") || walk.starts_with("\"")) {
        // Unless the text itself begins with it: then it stands here without quotes of TOML's.
        const bool is_bare = rest.starts_with(text_) && rest.size() == text_.size();
        if (!is_bare) {
            quote = walk.peek();
            is_long = rest.starts_with(std::string(3, quote));
            walk.skip(is_long ? 3 : 1);
            if (is_long && walk.starts_with("\r")) walk.next();
            if (is_long && walk.starts_with("\n")) walk.next();
        }
    }
    std::string read;
    std::vector<Position> places;
    while (!walk.at_end() && read.size() < text_.size()) {
        const Position here = walk.position();
        if (quote == '"' && walk.peek() == '\\') {
            if (is_long && is_line_ending_backslash(walk.rest())) {
                walk.next();
                while (!walk.at_end() && (walk.peek() == ' ' || walk.peek() == '\t' ||
                                          walk.peek() == '\r' || walk.peek() == '\n')) {
                    walk.next();
                }
                continue;
            }
            read += read_escape(walk);
        } else {
            read += walk.next();
        }
        places.resize(read.size(), here);
    }
    if (read != text_) return;
    places.push_back(walk.position());
    places_ = std::move(places);
    is_exact_ = true;
}

Position SourceText::at(std::size_t offset, std::size_t bytes) const {
    if (!is_exact_) return position_;
    Position position = places_.at(offset);
    const std::size_t end = offset + bytes < text_.size() ? offset + bytes : text_.size();
    const Position& behind = places_.at(end);
    const bool same_line = behind.line == position.line && behind.column > position.column;
    position.width = same_line ? behind.column - position.column : 1;
    return position;
}

}  // namespace pitot::agent::alerts
