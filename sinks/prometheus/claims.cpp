#include "sinks/prometheus/claims.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace pitot::sinks::prometheus {

Claims::Claims(const FamilyStore& families, std::vector<std::string> reserved, bool open_metrics)
    : families_(families),
      reserved_(std::move(reserved)),
      open_metrics_(open_metrics),
      called_(0, Hash{&families}, Equal{&families}) {}

std::optional<FamilyIndex> Claims::find(std::string_view name) const {
    if (const FamilyIndex family = family_called(name); family != no_family) return family;
    for (const NamePart part :
         {NamePart::sum, NamePart::count, NamePart::bucket, NamePart::created}) {
        const std::string_view suffix = suffix_of(part);
        if (!name.ends_with(suffix)) continue;
        const FamilyIndex family = family_called(name.substr(0, name.size() - suffix.size()));
        if (family == no_family) break;
        const auto parts = parts_of(families_.type(family), open_metrics_);
        if (std::ranges::find(parts, part) != parts.end()) return family;
        break;
    }
    if (std::ranges::find(reserved_, name) != reserved_.end()) return no_family;
    return std::nullopt;
}

FamilyIndex Claims::family_called(std::string_view name) const {
    const auto found = called_.find(name);
    return found != called_.end() ? *found : no_family;
}

void Claims::add(FamilyIndex family) {
    assert(!contains(families_.name(family)));
    called_.insert(family);
}

void Claims::remove(FamilyIndex family) {
    [[maybe_unused]] const std::size_t removed = called_.erase(family);
    assert(removed == 1);
}

}  // namespace pitot::sinks::prometheus
