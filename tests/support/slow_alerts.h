// What a rule means, in plain code: the whole history is kept, selectors are compared with
// every series at every flush, and a window is a walk over the flushes in it.
//
// The model of the differential test of agent/alerts/evaluator.h. It shares with it the tree
// of the expression, arithmetic on values (value.h) and what labels can be joined
// (labels.h), all of which have tests of their own; nothing of windows, groups, matching or
// compilation. Windows are exact here, so rules for it keep below the number of slots, and
// numbers have no units.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/alerts/expression.h"
#include "agent/alerts/labels.h"
#include "agent/alerts/value.h"
#include "protocol/sample.h"

namespace pitot::tests {

// One series in one flush.
struct SlowPoint {
    std::string name;
    std::vector<std::pair<std::string, std::string>> tags;  // sorted
    protocol::Kind kind = protocol::Kind::counter;
    bool updated = false;
    double number = 0;                   // counted, or the gauge's value
    std::vector<double> values;          // of a timer
    std::vector<std::uint64_t> members;  // of a set
};

struct SlowFlush {
    double elapsed_s = 0;
    std::vector<SlowPoint> points;  // all series that are alive
};

class SlowAlerts {
public:
    struct Side {
        agent::alerts::Labels labels = {};
        bool is_filling = false;  // something that it reads has a window that is not full
        std::map<agent::alerts::GroupLabels, agent::alerts::Value> values = {};
        std::map<agent::alerts::GroupLabels, agent::alerts::Truth> truths = {};

        // Of a group that may not be there.
        agent::alerts::Value value_of(const agent::alerts::GroupLabels& group) const {
            const auto found = values.find(group);
            if (found != values.end()) return found->second;
            return is_filling ? agent::alerts::Value::filling() : agent::alerts::Value::no_data();
        }
        agent::alerts::Truth truth_of(const agent::alerts::GroupLabels& group) const {
            const auto found = truths.find(group);
            if (found != truths.end()) return found->second;
            return is_filling ? agent::alerts::Truth::filling : agent::alerts::Truth::no_data;
        }
    };

    void take(SlowFlush flush) { history_.push_back(std::move(flush)); }
    std::size_t flushes() const { return history_.size(); }

    // As it stands after the last flush: of an expression of numbers, and of a condition.
    Side evaluate(const agent::alerts::Expression& expression) const {
        return evaluate(expression, expression.root, history_.size());
    }
    Side condition(const agent::alerts::Expression& expression) const {
        return as_condition(evaluate(expression));
    }

private:
    // What a function reads: of one selector, in one group, at one flush.
    struct Reading {
        const agent::alerts::Selector& selector;
        agent::alerts::Labels labels;
        std::uint32_t window = 1;
        std::uint32_t offset = 0;
        bool (*accepts)(protocol::Kind) = nullptr;
        std::uint32_t known = 0;  // flushes that a group is known for without series
    };

    Side evaluate(const agent::alerts::Expression& expression, agent::alerts::NodeId node,
                  std::size_t at) const;
    // absent() is a condition by itself.
    static Side as_condition(Side side);
    Side call(const agent::alerts::Expression& expression, const agent::alerts::Call& call,
              std::size_t at) const;
    Side function(agent::alerts::Function function, double parameter,
                  const agent::alerts::Selector& selector, const agent::alerts::Grouping& grouping,
                  std::size_t at) const;
    Side ratio(const agent::alerts::Call& call, agent::alerts::Selector above,
               agent::alerts::Selector below, std::size_t at) const;
    Side smoothed(const agent::alerts::Expression& expression, const agent::alerts::Call& call,
                  std::size_t at) const;
    Side joined(agent::alerts::BinaryOperator operation, const Side& left, const Side& right) const;

    Reading reading(agent::alerts::Function function, const agent::alerts::Selector& selector,
                    const agent::alerts::Grouping& grouping) const;
    // The points of a group in one flush (from 1); none before the first.
    std::vector<const SlowPoint*> points(const Reading& reading,
                                         const agent::alerts::GroupLabels& group,
                                         std::int64_t flush) const;
    std::map<agent::alerts::GroupLabels, std::size_t> lives(const Reading& reading,
                                                            std::size_t at) const;
    std::optional<agent::alerts::GroupLabels> group_of(const Reading& reading,
                                                       const SlowPoint& point) const;
    std::optional<double> level(const Reading& reading, const agent::alerts::GroupLabels& group,
                                std::int64_t flush, bool ages) const;
    std::size_t set_at(const SlowPoint& point, std::int64_t flush) const;
    agent::alerts::Value value(agent::alerts::Function function, double parameter,
                               const Reading& reading, const agent::alerts::GroupLabels& group,
                               std::size_t born, std::size_t at) const;
    agent::alerts::Value pooled(agent::alerts::Function function, double parameter,
                                const Reading& reading, const agent::alerts::GroupLabels& group,
                                std::size_t at) const;
    agent::alerts::Value change(agent::alerts::Function function, const Reading& reading,
                                const agent::alerts::GroupLabels& group, std::size_t born,
                                std::size_t at) const;
    static bool is_full(const Reading& reading, std::size_t at) {
        return at >= std::size_t{reading.window} + reading.offset;
    }
    double elapsed_until(std::size_t flush) const {
        double elapsed_s = 0;
        for (std::size_t i = 0; i < flush; ++i) elapsed_s += history_[i].elapsed_s;
        return elapsed_s;
    }

    std::vector<SlowFlush> history_;
};

}  // namespace pitot::tests
