// Cuts an expression into words.
//
// The words of a text are views into it. Numbers come with whatever letters stand right
// behind them ("80%", "1h30m", "3f"): only the parser knows whether a unit or a duration is
// wanted there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace pitot::agent::alerts {

struct Word {
    enum class Type : std::uint8_t {
        name,      // errors, http.requests, and
        capture,   // $1
        quantity,  // 5, 0.5e3, 80%, 1h30m
        text,      // "api.*"; or between single quotes
        symbol,    // > >= && ( [ = =~ …
        end,
    };
    Type type = Type::end;
    std::string_view spelling;  // with its quotes
    std::size_t offset = 0;     // in the expression, in bytes
};

struct LexerFault {
    std::size_t offset = 0;
    std::size_t bytes = 1;
    std::string what;  // "must …"
};

// The last word is the end. `text` outlives the words.
std::expected<std::vector<Word>, LexerFault> read_words(std::string_view text);

// The inside of a text in quotes: `\"` and `\\` are one character.
std::string unquoted(std::string_view spelling);

}  // namespace pitot::agent::alerts
