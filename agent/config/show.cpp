#include "agent/config/show.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <vector>

#include "agent/printable.h"

namespace pitot::agent {

namespace {

bool is_section(const Asked& asked) {
    return asked.type == "table" || asked.type == "table of tables";
}

void append_option(std::string& out, const LoadedConfig& loaded, const Asked& asked) {
    const std::size_t skipped = asked.section.empty() ? 0 : asked.section.size() + 1;
    const std::string_view key = std::string_view(asked.key).substr(skipped);
    const std::string origin = loaded.origin_of(asked);
    auto to = std::back_inserter(out);
    if (asked.key == "include") {
        fmt::format_to(to, "include = []  # {} ({}) is in here\n",
                       asked.is_set ? asked.value : asked.fallback, origin);
    } else if (asked.is_hidden) {
        fmt::format_to(to, "#{} = \"(secret)\"  # {}\n", key, origin);
    } else if (asked.is_set) {
        fmt::format_to(to, "{} = {}  # {}\n", key, asked.value, origin);
    } else if (!asked.fallback.empty()) {
        fmt::format_to(to, "#{} = {}  # {}\n", key, asked.fallback, origin);
    } else {
        fmt::format_to(to, "# {}: not set\n", key);
    }
}

// Those that nobody wrote are not in the list of questions.
void append_default_listeners(std::string& out, const Config& config) {
    const auto is_default = [](const ListenerConfig& listener) { return listener.is_default; };
    if (!std::ranges::all_of(config.listeners, is_default)) return;
    out += "\n# No listeners are configured, so these are opened, where that is possible:\n";
    for (const ListenerConfig& listener : config.listeners) {
        fmt::format_to(std::back_inserter(out), "#   {}: {}\n", listener.name,
                       printable(listener.address.empty() ? listener.path : listener.address, 200));
    }
}

}  // namespace

std::string show(const LoadedConfig& loaded) {
    std::vector<std::string_view> sections{""};
    for (const Asked& asked : loaded.asked()) {
        if (!is_section(asked) && std::ranges::find(sections, asked.section) == sections.end()) {
            sections.push_back(asked.section);
        }
    }
    std::string out;
    for (const std::string_view section : sections) {
        if (!section.empty()) fmt::format_to(std::back_inserter(out), "\n[{}]\n", section);
        for (const Asked& asked : loaded.asked()) {
            if (asked.section == section && !is_section(asked)) append_option(out, loaded, asked);
        }
        if (section.empty()) append_default_listeners(out, loaded.config);
    }
    return out;
}

}  // namespace pitot::agent
