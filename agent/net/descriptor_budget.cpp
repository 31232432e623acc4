#include "agent/net/descriptor_budget.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>

#include "agent/net/open_socket.h"

namespace pitot::agent {

std::uint64_t raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    if (limit.rlim_cur < limit.rlim_max) {
        rlimit raised = limit;
        raised.rlim_cur = limit.rlim_max;
        if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
    }
    return limit.rlim_cur;
}

std::optional<std::string> fit_connections(std::span<ListenerConfig> listeners,
                                           std::uint64_t descriptors_max) {
    std::uint64_t wanted = 0;
    for (const ListenerConfig& listener : listeners) {
        if (is_stream(listener.type)) wanted += listener.connections_max;
    }
    // Where the limit is tiny, half of it: clients must not have all.
    const std::uint64_t room = std::max(
        descriptors_max / 2, descriptors_max - std::min(descriptors_max, descriptors_reserved));
    if (wanted <= room) return std::nullopt;
    for (ListenerConfig& listener : listeners) {
        if (!is_stream(listener.type)) continue;
        const std::uint64_t share = listener.connections_max * room / wanted;
        listener.connections_max = static_cast<std::uint32_t>(std::max<std::uint64_t>(1, share));
    }
    return fmt::format(
        "listeners may have {} connections in all, but the process only {} open files: the caps "
        "are lowered to {} in all; raise the limit (LimitNOFILE= of the service, ulimit -n) or "
        "lower listeners.*.connections",
        wanted, descriptors_max, room);
}

}  // namespace pitot::agent
