#include "tests/support/io_traffic.h"

// Not <netinet/tcp.h>, whose tcp_info does not count bytes.
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <filesystem>
#include <system_error>

namespace pitot::tests {

IoTraffic IoTraffic::now() {
    IoTraffic out;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code gone;
        const std::string what = std::filesystem::read_symlink(entry.path(), gone).native();
        // The folder that is being read has a descriptor of its own.
        if (gone || what.starts_with("/proc/")) continue;
        const Amount amount = of(std::stoi(entry.path().filename().native()));
        out.open_[what].sent += amount.sent;
        out.open_[what].readable += amount.readable;
    }
    return out;
}

bool IoTraffic::is_quiet_since(const IoTraffic& before) const {
    for (const auto& [what, amount] : open_) {
        const auto found = before.open_.find(what);
        if (found == before.open_.end() || found->second != amount) return false;
    }
    return true;
}

IoTraffic::Amount IoTraffic::of(int descriptor) {
    Amount out;
    tcp_info info{};
    socklen_t length = sizeof info;
    if (::getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &length) == 0) {
        out.sent = info.tcpi_bytes_sent;
    }
    if (::ioctl(descriptor, FIONREAD, &out.readable) != 0) out.readable = 0;
    return out;
}

}  // namespace pitot::tests
