#include "sinks/pushgateway/answer.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "sinks/prometheus/exposition.h"
#include "sinks/prometheus/names.h"

namespace pitot::sinks::pushgateway {
namespace {

// Phrases that a family's name, or a part's (x_sum), follows; in quotes or without.
constexpr std::array<std::string_view, 4> introductions{"collected metric ", "metric family ",
                                                        "named ", "metric name "};

std::string_view name_at(std::string_view text) {
    if (text.starts_with('"')) text.remove_prefix(1);
    std::size_t length = 0;
    while (length < text.size() && prometheus::is_metric_name(text.substr(0, length + 1))) {
        ++length;
    }
    return text.substr(0, length);
}

std::vector<std::string_view> named(std::string_view answer) {
    std::vector<std::string_view> names;
    for (const std::string_view introduction : introductions) {
        for (std::size_t at = answer.find(introduction); at != std::string_view::npos;
             at = answer.find(introduction, at + 1)) {
            const std::string_view name = name_at(answer.substr(at + introduction.size()));
            if (!name.empty() && name != "named") names.push_back(name);
        }
    }
    return names;
}

// "# HELP family …\n# TYPE family summary\n…": whether x_sum and the like are of the family x.
bool has_parts(std::string_view item, std::string_view family) {
    for (const std::string_view type : {" summary\n", " histogram\n"}) {
        const std::string line = "\n# TYPE " + std::string(family) + std::string(type);
        if (item.find(line) != std::string_view::npos) return true;
    }
    return false;
}

bool is_part(std::string_view family, std::string_view name) {
    constexpr std::array<std::string_view, 3> parts{"_sum", "_count", "_bucket"};
    if (!name.starts_with(family)) return false;
    return std::ranges::find(parts, name.substr(family.size())) != parts.end();
}

}  // namespace

std::optional<std::size_t> suspect_family(std::string_view answer, const Batch& batch) {
    for (const std::string_view name : named(answer)) {
        std::optional<std::size_t> by_part;
        for (std::size_t index = 0; index < batch.items.size(); ++index) {
            const std::string_view item = item_bytes(batch, index);
            const std::string_view family = prometheus::family_name(item);
            if (family.empty()) continue;
            if (family == name) return index;
            if (!by_part && is_part(family, name) && has_parts(item, family)) by_part = index;
        }
        if (by_part) return by_part;
    }
    return {};
}

}  // namespace pitot::sinks::pushgateway
