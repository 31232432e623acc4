// From a TOML file and the command line to a checked Config, or to all that is wrong.
//
//     auto loaded = load({.file = "/etc/pitot/pitot.toml", .sinks = names});
//     if (!loaded) …                              // nothing could be read: see error()
//     for (auto& section : loaded->sink_sections) sinks.push_back(make(section.options));
//     if (auto problems = loaded->finish(); !problems.empty()) …
//     start(loaded->config);
//
// The two steps are there because a sink reads its own section (sinks/options.h), which
// takes what the loader does not have; and so that the problems of the file, of the
// command line and of every sink come out in one list.
//
// Where options come from, and which source is the strongest, is in sources.h.
#pragma once

#include <expected>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/config.h"
#include "agent/config/environment.h"
#include "agent/config/options.h"
#include "agent/config/problem.h"
#include "agent/config/sources.h"
#include "sinks/options.h"

namespace pitot::agent {

inline constexpr std::size_t sinks_max = 64;

struct LoadArguments {
    std::optional<std::filesystem::path> file{};  // none: PITOT_CONFIG's, or the defaults
    std::vector<std::string> sets{};              // the texts of --set, in order
    std::vector<std::string_view> sink_types{};   // that this binary has
    Environment environment = system_environment();
    // The configuration is only looked at: credentials that the service manager passes to the
    // service alone are taken as given, with a warning.
    bool is_offline = false;
};

// One [sinks.NAME] whose type this binary has. `options` lives as long as the LoadedConfig.
struct SinkSection {
    std::string name;
    std::string type;
    SectionReader& options;
};

// Not for use by several threads at once.
class LoadedConfig {
public:
    // Values that had a problem are the defaults here: not to be used before finish() said
    // that there was none.
    Config config;
    // In the order of the file.
    std::vector<SinkSection> sink_sections;

    // To be called once every section has been read by its sink: what was not asked for by
    // then is unknown. Returns all problems, in the order of the file.
    [[nodiscard]] std::vector<Problem> finish();
    // Legal and unwise; complete after finish().
    std::vector<Problem> warnings() const;
    // Those of one table, found so far: `finish()` would ask for more than was read.
    std::vector<Problem> problems_of(std::string_view table) const;
    // Whether this option is a credential that only the service has; its value means nothing.
    bool is_passed_later(std::string_view key) const;
    // Every option that was asked for, complete after finish().
    const std::vector<Asked>& asked() const { return context_->asked; }
    // The files that were read, the main one first; none: the built-in configuration.
    const std::vector<std::filesystem::path>& files() const { return files_; }
    // Where its value is from: "conf.d/web.toml:3", relative to the main file's directory,
    // "PITOT_INTERVAL", "--set 2", or "default".
    std::string origin_of(const Asked& asked) const;

private:
    friend std::expected<LoadedConfig, std::vector<Problem>> load(const LoadArguments&);
    LoadedConfig();

    // Behind pointers, because readers refer to them and a LoadedConfig may be moved.
    std::unique_ptr<ReadContext> context_;
    std::unique_ptr<Table> document_;
    std::vector<std::unique_ptr<SectionReader>> sinks_;
    std::vector<std::string> root_keys_;
    std::vector<std::filesystem::path> files_;
};

// Fails only when there is nothing to go on with: a file that cannot be read, a text that
// is no TOML. All else comes out of finish().
std::expected<LoadedConfig, std::vector<Problem>> load(const LoadArguments& arguments);

}  // namespace pitot::agent
