#include "agent/cli/json_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <chrono>
#include <cstdint>

#include "agent/human.h"
#include "agent/printable.h"

namespace pitot::agent {

namespace json = boost::json;

JsonView JsonView::operator[](std::string_view key) const {
    const json::object* const object = value_ == nullptr ? nullptr : value_->if_object();
    return JsonView(object == nullptr ? nullptr : object->if_contains({key.data(), key.size()}));
}

std::string JsonView::text(std::size_t characters_max) const {
    const json::string* const string = value_ == nullptr ? nullptr : value_->if_string();
    return string == nullptr ? std::string()
                             : printable({string->data(), string->size()}, characters_max);
}

double JsonView::number() const {
    json::error_code error;
    const double number = value_ == nullptr ? 0 : value_->to_number<double>(error);
    return error ? 0 : number;
}

std::string JsonView::human() const {
    return human_number(number());
}

std::string JsonView::bytes() const {
    return human_bytes(number());
}

bool JsonView::is_true() const {
    return value_ != nullptr && value_->is_bool() && value_->get_bool();
}

void JsonView::each_member(
    const std::function<void(const std::string& name, JsonView)>& visit) const {
    const json::object* const object = value_ == nullptr ? nullptr : value_->if_object();
    if (object == nullptr) return;
    for (const auto& [key, member] : *object) {
        visit(printable({key.data(), key.size()}, cell_characters_max), JsonView(&member));
    }
}

void JsonView::each_element(std::size_t most, const std::function<void(JsonView)>& visit) const {
    const json::array* const array = value_ == nullptr ? nullptr : value_->if_array();
    if (array == nullptr) return;
    for (std::size_t i = 0; i < std::min(most, array->size()); ++i) visit(JsonView(&(*array)[i]));
}

std::size_t JsonView::elements() const {
    const json::array* const array = value_ == nullptr ? nullptr : value_->if_array();
    return array == nullptr ? 0 : array->size();
}

double JsonView::sum() const {
    double sum = 0;
    each_member([&sum](const std::string&, JsonView member) { sum += member.number(); });
    return sum;
}

std::string JsonView::reasons() const {
    std::string all;
    each_member([&all](const std::string& reason, JsonView count) {
        all += fmt::format("{}{} {}", all.empty() ? "" : ", ", reason, count.human());
    });
    return all;
}

std::optional<double> moment_of(const std::string& text) {
    constexpr std::string_view pattern = "0000-00-00T00:00:00.000Z";
    if (text.size() != pattern.size()) return {};
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        const bool is_digit = text[i] >= '0' && text[i] <= '9';
        if (pattern[i] == '0' ? !is_digit : text[i] != pattern[i]) return {};
    }
    const auto at = [&text](std::size_t begin, std::size_t digits) {
        std::int64_t value = 0;
        for (std::size_t i = begin; i < begin + digits; ++i) value = value * 10 + (text[i] - '0');
        return value;
    };
    const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(at(0, 4))),
                                           std::chrono::month(static_cast<unsigned>(at(5, 2))),
                                           std::chrono::day(static_cast<unsigned>(at(8, 2)))};
    if (!date.ok()) return {};
    const std::chrono::seconds day = std::chrono::sys_days(date).time_since_epoch();
    return static_cast<double>(day.count() + at(11, 2) * 3600 + at(14, 2) * 60 + at(17, 2)) +
           static_cast<double>(at(20, 3)) / 1000;
}

}  // namespace pitot::agent
