#include "tests/sinks/compliance/http_destination.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace pitot::tests {
namespace {

// One for all: making its keys is not what is tested.
TestAuthority& authority() {
    static TestAuthority one;
    return one;
}

TlsSide trusted_side() {
    static const IssuedCertificate certificate = authority().issue_server();
    return {certificate.certificate_file, certificate.key_file};
}

// Of an authority that nobody configured.
TlsSide untrusted_side() {
    static TestAuthority stranger;
    static const IssuedCertificate certificate = stranger.issue_server();
    return {certificate.certificate_file, certificate.key_file};
}

std::optional<TlsSide> side_of(Wire wire) {
    if (wire == Wire::plain) return std::nullopt;
    return trusted_side();
}

// As an error page repeats what was asked for.
std::string echo(const HttpDouble::Received& request) {
    std::string text = "your request was: " + request.method + " " + request.target;
    for (const auto& [name, value] : request.headers) text.append(" " + name + ": " + value);
    return text;
}

// Every status class, and in each the ones that mean something of their own.
constexpr std::array statuses{101, 202, 204, 301, 307, 400, 401, 403, 404, 405, 408, 409,
                              413, 415, 422, 429, 500, 501, 502, 503, 504, 507, 599, 700};

// Bytes of an answer up to the end of its header, and of a request to well inside its body.
constexpr std::size_t reply_places = 40;
constexpr std::size_t request_places = 400;

}  // namespace

HttpDestination::HttpDestination(Wire wire, HttpManners manners)
    : wire_(wire), manners_(std::move(manners)), server_(side_of(wire)) {
    if (manners_.answer) server_.answer_with(manners_.answer);
}

void HttpDestination::configure(SinkOptions& options) {
    options.set("url", server_.url());
    if (wire_ == Wire::tls) options.set("tls_ca_file", authority().ca_file());
    options.set("headers",
                SinkOptions::TextTable{{"X-Api-Key", std::string(credential_text) + "!"}});
    if (manners_.settings) {
        manners_.settings(options);
    } else {
        options.set("username", "me").set("password", std::string(credential_text));
    }
}

std::vector<std::string> HttpDestination::ways_to_fail() const {
    std::vector<std::string> ways{"silent",  "deaf",     "reset",    "early 413",
                                  "garbage", "echo 200", "echo 400", "echo 502"};
    for (const int status : statuses) ways.push_back("status " + std::to_string(status));
    for (const int offset : {0, 1, 9, 12, 16, 17, 30, 40}) {
        ways.push_back("cut reply " + std::to_string(offset));
    }
    for (const int offset : {1, 40, 150, 400, 2000}) {
        ways.push_back("cut request " + std::to_string(offset));
    }
    if (wire_ == Wire::tls) {
        ways.emplace_back("rude");
        ways.emplace_back("untrusted certificate");
    }
    return ways;
}

std::vector<std::string> HttpDestination::passing_ways() const {
    return {"silent",     "reset",      "status 408",  "status 429",   "status 500",
            "status 503", "status 504", "cut reply 0", "cut reply 16", "cut request 150"};
}

std::vector<std::string> HttpDestination::odd_manners() const {
    return {"bytewise", "close"};
}

void HttpDestination::be(const std::string& manner) {
    HttpDouble::Step step;
    const std::size_t space = manner.rfind(' ');
    const auto number = [&] { return std::stoul(manner.substr(space + 1)); };
    if (manner == "silent") step.silent = true;
    if (manner == "deaf") step.deaf = true;
    if (manner == "bytewise") step.bytewise = true;
    if (manner == "close") step.close = true;
    if (manner == "rude") step.rude = true, step.cut_reply_at = 0;
    if (manner == "reset") step.cut_request_at = 60, step.reset = true;
    if (manner == "early 413") step.early = true, step.reply = reply(413, "too much");
    if (manner == "garbage") step.reply = "\x16\x03\x01 what?\r\n\r\n", step.close = true;
    if (manner.starts_with("status")) step.reply = reply(static_cast<unsigned>(number()), "no");
    if (manner.starts_with("cut reply")) step.cut_reply_at = number();
    if (manner.starts_with("cut request")) step.cut_request_at = number();
    if (manner.starts_with("echo")) {
        server_.answer_with([status = static_cast<unsigned>(number())](const auto& request) {
            return reply(status, echo(request));
        });
    }
    if (manner == "untrusted certificate") {
        server_.use(untrusted_side());
        step.cut_request_at = 1;  // of a connection that is there
    }
    server_.otherwise(step);
}

void HttpDestination::behave() {
    if (wire_ == Wire::tls) server_.use(trusted_side());
    server_.answer_with(manners_.answer);
    server_.otherwise({});
}

std::size_t HttpDestination::cuts() const {
    return 2 * (reply_places + request_places);
}

// Every place twice: an end of the connection, and a reset.
void HttpDestination::cut_next(std::size_t place) {
    HttpDouble::Step step{.reset = place % 2 == 1};
    const std::size_t offset = place / 2;
    if (offset < reply_places) {
        step.cut_reply_at = offset;
    } else {
        step.cut_request_at = offset - reply_places + 1;
    }
    server_.next(step);
}

std::vector<std::string> HttpDestination::received() {
    std::vector<std::string> out;
    for (const HttpDouble::Received& request : server_.requests()) {
        std::string all = request.method + " " + request.target + "\n";
        for (const auto& [name, value] : request.headers) {
            // The port differs from server to server.
            if (name != "host") all.append(name).append(": ").append(value).append("\n");
        }
        all += "\n" + request.body;
        if (std::ranges::find(out, all) == out.end()) out.push_back(std::move(all));
    }
    return out;
}

}  // namespace pitot::tests
