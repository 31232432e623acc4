// Regular expressions for tag values, in the class of RE2: no back references, no look-around,
// and a match that takes time in proportion to the text, whatever the expression.
//
// Matches are anchored at both ends and work on bytes. Understood: literals, `.`, `[a-z]`
// and `[^a-z]`, `\d \w \s` and their capitals, `\` before punctuation, `( )`, `(?: )`, `|`,
// `* + ?` (with a `?` behind them, which changes nothing here), `{m}`, `{m,}`, `{m,n}`,
// and `^` and `$` at the ends, which say what holds anyway.
//
// Thompson's simulation ("Regular expression search algorithm", 1968): all states at once.
#pragma once

#include <bitset>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace pitot::agent::alerts {

struct RegexFault {
    std::size_t offset = 0;  // in the pattern, in bytes
    std::string what;        // "must …"
};

class Regex {
public:
    static std::expected<Regex, RegexFault> compile(std::string_view pattern);

    bool matches(std::string_view text) const;

private:
    friend class RegexCompiler;

    struct Instruction {
        enum class Type : std::uint8_t { bytes, split, jump, match };
        Type type = Type::match;
        std::uint32_t target = 0;       // of split and jump; of bytes: the set
        std::uint32_t alternative = 0;  // of split
    };

    std::vector<Instruction> program_;
    std::vector<std::bitset<256>> sets_;
};

}  // namespace pitot::agent::alerts
