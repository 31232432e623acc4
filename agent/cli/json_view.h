// Reads a JSON document of the agent's own, for commands that show it: what is not there, or is
// of another kind, is nothing, for the agent that answers may be older or newer.
//
// Texts come out fit for a terminal.
#pragma once

#include <boost/json/value.hpp>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace pitot::agent {

// Of a name, a line or a sender in a table.
inline constexpr std::size_t cell_characters_max = 60;

// Refers to the document, which outlives it.
class JsonView {
public:
    JsonView() = default;
    explicit JsonView(const boost::json::value* value) : value_(value) {}

    JsonView operator[](std::string_view key) const;
    bool is_there() const { return value_ != nullptr; }
    std::string text(std::size_t characters_max = cell_characters_max) const;
    double number() const;
    std::string human() const;
    std::string bytes() const;
    bool is_true() const;

    void each_member(const std::function<void(const std::string& name, JsonView)>& visit) const;
    void each_element(std::size_t most, const std::function<void(JsonView)>& visit) const;
    std::size_t elements() const;
    double sum() const;
    // "no_value 1, unknown_type 2"
    std::string reasons() const;

private:
    const boost::json::value* value_ = nullptr;
};

// Seconds since 1970 of "2026-08-01T00:00:10.250Z"; nothing for another text.
std::optional<double> moment_of(const std::string& text);

}  // namespace pitot::agent
