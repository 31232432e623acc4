// How a sink learns its settings: it asks for each by name, and gets a checked value.
//
// A sink declares what it can be told by asking; agent/config implements Options on top
// of the TOML file, remembers what was asked for, and so finds unknown keys by itself.
// Problems are collected, not returned: a getter that finds one records it, with the
// position in the file, and returns the default, so that all problems of a file come out
// in one run. A sink's factory is called once at start, also when there were problems
// elsewhere, so that it must open nothing but files it is told to read (secrets, certificates);
// the sink is then thrown away.
//
// Each option has one place: the call that reads it. The list of all calls made is what
// the documentation test compares with conf/pitot.toml.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pitot::sinks {

// A text that must not be shown: no operator<<, no formatter; say reveal() where the
// bytes are needed.
class Secret {
public:
    Secret() = default;
    explicit Secret(std::string text) : text_(std::move(text)) {}
    bool empty() const { return text_.empty(); }
    const std::string& reveal() const { return text_; }

private:
    std::string text_;
};

class Options {
public:
    virtual ~Options() = default;

    // The name between the dots: "push" in [sinks.push].
    virtual std::string_view name() const = 0;
    virtual bool has(std::string_view key) const = 0;

    virtual std::string text(std::string_view key, std::string_view fallback) = 0;
    // Absent is a problem.
    virtual std::string required_text(std::string_view key) = 0;
    virtual std::optional<std::string> optional_text(std::string_view key) = 0;
    virtual bool boolean(std::string_view key, bool fallback) = 0;
    virtual std::int64_t integer(std::string_view key, std::int64_t fallback, std::int64_t least,
                                 std::int64_t most) = 0;
    virtual double number(std::string_view key, double fallback, double least, double most) = 0;
    // "250ms", "10s", "5m", "1h"
    virtual std::chrono::nanoseconds duration(std::string_view key,
                                              std::chrono::nanoseconds fallback,
                                              std::chrono::nanoseconds least,
                                              std::chrono::nanoseconds most) = 0;
    // "64KiB", "32MiB", or a whole number of bytes
    virtual std::uint64_t bytes(std::string_view key, std::uint64_t fallback, std::uint64_t least,
                                std::uint64_t most) = 0;
    // One of `allowed`; its index is returned.
    virtual std::size_t choice(std::string_view key, std::size_t fallback,
                               std::span<const std::string_view> allowed) = 0;
    virtual std::vector<std::string> texts(std::string_view key,
                                           std::vector<std::string> fallback) = 0;
    virtual std::vector<double> numbers(std::string_view key, std::vector<double> fallback,
                                        double least, double most) = 0;
    // A table of texts, in the order of the file: labels = { zone = "a" }
    virtual std::vector<std::pair<std::string, std::string>> text_table(std::string_view key) = 0;
    // A text, or { file = … }, { env = … }, { credential = … }
    virtual Secret secret(std::string_view key) = 0;
    // A table of such, in the order of the file: headers = { "X-Key" = { file = "…" } }
    virtual std::vector<std::pair<std::string, Secret>> secret_table(std::string_view key) = 0;
    // Each table of a table of tables, by name: [sinks.push.rules.latency]
    virtual void each_table(std::string_view key, const std::function<void(Options&)>& visit) = 0;

    // For checks between keys and of a text's grammar. `what` reads on after "key: ":
    // "must be …, got …". The position is the value's, or the table's when it is absent;
    // a key of "" is the table itself.
    virtual void problem(std::string_view key, std::string what) = 0;
    // Whether a problem of this key has been recorded, so that nobody complains of the value
    // that was returned in place of a wrong one.
    virtual bool is_wrong(std::string_view key) const = 0;
    // Legal and unwise; shown by `pitot check` and at start.
    virtual void warning(std::string_view key, std::string what) = 0;
};

}  // namespace pitot::sinks
