// Configurations that are wrong, one or several ways each, and what an operator sees on a
// terminal: every tests/data/config/*.toml against the *.expected beside it.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "agent/config/problem.h"
#include "tests/support/config_rig.h"

using namespace pitot;
using namespace pitot::tests;

namespace {

const std::filesystem::path directory =
    std::filesystem::path(PITOT_SOURCE_DIR) / "tests" / "data" / "config";

std::string rendered(const std::filesystem::path& file) {
    auto problems = problems_of(config_arguments(file));
    for (agent::Problem& problem : problems) {
        if (problem.where == file.native()) problem.where = file.filename().native();
    }
    return agent::render(problems, {.excerpts = true, .closing = "; pitot did not start."});
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
    CHECK(files >= 40);
}
