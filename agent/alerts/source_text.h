// A text of a configuration that has positions inside: what an expression stands in.
//
// TOML's texts may hold escapes, begin on the line after their quotes, and be cut by a
// backslash at the end of a line. SourceText reads the file once more from the quote on, so
// that character n of the text has its line and column of the file. Where the text is not
// what stands there (a reference was replaced in it, or it came from a variable), every
// character has the position of the text as a whole, and is_exact() is false.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/problem.h"

namespace pitot::agent::alerts {

class SourceText {
public:
    // A text that stands nowhere: columns of line 1, from 1.
    explicit SourceText(std::string text);
    // `source` is the whole text of the source that `position` is a place in: of the opening
    // quote, or of the first character where there are no quotes.
    SourceText(std::string text, std::string_view source, Position position);

    std::string_view text() const { return text_; }
    bool is_exact() const { return is_exact_; }
    // Of the characters from `offset` on, `bytes` long. An offset of text().size() is the
    // place behind the last one.
    Position at(std::size_t offset, std::size_t bytes = 1) const;

private:
    void take_places(std::string_view rest, Position position);

    std::string text_;
    Position position_;
    bool is_exact_ = false;
    std::vector<Position> places_;  // of each byte, and of the end; empty unless is_exact_
};

}  // namespace pitot::agent::alerts
