#include "agent/alerts/trial/series_shorthand.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <system_error>

#include "agent/alerts/trial/trial.h"
#include "agent/printable.h"

namespace pitot::agent::alerts {

namespace {

// What lies between the first blank and the next one.
std::string_view next_word(std::string_view& rest) {
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    const std::string_view word = rest.substr(0, rest.find(' '));
    rest.remove_prefix(word.size());
    return word;
}

template <typename Number>
bool take_number(std::string_view& text, Number& number) {
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc()) return false;
    text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
    return true;
}

struct Item {
    std::string_view first;  // as written, so that it is sent as written; "_": a gap
    double value = 0;
    double step = 0;
    std::uint64_t count = 1;
};

std::optional<Item> read_item(std::string_view word) {
    Item item;
    std::string_view rest = word;
    if (rest.starts_with('_')) {
        rest.remove_prefix(1);
    } else if (!take_number(rest, item.value)) {
        return std::nullopt;
    }
    item.first = word.substr(0, word.size() - rest.size());
    if (item.first != "_" && (rest.starts_with('+') || rest.starts_with('-'))) {
        const bool is_up = rest.starts_with('+');
        rest.remove_prefix(1);
        if (!take_number(rest, item.step) || item.step < 0 || !rest.starts_with('x')) {
            return std::nullopt;
        }
        if (!is_up) item.step = -item.step;
    }
    if (rest.empty()) return item;
    if (!rest.starts_with('x')) return std::nullopt;
    rest.remove_prefix(1);
    if (!take_number(rest, item.count) || !rest.empty() || item.count == 0) return std::nullopt;
    return item;
}

std::string text_of(const Item& item, std::uint64_t at) {
    if (at == 0 || item.step == 0) return std::string(item.first);
    std::array<char, 32> text{};
    const double value = item.value + item.step * static_cast<double>(at);
    return {text.data(), std::to_chars(text.begin(), text.end(), value).ptr};
}

}  // namespace

std::expected<std::vector<std::string>, std::string> read_series(std::string_view text) {
    std::string_view rest = text;
    const std::string_view series = next_word(rest);
    const std::size_t bar = series.find('|');
    const std::string_view name = series.substr(0, bar);
    std::string behind = bar == std::string_view::npos ? "" : std::string(series.substr(bar));
    if (behind.empty() || behind.starts_with("|#")) behind.insert(0, "|c");

    std::vector<std::string> lines;
    for (std::string_view word = next_word(rest); !word.empty(); word = next_word(rest)) {
        const auto item = read_item(word);
        if (!item) {
            return std::unexpected(fmt::format(
                "must have values such as 100x36, 0+5x10 or _x3, got \"{}\"", printable(word, 40)));
        }
        if (item->count > trial_flushes_max || lines.size() + item->count > trial_flushes_max) {
            return std::unexpected(fmt::format("must be at most {} values", trial_flushes_max));
        }
        for (std::uint64_t i = 0; i < item->count; ++i) {
            lines.push_back(item->first == "_"
                                ? std::string()
                                : fmt::format("{}:{}{}", name, text_of(*item, i), behind));
        }
    }
    if (!lines.empty()) return lines;
    return std::unexpected(
        R"(must be a series and its values, such as "requests|c|#service:pay 100x36 0x10")");
}

}  // namespace pitot::agent::alerts
