// Configurations that are wrong, one or several ways each, and what an operator sees on a
// terminal: every tests/data/config/*.toml against the *.expected beside it. Where a
// *.variables stands beside it, its lines are the environment (NAME=VALUE), and those of
// *.arguments are given with --set. Files that are included are in folders below.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/config/problem.h"
#include "tests/support/config_rig.h"

using namespace pitot;
using namespace pitot::tests;

namespace {

const std::filesystem::path directory =
    std::filesystem::path(PITOT_SOURCE_DIR) / "tests" / "data" / "config";

std::vector<std::string> lines_beside(std::filesystem::path file, std::string_view extension) {
    std::vector<std::string> lines;
    std::ifstream stream(file.replace_extension(extension));
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
}

agent::LoadArguments arguments_for(const std::filesystem::path& file) {
    agent::LoadArguments arguments = config_arguments(file, lines_beside(file, ".arguments"));
    std::map<std::string, std::string> variables;
    for (const std::string& line : lines_beside(file, ".variables")) {
        const std::size_t equals = line.find('=');
        variables[line.substr(0, equals)] = line.substr(equals + 1);
    }
    arguments.environment = config_environment(std::move(variables));
    return arguments;
}

std::string rendered(const std::filesystem::path& file) {
    const std::string text = agent::render(problems_of(arguments_for(file)),
                                           {.excerpts = true, .closing = "; pitot did not start."});
    // Paths as they are from the folder itself.
    const std::string prefix = (directory / "").native();
    std::string shortened;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find(prefix, begin), text.size());
        shortened += text.substr(begin, end - begin);
        begin = end == text.size() ? end : end + prefix.size();
    }
    return shortened;
}

bool is_fit_for_a_terminal(const std::string& text) {
    return std::ranges::all_of(text, [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return c == '\n' || (byte >= 0x20 && byte != 0x7F);
    });
}

}  // namespace

TEST_CASE("what is said about wrong configurations") {
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        if (entry.path().extension() != ".toml") continue;
        ++files;
        CAPTURE(entry.path().filename().native());
        std::filesystem::path expected = entry.path();
        const std::string text = rendered(entry.path());
        CHECK(text == content_of(expected.replace_extension(".expected")));
        CHECK(is_fit_for_a_terminal(text));
        CHECK(text.ends_with("found; pitot did not start.\n"));
        CHECK_FALSE(text.contains("swordfish"));
        CHECK_FALSE(text.contains("31415926"));
    }
    CHECK(files >= 60);
}
