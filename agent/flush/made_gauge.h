// A gauge that the agent makes of what has come in: a derived series, ALERTS.
//
// Made between the merge of an interval and the sinks (Merger::add), so that it reaches them
// with all else.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace pitot::agent {

struct MadeGauge {
    std::string name;
    std::vector<std::pair<std::string, std::string>> tags;  // none twice; no ',' in any
    double value = 0;
};

}  // namespace pitot::agent
