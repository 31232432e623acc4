// The JSON of the pages about alerts.
//
// /api/v1/rules and /api/v1/alerts have the shape that Prometheus gives them (its HTTP API,
// "Rules" and "Alerts"), so that what reads those of Prometheus reads ours. What there is
// beside that is in members called `pitot`, which others pass over. An alert's `activeAt` is
// when it began to be pending, or once it fires, to fire.
//
// explain and history are our own: one rule, what it reads, and the last evaluations of its
// instances (agent/alerts/history.h). `pitot alerts` shows them.
//
// As in documents.h: texts from elsewhere are made printable, members are added and not taken
// away.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agent/alerts/alerts_view.h"
#include "agent/alerts/history.h"
#include "agent/web/query.h"

namespace pitot::agent {

// Instances that an explanation shows; a history shows all evaluations of as many.
inline constexpr std::size_t explained_instances_max = 20;
inline constexpr std::size_t history_instances_max = 5;

// Of `query`: type=alert or record, rule_name[], rule_group[], exclude_alerts=true.
std::string rules_document(const alerts::AlertsView& view, const Query& query);
std::string alerts_document(const alerts::AlertsView& view);

struct AlertsAnswer {
    unsigned status = 200;
    std::string text;
};
// Instances of a rule whose labels have all of those given, at most `most`.
using InstanceFinder = std::function<std::vector<alerts::InstanceHistory>(
    std::size_t rule, const alerts::GroupLabels& labels, std::size_t most)>;
// Of `query`: alert=NAME, and label=NAME=VALUE as often as one likes. `with_history`: all
// evaluations, not only the last. 404 where there is no such rule, with the nearest name.
AlertsAnswer explain_document(const alerts::AlertsView& view, const InstanceFinder& find,
                              const Query& query, bool with_history);

}  // namespace pitot::agent
