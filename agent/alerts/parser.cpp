#include "agent/alerts/parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "agent/alerts/glob.h"
#include "agent/alerts/lexer.h"
#include "agent/alerts/limits.h"
#include "agent/alerts/regex.h"
#include "agent/config/suggest.h"
#include "agent/printable.h"

namespace pitot::agent::alerts {

namespace {

using Type = Word::Type;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// The digits, dots and exponent at the front of a quantity.
std::string_view number_part(std::string_view spelling, double& value) {
    const auto [end, error] =
        std::from_chars(spelling.data(), spelling.data() + spelling.size(), value);
    if (error != std::errc{}) return {};
    return spelling.substr(0, static_cast<std::size_t>(end - spelling.data()));
}

std::string unit_names() {
    std::string names;
    for (const Unit& unit : number_units()) {
        names += (names.empty() ? "" : ", ") + std::string(unit.name);
    }
    return names;
}

std::string nearest_unit(std::string_view name) {
    struct Synonym {
        std::string_view theirs;
        std::string_view ours;
    };
    static constexpr std::array synonyms{
        Synonym{"sec", "s"}, Synonym{"secs", "s"},    Synonym{"min", "m"}, Synonym{"mins", "m"},
        Synonym{"hr", "h"},  Synonym{"percent", "%"}, Synonym{"K", "k"},   Synonym{"KB", "kB"},
        Synonym{"G", "GB"},  Synonym{"w", "d"}};
    const auto synonym = std::ranges::find(synonyms, name, &Synonym::theirs);
    if (synonym != synonyms.end()) return fmt::format("; did you mean `{}`?", synonym->ours);
    std::vector<std::string_view> names;
    for (const Unit& unit : number_units()) names.push_back(unit.name);
    return did_you_mean(name, names);
}

class Parser {
public:
    Parser(const SourceText& source, Expression expression)
        : source_(source), expression_(std::move(expression)) {}

    std::expected<Expression, ExpressionFault> parse() {
        if (start()) {
            expression_.root = disjunction();
            finish();
        }
        return result();
    }

    std::expected<Expression, ExpressionFault> parse_threshold() {
        if (start()) {
            if (!is_comparison_next()) {
                fail("must begin with a comparison such as `> 80%`, got " + shown());
            }
            expression_.root = comparison_of(expression_.root);
            finish();
        }
        return result();
    }

private:
    bool start() {
        if (source_.text().size() > limits::expression_bytes_max) {
            fault_ = {source_.at(0),
                      fmt::format("must be at most {} bytes long, got {}",
                                  limits::expression_bytes_max, source_.text().size())};
            return false;
        }
        auto words = read_words(source_.text());
        if (!words) {
            fault_ = {source_.at(words.error().offset, words.error().bytes), words.error().what};
            return false;
        }
        words_ = std::move(*words);
        if (peek().type == Type::end)
            fail("must be an expression such as `errors > 10`, got nothing");
        return true;
    }

    void finish() {
        if (fault_ || peek().type == Type::end) return;
        const Word word = peek();
        if (is_comparison_next()) {
            fail(
                "must be one comparison: write `low < x and x < high`, or `x between low and "
                "high`");
        } else if (word.spelling == "=") {
            fail("must be `==` for a comparison, got `=`");
        } else if (word.spelling == ")") {
            fail("must have a `(` for this `)`");
        } else if (word.type == Type::name && previous().type == Type::quantity &&
                   find_number_unit(word.spelling)) {
            fail(fmt::format("must stand right behind its number: `{}{}`", previous().spelling,
                             word.spelling));
        } else if (word.spelling == "by" || word.spelling == "without") {
            fail("must stand behind a function, as in `increase(errors) by (service)`");
        } else if (word.spelling == ":") {
            fail("must have names with `:` between quotes: `\"a:b\" > 1`");
        } else {
            fail("must end here, or go on with an operator, got " + shown());
        }
    }

    std::expected<Expression, ExpressionFault> result() {
        if (fault_) return std::unexpected(std::move(*fault_));
        return std::move(expression_);
    }

    // --- words

    const Word& peek(std::size_t ahead = 0) const {
        return words_[std::min(next_ + ahead, words_.size() - 1)];
    }
    const Word& previous() const { return words_[next_ == 0 ? 0 : next_ - 1]; }
    bool is_next(std::string_view spelling) const {
        return peek().type != Type::text && peek().spelling == spelling && !spelling.empty();
    }
    Word take() {
        const Word word = peek();
        if (next_ + 1 < words_.size()) ++next_;
        return word;
    }
    bool take(std::string_view spelling) {
        if (!is_next(spelling)) return false;
        take();
        return true;
    }
    bool expect(std::string_view spelling, std::string_view why) {
        if (take(spelling)) return true;
        fail(fmt::format("must have a `{}` {}, got {}", spelling, why, shown()));
        return false;
    }
    std::string shown() const { return shown(peek()); }
    static std::string shown(const Word& word) {
        if (word.type == Type::end) return "the end";
        return fmt::format("`{}`", printable(word.spelling, 40));
    }
    Position position_of(const Word& word) const {
        return source_.at(word.offset, std::max<std::size_t>(word.spelling.size(), 1));
    }

    void fail(std::string what) { fail(peek(), std::move(what)); }
    void fail(const Word& word, std::string what) {
        if (!fault_) fault_ = {position_of(word), std::move(what)};
        next_ = words_.size() - 1;  // everything unwinds from here
    }

    NodeId add(const Word& word, decltype(ExpressionNode::what) what) {
        if (expression_.nodes.size() >= limits::expression_nodes_max) {
            fail(word, fmt::format("must be shorter: at most {} names, numbers and operators",
                                   limits::expression_nodes_max));
            return 0;
        }
        expression_.nodes.push_back({std::move(what), position_of(word)});
        return static_cast<NodeId>(expression_.nodes.size() - 1);
    }

    // --- operators

    NodeId disjunction() {
        NodeId left = conjunction();
        while (is_next("or") || is_next("||")) {
            const Word word = take();
            const NodeId right = conjunction();
            left = add(word, Binary{BinaryOperator::logical_or, left, right});
        }
        return left;
    }

    NodeId conjunction() {
        NodeId left = negation();
        while (is_next("and") || is_next("&&")) {
            const Word word = take();
            const NodeId right = negation();
            left = add(word, Binary{BinaryOperator::logical_and, left, right});
        }
        return left;
    }

    NodeId negation() {
        if (!is_next("not") && !is_next("!")) return comparison_of(sum());
        const Word word = take();
        const NodeId operand = comparison_of(sum());
        return add(word, Unary{UnaryOperator::logical_not, operand});
    }

    std::optional<BinaryOperator> comparison_next() const {
        for (const auto operation :
             {BinaryOperator::greater, BinaryOperator::greater_equal, BinaryOperator::less,
              BinaryOperator::less_equal, BinaryOperator::equal, BinaryOperator::not_equal}) {
            if (is_next(to_string(operation))) return operation;
        }
        return std::nullopt;
    }
    bool is_comparison_next() const { return comparison_next() || is_next("between"); }

    NodeId comparison_of(NodeId left) {
        if (const auto operation = comparison_next()) {
            const Word word = take();
            const NodeId right = sum();
            return add(word, Binary{*operation, left, right});
        }
        if (!is_next("between")) return left;
        const Word word = take();
        const NodeId low = sum();
        expect("and", "between the two bounds");
        const NodeId high = sum();
        return add(word, Between{left, low, high});
    }

    NodeId sum() {
        NodeId left = product();
        while (is_next("+") || is_next("-")) {
            const Word word = take();
            const NodeId right = product();
            const auto operation =
                word.spelling == "+" ? BinaryOperator::add : BinaryOperator::subtract;
            left = add(word, Binary{operation, left, right});
        }
        return left;
    }

    NodeId product() {
        NodeId left = unary();
        while (is_next("*") || is_next("/")) {
            const Word word = take();
            const NodeId right = unary();
            const auto operation =
                word.spelling == "*" ? BinaryOperator::multiply : BinaryOperator::divide;
            left = add(word, Binary{operation, left, right});
        }
        return left;
    }

    NodeId unary() {
        if (!is_next("-")) return primary();
        const Word word = take();
        const NodeId operand = primary();
        return add(word, Unary{UnaryOperator::negate, operand});
    }

    // --- operands

    NodeId primary() {
        const Word word = peek();
        switch (word.type) {
            case Type::quantity:
                return number();
            case Type::text:
                return selector();
            case Type::name:
                if (is_keyword(word.spelling)) break;
                return peek(1).spelling == "(" && peek(1).type == Type::symbol ? call()
                                                                               : selector();
            case Type::symbol:
                if (word.spelling == "(") return parentheses();
                break;
            default:
                break;
        }
        fail("must be a number, a function or the name of a metric, got " + shown());
        return 0;
    }

    NodeId parentheses() {
        const Word open = take();
        if (++depth_ > limits::expression_depth_max) {
            fail(open, "must have fewer parentheses within one another");
            return 0;
        }
        const NodeId inside = disjunction();
        expect(")", fmt::format("for the `(` at column {}", position_of(open).column));
        --depth_;
        return inside;
    }

    NodeId number() {
        const Word word = take();
        Number number;
        const std::string_view digits = number_part(word.spelling, number.value);
        if (digits.empty() || !std::isfinite(number.value)) {
            fail(word, fmt::format("must be a number, got {}", shown(word)));
            return 0;
        }
        const std::string_view name = word.spelling.substr(digits.size());
        if (!name.empty()) {
            const auto unit = find_number_unit(name);
            if (!unit) {
                fail(word, fmt::format("must be a number, alone or with one of {}; got {}{}",
                                       unit_names(), shown(word), nearest_unit(name)));
                return 0;
            }
            number.unit = *unit;
        }
        return add(word, number);
    }

    // A number without a unit, as an argument that is no expression.
    std::optional<double> plain_number(std::string_view must) {
        const Word word = take();
        double value = 0;
        const bool fits = word.type == Type::quantity &&
                          number_part(word.spelling, value).size() == word.spelling.size() &&
                          std::isfinite(value);
        if (!fits) {
            fail(word, fmt::format("must be {}, got {}", must, shown(word)));
            return std::nullopt;
        }
        return value;
    }

    NodeId call() {
        const Word name = take();
        const auto named = find_function(name.spelling);
        if (!named) {
            const std::string_view near = nearest_function(name.spelling);
            fail(name, fmt::format("unknown function `{}`{}", printable(name.spelling, 40),
                                   near.empty() ? "" : fmt::format("; did you mean `{}`?", near)));
            return 0;
        }
        if (++depth_ > limits::expression_depth_max) {
            fail(name, "must have fewer calls within one another");
            return 0;
        }
        const FunctionInfo& function = info(named->function);
        Call call{.function = named->function, .arguments = {}, .rank = named->rank};
        expect("(", "behind the name of a function");
        arguments(function, call);
        if (!expect(")", fmt::format("to end the arguments of `{}`", name.spelling))) return 0;
        --depth_;
        std::size_t wanted = function.arguments;
        if (function.function == Function::percentile) --wanted;  // the rank is none of them
        if (call.arguments.size() != wanted) {
            fail(name, fmt::format("must be called as `{}`, got {} argument{}", function.signature,
                                   call.arguments.size(), call.arguments.size() == 1 ? "" : "s"));
            return 0;
        }
        call.grouping = grouping(function);
        return add(name, std::move(call));
    }

    void arguments(const FunctionInfo& function, Call& call) {
        if (function.function == Function::percentile && !call.rank) {
            call.rank = plain_number("a percentile between 0 and 100");
            if (call.rank && (*call.rank <= 0 || *call.rank >= 100)) {
                fail(previous(),
                     "must be a percentile between 0 and 100, got " + shown(previous()));
            }
            if (!expect(",", "behind the percentile: `p(99.5, x)`")) return;
        }
        if (is_next(")")) return;
        do {
            if (peek().type == Type::name && peek(1).spelling == "=") {
                named_argument(function, call);
            } else {
                call.arguments.push_back(disjunction());
            }
        } while (!fault_ && take(","));
    }

    void named_argument(const FunctionInfo& function, Call& call) {
        const Word name = take();
        take();
        if (function.function != Function::ratio || name.spelling != "min") {
            fail(name,
                 fmt::format("must be called as `{}`, got {}", function.signature, shown(name)));
            return;
        }
        if (call.minimum) fail(name, "must be given once");
        call.minimum = plain_number("the number of events from which a ratio says something");
    }

    Grouping grouping(const FunctionInfo& function) {
        Grouping grouping;
        if (!is_next("by") && !is_next("without")) return grouping;
        const Word word = take();
        if (function.kind == FunctionClass::arithmetic) {
            fail(word, fmt::format("must stand behind the function that reads a metric: `{}` "
                                   "has no groups of its own",
                                   function.name));
            return grouping;
        }
        grouping.mode = word.spelling == "by" ? Grouping::Mode::by : Grouping::Mode::without;
        if (!expect("(", "and the tags to group by")) return grouping;
        if (is_next("*")) {
            const Word star = take();
            if (grouping.mode == Grouping::Mode::without) {
                fail(star, "must be tags: without all of them is what no grouping does");
            }
            grouping.mode = Grouping::Mode::by_series;
        } else {
            do {
                grouping.tags.push_back(label());
            } while (!fault_ && take(","));
        }
        expect(")", "behind the tags");
        if (grouping.tags.size() > limits::tags_max) {
            fail(word, fmt::format("must have at most {} tags", limits::tags_max));
        }
        std::ranges::sort(grouping.tags);
        const auto repeated = std::ranges::unique(grouping.tags);
        grouping.tags.erase(repeated.begin(), repeated.end());
        return grouping;
    }

    // A tag in a grouping.
    std::string label() {
        if (peek().type == Type::capture) return std::string(take().spelling);
        return tag();
    }

    std::string tag() {
        const Word word = take();
        if (word.type == Type::name) return std::string(word.spelling);
        std::string name = word.type == Type::text ? unquoted(word.spelling) : std::string{};
        // What is written `$1` in a grouping stands for a part of the name.
        const bool is_capture = name.size() == 2 && name[0] == '$' && is_digit(name[1]);
        if (name.empty() || is_capture) {
            fail(word, "must be the name of a tag, got " + shown(word));
        }
        return name;
    }

    // --- selectors

    NodeId selector() {
        const Word word = take();
        Selector selector;
        selector.metric =
            word.type == Type::text ? unquoted(word.spelling) : std::string(word.spelling);
        if (selector.metric.empty()) fail(word, "must be the name of a metric, got \"\"");
        const auto stars = std::ranges::count(selector.metric, '*');
        if (static_cast<std::size_t>(stars) > limits::captures_max) {
            fail(word, fmt::format("must have at most {} `*`", limits::captures_max));
        }
        if (selector.metric.contains("**")) {
            fail(word, "must have something between two `*`: each stands for one part of a name");
        }
        if (take("{")) matches(selector);
        if (take("[")) {
            selector.window = span("a window such as `[5m]`");
            expect("]", "behind the window");
        }
        if (take("offset")) selector.offset = span("a time such as `offset 10m`");
        return add(word, std::move(selector));
    }

    void matches(Selector& selector) {
        if (take("}")) return;
        do {
            if (selector.matches.size() >= limits::tags_max) {
                fail(fmt::format("must have at most {} conditions", limits::tags_max));
                return;
            }
            selector.matches.push_back(match());
        } while (!fault_ && take(","));
        expect("}", "behind the conditions");
    }

    TagMatch match() {
        TagMatch match;
        match.tag = tag();
        const Word word = take();
        bool is_known = false;
        for (const auto each : {MatchOperator::equal, MatchOperator::not_equal,
                                MatchOperator::matches, MatchOperator::not_matches}) {
            if (word.type == Type::symbol && word.spelling == to_string(each)) {
                match.match = each;
                is_known = true;
            }
        }
        if (!is_known) {
            fail(word, "must be `=`, `!=`, `=~` or `!~`, got " + shown(word));
            return match;
        }
        const Word pattern = take();
        if (pattern.type != Type::text) {
            fail(pattern, fmt::format("must be a text in quotes, as in `{}{}\"…\"`, got {}",
                                      printable(match.tag, 40), word.spelling, shown(pattern)));
            return match;
        }
        match.pattern = unquoted(pattern.spelling);
        check_regex(match, pattern);
        return match;
    }

    void check_regex(const TagMatch& match, const Word& word) {
        if (match.match != MatchOperator::matches && match.match != MatchOperator::not_matches) {
            return;
        }
        const auto regex = Regex::compile(match.pattern);
        if (regex || fault_) return;
        // Its offset counts from behind the quote; escapes before it would move it.
        const bool has_escapes = word.spelling.size() != match.pattern.size() + 2;
        const std::size_t offset = has_escapes ? 0 : 1 + regex.error().offset;
        fault_ = {source_.at(word.offset + offset), regex.error().what};
        next_ = words_.size() - 1;
    }

    // 10s  1h30m  3f
    Span span(std::string_view what) {
        const Word word = take();
        const auto refuse = [&](std::string_view why) {
            fail(word, fmt::format("must be {}{}, got {}", what, why, shown(word)));
            return Span{};
        };
        if (word.type != Type::quantity) return refuse("");
        // The blank is what is wrong, not that there is no unit.
        constexpr std::string_view units = "smhdf";
        const Word& next = peek();
        if (next.type == Type::name && next.spelling.size() == 1 &&
            units.contains(next.spelling.front())) {
            fail(word, fmt::format("must be {} in one word, got `{} {}`", what, word.spelling,
                                   next.spelling));
            return Span{};
        }
        Span span;
        std::string_view rest = word.spelling;
        while (!rest.empty()) {
            std::int64_t amount = 0;
            const auto [end, error] =
                std::from_chars(rest.data(), rest.data() + rest.size(), amount);
            const auto digits = static_cast<std::size_t>(end - rest.data());
            if (error != std::errc{} || digits == rest.size()) {
                return refuse(", with a unit of s, m, h, d, or f for flushes");
            }
            const char letter = rest[digits];
            rest.remove_prefix(digits + 1);
            if (letter == 'f') {
                if (digits + 1 != word.spelling.size())
                    return refuse(": flushes go with no other unit");
                if (amount < 1 || amount > limits::window_max_s)
                    return refuse(" of at least one flush");
                span.flushes = static_cast<std::uint32_t>(amount);
                return span;
            }
            const std::int64_t factor_s = letter == 's'   ? 1
                                          : letter == 'm' ? 60
                                          : letter == 'h' ? 3'600
                                          : letter == 'd' ? 86'400
                                                          : 0;
            if (factor_s == 0) return refuse(", with a unit of s, m, h, d, or f for flushes");
            constexpr std::int64_t second_ns = 1'000'000'000;
            if (amount > limits::window_max_s / factor_s) return refuse(" of at most 7d");
            span.nanoseconds += amount * factor_s * second_ns;
        }
        if (span.nanoseconds <= 0) return refuse(" of more than nothing");
        if (span.nanoseconds > limits::window_max_s * 1'000'000'000)
            return refuse(" of at most 7d");
        return span;
    }

    const SourceText& source_;
    Expression expression_;
    std::vector<Word> words_;
    std::size_t next_ = 0;
    std::size_t depth_ = 0;
    std::optional<ExpressionFault> fault_;
};

}  // namespace

std::expected<Expression, ExpressionFault> parse_expression(const SourceText& text) {
    return Parser(text, {}).parse();
}

std::expected<Expression, ExpressionFault> parse_threshold(const SourceText& text,
                                                           const Expression& value) {
    return Parser(text, value).parse_threshold();
}

}  // namespace pitot::agent::alerts
