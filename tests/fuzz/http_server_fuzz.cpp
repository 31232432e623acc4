// Any bytes → the HTTP server, over a connection of their own: no crash, nothing but whole
// answers, none of what was sent in them, and the server answers the next one all the same.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sinks/http/server.h"
#include "tests/fuzz/fuzz_failure.h"
#include "tests/support/raw_http_client.h"

namespace {

using namespace pitot;
using sinks::http::Server;
using sinks::http::ServerAnswer;
using sinks::http::ServerRequest;

constexpr std::size_t input_bytes_max = 64 * std::size_t{1024};

// One for all inputs, which is how one serves.
const Server& server() {
    static const std::unique_ptr<Server> shared = [] {
        const auto page = [](std::size_t bytes) {
            return [bytes](const ServerRequest&) {
                return sinks::http::text_answer(200, std::string(bytes, 'x'));
            };
        };
        auto made = std::make_unique<Server>(
            sinks::http::ServerSettings{.address = {.host = "127.0.0.1", .port = 0},
                                        .wall_ns = [] { return std::int64_t{0}; }},
            std::vector<sinks::http::Route>{{"/a", page(1)}, {"/large", page(5000)}});
        const auto error = made->start();
        tests::require(!error, error.value_or(""));
        return made;
    }();
    return *shared;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > input_bytes_max) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    tests::RawHttpClient client(server().port());
    tests::require(client.is_open(), "connect");
    static_cast<void>(client.send(bytes));  // the server may have heard enough
    client.half_close();
    // The answer to a HEAD has no body, which cannot be told from the answer.
    if (bytes.find("HEAD") != std::string_view::npos) {
        const std::string rest = client.read_rest();
        tests::require(rest.empty() || rest.starts_with("HTTP/1.1 "), rest);
    } else {
        for (;;) {
            const tests::RawHttpClient::Answer answer = client.read_answer();
            if (answer.status == 0) break;
            tests::require(answer.complaint.empty(), answer.complaint);
            tests::require(answer.headers.contains("date"), "an answer without a date");
        }
    }
    return 0;
}
