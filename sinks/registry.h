// Every kind of sink this binary has. Nothing registers itself: registry.cpp is the list.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "sinks/context.h"
#include "sinks/options.h"
#include "sinks/sink.h"

namespace pitot::sinks {

struct SinkType {
    std::string_view name;         // `type = "…"` in the configuration
    std::string_view description;  // one line for `pitot check` and the manual
    // Reads its settings; what is wrong with them goes to `options`. Opens nothing. With
    // problems recorded the sink is good for nothing but being destroyed; never null.
    std::unique_ptr<Sink> (*make)(Options& options, const Context& context);
};

// In the order the manual lists them.
std::span<const SinkType> sink_types();

// Null when there is none of that name.
const SinkType* find_sink_type(std::string_view name);

}  // namespace pitot::sinks
