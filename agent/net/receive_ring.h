// Room for one recvmmsg() call: datagrams_per_read_max slots for datagrams, with their
// senders and what the kernel says beside them.
//
// A shard has one ring for all its datagram sockets, since it reads one at a time. Slots
// are far apart and as large as a datagram can be, but memory that is never written costs
// nothing: with datagrams of up to a page, 32 pages (128 KiB) are touched, and with the
// largest datagrams the whole 2 MiB. The mapping opts out of huge pages, which would touch
// it all with the first byte.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace pitot::agent {

// One recvmmsg() call. It saves a fifth of the cost of reading one by one; nearly all of
// that is reached with 16, and more slots would only spread over more of the cache.
inline constexpr std::size_t datagrams_per_read_max = 32;

// UDP carries at most 65,527 bytes, so only Unix sockets can be cut by this. A line can
// be 65,535 bytes long (protocol::line_bytes_max).
inline constexpr std::size_t datagram_bytes_max = 65'536;

struct ReceivedDatagram {
    std::string_view bytes;  // into the ring, until the next receive()
    bool truncated = false;  // it was longer, and the rest is gone
    const sockaddr* sender = nullptr;
    socklen_t sender_bytes = 0;  // 0: unnamed
    // SO_RXQ_OVFL: kernel drops of this socket when the datagram was queued. The kernel
    // leaves it out while it is 0.
    std::optional<std::uint32_t> kernel_drops;
};

class ReceiveRing {
public:
    ReceiveRing();
    ReceiveRing(const ReceiveRing&) = delete;
    ReceiveRing& operator=(const ReceiveRing&) = delete;
    ~ReceiveRing();

    // What the kernel may put beside a datagram. On a Unix socket that must be nothing: a
    // sender could pass open files along, and each would stay open in this process.
    enum class Beside : std::uint8_t { nothing, kernel_drops };

    // Reads what is queued, without waiting. Returns how many datagrams there are, up to
    // datagrams_per_read_max; fewer means that the queue is empty. Negative is -errno,
    // -EAGAIN when there was nothing.
    int receive(int fd, Beside beside) noexcept;

    // The datagram at `index` of the last receive().
    ReceivedDatagram at(std::size_t index) const noexcept;

private:
    // The longest name there is for the families we read.
    union Sender {
        sockaddr_in ipv4;
        sockaddr_in6 ipv6;
        sockaddr_un unix_name;
    };
    static constexpr std::size_t control_bytes = CMSG_SPACE(sizeof(std::uint32_t));
    struct alignas(cmsghdr) Control {
        std::array<char, control_bytes> bytes;
    };
    void prepare(std::size_t index) noexcept;

    char* slots_ = nullptr;
    Beside beside_ = Beside::nothing;
    std::size_t used_ = 0;  // headers the last receive() has written to
    std::array<mmsghdr, datagrams_per_read_max> headers_{};
    std::array<iovec, datagrams_per_read_max> pieces_{};
    std::array<Sender, datagrams_per_read_max> senders_{};
    std::array<Control, datagrams_per_read_max> controls_{};
};

}  // namespace pitot::agent
