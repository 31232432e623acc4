// A configuration's surroundings for tests and fuzzing: an environment that is the same on
// every machine, and a sink that asks for an option of every type.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/config/environment.h"
#include "agent/config/load.h"
#include "sinks/options.h"

namespace pitot::tests {

// Two processors, no runtime directory, and the variables given.
inline agent::Environment config_environment(std::map<std::string, std::string> variables = {}) {
    agent::Environment environment;
    for (const auto& [name, value] : variables) environment.variable_names.push_back(name);
    environment.variable =
        [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        if (found == variables.end()) return std::nullopt;
        return found->second;
    };
    environment.usable_cpus = 2;
    environment.receive_buffer_bytes_max = 16U << 20U;
    environment.open_files_max = 65'536;
    environment.system_runtime_directory = "/nowhere/pitot";
    environment.packaged_config_file = "/nowhere/pitot.toml";
    return environment;
}

// What a sink that has everything would hold.
struct SampleSettings {
    std::string url;
    std::string job;
    std::optional<std::string> user;
    bool compress = false;
    std::int64_t queue = 0;
    double ratio = 0;
    std::chrono::nanoseconds timeout{};
    std::uint64_t batch_bytes = 0;
    std::size_t format = 0;
    std::vector<std::string> hosts;
    std::vector<double> buckets;
    std::vector<std::pair<std::string, std::string>> labels;
    std::string password;
    std::vector<std::pair<std::string, std::string>> rules;
};

inline SampleSettings read_sample(sinks::Options& options) {
    using namespace std::chrono_literals;
    constexpr std::array<std::string_view, 2> formats{"json", "text"};
    SampleSettings settings;
    settings.url = options.required_text("url");
    settings.job = options.text("job", "pitot");
    settings.user = options.optional_text("user");
    settings.compress = options.boolean("compress", true);
    settings.queue = options.integer("queue", 10, 1, 1000);
    settings.ratio = options.number("ratio", 0.5, 0, 1);
    settings.timeout = options.duration("timeout", std::chrono::seconds(5),
                                        std::chrono::milliseconds(10), std::chrono::minutes(1));
    settings.batch_bytes = options.bytes("batch_bytes", 1 << 20, 1024, 1 << 25);
    settings.format = options.choice("format", 1, formats);
    settings.hosts = options.texts("hosts", {"localhost"});
    settings.buckets = options.numbers("buckets", {0.1, 1, 10}, 0, 1e9);
    settings.labels = options.text_table("labels");
    settings.password = options.secret("password").reveal();
    options.each_table("rules", [&](sinks::Options& rule) {
        settings.rules.emplace_back(rule.name(), rule.required_text("match"));
    });
    return settings;
}

// Reads a section as the sink of its type would.
inline void read_section(const agent::SinkSection& section) {
    constexpr std::array<std::string_view, 2> formats{"json", "text"};
    if (section.type == "console") section.options.choice("format", 0, formats);
    if (section.type == "sample") read_sample(section.options);
}

inline agent::LoadArguments config_arguments(std::optional<std::filesystem::path> file,
                                             std::vector<std::string> sets = {}) {
    return {std::move(file), std::move(sets), {"console", "sample"}, config_environment()};
}

// All that is wrong, whether the file could be read or not.
inline std::vector<agent::Problem> problems_of(const agent::LoadArguments& arguments) {
    auto loaded = agent::load(arguments);
    if (!loaded) return loaded.error();
    for (const agent::SinkSection& section : loaded->sink_sections) read_section(section);
    return loaded->finish();
}

}  // namespace pitot::tests
