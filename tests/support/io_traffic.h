// What this process has in its descriptors: which are open, what went out of them, and what
// waits in them to be read. A look that is quiet since another one means that nothing was
// opened, sent or written in between; what was closed does not count.
//
//     const IoTraffic before = IoTraffic::now();
//     sink.send(snapshot);
//     CHECK(IoTraffic::now().is_quiet_since(before));
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace pitot::tests {

class IoTraffic {
public:
    static IoTraffic now();
    bool is_quiet_since(const IoTraffic& before) const;

private:
    struct Amount {
        std::uint64_t sent = 0;  // bytes, of TCP
        int readable = 0;        // bytes, of anything that tells
        bool operator==(const Amount&) const = default;
    };

    static Amount of(int descriptor);

    std::map<std::string, Amount> open_;  // by "socket:[inode]", "pipe:[inode]", or path
};

}  // namespace pitot::tests
