// Where a configuration comes from: one document out of files, variables and arguments.
//
// From the strongest to the weakest:
//
//     --set KEY=VALUE              a later one over an earlier one
//     PITOT_KEY=VALUE              variables.h
//     the file, and those that its `include` names
//     the defaults                 which are where they are asked for (options.h)
//
// The file is the one of the command line, or else of PITOT_CONFIG. `include` is a list of
// paths, relative to the file, of which the last part may have wildcards; unless the file
// says otherwise it is ["conf.d/*.toml"], so that a package or a tool can add a file beside
// the one that a person edits. All these files are of one rank: their tables are merged, and
// an option that two of them give is a problem which names both places. The order of the
// files so decides nothing but the order of listeners and sinks.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/document.h"
#include "agent/config/options.h"

namespace pitot::agent {

// A file that people write; anything larger is the wrong file.
inline constexpr std::size_t config_file_bytes_max = 1U << 20U;
// More is a pattern that matches what it should not.
inline constexpr std::size_t included_files_max = 256;
inline constexpr std::string_view include_default = "conf.d/*.toml";

struct Sources {
    Table document;
    std::vector<std::filesystem::path> files;  // that were read, the main one first
};

// Problems go where `context` has them; with any, the document is not whole.
Sources read_sources(ReadContext& context, const std::optional<std::filesystem::path>& file,
                     const std::vector<std::string>& sets);

// Files of one rank and nothing else: no `include`, no variables that set options.
Table read_files(ReadContext& context, std::span<const std::filesystem::path> files);

}  // namespace pitot::agent
