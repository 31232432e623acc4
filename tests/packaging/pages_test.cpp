// Manual pages and completions: what is escaped in them, how the documented configuration is
// read, and that every command, option and key is in all of them.
#include <doctest/doctest.h>

#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "agent/cli/command_line.h"
#include "agent/config/load.h"
#include "agent/sink_set.h"
#include "packaging/pages/command_page.h"
#include "packaging/pages/completions.h"
#include "packaging/pages/configuration_page.h"
#include "packaging/pages/documented_configuration.h"
#include "packaging/pages/roff.h"
#include "tests/support/config_rig.h"

using namespace pitot;
using namespace pitot::pages;

namespace {

constexpr Heading heading{
    .title = "pitot.toml", .section = 5, .date = "2001-02-03", .version = "1.2", .manual = "Files"};

DocumentedConfiguration shipped() {
    auto read = read_documentation(tests::content_of(PITOT_SOURCE_DIR "/conf/pitot.toml"));
    REQUIRE_MESSAGE(read, read.error());
    return *std::move(read);
}

// The sections of a page, each with its title first.
std::vector<std::string> sections(const std::string& page) {
    std::vector<std::string> found;
    std::istringstream lines(page);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with(".SH ") || line.starts_with(".SS ")) {
            found.emplace_back();
        }
        if (!found.empty()) found.back() += line + "\n";
    }
    return found;
}

}  // namespace

TEST_CASE("what would mean something to roff is text") {
    CHECK(escaped("--set a\\nb") == R"(\-\-set a\enb)");
    CHECK(escaped("'so") == R"(\(aqso)");
    CHECK(escaped("\"~^`") == R"(\(dq\(ti\(ha\(ga)");
    CHECK(escaped("[LINE…]") == R"([LINE\[u2026]])");
    CHECK(escaped("µ 😀") == R"(\[u00B5] \[u1F600])");
    CHECK(escaped("").empty());
    CHECK(prose("see `pitot help`, and `--set`.") == R"(see \fBpitot help\fR, and \fB\-\-set\fR.)");
    CHECK(prose("one ` alone") == R"(one \(ga alone)");
}

TEST_CASE("a page fills its lines, and none of them begins a request by chance") {
    Page page(heading);
    page.section("NAME");
    std::string text;
    for (int i = 0; i < 40; ++i) text += "word .request ";
    page.paragraph(escaped(text));
    page.verbatim("a = 1\n\n.b\n");
    CHECK(page.text().starts_with(".TH \"PITOT.TOML\" 5 \"2001-02-03\" \"pitot 1.2\" \"Files\"\n"));
    std::istringstream lines(page.text());
    for (std::string line; std::getline(lines, line);) {
        CHECK(line.size() <= 80);
        CHECK_FALSE(line.starts_with(".request"));
    }
    CHECK(page.text().contains(".EX\na = 1\n\\&\n\\&.b\n.EE\n"));
}

TEST_CASE("the documented configuration is read by its own rules") {
    const auto read = read_documentation(
        "# Of the file.\n#\n# More\n# of it.\n\n"
        "# Of a.\n#a = 1\n\n"
        "# Of the table.\n[t]\n\n# Of b\n# and on.\n#b = [\n#  1,\n#]\n\n"
        "#[x.name]\n#type = \"u\"\n");
    REQUIRE(read);
    CHECK(read->text == Paragraphs{"Of the file.", "More of it."});
    REQUIRE(read->tables.size() == 3);
    CHECK(read->tables[0].options[0].key == "a");
    CHECK(read->tables[0].options[0].text == Paragraphs{"Of a."});
    CHECK(read->tables[1].name == "t");
    CHECK_FALSE(read->tables[1].is_shown);
    CHECK(read->tables[1].text == Paragraphs{"Of the table."});
    CHECK(read->tables[1].options[0].value == "[\n  1,\n]");
    CHECK(read->tables[1].options[0].text == Paragraphs{"Of b and on."});
    CHECK(read->tables[2].is_shown);
    CHECK(read->tables[2].options[0].text.empty());
    CHECK(fixed_keys(*read) == std::vector<std::string>{"a", "t.b"});

    for (const std::string_view wrong : {"#no option\n", "a=1\n", "[open\n", "# t\n#Text\n"}) {
        CAPTURE(wrong);
        REQUIRE_FALSE(read_documentation(wrong));
        CHECK(read_documentation(wrong).error().contains(": must be text"));
    }
    CHECK_FALSE(read_documentation("#a = [\n#  1,\n"));
}

TEST_CASE("pitot(1) has every command and option, and no empty section") {
    const std::vector<agent::CommandDescription> commands = agent::describe_commands();
    const std::string page = command_page(heading, agent::program_description(), commands);
    for (const agent::CommandDescription& command : commands) {
        CAPTURE(command.name);
        CHECK(page.contains("\n.SS " + escaped("pitot " + usage(command)) + "\n"));
        for (const agent::OptionDescription& option : command.options) {
            CHECK(page.contains("\n" + bold(option.name)));
            CHECK_FALSE(option.text.empty());
        }
    }
    for (const std::string& section : sections(page)) {
        CAPTURE(section);
        const bool is_parent = section.starts_with(".SH COMMANDS");
        CHECK((is_parent || section.find('\n') + 1 < section.size()));
    }
}

TEST_CASE("pitot.toml(5) has every option of the code, and no empty section") {
    const DocumentedConfiguration documented = shipped();
    const std::string page = configuration_page(heading, documented, "a = 1\n");
    const auto loaded = agent::load({.sink_types = agent::sink_type_names()});
    REQUIRE(loaded);
    std::size_t options = 0;
    for (const agent::Asked& asked : loaded->asked()) {
        CAPTURE(asked.key);
        const bool is_table = page.contains("\n.SS " + escaped("[" + asked.key + "]")) ||
                              page.contains("\n.SS " + escaped("[" + asked.key + "."));
        if (is_table) continue;
        CHECK(page.contains("\n" + bold(asked.key.substr(asked.key.rfind('.') + 1)) + " = "));
        ++options;
    }
    CHECK(options >= 10);
    for (const DocumentedTable& table : documented.tables) {
        if (table.name.empty()) continue;
        CAPTURE(table.name);
        CHECK(page.contains("\n.SS " + escaped("[" + table.name + "]") + "\n"));
        CHECK_FALSE(table.options.empty());
    }
    for (const std::string& section : sections(page)) {
        CAPTURE(section);
        CHECK(section.find('\n') + 1 < section.size());
    }
}

TEST_CASE("every shell is offered every command and option") {
    const std::vector<agent::CommandDescription> commands = agent::describe_commands();
    const std::vector<std::string> keys = fixed_keys(shipped());
    CHECK(keys.front() == "include");
    const CompletionSource source{.commands = commands, .keys = keys};
    const std::string bash = bash_completion(source);
    const std::string zsh = zsh_completion(source);
    const std::string fish = fish_completion(source);
    for (const agent::CommandDescription& command : commands) {
        CAPTURE(command.name);
        CHECK(bash.contains("\n        " + command.name + ")\n"));
        CHECK(zsh.contains("\n            '" + command.name + ":"));
        CHECK(fish.contains("__fish_use_subcommand -a " + command.name + " -d '"));
        for (const agent::OptionDescription& option : command.options) {
            CAPTURE(option.name);
            CHECK(bash.contains(option.name));
            CHECK(zsh.contains("'" + std::string(option.is_repeatable ? "*" : "") + option.name));
            CHECK(fish.contains("__fish_seen_subcommand_from " + command.name + "' -l " +
                                option.name.substr(2)));
            for (const std::string& word : option.words) {
                CHECK(bash.contains(word));
                CHECK(zsh.contains(word));
                CHECK(fish.contains(word));
            }
        }
    }
    CHECK(bash.contains(" limits.series= "));
}
