// The labels of an alert as others get them: who it is, those of its rule and those of its
// group, in one set in which none hides another.
//
// Used for Alertmanager and webhooks (channels/), for /api/v1/alerts and for the series ALERTS.
// The first of a name has it; a later one, such as a client's tag called `severity`, gets "tag_"
// before its name. What is added first must be the agent's own.
//
// Tags hold whatever a client wrote. What would move a cursor or turn the reading direction is
// written as in summaries (agent/printable.h): \x1b, \u{202e}. No two texts become the same by
// that, or two instances would be one.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace pitot::agent::alerts {

// A name or a value of a label, fit for a terminal. Other texts give other results.
std::string label_text(std::string_view text);

class AlertLabels {
public:
    using Texts = std::map<std::string, std::string>;

    // `prometheus`: as its data model has label names, '_' for what they may not hold.
    enum class Names : std::uint8_t { as_sent, prometheus };

    explicit AlertLabels(Names names = Names::as_sent) : names_(names) {}

    // Who it is: alertname, severity, alertstate. No tag is ever taken for one of these.
    void add_own(std::string_view name, std::string_view value);
    // Not if the value is empty, which is no label, nor if the same is there already.
    void add(std::string_view name, std::string_view value);

    const Texts& texts() const { return texts_; }
    // What is called otherwise now, by the name that it had.
    const Texts& originals() const { return originals_; }

private:
    std::string free_name(const std::string& name) const;

    Names names_;
    Texts texts_;
    Texts originals_;
    Texts own_;
};

}  // namespace pitot::agent::alerts
