#include "sinks/elasticsearch/template_keeper.h"

#include <fmt/format.h>
#include <spdlog/logger.h>

#include <iterator>
#include <utility>

#include "sinks/elasticsearch/bulk_answer.h"
#include "sinks/http/classify.h"

namespace pitot::sinks::elasticsearch {
namespace {

// A stranger's template may be a long one.
constexpr std::size_t answer_bytes_max = 1024 * std::size_t{1024};

// The server is away or busy: the question was not answered.
bool is_obstacle(const Outcome& outcome) {
    return outcome.verdict == Verdict::retry || outcome.verdict == Verdict::throttle;
}

// As one segment of a path (RFC 3986, section 2.1).
std::string path_segment(std::string_view text) {
    constexpr std::string_view plain =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    std::string out;
    for (const char character : text) {
        if (plain.find(character) != std::string_view::npos) {
            out += character;
        } else {
            fmt::format_to(std::back_inserter(out), "%{:02X}",
                           static_cast<unsigned char>(character));
        }
    }
    return out;
}

std::string answer_text(const http::Response& response) {
    return fmt::format("{} ({})", response.status,
                       error_text(response.body, response.redaction.get()));
}

}  // namespace

TemplateKeeper::TemplateKeeper(KeeperSettings settings, http::Client& client,
                               const Context& context)
    : settings_(std::move(settings)),
      text_(template_text(settings_.target, settings_.index_template)),
      template_target_("/_index_template/" + path_segment(settings_.index_template.name)),
      client_(client),
      context_(context) {}

void TemplateKeeper::ensure(std::int64_t deadline_steady_ns, Done done) {
    deadline_ns_ = deadline_steady_ns;
    done_ = std::move(done);
    request(http::Method::get, template_target_, &TemplateKeeper::on_found);
}

// No answer, and answers that only mean "not now", are what the attempt came to; `then` gets
// the others, which all have a status.
void TemplateKeeper::request(http::Method method, const std::string& target,
                             void (TemplateKeeper::*then)(const http::Response&)) {
    http::Request request;
    request.method = method;
    request.target = settings_.path + target;
    request.headers.emplace_back("Accept-Encoding", "identity");
    request.body_bytes_max = answer_bytes_max;
    if (method == http::Method::put) {
        request.headers.emplace_back("Content-Type", "application/json");
        request.body = text_;
    }
    client_.send(std::move(request), deadline_ns_, [this, then](const http::Result& result) {
        const Outcome outcome = http::classify(result, context_.time.wall_ns());
        // Without TLS or valid credentials nothing else will work either.
        if (!result || is_obstacle(outcome) || result->status == 401) {
            end(outcome);
        } else {
            (this->*then)(*result);
        }
    });
}

void TemplateKeeper::on_found(const http::Response& answer) {
    if (answer.status == 404) {
        put();
    } else if (answer.status == 200) {
        found(find_template(answer.body, settings_.index_template.name, text_));
    } else {
        go_without("it cannot be looked for: " + answer_text(answer));
    }
}

void TemplateKeeper::found(const TemplateFinding& finding) {
    switch (finding.found) {
        case FoundTemplate::none:
        case FoundTemplate::older:
        case FoundTemplate::other:
            put();
            return;
        case FoundTemplate::current:
            settle();
            return;
        case FoundTemplate::foreign:
            if (settings_.target.is_data_stream() && !finding.makes_data_streams) {
                go_without(
                    "one of that name is there already, is not pitot's, and makes no data "
                    "streams");
                return;
            }
            say_once(
                "one of that name is there already and is not pitot's; it is left alone. "
                "Choose another template_name to have pitot's, or set manage_template = false");
            settle();
            return;
        case FoundTemplate::unreadable:
            go_without("it cannot be looked for: the answer is not understood");
            return;
    }
}

void TemplateKeeper::put() {
    request(http::Method::put, template_target_, &TemplateKeeper::on_put);
}

void TemplateKeeper::on_put(const http::Response& answer) {
    if (answer.status >= 200 && answer.status < 300) {
        context_.log.info("sinks.{}: put the index template {} for {}", settings_.sink,
                          settings_.index_template.name, settings_.target.wildcard());
        said_.clear();
        settle();
        return;
    }
    go_without("the server refuses it: " + answer_text(answer));
}

// Only where no harm is done by it.
void TemplateKeeper::go_without(const std::string& why) {
    if (settings_.target.is_data_stream()) {
        why_ = why;
        request(http::Method::get, "/_data_stream/" + path_segment(settings_.target.wildcard()),
                &TemplateKeeper::on_data_stream);
        return;
    }
    say_once(why +
             ". Documents are sent all the same, and the server guesses the types of their fields. "
             "Grant the cluster privilege manage_index_templates, or put a template yourself and "
             "set manage_template = false");
    settle();
}

void TemplateKeeper::on_data_stream(const http::Response& answer) {
    if (answer.status == 200) {
        say_once(why_ + ". The data stream is there, and is used as it is");
        settle();
        return;
    }
    hold(fmt::format(
        "the data stream {} does not exist, and the index template {} that would make it is not "
        "there: {}. Grant the cluster privilege manage_index_templates; or create both yourself "
        "and set manage_template = false; or, where the server has no data streams, use index "
        "instead of data_stream",
        settings_.target.wildcard(), settings_.index_template.name, why_));
}

void TemplateKeeper::say_once(const std::string& what) {
    if (what == said_) return;
    said_ = what;
    context_.log.warn("sinks.{}: index template {}: {}", settings_.sink,
                      settings_.index_template.name, what);
}

void TemplateKeeper::settle() {
    is_settled_ = true;
    end(std::nullopt);
}

void TemplateKeeper::hold(std::string reason) {
    Outcome outcome;
    outcome.verdict = Verdict::hold;
    outcome.reason = std::move(reason);
    end(std::move(outcome));
}

// `done_` stays, so that a failure on the way back (http/client.h) finds its way; and what is
// called is a copy, because it may begin anew.
void TemplateKeeper::end(std::optional<Outcome> obstacle) {
    const Done done = done_;
    done(std::move(obstacle));
}

}  // namespace pitot::sinks::elasticsearch
