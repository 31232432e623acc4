// Which family uses which sample names: its own, and those of its parts ("x_sum").
//
// Only the families' own names are kept, as numbers of families: four bytes. What a family uses
// beside its own is found by what is before the suffix: nobody has "x_sum" but a family called
// so, and a summary "x". What the destination uses itself is claimed from the start and for ever.
//
// Used by Families, on the flush thread.
#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sinks/prometheus/family_store.h"

namespace pitot::sinks::prometheus {

class Claims {
public:
    // `families` outlives it. With `open_metrics`, "x_created" is a part of summaries and
    // histograms.
    Claims(const FamilyStore& families, std::vector<std::string> reserved, bool open_metrics);
    Claims(const Claims&) = delete;
    Claims& operator=(const Claims&) = delete;

    // Whose the name is: no_family for the destination's. None if it is free.
    std::optional<FamilyIndex> find(std::string_view name) const;
    bool contains(std::string_view name) const { return find(name).has_value(); }
    // The family that is called so.
    FamilyIndex family_called(std::string_view name) const;

    // All names of a family, of which none is claimed; its name and type stay
    // as they are until remove(). It has its members first.
    void add(FamilyIndex family);
    // After its members' end, too.
    void remove(FamilyIndex family);

    // What the store keeps of a name.
    static std::uint32_t hash_of(std::string_view name) noexcept {
        return static_cast<std::uint32_t>(std::hash<std::string_view>{}(name));
    }

private:
    struct Hash {
        using is_transparent = void;
        const FamilyStore* families;

        std::size_t operator()(std::string_view name) const noexcept { return hash_of(name); }
        std::size_t operator()(FamilyIndex family) const noexcept { return families->hash(family); }
    };
    struct Equal {
        using is_transparent = void;
        const FamilyStore* families;

        bool operator()(FamilyIndex one, FamilyIndex other) const noexcept { return one == other; }
        bool operator()(std::string_view name, FamilyIndex family) const {
            return hash_of(name) == families->hash(family) && name == families->name(family);
        }
        bool operator()(FamilyIndex family, std::string_view name) const {
            return (*this)(name, family);
        }
    };

    const FamilyStore& families_;
    const std::vector<std::string> reserved_;
    const bool open_metrics_;
    boost::unordered_flat_set<FamilyIndex, Hash, Equal> called_;
};

}  // namespace pitot::sinks::prometheus
