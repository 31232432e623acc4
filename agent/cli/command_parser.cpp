// The one place that includes CLI11. Each command has a parser of its own, so that a word
// that is not one of its options is known to be wrong for it.
#include "agent/cli/command_parser.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <utility>

#include "agent/cli/exit_codes.h"
#include "agent/config/suggest.h"
#include "agent/printable.h"

namespace pitot::agent {

namespace {

// "--config: 1 required TEXT missing" and the like, in our wording.
std::string reworded(const CLI::ParseError& error) {
    const std::string text = error.what();
    const std::string name = text.substr(0, text.find(':'));
    if (text.contains("disallowed flag override")) {
        return fmt::format("--{}: must be given without a value",
                           printable(text.substr(0, text.find(' '))));
    }
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::ArgumentMismatch)) {
        return fmt::format("{}: must be given {}", printable(name),
                           text.contains("received") ? "once" : "with a value");
    }
    return printable(text, 200);
}

}  // namespace

struct CommandParser::Library {
    CLI::App app;
};

Answer misused(std::string_view command, std::string_view what) {
    const std::string suffix = command.empty() ? "" : fmt::format(" {}", command);
    return {exit_usage, fmt::format("pitot{}: {}\nSee `pitot help{}`.\n", suffix, what, suffix)};
}

CommandParser::CommandParser(std::string_view command, std::string_view purpose,
                             std::string_view operands, std::size_t words_max)
    : words_max_(words_max), library_(std::make_unique<Library>()) {
    description_.name = command;
    description_.purpose = purpose;
    std::ranges::replace(description_.purpose, '\n', ' ');
    while (!operands.empty()) {
        const std::string_view operand = operands.substr(0, operands.find(' '));
        description_.operands.push_back({.name = std::string(operand)});
        operands.remove_prefix(std::min(operand.size() + 1, operands.size()));
    }
    library_->app.allow_extras();
    library_->app.set_help_flag();
    flag("--help", "this text", wants_help_);
    // Short, as at `pitot -h`; told nowhere, since one way is enough to tell.
    library_->app.add_flag("-h", wants_help_);
}

CommandParser::~CommandParser() = default;

std::vector<std::string_view> CommandParser::names() const {
    std::vector<std::string_view> names;
    names.reserve(description_.options.size());
    for (const OptionDescription& option : description_.options) names.push_back(option.name);
    return names;
}

void CommandParser::add(OptionDescription description, Take take) {
    const std::string name = description.name;
    const bool is_repeatable = description.is_repeatable;
    description_.options.push_back(std::move(description));
    CLI::Option* const added = library_->app.add_option_function<std::string>(
        name, [this, name, take = std::move(take)](const std::string& value) {
            // "--config --set a=1": the library takes the next word, whatever it is.
            const std::vector<std::string_view> known = names();
            const bool is_option = std::ranges::find(known, value) != known.end();
            const std::string wrong = is_option ? "must be given with a value" : take(value);
            if (!wrong.empty() && problem_.empty()) problem_ = fmt::format("{}: {}", name, wrong);
        });
    // Each time it is met; else more than once is an error.
    if (is_repeatable) added->trigger_on_parse();
}

void CommandParser::option(const std::string& name, std::string_view value_name,
                           std::string_view text, Take take, Offer offer) {
    add({.name = name,
         .value_name = std::string(value_name),
         .text = std::string(text),
         .offer = offer},
        std::move(take));
}

void CommandParser::flag(const std::string& name, std::string_view text, bool& target) {
    description_.options.push_back({.name = name, .value_name = {}, .text = std::string(text)});
    library_->app.add_flag(name, target)->disable_flag_override();
}

void CommandParser::path(const std::string& name, std::string_view text,
                         std::optional<std::filesystem::path>& target) {
    option(
        name, "FILE", text,
        [&target](const std::string& file) {
            target = file;
            return std::string(file.empty() ? "must name a file, got nothing" : "");
        },
        Offer::file);
}

void CommandParser::choice(const std::string& name, std::vector<std::string_view> words,
                           std::string_view text, std::function<void(std::size_t)> choose) {
    OptionDescription description{.name = name,
                                  .value_name = fmt::format("{}", fmt::join(words, "|")),
                                  .text = std::string(text),
                                  .offer = Offer::word,
                                  .words = {words.begin(), words.end()}};
    add(std::move(description),
        [words = std::move(words), choose = std::move(choose)](const std::string& word) {
            const auto found = std::ranges::find(words, word);
            if (found == words.end()) {
                return fmt::format("must be one of {}, got \"{}\"{}", fmt::join(words, ", "),
                                   printable(word), did_you_mean(word, words));
            }
            choose(static_cast<std::size_t>(found - words.begin()));
            return std::string();
        });
}

void CommandParser::sets(std::vector<std::string>& target) {
    add({.name = "--set",
         .value_name = "KEY=VALUE",
         .text = "set an option of the configuration: `'interval=\"1s\"'`, "
                 "`sinks.out.type=console`; repeatable",
         .offer = Offer::configuration,
         .is_repeatable = true},
        [&target](const std::string& text) {
            target.push_back(text);
            return std::string();
        });
}

void CommandParser::offer(std::size_t operand, Offer what,
                          std::span<const std::string_view> words) {
    OperandDescription& described = description_.operands.at(operand);
    described.offer = what;
    described.words.assign(words.begin(), words.end());
}

void CommandParser::example(std::string_view command, std::string_view text) {
    description_.examples.push_back({std::string(command), std::string(text)});
}

void CommandParser::exits(int code, std::string_view text) {
    description_.exits.push_back({code, std::string(text)});
}

std::optional<Parsed> CommandParser::parse(Words words) {
    const auto dashes = std::ranges::find(words, "--");
    // The library takes words in reverse.
    std::vector<std::string> before(words.begin(), dashes);
    std::ranges::reverse(before);
    try {
        library_->app.parse(before);
    } catch (const CLI::ParseError& error) {
        return misused_here(reworded(error));
    }
    if (wants_help_) return description_;
    if (!problem_.empty()) return misused_here(problem_);

    for (const std::string& word : library_->app.remaining()) {
        if (word.size() > 1 && word.starts_with('-')) {
            const std::string name = word.substr(0, word.find('='));
            return misused_here(
                fmt::format("unknown option `{}`{}", printable(name), did_you_mean(name, names())));
        }
        words_.push_back(word);
    }
    if (dashes != words.end()) words_.insert(words_.end(), dashes + 1, words.end());
    if (words_.size() > words_max_) {
        return misused_here(fmt::format("unexpected word \"{}\"", printable(words_[words_max_])));
    }
    return std::nullopt;
}

}  // namespace pitot::agent
