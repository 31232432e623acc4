// One connection that a double has accepted, plain or TLS. Every wait of it ends when the other
// side hangs up or the test is over, so that a double can always be joined.
//
// Used by http_double.cpp, on the double's own thread.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

struct ssl_st;
struct ssl_ctx_st;

namespace pitot::tests {

class PeerSocket {
public:
    // Owns `socket`. `stop` becomes readable when the test is over. Without `tls` it is plain.
    PeerSocket(int socket, int stop, ssl_ctx_st* tls);
    ~PeerSocket();
    PeerSocket(const PeerSocket&) = delete;
    PeerSocket& operator=(const PeerSocket&) = delete;

    // False when the other side does not want to. True at once where there is no TLS.
    bool handshake();
    // Waits for a byte, and leaves it where it is. False: there will be none.
    bool has_input();
    // At least one byte; 0: there will be none.
    std::size_t receive(std::span<char> into);
    // False when it could not be sent whole.
    bool send(std::string_view bytes);
    // Waits without reading.
    void wait_for_hang_up() const;
    // Waits until `gate` is readable. False: the other side or the test went first.
    bool wait_for_gate(int gate) const;
    // No more bytes to the other side; it may go on sending.
    void end_sending();
    // The end is a reset (RST), and no word of TLS goes before it.
    void reset();
    // The end comes without the word that TLS has for it.
    void be_rude() { is_polite_ = false; }

    // What the client asked for by name (SNI), which certificate it showed (its subject's
    // common name), and the version spoken ("TLSv1.3"); "" where there is none.
    std::string server_name() const;
    std::string client_name() const;
    std::string version() const;

private:
    template <class Operation>
    std::size_t repeat(const Operation& operation);
    bool wait(short events) const;

    int socket_;
    int stop_;
    ssl_st* tls_ = nullptr;
    bool is_polite_ = true;
    bool is_ready_ = false;  // for application data
};

}  // namespace pitot::tests
