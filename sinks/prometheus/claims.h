// Which family uses which sample names: its own, and those of its parts ("x_sum").
//
// A name is kept as a family's number and a part, in twelve bytes, and put together when it is
// compared. What the destination uses itself is claimed from the start and for ever.
//
// Used by Families, on the flush thread.
#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <cstddef>
#include <cstdint>
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

    struct Claim {
        FamilyIndex family = no_family;  // no_family: the destination
        NamePart part = NamePart::own;
    };
    std::optional<Claim> find(std::string_view name) const;
    bool contains(std::string_view name) const { return find(name).has_value(); }
    // The family that is called so.
    FamilyIndex family_called(std::string_view name) const;

    // All names of a family, of which none is claimed; its name and type stay as they are until
    // remove().
    void add(FamilyIndex family);
    void remove(FamilyIndex family);

private:
    struct Entry {
        std::uint32_t hash = 0;
        FamilyIndex family = no_family;
        NamePart part = NamePart::own;
    };
    // A name that may be in the set or not.
    struct Probe {
        std::uint32_t hash = 0;
        std::string_view name;
    };
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(const auto& hashed) const noexcept { return hashed.hash; }
    };
    struct Equal {
        using is_transparent = void;
        const FamilyStore* families;

        bool operator()(const Entry& one, const Entry& other) const noexcept {
            return one.family == other.family && one.part == other.part;
        }
        bool operator()(const Probe& probe, const Entry& entry) const noexcept;
        bool operator()(const Entry& entry, const Probe& probe) const noexcept {
            return (*this)(probe, entry);
        }
    };

    static Probe probe_of(std::string_view name) noexcept;
    static std::string name_of(const Family& family, NamePart part);

    const FamilyStore& families_;
    const std::vector<std::string> reserved_;
    const bool open_metrics_;
    boost::unordered_flat_set<Entry, Hash, Equal> entries_;
};

}  // namespace pitot::sinks::prometheus
