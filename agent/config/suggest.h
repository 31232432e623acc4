// "Did you mean …?": the known name that is nearest to a mistyped one.
//
// Used for options, for values that are one of a few words, and for commands.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace pitot::agent {

// The nearest of `known`, if one is near enough to be worth naming: about one slip in
// three letters (a slip is a letter added, lost, changed, or swapped with its neighbour;
// case, '-' and '_' do not count), or one name within the other. Of several, the first.
std::optional<std::string_view> nearest(std::string_view name,
                                        std::span<const std::string_view> known);

// "; did you mean `interval`?", with `quote` on either side of the name, or "".
std::string did_you_mean(std::string_view name, std::span<const std::string_view> known,
                         char quote = '`');

}  // namespace pitot::agent
