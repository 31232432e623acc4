#include "sinks/prometheus/claims.h"

#include <algorithm>
#include <cassert>
#include <functional>
#include <utility>

namespace pitot::sinks::prometheus {

Claims::Claims(const FamilyStore& families, std::vector<std::string> reserved, bool open_metrics)
    : families_(families),
      reserved_(std::move(reserved)),
      open_metrics_(open_metrics),
      entries_(0, Hash{}, Equal{&families}) {}

bool Claims::Equal::operator()(const Probe& probe, const Entry& entry) const noexcept {
    if (probe.hash != entry.hash) return false;
    const std::string_view name = (*families)[entry.family].name;
    const std::string_view suffix = suffix_of(entry.part);
    return probe.name.size() == name.size() + suffix.size() && probe.name.starts_with(name) &&
           probe.name.ends_with(suffix);
}

Claims::Probe Claims::probe_of(std::string_view name) noexcept {
    return {.hash = static_cast<std::uint32_t>(std::hash<std::string_view>{}(name)), .name = name};
}

std::string Claims::name_of(const Family& family, NamePart part) {
    std::string name = family.name;
    name += suffix_of(part);
    return name;
}

std::optional<Claims::Claim> Claims::find(std::string_view name) const {
    if (const auto found = entries_.find(probe_of(name)); found != entries_.end()) {
        return Claim{.family = found->family, .part = found->part};
    }
    if (std::ranges::find(reserved_, name) != reserved_.end()) return Claim{};
    return std::nullopt;
}

FamilyIndex Claims::family_called(std::string_view name) const {
    const auto found = entries_.find(probe_of(name));
    const bool is_own = found != entries_.end() && found->part == NamePart::own;
    return is_own ? found->family : no_family;
}

void Claims::add(FamilyIndex family) {
    for (const NamePart part : parts_of(families_[family].type, open_metrics_)) {
        const std::string name = name_of(families_[family], part);
        assert(!contains(name));
        entries_.insert({.hash = probe_of(name).hash, .family = family, .part = part});
    }
}

void Claims::remove(FamilyIndex family) {
    for (const NamePart part : parts_of(families_[family].type, open_metrics_)) {
        const auto found = entries_.find(probe_of(name_of(families_[family], part)));
        assert(found != entries_.end() && found->family == family);
        entries_.erase(found);
    }
}

}  // namespace pitot::sinks::prometheus
