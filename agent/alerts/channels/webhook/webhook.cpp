#include "agent/alerts/channels/webhook/webhook.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/alerts/channels/http_answer.h"
#include "agent/alerts/channels/outbox.h"
#include "agent/alerts/channels/webhook/encoder.h"
#include "sinks/http/client.h"
#include "sinks/http/options.h"
#include "sinks/http/signature.h"

namespace pitot::agent::alerts::channels::webhook {
namespace {

namespace http = sinks::http;

enum class Format : std::uint8_t { pitot, alertmanager };

struct Settings {
    OutboxSettings outbox;
    http::HttpOptions http;
    std::string target;  // path and query
    http::Method method = http::Method::post;
    Format format = Format::pitot;
    sinks::Secret signature_key;
    std::string external_url;
};

// A path and query that are worth hiding are hidden, for there are credentials in many.
http::Redaction hidden_of(const Settings& settings) {
    std::vector<std::pair<std::string, sinks::Secret>> hidden{
        {"signature_key", settings.signature_key}};
    const std::size_t query = settings.target.find('?');
    if (query != std::string::npos) {
        hidden.emplace_back("query", sinks::Secret(settings.target.substr(query + 1)));
    }
    const std::string path = settings.target.substr(0, query);
    if (path.size() > 1) hidden.emplace_back("path", sinks::Secret(path));
    return {sinks::Secret(), hidden};
}

class WebhookCarrier final : public Carrier {
public:
    WebhookCarrier(Settings settings, const ChannelContext& context)
        : settings_(std::move(settings)),
          encoder_{.receiver = settings_.outbox.name,
                   .link = settings_.external_url.empty() ? context.link : settings_.external_url},
          hidden_(hidden_of(settings_)),
          time_(context.io.time),
          client_(settings_.http.client, context.io) {}

    void carry(const Message& message, std::int64_t deadline_steady_ns, Done done) override {
        body_ = settings_.format == Format::pitot ? encode_pitot(message, encoder_)
                                                  : encode_alertmanager(message, encoder_);
        http::Request request;
        request.method = settings_.method;
        request.target = settings_.target;
        request.headers.emplace_back("Content-Type", "application/json");
        if (!settings_.signature_key.empty()) sign(request);
        request.body = body_;
        request.gzip = settings_.http.gzip;
        client_.send(std::move(request), deadline_steady_ns,
                     [this, done = std::move(done)](const http::Result& result) {
                         done(answer_of(result, time_.wall_ns(), hidden_));
                     });
    }

    void cancel() override { client_.cancel(); }
    std::string destination() const override { return settings_.http.client.url.authority(); }

private:
    void sign(http::Request& request) const {
        const std::string seconds = std::to_string(time_.wall_ns() / 1'000'000'000);
        request.headers.emplace_back("X-Pitot-Timestamp", seconds);
        request.headers.emplace_back(
            "X-Pitot-Signature",
            "sha256=" + http::hmac_sha256(settings_.signature_key, seconds + "." + body_));
    }

    const Settings settings_;
    const EncoderSettings encoder_;
    const http::Redaction hidden_;
    const sinks::Scheduler& time_;
    std::string body_;  // of the attempt that is under way
    http::Client client_;
};

bool is_query(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
}

// Nothing of it is quoted in a message: it may be a credential as a whole.
std::optional<http::Url> read_url(sinks::Options& options, std::string& target) {
    const bool has_url = options.has("url");
    const sinks::Secret secret = options.secret("url");
    if (secret.empty()) {
        if (!has_url) options.problem("url", "must be set");
        return {};
    }
    const std::string& text = secret.reveal();
    const std::size_t question = text.find('?');
    const auto url = http::parse_url(std::string_view(text).substr(0, question));
    const std::string query = question == std::string::npos ? "" : text.substr(question);
    if (!url || !is_query(query)) {
        options.problem("url",
                        "must be http:// or https://, a host, and what may follow: a port, a path, "
                        "a query; no credentials before the host, no blanks, no #");
        return {};
    }
    if (url->host == "hooks.slack.com") {
        options.problem(
            "url",
            "must be of a receiver that takes pitot's or Alertmanager's JSON; Slack "
            "takes another form: let an Alertmanager tell it (type = \"alertmanager\")");
        return {};
    }
    target = (url->path.empty() ? "/" : url->path) + query;
    return *url;
}

}  // namespace

MakeChannel read(sinks::Options& options) {
    constexpr std::array<std::string_view, 2> methods{"POST", "PUT"};
    constexpr std::array<std::string_view, 2> formats{"pitot", "alertmanager"};
    auto settings = std::make_shared<Settings>();
    settings->outbox = read_outbox_options(options, "webhook");
    std::vector<http::Url> urls;
    if (auto url = read_url(options, settings->target)) urls.push_back(std::move(*url));
    settings->http = http::read_http_options_for(options, "url", urls);
    settings->outbox.timeout = settings->http.timeout;
    settings->method =
        options.choice("method", 0, methods) == 0 ? http::Method::post : http::Method::put;
    settings->format = static_cast<Format>(options.choice("format", 0, formats));
    settings->signature_key = options.secret("signature_key");
    settings->external_url = options.text("external_url", "");
    return [settings = std::shared_ptr<const Settings>(std::move(settings))](
               const ChannelContext& context) {
        return make_outbox(settings->outbox, std::make_unique<WebhookCarrier>(*settings, context),
                           context);
    };
}

}  // namespace pitot::agent::alerts::channels::webhook
