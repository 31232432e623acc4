#include "agent/alerts/channels/template.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <utility>

#include "agent/config/suggest.h"
#include "agent/printable.h"

namespace pitot::agent::alerts::channels {
namespace {

enum class Kind : std::uint8_t { text, number, truth };

struct FieldEntry {
    std::string_view name;
    Field field;
    Kind kind;
};
constexpr std::array fields{
    FieldEntry{"alert", Field::alert, Kind::text},
    FieldEntry{"state", Field::state, Kind::text},
    FieldEntry{"severity", Field::severity, Kind::text},
    FieldEntry{"level", Field::level, Kind::number},
    FieldEntry{"host", Field::host, Kind::text},
    FieldEntry{"value", Field::value, Kind::number},
    FieldEntry{"peak", Field::peak, Kind::number},
    FieldEntry{"threshold", Field::threshold, Kind::number},
    FieldEntry{"unit", Field::unit, Kind::text},
    FieldEntry{"condition", Field::condition, Kind::text},
    FieldEntry{"reason", Field::reason, Kind::text},
    FieldEntry{"started", Field::started, Kind::text},
    FieldEntry{"duration", Field::duration, Kind::number},
    FieldEntry{"runbook_url", Field::runbook_url, Kind::text},
    FieldEntry{"firing", Field::firing, Kind::truth},
    FieldEntry{"resolved", Field::resolved, Kind::truth},
    FieldEntry{"flapping", Field::flapping, Kind::truth},
};
constexpr std::array each_fields{
    FieldEntry{"name", Field::each_name, Kind::text},
    FieldEntry{"value", Field::each_value, Kind::text},
};

enum class Argument : std::uint8_t { none, digits, needed };

struct FilterEntry {
    std::string_view name;
    Filter filter;
    bool is_for_numbers;
    bool is_for_texts;
    bool gives_number;  // else a text; of `default`, what came in
    Argument argument;
};
constexpr std::array filters{
    FilterEntry{"percent", Filter::percent, true, false, false, Argument::none},
    FilterEntry{"humanize", Filter::humanize, true, false, false, Argument::none},
    FilterEntry{"bytes", Filter::bytes, true, false, false, Argument::none},
    FilterEntry{"duration", Filter::duration, true, false, false, Argument::none},
    FilterEntry{"round", Filter::round, true, false, true, Argument::digits},
    FilterEntry{"json", Filter::json, true, true, false, Argument::none},
    FilterEntry{"upper", Filter::upper, false, true, false, Argument::none},
    FilterEntry{"default", Filter::otherwise, true, true, true, Argument::needed},
};
// A double has no more.
constexpr double decimals_max = 15;

template <class Entries>
std::vector<std::string_view> names_of(const Entries& entries) {
    std::vector<std::string_view> names;
    names.reserve(entries.size());
    for (const auto& entry : entries) names.push_back(entry.name);
    return names;
}

std::string joined_names(std::span<const std::string_view> names) {
    std::string out;
    for (const std::string_view name : names) {
        if (!out.empty()) out += ", ";
        out += name;
    }
    return out;
}

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool is_word_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '$' || c == '.' || c == '/';
}

// How a list of nodes came to its end.
enum class Stop : std::uint8_t { text, otherwise, end };

struct Fault {
    std::size_t offset = 0;
    std::size_t bytes = 1;
    std::string what;
};

// Nothing is thrown: the first fault is kept, and every function returns at once after it.
class Parser {
public:
    Parser(const SourceText& source, const TemplateScope& scope)
        : source_(source), scope_(scope), text_(source.text()) {}

    std::expected<Template, ExpressionFault> parse() {
        if (text_.size() > template_limits::source_bytes_max) {
            fail(0, 1,
                 fmt::format("must be at most {} bytes long, got {}",
                             template_limits::source_bytes_max, text_.size()));
        } else {
            // What ends a block is a fault outside of one.
            static_cast<void>(nodes(result_.nodes, Block::none, 0));
        }
        if (fault_) {
            return std::unexpected(
                ExpressionFault{source_.at(fault_->offset, fault_->bytes), fault_->what});
        }
        return std::move(result_);
    }

private:
    enum class Block : std::uint8_t { none, condition, otherwise, each };

    void fail(std::size_t offset, std::size_t bytes, std::string what) {
        if (!fault_) fault_ = Fault{offset, std::max<std::size_t>(1, bytes), std::move(what)};
    }

    std::string_view rest() const { return text_.substr(at_); }
    void skip_blanks() {
        while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
    }
    bool take(std::string_view what) {
        if (!rest().starts_with(what)) return false;
        at_ += what.size();
        return true;
    }
    std::string_view word() {
        const std::size_t begin = at_;
        while (at_ < text_.size() && is_word_character(text_[at_])) ++at_;
        return text_.substr(begin, at_ - begin);
    }
    // What stands where something else should, for messages.
    std::string got() const {
        const std::size_t end = std::min(rest().find("}}"), rest().find_first_of(" \t\r\n"));
        if (rest().empty()) return "the end of the text";
        if (rest().starts_with("}}")) return "}}";
        return fmt::format("\"{}\"", printable(rest().substr(0, end), 40));
    }
    void close_tag() {
        skip_blanks();
        if (take("}}")) return;
        fail(rest().empty() ? tag_ : at_, rest().empty() ? 2 : 1,
             rest().empty()
                 ? "must end each {{ with }}, got the end of the text"
                 : fmt::format("must have }}}} or a filter (\"| humanize\") here, got {}", got()));
    }

    Stop nodes(std::vector<TemplateNode>& out, Block block, std::size_t depth) {
        while (!fault_) {
            const std::size_t open = text_.find("{{", at_);
            add_text(out, text_.substr(at_, open - at_));
            if (open == std::string_view::npos) {
                at_ = text_.size();
                return Stop::text;
            }
            tag_ = open;
            at_ = open + 2;
            if (++tags_ > template_limits::tags_max) {
                fail(open, 2, fmt::format("must have at most {} tags", template_limits::tags_max));
                break;
            }
            skip_blanks();
            const std::size_t begin = at_;
            const std::string_view first = word();
            if (first == "end" || first == "else") {
                if (!ends(first, block, begin)) break;
                close_tag();
                return first == "end" ? Stop::end : Stop::otherwise;
            }
            if (first == "if" || first == "each") {
                inner_block(out, first == "if", depth);
            } else {
                at_ = begin;
                output(out);
            }
        }
        return Stop::text;
    }

    static void add_text(std::vector<TemplateNode>& out, std::string_view text) {
        if (text.empty()) return;
        TemplateNode node;
        node.text = text;
        out.push_back(std::move(node));
    }

    bool ends(std::string_view word, Block block, std::size_t begin) {
        if (block == Block::none) {
            fail(begin, word.size(),
                 fmt::format("must have an `if`{} before this {}",
                             word == "end" ? " or `each`" : "", word));
        } else if (word == "else" && block != Block::condition) {
            fail(begin, word.size(),
                 block == Block::each ? "must have `else` in an `if` only, got it in an `each`"
                                      : "must have one `else` in an `if`, got a second one");
        }
        return !fault_;
    }

    void inner_block(std::vector<TemplateNode>& out, bool is_condition, std::size_t depth) {
        const std::size_t tag = tag_;
        if (depth + 1 > template_limits::depth_max) {
            fail(tag, 2, fmt::format("must be nested at most {} deep", template_limits::depth_max));
            return;
        }
        TemplateNode node;
        node.type = is_condition ? TemplateNode::Type::condition : TemplateNode::Type::each;
        skip_blanks();
        if (is_condition) {
            path(node);
        } else if (const std::size_t begin = at_; word() != "labels" && !fault_) {
            at_ = begin;
            fail(begin, 1, fmt::format("must say `each labels`, got {}", got()));
        }
        if (!fault_) close_tag();
        const bool was_in_each = in_each_;
        in_each_ = in_each_ || !is_condition;
        Stop stop = Stop::text;
        if (!fault_) {
            stop = nodes(node.then, is_condition ? Block::condition : Block::each, depth + 1);
        }
        if (!fault_ && stop == Stop::otherwise) {
            stop = nodes(node.otherwise, Block::otherwise, depth + 1);
        }
        in_each_ = was_in_each;
        if (stop != Stop::end) {
            fail(tag, 2,
                 fmt::format("must have an {{{{ end }}}} for this {}",
                             is_condition ? "`if`" : "`each`"));
        }
        out.push_back(std::move(node));
    }

    void output(std::vector<TemplateNode>& out) {
        TemplateNode node;
        node.type = TemplateNode::Type::output;
        bool is_number = path(node) == Kind::number;
        bool is_percentage = false;
        for (skip_blanks(); !fault_ && take("|"); skip_blanks()) {
            is_number = filter(node, is_number);
            is_percentage =
                is_percentage || (!fault_ && node.filters.back().filter == Filter::percent);
        }
        if (!fault_) close_tag();
        if (fault_) return;
        const bool is_value = node.field == Field::value || node.field == Field::peak ||
                              node.field == Field::threshold;
        if (is_value && is_number && !is_percentage && rest().starts_with('%')) {
            result_.hints.push_back(
                {source_.at(tag_, at_ - tag_),
                 "shows a share of 0.12 as 0.12%; {{ value | percent }} shows 12%"});
        }
        out.push_back(std::move(node));
    }

    Kind path(TemplateNode& node) {
        const std::size_t begin = at_;
        const std::string_view name = word();
        if (name.empty()) {
            fail(begin, 1,
                 fmt::format("must name a field ({}), got {}",
                             joined_names(names_of(fields)) + ", labels.NAME", got()));
            return Kind::text;
        }
        if (in_each_) {
            const auto* const found = std::ranges::find(each_fields, name, &FieldEntry::name);
            if (found != each_fields.end()) {
                node.field = found->field;
                return found->kind;
            }
        }
        if (name.starts_with("labels.")) {
            label(node, begin, name);
            return Kind::text;
        }
        const auto* const found = std::ranges::find(fields, name, &FieldEntry::name);
        if (found == fields.end()) {
            unknown_field(begin, name);
            return Kind::text;
        }
        node.field = found->field;
        return found->kind;
    }

    void label(TemplateNode& node, std::size_t begin, std::string_view name) {
        node.field = Field::label;
        node.name = name.substr(std::string_view("labels.").size());
        if (node.name.empty() && (rest().starts_with('"') || rest().starts_with('\''))) {
            node.name = quoted();
        }
        if (fault_) return;
        if (node.name.empty()) {
            fail(begin, name.size(), "must name a label: labels.service, labels.\"a b\"");
            return;
        }
        if (scope_.has_any_label ||
            std::ranges::find(scope_.labels, node.name) != scope_.labels.end()) {
            return;
        }
        const std::vector<std::string_view> known(scope_.labels.begin(), scope_.labels.end());
        fail(begin, at_ - begin,
             known.empty()
                 ? fmt::format("must name a label that the rule has, got \"{}\"; its alerts have "
                               "none: group by a tag",
                               printable(node.name, 40))
                 : fmt::format("must name a label that the rule has ({}), got \"{}\"{}",
                               printable(joined_names(known), 200), printable(node.name, 40),
                               did_you_mean(node.name, known)));
    }

    void unknown_field(std::size_t begin, std::string_view name) {
        std::vector<std::string_view> known = names_of(fields);
        known.emplace_back("labels");
        std::string hint;
        // As other systems write it.
        const std::string_view bare =
            name.substr(std::min(name.find_first_not_of("$."), name.size()));
        if (bare.starts_with("labels.") || bare.starts_with("Labels.")) {
            hint = fmt::format("; did you mean `labels.{}`?", printable(bare.substr(7), 40));
        } else {
            hint = did_you_mean(bare.substr(0, bare.find('.')), known);
        }
        if (hint.empty()) hint = "; there are " + joined_names(known) + ".NAME";
        fail(begin, name.size(),
             fmt::format("must name a field, got \"{}\"{}", printable(name, 40), hint));
    }

    std::string quoted() {
        const std::size_t begin = at_;
        const char quote = text_[at_++];
        const std::size_t end = text_.find(quote, at_);
        if (end == std::string_view::npos) {
            fail(begin, 1, "must end this text with the quote that it begins with");
            return {};
        }
        std::string out(text_.substr(at_, end - at_));
        at_ = end + 1;
        return out;
    }

    // Whether what comes out of it is a number.
    bool filter(TemplateNode& node, bool is_number) {
        skip_blanks();
        const std::size_t begin = at_;
        const std::string_view name = word();
        const auto* const found = std::ranges::find(filters, name, &FilterEntry::name);
        const std::vector<std::string_view> known = names_of(filters);
        if (found == filters.end()) {
            at_ = begin;
            const std::string hint = did_you_mean(name, known);
            fail(begin, name.size(),
                 fmt::format("must name a filter, got {}{}", got(),
                             hint.empty() ? "; there are " + joined_names(known) : hint));
            return is_number;
        }
        if (!(is_number ? found->is_for_numbers : found->is_for_texts)) {
            fail(begin, name.size(),
                 fmt::format("must be for a {}, got `{}`, which is for a {}",
                             is_number ? "number" : "text", name, is_number ? "text" : "number"));
            return is_number;
        }
        if (node.filters.size() >= template_limits::filters_max) {
            fail(begin, name.size(),
                 fmt::format("must have at most {} filters", template_limits::filters_max));
            return is_number;
        }
        FilterCall call{.filter = found->filter, .argument = argument(*found, begin)};
        const bool gives_number =
            is_number && found->gives_number && (!call.argument || call.argument->is_number);
        node.filters.push_back(std::move(call));
        return gives_number;
    }

    std::optional<TemplateArgument> argument(const FilterEntry& entry, std::size_t begin) {
        skip_blanks();
        const bool has_argument = take(":");
        if (!has_argument) {
            if (entry.argument == Argument::needed) {
                fail(begin, entry.name.size(), "must say what else: default: \"none\"");
            }
            return {};
        }
        skip_blanks();
        const std::size_t value = at_;
        if (entry.argument == Argument::none) {
            fail(value, 1,
                 fmt::format("must have no argument for `{}`, got {}", entry.name, got()));
            return {};
        }
        if (rest().starts_with('"') || rest().starts_with('\'')) {
            TemplateArgument out;
            out.text = quoted();
            if (entry.argument == Argument::digits) {
                fail(value, at_ - value, "must be a number of decimals: round: 2");
            }
            return out;
        }
        return number(entry);
    }

    std::optional<TemplateArgument> number(const FilterEntry& entry) {
        const std::size_t begin = at_;
        TemplateArgument out{.is_number = true, .number = 0, .text = {}};
        const auto [end, error] =
            std::from_chars(rest().data(), rest().data() + rest().size(), out.number);
        if (error != std::errc{}) {
            fail(begin, 1, fmt::format("must be a number or a text in quotes, got {}", got()));
            return {};
        }
        at_ += static_cast<std::size_t>(end - rest().data());
        const bool is_count = out.number >= 0 && out.number <= decimals_max &&
                              out.number == static_cast<double>(static_cast<int>(out.number));
        if (entry.argument == Argument::digits && !is_count) {
            fail(begin, at_ - begin,
                 fmt::format("must be a whole number of decimals from 0 to {}", decimals_max));
        }
        return out;
    }

    const SourceText& source_;
    const TemplateScope& scope_;
    std::string_view text_;
    std::size_t at_ = 0;
    std::size_t tag_ = 0;  // where the tag that is read begins
    std::size_t tags_ = 0;
    bool in_each_ = false;
    Template result_;
    std::optional<Fault> fault_;
};

}  // namespace

std::expected<Template, ExpressionFault> parse_template(const SourceText& text,
                                                        const TemplateScope& scope) {
    return Parser(text, scope).parse();
}

}  // namespace pitot::agent::alerts::channels
