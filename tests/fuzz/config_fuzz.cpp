// Any bytes → a configuration file, the first line → a --set, the words → a command line:
// no crash, nothing in a message that a terminal would obey, and a configuration without
// problems has someone to listen to.
//
// The seeds are the wrong configurations of tests/data/config.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/cli/command_line.h"
#include "agent/config/load.h"
#include "tests/fuzz/fuzz_failure.h"
#include "tests/support/config_sample.h"

namespace {

using namespace pitot;

// A file that exists in memory only, under a path all the same.
class MemoryFile {
public:
    explicit MemoryFile(std::string_view content)
        : descriptor_(::memfd_create("config_fuzz", MFD_CLOEXEC)) {
        tests::require(descriptor_ >= 0, "memfd_create");
        const ssize_t written = ::write(descriptor_, content.data(), content.size());
        tests::require(written == static_cast<ssize_t>(content.size()), "write");
    }
    ~MemoryFile() { ::close(descriptor_); }
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;
    std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

private:
    int descriptor_;
};

bool is_fit_for_a_terminal(std::string_view text) {
    return std::ranges::all_of(text, [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return c == '\n' || (byte >= 0x20 && byte != 0x7F);
    });
}

void require_readable(const std::vector<agent::Problem>& problems) {
    const std::string text =
        agent::render(problems, {.excerpts = true, .prefix = "", .closing = "."});
    tests::require(is_fit_for_a_terminal(text), text);
}

void load_and_check(const agent::LoadArguments& arguments) {
    auto loaded = agent::load(arguments);
    if (!loaded) {
        tests::require(!loaded.error().empty(), "refused without a reason");
        require_readable(loaded.error());
        return;
    }
    std::ranges::for_each(loaded->sink_sections, tests::read_section);
    const std::vector<agent::Problem> problems = loaded->finish();
    require_readable(problems);
    require_readable(loaded->warnings());
    const agent::Config& config = loaded->config;
    tests::require(!problems.empty() || (!config.listeners.empty() && !config.sinks.empty()),
                   "a configuration without listeners or sinks was taken");
}

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find_first_of(" \n"), text.size());
        words.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return words;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const MemoryFile file(text);
    load_and_check(tests::config_arguments(file.path()));
    load_and_check(
        tests::config_arguments(std::nullopt, {std::string(text.substr(0, text.find('\n')))}));

    const agent::Command command = agent::parse_command_line(words_of(text));
    if (const auto* const answer = std::get_if<agent::Answer>(&command)) {
        tests::require(is_fit_for_a_terminal(answer->text), answer->text);
    }
    return 0;
}
