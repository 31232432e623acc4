// What a line becomes in each sink, for `pitot explain`: it goes through a rehearsal of
// one interval and the encoders of the configured sinks.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/cli/arguments.h"
#include "agent/config/problem.h"

namespace pitot::agent {

// The bytes that one sink would send.
struct Becoming {
    std::string sink;         // "push (pushgateway)"; of an example, that it is one
    std::string text;         // empty: nothing, such as for an event that has no place there
    bool is_refused = false;  // by the configuration, though the grammar takes it; `text` says why
};

class Becomes {
public:
    // The sinks of the configuration; without one, a Pushgateway with its defaults, as the
    // commonest way to be read. Problems are those of the configuration.
    static std::expected<Becomes, std::vector<Problem>> make(const ExplainArguments& arguments);

    std::vector<Becoming> operator()(std::string_view line) const;

private:
    struct Parts;
    explicit Becomes(ExplainArguments arguments);

    // Nobody has said which sinks there are.
    bool is_example() const;

    std::expected<std::unique_ptr<Parts>, std::vector<Problem>> fresh_parts() const;

    ExplainArguments arguments_;
};

}  // namespace pitot::agent
