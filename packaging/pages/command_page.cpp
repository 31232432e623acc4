#include "packaging/pages/command_page.h"

#include <fmt/format.h>

namespace pitot::pages {

namespace {

using namespace agent;

// "pitot check [OPTIONS] [FILE]": what is typed is bold, what stands for something in italics.
std::string synopsis(const CommandDescription& command) {
    return bold("pitot " + command.name) + italic(usage(command).substr(command.name.size()));
}

void describe(Page& page, const CommandDescription& command) {
    page.subsection("pitot " + usage(command));
    page.paragraph(prose(command.purpose));
    for (const OptionDescription& option : command.options) {
        const std::string value = option.value_name.empty() ? "" : " " + italic(option.value_name);
        page.term(bold(option.name) + value, prose(option.text));
    }
    if (!command.exits.empty()) page.paragraph("Exit codes:");
    for (const ExitDescription& exit : command.exits) {
        page.term(bold(fmt::format("{}", exit.code)), prose(exit.text));
    }
    if (!command.examples.empty()) {
        page.paragraph(command.examples.size() == 1 ? "Example:" : "Examples:");
    }
    for (const ExampleDescription& example : command.examples) {
        if (example.text.empty()) {
            page.paragraph(bold(example.command));
        } else {
            page.term(bold(example.command), prose(example.text));
        }
    }
}

void list(Page& page, std::string_view title, std::span<const Term> terms) {
    page.section(title);
    for (const Term& term : terms) page.term(bold(term.name), prose(term.text));
}

}  // namespace

std::string command_page(const Heading& heading, const ProgramDescription& program,
                         std::span<const CommandDescription> commands) {
    Page page(heading);
    page.name("pitot", program.title);
    page.section("SYNOPSIS");
    for (const CommandDescription& command : commands) page.row(synopsis(command));
    page.section("DESCRIPTION");
    page.paragraph(prose(program.purpose));
    page.section("COMMANDS");
    for (const CommandDescription& command : commands) describe(page, command);
    list(page, "ENVIRONMENT", program.environment);
    list(page, "FILES", program.files);
    list(page, "SIGNALS", program.signals);
    list(page, "EXIT STATUS", program.exits);
    page.section("SEE ALSO");
    page.paragraph(bold("pitot.toml") + "(5), " + bold("systemd.socket") + "(5), " +
                   bold("systemd.exec") + "(5)");
    return page.text();
}

}  // namespace pitot::pages
