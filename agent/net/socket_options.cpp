#include "agent/net/socket_options.h"

#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <climits>

namespace pitot::agent {

std::uint64_t ask_receive_buffer(int fd, std::uint64_t bytes) noexcept {
    const int asked = static_cast<int>(std::min<std::uint64_t>(bytes, INT_MAX / 2));
    if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &asked, sizeof asked) != 0) {
        // Clamped by the kernel; what came of it is read back below.
        ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &asked, sizeof asked);
    }
    int doubled = 0;
    socklen_t size = sizeof doubled;
    if (::getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &doubled, &size) != 0 || doubled < 0) return 0;
    return static_cast<std::uint64_t>(doubled) / 2;
}

bool steer(int fd, Steering steering, std::uint32_t count) noexcept {
    if (steering == Steering::flow) return true;
    const int source = steering == Steering::cpu ? SKF_AD_CPU : SKF_AD_RANDOM;
    // The number of a socket is what the source gives, modulo their count.
    std::array<sock_filter, 3> choose{{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(SKF_AD_OFF + source)),
        BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, count),
        BPF_STMT(BPF_RET | BPF_A, 0),
    }};
    const sock_fprog program{.len = choose.size(), .filter = choose.data()};
    return ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program) == 0;
}

std::optional<std::uint32_t> read_kernel_drops(int fd) noexcept {
    std::array<std::uint32_t, SK_MEMINFO_VARS> memory{};
    socklen_t size = sizeof memory;
    if (::getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory.data(), &size) != 0) return std::nullopt;
    if (size < sizeof memory) return std::nullopt;
    return memory[SK_MEMINFO_DROPS];
}

bool stop_internet_input(int fd) noexcept {
    // One instruction: return 0, the number of bytes to keep.
    sock_filter refuse_all = BPF_STMT(BPF_RET | BPF_K, 0);
    const sock_fprog program{.len = 1, .filter = &refuse_all};
    return ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

bool stop_unix_input(int fd) noexcept {
    return ::shutdown(fd, SHUT_RD) == 0;
}

}  // namespace pitot::agent
