// Sees to it that the index template is there before the first document is.
//
// The transport asks it before it sends, and again after a connection was lost: a server that
// comes back empty would else be filled without a mapping. What it finds:
//
//   no template, or an older one of ours  →  PUT
//   ours, as it should be, or newer       →  nothing
//   a stranger's                          →  a warning; it is left alone
//   the server is away or busy            →  an Outcome: delivery waits, and asks again
//   no right to look or to put            →  a warning that says what to grant; documents are
//                                            sent all the same, and the server guesses fields
//
// A data stream is different in the last case: where no template makes one of the name, the
// server would make an index instead, which only an operator can undo. So nothing is sent
// until the data stream is there (Verdict::hold).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "sinks/context.h"
#include "sinks/elasticsearch/index_template.h"
#include "sinks/http/client.h"
#include "sinks/outcome.h"

namespace pitot::sinks::elasticsearch {

struct KeeperSettings {
    std::string sink;  // its name, for the log
    std::string path;  // of the url
    TargetIndex target;
    TemplateSettings index_template;
};

// Io thread only.
class TemplateKeeper {
public:
    // Nothing: documents may be sent. Else what the attempt came to.
    using Done = std::function<void(std::optional<Outcome>)>;

    // Both outlive the keeper. Nothing else is under way on `client` between ensure() and its
    // `done`.
    TemplateKeeper(KeeperSettings settings, http::Client& client, const Context& context);

    bool is_settled() const { return is_settled_; }
    // Looks anew next time.
    void forget() { is_settled_ = false; }
    // Not while it is settled. `done` is not called from inside this call.
    void ensure(std::int64_t deadline_steady_ns, Done done);

private:
    void request(http::Method method, const std::string& target,
                 void (TemplateKeeper::*then)(const http::Response&));
    void on_found(const http::Response& answer);
    void on_put(const http::Response& answer);
    void on_data_stream(const http::Response& answer);
    void found(const TemplateFinding& finding);
    void put();
    void go_without(const std::string& why);
    void say_once(const std::string& what);
    void settle();
    void hold(std::string reason);
    void end(std::optional<Outcome> obstacle);

    const KeeperSettings settings_;
    const std::string text_;  // of the template
    const std::string template_target_;
    http::Client& client_;
    const Context& context_;
    bool is_settled_ = false;
    std::string said_;  // the last warning
    std::string why_;   // the template cannot be put, while the data stream is looked for
    std::int64_t deadline_ns_ = 0;
    Done done_;
};

}  // namespace pitot::sinks::elasticsearch
