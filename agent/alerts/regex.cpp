#include "agent/alerts/regex.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "agent/alerts/limits.h"
#include "agent/printable.h"

namespace pitot::agent::alerts {

namespace {

using ByteSet = std::bitset<256>;

std::size_t index(char c) {
    return static_cast<unsigned char>(c);
}

ByteSet range(char first, char last) {
    ByteSet set;
    for (std::size_t byte = index(first); byte <= index(last); ++byte) set.set(byte);
    return set;
}

std::optional<ByteSet> named_class(char letter) {
    const ByteSet digits = range('0', '9');
    ByteSet words = digits | range('a', 'z') | range('A', 'Z');
    words.set(index('_'));
    ByteSet spaces = range('\t', '\r');
    spaces.set(index(' '));
    switch (letter) {
        case 'd':
            return digits;
        case 'D':
            return ~digits;
        case 'w':
            return words;
        case 'W':
            return ~words;
        case 's':
            return spaces;
        case 'S':
            return ~spaces;
        default:
            return std::nullopt;
    }
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

}  // namespace

// Reads a pattern and writes its program in one go. A part that is to be repeated is read
// again for each copy.
class RegexCompiler {
public:
    explicit RegexCompiler(std::string_view pattern) : pattern_(pattern) {}

    std::expected<Regex, RegexFault> compile() {
        if (pattern_.starts_with('^')) at_ = 1;
        alternatives();
        if (!fault_ && at_ < pattern_.size()) fail(at_, "must have a ( for this )");
        emit({.type = Type::match});
        if (fault_) return std::unexpected(std::move(*fault_));
        return std::move(regex_);
    }

private:
    using Instruction = Regex::Instruction;
    using Type = Instruction::Type;

    struct Repeat {
        std::uint32_t least = 1;
        std::optional<std::uint32_t> most = 1;
    };

    bool at_end() const { return at_ >= pattern_.size(); }
    char peek() const { return at_end() ? '\0' : pattern_[at_]; }
    bool take(char c) {
        if (at_end() || pattern_[at_] != c) return false;
        ++at_;
        return true;
    }
    void fail(std::size_t offset, std::string what) {
        if (!fault_) fault_ = RegexFault{offset, std::move(what)};
        at_ = pattern_.size();
    }
    std::uint32_t here() const { return static_cast<std::uint32_t>(regex_.program_.size()); }
    std::uint32_t emit(Instruction instruction) {
        if (here() >= limits::regex_instructions_max) {
            fail(0, "must be simpler: written out, its repetitions are too long");
            return 0;
        }
        regex_.program_.push_back(instruction);
        return here() - 1;
    }
    void emit_set(const ByteSet& set) {
        const auto found = std::ranges::find(regex_.sets_, set);
        const auto number = static_cast<std::uint32_t>(found - regex_.sets_.begin());
        if (found == regex_.sets_.end()) regex_.sets_.push_back(set);
        emit({.type = Type::bytes, .target = number});
    }

    void alternatives() {
        if (++depth_ > limits::regex_depth_max) fail(at_, "must have fewer groups in one another");
        std::vector<std::uint32_t> exits;
        while (true) {
            const std::uint32_t split = emit({.type = Type::split});
            sequence();
            if (!take('|')) {
                patch(split, split + 1, split + 1);
                break;
            }
            exits.push_back(emit({.type = Type::jump}));
            patch(split, split + 1, here());
        }
        for (const std::uint32_t exit : exits) patch(exit, here(), 0);
        --depth_;
    }

    void patch(std::uint32_t instruction, std::uint32_t target, std::uint32_t alternative) {
        if (fault_) return;
        regex_.program_[instruction].target = target;
        regex_.program_[instruction].alternative = alternative;
    }

    void sequence() {
        while (!at_end() && peek() != '|' && peek() != ')') {
            if (peek() == '$' && at_ + 1 == pattern_.size()) {
                ++at_;
                return;
            }
            repeated();
        }
    }

    // Each atom has a way past it in front, which most of them do not take. (So a repetition
    // is known to be one once the atom is written, and nothing written has to move.)
    void repeated() {
        const std::size_t start = at_;
        std::uint32_t last = emit({.type = Type::split});
        std::vector<std::uint32_t> passes{last};
        atom();
        const Repeat repeat = repetition();
        const std::size_t end = at_;
        const std::uint32_t copies = repeat.most.value_or(std::max(repeat.least, 1U));
        for (std::uint32_t copy = 1; copy < copies && !fault_; ++copy) {
            last = emit({.type = Type::split});
            passes.push_back(last);
            at_ = start;
            atom();
        }
        if (fault_) return;
        at_ = end;
        if (!repeat.most) {
            const std::uint32_t loop = emit({.type = Type::split});
            patch(loop, last + 1, loop + 1);
        }
        for (std::uint32_t copy = 0; copy < passes.size(); ++copy) {
            const std::uint32_t pass = passes[copy];
            const std::uint32_t inside = repeat.most == 0U ? here() : pass + 1;
            patch(pass, inside, copy < repeat.least ? inside : here());
        }
    }

    Repeat repetition() {
        Repeat repeat;
        if (take('*')) {
            repeat = {0, std::nullopt};
        } else if (take('+')) {
            repeat = {1, std::nullopt};
        } else if (take('?')) {
            repeat = {0, 1};
        } else if (peek() == '{') {
            repeat = counted();
        } else {
            return repeat;
        }
        take('?');
        if (peek() == '*' || peek() == '+' || peek() == '?' || peek() == '{') {
            fail(at_, "must repeat a group, as (a*)*, got two repetitions in a row");
        }
        return repeat;
    }

    Repeat counted() {
        const std::size_t start = at_;
        ++at_;
        Repeat repeat;
        repeat.least = number();
        repeat.most = repeat.least;
        if (take(',')) {
            if (peek() == '}') {
                repeat.most = std::nullopt;
            } else {
                repeat.most = number();
            }
        }
        if (!take('}') || (repeat.most && *repeat.most < repeat.least)) {
            fail(start, "must be a repetition such as {2}, {2,} or {2,5}");
        }
        return repeat;
    }

    std::uint32_t number() {
        const std::size_t start = at_;
        std::uint32_t value = 0;
        while (is_digit(peek())) {
            value = value * 10 + static_cast<std::uint32_t>(peek() - '0');
            ++at_;
            if (value > limits::regex_instructions_max) {
                fail(start, "must repeat less often");
                return 0;
            }
        }
        if (at_ == start) fail(start, "must be a repetition such as {2}, {2,} or {2,5}");
        return value;
    }

    void atom() {
        const std::size_t start = at_;
        const char c = peek();
        ++at_;
        if (c == '(') {
            group(start);
        } else if (c == '[') {
            byte_class(start);
        } else if (c == '.') {
            emit_set(~ByteSet{});
        } else if (c == '\\') {
            emit_set(escape(start));
        } else if (c == '*' || c == '+' || c == '?' || c == '{') {
            fail(start, fmt::format("must have something to repeat before {}", c));
        } else if (c == '^' || c == '$') {
            fail(start, fmt::format("must have {} at its {} only: it is matched as a whole", c,
                                    c == '^' ? "beginning" : "end"));
        } else {
            emit_set(range(c, c));
        }
    }

    void group(std::size_t start) {
        if (peek() == '?') {
            if (!pattern_.substr(at_).starts_with("?:")) {
                fail(start, "must be a plain group: ( ) or (?: )");
                return;
            }
            at_ += 2;
        }
        alternatives();
        if (!take(')')) fail(start, "must have a ) for this (");
    }

    ByteSet escape(std::size_t start) {
        if (at_end()) {
            fail(start, "must have a character behind the \\");
            return {};
        }
        const char c = pattern_[at_++];
        if (const auto known = named_class(c)) return *known;
        if (c == 'n') return range('\n', '\n');
        if (c == 't') return range('\t', '\t');
        if (is_letter(c) || is_digit(c)) {
            fail(start, fmt::format(R"(must be \d, \w, \s or a \ before punctuation, got \{})", c));
            return {};
        }
        return range(c, c);
    }

    void byte_class(std::size_t start) {
        ByteSet set;
        const bool inverted = take('^');
        bool first = true;
        while (true) {
            if (at_end()) {
                fail(start, "must have a ] for this [");
                return;
            }
            if (!first && take(']')) break;
            first = false;
            add_to_class(set);
        }
        emit_set(inverted ? ~set : set);
    }

    void add_to_class(ByteSet& set) {
        const std::size_t start = at_;
        const char low = pattern_[at_++];
        ByteSet one = low == '\\' ? escape(start) : range(low, low);
        const bool is_range =
            peek() == '-' && at_ + 1 < pattern_.size() && pattern_[at_ + 1] != ']';
        if (is_range && one.count() == 1) {
            ++at_;
            const std::size_t high_at = at_;
            const char high = pattern_[at_++];
            const ByteSet last = high == '\\' ? escape(high_at) : range(high, high);
            const std::size_t from = first_of(one);
            const std::size_t to = first_of(last);
            if (last.count() != 1 || to < from) {
                fail(start, "must be a range from a lower to a higher character");
                return;
            }
            for (std::size_t byte = from; byte <= to; ++byte) one.set(byte);
        }
        set |= one;
    }

    static std::size_t first_of(const ByteSet& set) {
        for (std::size_t byte = 0; byte < set.size(); ++byte) {
            if (set.test(byte)) return byte;
        }
        return 0;
    }

    std::string_view pattern_;
    std::size_t at_ = 0;
    std::size_t depth_ = 0;
    std::optional<RegexFault> fault_;
    Regex regex_;
};

std::expected<Regex, RegexFault> Regex::compile(std::string_view pattern) {
    return RegexCompiler(pattern).compile();
}

bool Regex::matches(std::string_view text) const {
    std::vector<std::uint32_t> present;
    std::vector<std::uint32_t> next;
    std::vector<bool> seen(program_.size());
    std::vector<std::uint32_t> open;
    // Follows what takes no byte.
    const auto add = [&](std::vector<std::uint32_t>& states, std::uint32_t from) {
        open.push_back(from);
        while (!open.empty()) {
            const std::uint32_t at = open.back();
            open.pop_back();
            if (seen[at]) continue;
            seen[at] = true;
            const Instruction& instruction = program_[at];
            if (instruction.type == Instruction::Type::jump ||
                instruction.type == Instruction::Type::split) {
                open.push_back(instruction.target);
                if (instruction.type == Instruction::Type::split) {
                    open.push_back(instruction.alternative);
                }
            } else {
                states.push_back(at);
            }
        }
    };
    add(present, 0);
    for (const char c : text) {
        next.clear();
        seen.assign(program_.size(), false);
        for (const std::uint32_t at : present) {
            const Instruction& instruction = program_[at];
            if (instruction.type == Instruction::Type::bytes &&
                sets_[instruction.target].test(index(c))) {
                add(next, at + 1);
            }
        }
        std::swap(present, next);
        if (present.empty()) return false;
    }
    return std::ranges::any_of(
        present, [&](std::uint32_t at) { return program_[at].type == Instruction::Type::match; });
}

}  // namespace pitot::agent::alerts
