// A page of a Server: its path, and the function that answers for it.
//
// Apart from the server, so that a sink can offer pages (Sink::routes) without knowing which
// server shows them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pitot::sinks::http {

struct ServerRequest {
    std::string_view path;    // "/metrics", as it was sent
    std::string_view query;   // what follows the '?'; "" when absent
    std::string_view accept;  // all Accept headers, joined; "" when absent
};

using Pieces = std::vector<std::string_view>;

struct ServerAnswer {
    unsigned status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    bool varies_by_accept = false;  // another Accept would have had another answer
    // Besides those the server writes itself: Date, Vary, Connection, lengths and codings.
    std::vector<std::pair<std::string, std::string>> headers = {};
    // The body, in order. What the views refer to lives and stays as it is for as long as this
    // pointer does (make it an alias of the owner). Null: empty.
    std::shared_ptr<const Pieces> body = {};
};

// An answer that owns its text.
ServerAnswer text_answer(unsigned status, std::string text);

struct Route {
    std::string path;  // the whole of it: "/metrics"
    // Called on the server's thread; must not wait.
    std::function<ServerAnswer(const ServerRequest&)> answer;
    // Answered without the token, too: it tells nothing that is worth one.
    bool is_public = false;
};

}  // namespace pitot::sinks::http
