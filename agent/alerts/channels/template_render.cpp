#include <algorithm>
#include <string>
#include <string_view>

#include "agent/alerts/channels/message.h"
#include "agent/alerts/channels/template.h"
#include "agent/alerts/channels/template_filters.h"
#include "agent/printable.h"
#include "agent/status/time_text.h"

namespace pitot::agent::alerts::channels {
namespace {

// Texts of the operator's own, quoted in a message.
constexpr std::size_t own_characters_max = 1'024;

class Renderer {
public:
    Renderer(const Message& message, const Unit& unit) : message_(message), unit_(unit) {}

    void render(const std::vector<TemplateNode>& nodes) {
        for (const TemplateNode& node : nodes) {
            if (is_full_) return;
            switch (node.type) {
                case TemplateNode::Type::text:
                    append(node.text);
                    break;
                case TemplateNode::Type::output:
                    append(shown(node));
                    break;
                case TemplateNode::Type::condition:
                    render(is_there(node) ? node.then : node.otherwise);
                    break;
                case TemplateNode::Type::each:
                    render_each(node);
                    break;
            }
        }
    }

    std::string take() { return std::move(out_); }

private:
    void render_each(const TemplateNode& node) {
        const Label* const outer = each_;
        for (const Label& label : message_.labels) {
            each_ = &label;
            render(node.then);
        }
        each_ = outer;
    }

    void append(std::string_view text) {
        const std::size_t room = template_limits::output_bytes_max - out_.size();
        if (text.size() <= room) {
            out_ += text;
            return;
        }
        // Not within a character.
        std::size_t end = room;
        while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
        out_ += text.substr(0, end);
        out_ += "…";
        is_full_ = true;
    }

    static Datum words(std::string_view text, std::size_t characters_max) {
        return {
            .is_number = false, .number = {}, .unit = {}, .text = printable(text, characters_max)};
    }
    static Datum amount(std::optional<double> number, const Unit& unit) {
        return {.is_number = true, .number = number, .unit = unit, .text = {}};
    }
    std::string_view label(std::string_view name) const {
        const auto found = std::ranges::find(message_.labels, name, &Label::name);
        if (found != message_.labels.end()) return found->value;
        const auto fixed = message_.fixed_labels.find(std::string(name));
        if (fixed != message_.fixed_labels.end()) return fixed->second;
        return name == "host" ? std::string_view(message_.host) : "";
    }

    Datum datum(const TemplateNode& node) const {
        constexpr std::size_t label_max = template_limits::label_characters_max;
        const auto measured = [&](bool is_there, double number) {
            return amount(is_there ? std::optional(number) : std::nullopt, unit_);
        };
        switch (node.field) {
            case Field::alert:
                return words(message_.alert, own_characters_max);
            case Field::state:
                return words(to_string(message_.type), own_characters_max);
            case Field::severity:
                return words(message_.severity, own_characters_max);
            case Field::level:
                return amount(message_.level, {});
            case Field::host:
                return words(message_.host, label_max);
            case Field::value:
                return measured(message_.has_value, message_.value);
            case Field::peak:
                return measured(message_.has_peak, message_.peak);
            case Field::threshold:
                return amount(message_.threshold, unit_);
            case Field::unit:
                return words(message_.unit, label_max);
            case Field::condition:
                return words(message_.condition, own_characters_max);
            case Field::reason:
                return words(to_string(message_.reason), own_characters_max);
            case Field::started:
                return words(rfc3339(message_.started_unix_ns), own_characters_max);
            case Field::duration:
                return amount(static_cast<double>(message_.duration_ns) / 1e9, seconds);
            case Field::runbook_url:
                return words(message_.runbook_url, own_characters_max);
            case Field::label:
                return words(label(node.name), label_max);
            case Field::each_name:
                return words(each_ == nullptr ? "" : each_->name, label_max);
            case Field::each_value:
                return words(each_ == nullptr ? "" : each_->value, label_max);
            case Field::firing:
            case Field::resolved:
            case Field::flapping:
                break;
        }
        return words(is_true(node.field) ? "true" : "false", own_characters_max);
    }

    bool is_true(Field field) const {
        switch (field) {
            case Field::firing:
                return !message_.is_over();
            case Field::resolved:
                return message_.is_over();
            default:
                return message_.type == MessageType::flapping;
        }
    }

    static bool is_truth(Field field) {
        return field == Field::firing || field == Field::resolved || field == Field::flapping;
    }

    bool is_there(const TemplateNode& node) const {
        return is_truth(node.field) ? is_true(node.field) : !datum(node).is_missing();
    }

    std::string shown(const TemplateNode& node) const {
        Datum result = datum(node);
        for (const FilterCall& call : node.filters) result = filtered(std::move(result), call);
        // A span of time without a filter is for people, too.
        const bool is_plain_span = node.field == Field::duration && node.filters.empty();
        return is_plain_span ? humanized(result.number.value_or(0), seconds) : result.shown();
    }

    const Message& message_;
    const Unit& unit_;
    const Label* each_ = nullptr;
    std::string out_;
    bool is_full_ = false;
};

}  // namespace

std::string render(const Template& parsed, const Message& message, const Unit& unit) {
    Renderer renderer(message, unit);
    renderer.render(parsed.nodes);
    return renderer.take();
}

}  // namespace pitot::agent::alerts::channels
