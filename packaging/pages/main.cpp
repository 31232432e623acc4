// pitot_pages: what is made from the text of `pitot help` and of conf/pitot.toml.
//
//     pitot_pages conf/pitot.toml conf/service.toml 2026-11-22 OUT
//
// writes OUT/pitot.1, OUT/pitot.toml.5, OUT/pitot.bash, OUT/_pitot and OUT/pitot.fish. A
// program of the build (packaging/pages/CMakeLists.txt), not of the installation: the agent
// itself carries no roff. It says on standard error what it could not do, and returns 1.
#include <fmt/format.h>

#include <exception>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/cli/command_line.h"
#include "agent/version.h"
#include "packaging/pages/command_page.h"
#include "packaging/pages/completions.h"
#include "packaging/pages/configuration_page.h"

namespace {

using namespace pitot;

std::string content_of(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    if (!in || !text) throw std::runtime_error(file.string() + ": cannot be read");
    return std::move(text).str();
}

void write(const std::filesystem::path& file, std::string_view text) {
    std::ofstream out(file, std::ios::binary);
    out << text;
    if (!out.flush()) throw std::runtime_error(file.string() + ": cannot be written");
}

void make(const std::filesystem::path& documented_file, const std::filesystem::path& example_file,
          std::string_view date, const std::filesystem::path& folder) {
    const auto documented = pages::read_documentation(content_of(documented_file));
    if (!documented) throw std::runtime_error(documented_file.string() + ":" + documented.error());
    const std::vector<agent::CommandDescription> commands = agent::describe_commands();
    const std::vector<std::string> keys = pages::fixed_keys(*documented);
    const pages::CompletionSource source{.commands = commands, .keys = keys};

    pages::Heading heading{.title = "pitot",
                           .section = 1,
                           .date = date,
                           .version = agent::version(),
                           .manual = "User Commands"};
    write(folder / "pitot.1", command_page(heading, agent::program_description(), commands));
    heading = {.title = "pitot.toml",
               .section = 5,
               .date = date,
               .version = agent::version(),
               .manual = "File Formats"};
    write(folder / "pitot.toml.5",
          configuration_page(heading, *documented, content_of(example_file)));
    write(folder / "pitot.bash", bash_completion(source));
    write(folder / "_pitot", zsh_completion(source));
    write(folder / "pitot.fish", fish_completion(source));
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const std::vector<std::string> words(argv, argv + argc);
        if (words.size() != 5) {
            throw std::runtime_error(
                "must be given a documented and an example configuration, "
                "a date and a folder");
        }
        make(words[1], words[2], words[3], words[4]);
        return 0;
    } catch (const std::exception& error) {
        fmt::print(stderr, "pitot_pages: {}\n", error.what());
        return 1;
    }
}
