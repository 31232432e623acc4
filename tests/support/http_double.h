// An HTTP server that is strict about what it gets and does what the script says.
//
//     HttpDouble server;
//     server.next(reply(503, "busy", {"Retry-After: 7"}));
//     server.next(HttpDouble::Step{.cut_reply_at = 10});
//     …
//     CHECK(server.requests().at(0).body == "…");
//     CHECK(server.complaints() == "");
//
// Each request consumes one step of the script; without a script, or where a step has no reply
// of its own, it answers as a healthy server: 200, or what answer_with() says. It listens on a
// port of the kernel's choice on loopback and serves one connection at a time on a thread of
// its own. What a client does against RFC 9112 becomes a complaint.
//
// With TlsSide it speaks TLS (tests/support/certificates.h makes what it needs).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

struct ssl_ctx_st;

namespace pitot::tests {

class PeerSocket;

// How the double speaks TLS. Files in PEM form.
struct TlsSide {
    std::string certificate_file;  // with its chain behind it
    std::string key_file;
    std::string client_ca_file = {};  // not empty: clients must show a certificate of this CA
    int version_max = 0;              // as OpenSSL numbers them: TLS1_2_VERSION; 0: any
    int version_min = 0;
};

// More than the kernel takes from a sender for a server that does not read (tcp_wmem, 4 MiB unless
// somebody raised it, and a window). A deaf server only hears that its client hung up while some of
// the request is still the client's to send: what the kernel has taken stands before the end.
inline constexpr std::size_t deaf_request_bytes = std::size_t{16} << 20U;

class HttpDouble {
public:
    static constexpr std::size_t never = static_cast<std::size_t>(-1);

    struct Step {
        std::string reply = {};              // "": a healthy server's
        std::size_t cut_request_at = never;  // hang up after so many bytes of the request
        std::size_t cut_reply_at = never;    // hang up after so many bytes of the reply
        bool early = false;     // answer after the header, without reading the body, and hang up
        bool silent = false;    // read the request, never answer
        bool deaf = false;      // read the header, then nothing more, never answer
        bool close = false;     // hang up after the answer, without saying so in it
        bool reset = false;     // hang up hard (RST) where it hangs up
        bool rude = false;      // hang up without TLS's word for it (close_notify)
        bool bytewise = false;  // read and write a byte at a time
    };

    struct Received {
        std::string method;
        std::string target;
        std::map<std::string, std::string> headers;  // names in small letters
        std::string body;
        std::size_t body_bytes = 0;
        std::size_t connection = 0;    // 1, 2, …
        std::string server_name = {};  // of TLS: what the client asked for,
        std::string client_name = {};  // the common name of its certificate,
        std::string version = {};      // and "TLSv1.3"
    };
    // The whole answer to a request, on the double's thread.
    using Answer = std::function<std::string(const Received&)>;

    explicit HttpDouble(const std::optional<TlsSide>& tls = std::nullopt);
    ~HttpDouble();
    HttpDouble(const HttpDouble&) = delete;
    HttpDouble& operator=(const HttpDouble&) = delete;

    std::uint16_t port() const { return port_; }
    // With the address as host; a certificate must have 127.0.0.1 in it.
    std::string url() const {
        return (tls_ ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(port_);
    }

    void next(Step step);
    void next(std::string reply) { next(Step{.reply = std::move(reply)}); }
    // What is done when the script is over.
    void otherwise(Step step);
    // How a healthy server of this kind answers.
    void answer_with(Answer answer);
    // Sent as soon as a connection is there, before anything is read.
    void greet_with(std::string bytes);
    // Connections made from now on are met with this certificate.
    void use(const TlsSide& tls);
    // From now on answers are not sent until release().
    void hold();
    void release();
    // From now on requests are remembered without their bodies.
    void forget_bodies();

    // Whole requests, in the order they came.
    std::vector<Received> requests() const;
    std::size_t connections() const;
    // Requests whose header was read, whatever became of them.
    std::size_t begun() const { return begun_.load(); }
    // Replies that were sent, as far as the client wanted them: they have arrived, for the
    // wire is a loopback.
    std::size_t answered() const { return answered_.load(); }
    std::string complaints() const;

private:
    struct Connection;

    void serve();
    void serve_connection(Connection& connection);
    bool serve_request(Connection& connection);
    bool receive_request(Connection& connection, const Step& step, Received& request);
    bool send_reply(Connection& connection, const Step& step, const std::string& bytes);
    std::string reply_to(const Step& step, const Received& request);
    void remember(Received request);
    Step take_step();
    void complain(const std::string& what);

    int listener_ = -1;
    int stop_ = -1;
    int gate_ = -1;  // readable: answers may go out
    std::uint16_t port_ = 0;
    ssl_ctx_st* tls_ = nullptr;  // guarded by mutex_ once the thread runs
    std::atomic<std::size_t> begun_ = 0;
    std::atomic<std::size_t> answered_ = 0;
    mutable std::mutex mutex_;
    std::deque<Step> script_;
    Step otherwise_;
    Answer answer_;
    std::string greeting_;
    bool keeps_bodies_ = true;
    std::vector<Received> requests_;
    std::size_t connections_ = 0;
    std::string complaints_;
    std::thread thread_;
};

// A whole answer: reply(400, "no such thing", {"Retry-After: 3"}).
std::string reply(unsigned status, std::string_view body = "",
                  const std::vector<std::string>& headers = {});

}  // namespace pitot::tests
