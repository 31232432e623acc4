// What clients say by tags of where a sample is from, understood as the Datadog agent does.
//
//     host:NAME                     its host. Of several the last one counts, and a `host:` without
//                                   a name says that it has none: what the operator adds to all
//                                   does not give it one either
//     dd.internal.entity_id:… and   between a client library and an agent beside it: no part of the
//     the like                      series, taken out
//
// The host of a metric is its tag `host`; events and service checks have a field for it, which
// the tag fills where `h:` does not. A bare `host` is a tag like any other.
//
// Used when a spelling is first met, and for what is not aggregated; never for a known line.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "protocol/sample.h"

namespace pitot::agent {

inline constexpr std::string_view host_tag_key = "host";

// Whether a client has said what its host is, or that there is none.
enum class ClientHost : bool { unsaid, said };

class OriginTags {
public:
    // `tags`: of a line, in its order. What is told from here on is of these, until the next
    // call; views live as long as those of `tags`, spans as long as the span, too.
    void read(std::span<const protocol::Tag> tags);

    // Without those that tell of the origin, in their order.
    std::span<const protocol::Tag> others() const noexcept { return others_; }
    // The same with one tag for the host behind them, if there is one: those of a metric.
    std::span<const protocol::Tag> with_host() const noexcept { return with_host_; }
    // What the last `host:` says; "" is that there is none.
    std::optional<std::string_view> host() const noexcept { return host_; }

    // Events and service checks have a hostname.
    template <class Told>
    ClientHost settle(Told& told) {
        read(told.tags);
        told.tags = others_;
        if (told.hostname.empty()) {
            if (!host_) return ClientHost::unsaid;
            told.hostname = *host_;
        }
        return ClientHost::said;
    }

private:
    std::optional<std::string_view> host_;
    std::span<const protocol::Tag> others_;
    std::span<const protocol::Tag> with_host_;
    std::vector<protocol::Tag> room_;
};

}  // namespace pitot::agent
