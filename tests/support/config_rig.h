// What tests of the configuration share: a directory of their own, files in it, and what is
// said about them. config_sample.h has the rest.
#pragma once

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "agent/config/problem.h"
#include "tests/support/config_sample.h"

// Lists of messages are worth reading where a test fails.
namespace doctest {
template <>
struct StringMaker<std::vector<std::string>> {
    static String convert(const std::vector<std::string>& lines) {
        std::string text;
        for (const std::string& line : lines) text += "\n  " + line;
        return text.c_str();
    }
};
}  // namespace doctest

namespace pitot::tests {

class ConfigDirectory {
public:
    ConfigDirectory() {
        std::string pattern = (std::filesystem::temp_directory_path() / "pitot-XXXXXX").string();
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        path_ = pattern;
    }
    ConfigDirectory(const ConfigDirectory&) = delete;
    ConfigDirectory& operator=(const ConfigDirectory&) = delete;
    ~ConfigDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    const std::filesystem::path& path() const { return path_; }
    // Writes a file that only we can read.
    std::filesystem::path write(const std::string& name, std::string_view content) const {
        const std::filesystem::path file = path_ / name;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file, std::ios::binary) << content;
        std::filesystem::permissions(file, std::filesystem::perms(0600));
        return file;
    }

private:
    std::filesystem::path path_;
};

// What is read from a configuration with nothing wrong in it.
inline agent::LoadedConfig loaded_of(const agent::LoadArguments& arguments) {
    auto loaded = agent::load(arguments);
    REQUIRE_MESSAGE(loaded, render(loaded.error(), {}));
    for (const agent::SinkSection& section : loaded->sink_sections) read_section(section);
    const auto problems = loaded->finish();
    REQUIRE_MESSAGE(problems.empty(), render(problems, {}));
    return *std::move(loaded);
}

inline std::string content_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    REQUIRE(file.is_open());
    std::ostringstream content;
    content << file.rdbuf();
    return content.str();
}

// The problems of a few lines of TOML, each without its file's name.
inline std::vector<std::string> lines_wrong_in(std::string_view toml,
                                               std::vector<std::string> sets = {}) {
    const ConfigDirectory directory;
    const std::filesystem::path file = directory.write("c", toml);
    std::vector<std::string> lines;
    for (agent::Problem& problem : problems_of(config_arguments(file, std::move(sets)))) {
        if (problem.where == file.native()) problem.where = "c";
        lines.push_back(agent::to_line(problem));
    }
    return lines;
}

}  // namespace pitot::tests
