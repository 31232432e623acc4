#include "agent/cli/help.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace pitot::agent {

namespace {

constexpr std::size_t columns_max = 80;
constexpr std::size_t names_indent = 2;
// Where texts begin beside the names of options and commands, and beside short terms.
constexpr std::size_t text_indent = 28;
constexpr std::size_t short_indent = 6;

// Columns on a terminal: code points, for our texts have none that are wider or combine.
std::size_t width(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(
        text, [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; }));
}

// The words of `text`, behind `indent` blanks on every line; `column` is where we are.
void fill(std::string& out, std::string_view text, std::size_t indent, std::size_t column) {
    bool begins_line = true;
    while (!text.empty()) {
        const std::string_view word = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(word.size() + 1, text.size()));
        if (!begins_line && column + 1 + width(word) > columns_max) {
            out += '\n';
            column = 0;
            begins_line = true;
        }
        if (begins_line) {
            if (column < indent) out.append(indent - column, ' ');
            column = std::max(column, indent);
        } else {
            out += ' ';
            ++column;
        }
        out += word;
        column += width(word);
        begins_line = false;
    }
    out += '\n';
}

// "  --config FILE    the configuration…", or the text below a name that is too long.
void item(std::string& out, std::string_view name, std::string_view text, std::size_t indent) {
    out.append(names_indent, ' ').append(name);
    std::size_t column = names_indent + width(name);
    if (!text.empty() && column + 2 > indent) {
        out += '\n';
        column = 0;
    }
    fill(out, text, indent, column);
}

void terms(std::string& out, std::string_view title, std::span<const Term> all) {
    out.append("\n").append(title).append(":\n");
    for (const Term& term : all) item(out, term.name, term.text, short_indent);
}

}  // namespace

std::string help_text(const CommandDescription& command) {
    std::string out = fmt::format("Usage: pitot {}\n", usage(command));
    fill(out, command.purpose, 0, 0);
    if (!command.options.empty()) out += "\nOptions:\n";
    for (const OptionDescription& option : command.options) {
        const std::string_view blank = option.value_name.empty() ? "" : " ";
        item(out, fmt::format("{}{}{}", option.name, blank, option.value_name), option.text,
             text_indent);
    }
    if (!command.exits.empty()) out += "\nExit codes:\n";
    for (const ExitDescription& exit : command.exits) {
        item(out, fmt::format("{}", exit.code), exit.text, short_indent);
    }
    if (!command.examples.empty()) out += "\nExamples:\n";
    for (const ExampleDescription& example : command.examples) {
        out.append(names_indent, ' ').append(example.command).append("\n");
        if (!example.text.empty()) fill(out, example.text, short_indent, 0);
    }
    return out;
}

std::string overview_text(const ProgramDescription& program,
                          std::span<const CommandDescription> commands) {
    std::string out = "Usage: pitot COMMAND [OPTIONS]\n";
    fill(out, program.purpose, 0, 0);
    out += "\nCommands:\n";
    for (const CommandDescription& command : commands) {
        std::string name = "pitot " + command.name;
        for (const OperandDescription& operand : command.operands) name += " " + operand.name;
        item(out, name, summary(command), text_indent);
    }
    terms(out, "Variables of the environment", program.environment.first(2));
    terms(out, "Exit codes", program.exits);
    out += '\n';
    fill(out,
         "`pitot help COMMAND` has its options, exit codes and examples, pitot(1) the rest, and "
         "pitot.toml(5) every option of the configuration.",
         0, 0);
    return out;
}

}  // namespace pitot::agent
