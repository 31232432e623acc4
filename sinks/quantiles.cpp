#include "sinks/quantiles.h"

#include <fmt/format.h>

namespace pitot::sinks {

std::string quantile_field(double quantile) {
    // Ten digits: 0.29 times 100 is not quite 29 in doubles.
    std::string name = fmt::format("p{:.10g}", quantile * 100);
    std::ranges::replace(name, '.', '_');
    return name;
}

}  // namespace pitot::sinks
