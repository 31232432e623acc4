#include "agent/net/receive_ring.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "protocol/limits.h"

namespace pitot::agent {
namespace {

constexpr std::size_t ring_bytes = datagrams_per_read_max * datagram_bytes_max;

static_assert(datagram_bytes_max > protocol::line_bytes_max, "the longest line fits a datagram");
static_assert(ring_bytes <= std::size_t{2} * 1024 * 1024, "a shard stays small when flooded");

}  // namespace

ReceiveRing::ReceiveRing() {
    void* memory =
        ::mmap(nullptr, ring_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    ::madvise(memory, ring_bytes, MADV_NOHUGEPAGE);  // a kernel without huge pages refuses: fine
    slots_ = static_cast<char*>(memory);
    for (std::size_t i = 0; i < datagrams_per_read_max; ++i) {
        pieces_[i] = {.iov_base = slots_ + i * datagram_bytes_max, .iov_len = datagram_bytes_max};
        headers_[i].msg_hdr.msg_iov = &pieces_[i];
        headers_[i].msg_hdr.msg_iovlen = 1;
        headers_[i].msg_hdr.msg_name = &senders_[i];
        headers_[i].msg_hdr.msg_control = &controls_[i];
        prepare(i);
    }
}

ReceiveRing::~ReceiveRing() {
    ::munmap(slots_, ring_bytes);
}

// The kernel overwrites the lengths with what it used of them.
void ReceiveRing::prepare(std::size_t index) noexcept {
    headers_[index].msg_hdr.msg_namelen = sizeof(Sender);
    headers_[index].msg_hdr.msg_controllen = beside_ == Beside::nothing ? 0 : control_bytes;
    headers_[index].msg_hdr.msg_flags = 0;
}

int ReceiveRing::receive(int fd, Beside beside) noexcept {
    if (std::exchange(beside_, beside) != beside) used_ = datagrams_per_read_max;
    for (std::size_t i = 0; i < used_; ++i) prepare(i);
    used_ = 0;
    const int received =
        ::recvmmsg(fd, headers_.data(), datagrams_per_read_max, MSG_DONTWAIT, nullptr);
    if (received < 0) return -errno;
    used_ = static_cast<std::size_t>(received);
    return received;
}

ReceivedDatagram ReceiveRing::at(std::size_t index) const noexcept {
    const msghdr& header = headers_[index].msg_hdr;
    ReceivedDatagram datagram;
    datagram.bytes = {slots_ + index * datagram_bytes_max, headers_[index].msg_len};
    datagram.truncated = (header.msg_flags & MSG_TRUNC) != 0;
    datagram.sender = static_cast<const sockaddr*>(header.msg_name);
    datagram.sender_bytes = header.msg_namelen;
    if (header.msg_controllen >= sizeof(cmsghdr)) {
        const cmsghdr* control = CMSG_FIRSTHDR(&header);
        if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SO_RXQ_OVFL) {
            std::uint32_t drops = 0;
            std::memcpy(&drops, CMSG_DATA(control), sizeof drops);
            datagram.kernel_drops = drops;
        }
    }
    return datagram;
}

}  // namespace pitot::agent
