// [derive.NAME]: series that are made of others at each flush, before the sinks have them.
//
// A derived series has one gauge for each group of its expression, with the labels of the
// group, while it has a value: a quotient by nothing, or a window that is still filling, has
// none, and the gauge is gone until it has one again. So no destination repeats a value that
// was true an hour ago. Of other derived series an expression reads the value of the flush
// before, since all are made at once.
//
// No client may use the names: its lines are refused as `reserved_name`, which is counted and
// told, like the names of the agent's own metrics.
//
// Used by Alerting, on the flush thread.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "agent/alerts/definition.h"
#include "agent/alerts/evaluator.h"
#include "agent/alerts/labels.h"
#include "agent/flush/made_gauge.h"
#include "protocol/snapshot.h"

namespace pitot::agent::alerts {

// Labels as tags: those without a value are left out, and "$1" is "_1", which is a name
// wherever tags have names.
std::vector<std::pair<std::string, std::string>> tags_of(const GroupLabels& labels);

class DerivedSet {
public:
    // Gauges made in one flush, of all derived series; what is beyond is counted. No limit of
    // series holds these, so that they have one of their own: more are no dashboard.
    static constexpr std::size_t gauges_max = 10'000;

    DerivedSet(std::vector<DerivedSeries> series, EvaluatorSettings settings);

    bool is_empty() const { return names_.empty(); }
    void evaluate(const protocol::Snapshot& snapshot, std::vector<MadeGauge>& out);
    // Gauges that gauges_max left out, ever.
    std::uint64_t left_out() const { return left_out_; }
    EvaluatorUsage usage() const { return evaluator_.usage(); }

private:
    Evaluator evaluator_;
    std::vector<std::string> names_;  // by ProgramId
    std::uint64_t left_out_ = 0;
};

}  // namespace pitot::agent::alerts
