#include "sinks/elasticsearch/transport.h"

#include <fmt/format.h>
#include <spdlog/logger.h>

#include <algorithm>
#include <utility>

#include "sinks/elasticsearch/bulk_answer.h"
#include "sinks/elasticsearch/encoder.h"
#include "sinks/elasticsearch/stored_before.h"
#include "sinks/elasticsearch/template_keeper.h"
#include "sinks/http/classify.h"
#include "sinks/http/client.h"
#include "sinks/http/gunzip.h"

namespace pitot::sinks::elasticsearch {
namespace {

// The least time between two log lines about documents that are refused: an interval may
// have thousands of them, all for the same reason.
constexpr std::int64_t refusal_pause_ns = 60'000'000'000;

class BulkTransport final : public Transport {
public:
    BulkTransport(TransportSettings settings, const Context& context)
        : settings_(std::move(settings)),
          target_(settings_.http.client.url.path + "/_bulk?" + std::string(bulk_answer_filter)),
          context_(context),
          client_(settings_.http.client, context) {
        if (settings_.target.is_data_stream()) {
            stored_before_.emplace(settings_.name, settings_.http.client.url.path,
                                   settings_.target.wildcard(), client_, context_);
        }
        if (!settings_.index_template) return;
        keeper_.emplace(KeeperSettings{.sink = settings_.name,
                                       .path = settings_.http.client.url.path,
                                       .target = settings_.target,
                                       .index_template = *settings_.index_template},
                        client_, context_);
    }

    void send(const Batch& batch, Purpose, std::int64_t deadline_steady_ns, Done done) override {
        refusal_.clear();
        if (!keeper_ || keeper_->is_settled()) {
            send_what_is_missing(batch, deadline_steady_ns, std::move(done));
            return;
        }
        keeper_->ensure(deadline_steady_ns,
                        [this, &batch, deadline_steady_ns,
                         done = std::move(done)](std::optional<Outcome> obstacle) {
                            if (obstacle) {
                                done(*std::move(obstacle));
                            } else {
                                send_what_is_missing(batch, deadline_steady_ns, done);
                            }
                        });
    }

    void cancel() override { client_.cancel(); }

    void refused(std::string_view item, std::string_view reason) override {
        const std::int64_t now_ns = context_.time.steady_ns();
        if (is_refusal_logged_ && now_ns - refusal_logged_ns_ < refusal_pause_ns) {
            ++untold_refusals_;
            return;
        }
        context_.log.warn(
            "sinks.{}: a document of \"{}\" is refused and lost: {}{}", settings_.name,
            subject_of(item), refusal_.empty() ? reason : std::string_view(refusal_),
            untold_refusals_ == 0 ? ""
                                  : fmt::format(". So were {} others before it", untold_refusals_));
        is_refusal_logged_ = true;
        refusal_logged_ns_ = now_ns;
        untold_refusals_ = 0;
    }

private:
    void send_what_is_missing(const Batch& batch, std::int64_t deadline_steady_ns, Done done) {
        if (!stored_before_ || !stored_before_->is_wanted()) {
            send_documents(batch, deadline_steady_ns, std::move(done));
            return;
        }
        stored_before_->look(batch, deadline_steady_ns,
                             [this, &batch, deadline_steady_ns,
                              done = std::move(done)](std::optional<Outcome> outcome) {
                                 if (outcome) {
                                     done(*std::move(outcome));
                                 } else {
                                     send_documents(batch, deadline_steady_ns, done);
                                 }
                             });
    }

    void send_documents(const Batch& batch, std::int64_t deadline_steady_ns, Done done) {
        http::Request request;
        request.method = http::Method::post;
        request.target = target_;
        request.headers.emplace_back("Content-Type", "application/x-ndjson");
        request.headers.emplace_back("Accept-Encoding", "identity");
        request.body = batch.body;
        request.gzip = settings_.http.gzip;
        request.body_bytes_max = bulk_answer_bytes_max;
        // Not by the client of itself, where it must be seen first what is there.
        request.repeatable = !stored_before_;
        client_.send(std::move(request), deadline_steady_ns,
                     [this, &batch, done = std::move(done)](const http::Result& result) {
                         Outcome outcome = outcome_of_answer(result, batch.items.size());
                         // Whoever answers next may know nothing of the template.
                         if (keeper_ && (!result || outcome.verdict == Verdict::hold)) {
                             keeper_->forget();
                         }
                         if (stored_before_ && may_have_stored(result, outcome)) {
                             stored_before_->want();
                         }
                         done(std::move(outcome));
                     });
    }

    // Without having said so.
    static bool may_have_stored(const http::Result& result, const Outcome& outcome) {
        if (!result) {
            const http::FailureKind kind = result.error().kind;
            return kind != http::FailureKind::resolve && kind != http::FailureKind::connect &&
                   kind != http::FailureKind::tls;
        }
        const unsigned status = result->status;
        // Of others the answer says what became of each document; unless it is none.
        const bool is_answer = status >= 200 && status < 300;
        return status >= 500 || status == 408 ||
               (is_answer && !result->is_complete && outcome.verdict != Verdict::delivered);
    }

    Outcome outcome_of_answer(const http::Result& result, std::size_t items) {
        Outcome outcome = http::classify(result, context_.time.wall_ns());
        if (outcome.verdict != Verdict::delivered) return outcome;
        const std::optional<BulkAnswer> answer = read(*result);
        if (!answer) return not_understood(*result);
        if (const auto twice = std::ranges::count(answer->fates, Fate::stored_before); twice > 0) {
            context_.log.debug("sinks.{}: {} documents were stored by an attempt before",
                               settings_.name, twice);
        }
        refusal_ = answer->refused;
        return elasticsearch::outcome_of(*answer, items);
    }

    static std::optional<BulkAnswer> read(const http::Response& response) {
        // Not asked for, but proxies do as they like.
        const http::Redaction* const redaction = response.redaction.get();
        if (response.header("Content-Encoding") != "gzip") {
            return read_bulk_answer(response.body, redaction);
        }
        const std::optional<std::string> plain = http::gunzip(response.body, bulk_answer_bytes_max);
        return plain ? read_bulk_answer(*plain, redaction) : std::nullopt;
    }

    static Outcome not_understood(const http::Response& response) {
        if (response.is_complete) {
            return {.verdict = Verdict::hold,
                    .reason = fmt::format("the destination answers {} with what is no answer to a "
                                          "bulk request ({}): check the url of this sink",
                                          response.status, response.excerpt())};
        }
        if (response.body.size() >= bulk_answer_bytes_max) {
            return {.verdict = Verdict::split,
                    .reason = "the answer to a bulk request is too long"};
        }
        return {.verdict = Verdict::retry,
                .reason = "the connection was closed in the middle of an answer"};
    }

    const TransportSettings settings_;
    const std::string target_;
    const Context& context_;
    http::Client client_;
    std::optional<TemplateKeeper> keeper_;
    std::optional<StoredBefore> stored_before_;  // where there is a data stream
    std::string refusal_;                        // the first one in the answer at hand
    std::uint64_t untold_refusals_ = 0;          // since the last line about one
    bool is_refusal_logged_ = false;
    std::int64_t refusal_logged_ns_ = 0;
};

}  // namespace

std::unique_ptr<Transport> make_transport(TransportSettings settings, const Context& context) {
    return std::make_unique<BulkTransport>(std::move(settings), context);
}

}  // namespace pitot::sinks::elasticsearch
