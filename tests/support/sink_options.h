// The settings of one sink, in memory: what a sink's factory asks for, without a file.
//
//     SinkOptions options("push");
//     options.set("url", "http://127.0.0.1:1").set("gzip", true);
//     options.table("rules", "slow").set("match", "slow.*");
//     auto sink = pushgateway::make(options, context);
//     CHECK(options.problems() == "");
//
// Checks what agent/config checks of values (range, choice), in fewer words. A problem is a
// line "key: what".
#pragma once

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "sinks/options.h"

namespace pitot::tests {

class SinkOptions final : public sinks::Options {
public:
    using TextTable = std::vector<std::pair<std::string, std::string>>;
    using Value = std::variant<std::string, bool, std::int64_t, double, std::chrono::nanoseconds,
                               std::vector<std::string>, std::vector<double>, TextTable>;

    explicit SinkOptions(std::string name) : name_(std::move(name)) {}

    SinkOptions& set(const std::string& key, Value value) {
        values_[key] = std::move(value);
        return *this;
    }
    SinkOptions& set(const std::string& key, const char* value) {
        return set(key, Value(std::string(value)));
    }
    SinkOptions& table(const std::string& key, const std::string& name) {
        tables_[key].push_back(std::make_unique<SinkOptions>(name));
        return *tables_[key].back();
    }

    // Of this table and those in it; "" when there are none.
    std::string problems() const {
        std::string all = problems_;
        for (const auto& [key, tables] : tables_) {
            for (const auto& one : tables) all += one->problems();
        }
        return all;
    }
    const std::string& warnings() const { return warnings_; }

    std::string_view name() const override { return name_; }
    bool has(std::string_view key) const override { return values_.contains(std::string(key)); }

    std::string text(std::string_view key, std::string_view fallback) override {
        return get<std::string>(key, std::string(fallback));
    }
    std::string required_text(std::string_view key) override {
        if (!has(key)) problem(key, "must be set");
        return text(key, "");
    }
    std::optional<std::string> optional_text(std::string_view key) override {
        if (!has(key)) return {};
        return text(key, "");
    }
    bool boolean(std::string_view key, bool fallback) override { return get<bool>(key, fallback); }
    std::int64_t integer(std::string_view key, std::int64_t fallback, std::int64_t least,
                         std::int64_t most) override {
        return ranged(key, get<std::int64_t>(key, fallback), least, most);
    }
    double number(std::string_view key, double fallback, double least, double most) override {
        return ranged(key, get<double>(key, fallback), least, most);
    }
    std::chrono::nanoseconds duration(std::string_view key, std::chrono::nanoseconds fallback,
                                      std::chrono::nanoseconds least,
                                      std::chrono::nanoseconds most) override {
        return ranged(key, get<std::chrono::nanoseconds>(key, fallback), least, most);
    }
    std::uint64_t bytes(std::string_view key, std::uint64_t fallback, std::uint64_t least,
                        std::uint64_t most) override {
        const auto value = get<std::int64_t>(key, static_cast<std::int64_t>(fallback));
        return ranged(key, static_cast<std::uint64_t>(value), least, most);
    }
    std::size_t choice(std::string_view key, std::size_t fallback,
                       std::span<const std::string_view> allowed) override {
        const std::string value = text(key, allowed[fallback]);
        const auto found = std::ranges::find(allowed, value);
        if (found != allowed.end()) return static_cast<std::size_t>(found - allowed.begin());
        problem(key, "must be one of those allowed, got \"" + value + "\"");
        return fallback;
    }
    std::vector<std::string> texts(std::string_view key,
                                   std::vector<std::string> fallback) override {
        return get<std::vector<std::string>>(key, std::move(fallback));
    }
    std::vector<double> numbers(std::string_view key, std::vector<double> fallback, double least,
                                double most) override {
        auto values = get<std::vector<double>>(key, std::move(fallback));
        for (const double value : values) ranged(key, value, least, most);
        return values;
    }
    TextTable text_table(std::string_view key) override { return get<TextTable>(key, {}); }
    sinks::Secret secret(std::string_view key) override { return sinks::Secret(text(key, "")); }
    std::vector<std::pair<std::string, sinks::Secret>> secret_table(std::string_view key) override {
        std::vector<std::pair<std::string, sinks::Secret>> out;
        for (auto& [name, value] : text_table(key)) out.emplace_back(name, sinks::Secret(value));
        return out;
    }
    void each_table(std::string_view key, const std::function<void(Options&)>& visit) override {
        for (const auto& one : tables_[std::string(key)]) visit(*one);
    }

    void problem(std::string_view key, std::string what) override {
        problems_.append(key).append(": ").append(what).append("\n");
    }
    bool is_wrong(std::string_view key) const override {
        return ("\n" + problems_).contains("\n" + std::string(key) + ": ");
    }
    void warning(std::string_view key, std::string what) override {
        warnings_.append(key).append(": ").append(what).append("\n");
    }

private:
    template <class Type>
    Type get(std::string_view key, Type fallback) {
        const auto found = values_.find(std::string(key));
        if (found == values_.end()) return fallback;
        if (const auto* value = std::get_if<Type>(&found->second)) return *value;
        problem(key, "must be of another type");
        return fallback;
    }
    template <class Type>
    Type ranged(std::string_view key, Type value, Type least, Type most) {
        if (value < least || value > most) problem(key, "must be within its range");
        return value;
    }

    std::string name_;
    std::map<std::string, Value> values_;
    std::map<std::string, std::vector<std::unique_ptr<SinkOptions>>> tables_;
    std::string problems_;
    std::string warnings_;
};

}  // namespace pitot::tests
