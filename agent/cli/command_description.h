// What there is to say of pitot and its commands: the one text behind `pitot help` (help.h),
// the manual page and what shells complete (packaging/pages).
//
// A command is described by the very parser that reads its words (command_parser.h), so that
// no option is without a description, and none is described that is not there. Texts are
// sentences or parts of them, without line breaks: whoever shows them fills the lines. What
// stands between two `backquotes` is to be typed as it is.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pitot::agent {

// What a shell can offer in the place of a value.
enum class Offer : std::uint8_t {
    nothing,
    file,
    word,           // one of a few words
    sink,           // the name of a sink of the configuration
    configuration,  // KEY=VALUE, as for --set
    command,        // the name of a command
};

struct OptionDescription {
    std::string name;        // "--config"
    std::string value_name;  // "FILE"; empty for a flag
    std::string text;        // "the configuration; …"
    Offer offer = Offer::nothing;
    std::vector<std::string> words{};  // of Offer::word
    bool is_repeatable = false;
};

// A word that is no option.
struct OperandDescription {
    std::string name;  // "[FILE]", "LINE…"
    Offer offer = Offer::nothing;
    std::vector<std::string> words{};
};

struct ExampleDescription {
    std::string command;  // "pitot check /etc/pitot/pitot.toml", for a POSIX shell
    std::string text;     // "…: is it right?"; may be empty
};

struct ExitDescription {
    int code = 0;
    std::string text;
};

struct CommandDescription {
    std::string name;     // "check"
    std::string purpose;  // sentences, of which the first one stands for all in a list
    std::vector<OperandDescription> operands{};
    std::vector<OptionDescription> options{};
    std::vector<ExampleDescription> examples{};
    std::vector<ExitDescription> exits{};  // those with a meaning of their own here
};

// A name, and what it stands for.
struct Term {
    std::string_view name;
    std::string_view text;
};

// What is said of the program as a whole.
struct ProgramDescription {
    std::string_view title;    // "a StatsD … agent"
    std::string_view purpose;  // sentences
    std::span<const Term> environment;
    std::span<const Term> files;
    std::span<const Term> signals;
    std::span<const Term> exits;
};

ProgramDescription program_description();

// "check [OPTIONS] [FILE]"
std::string usage(const CommandDescription& command);

// The first sentence of the purpose, without its full stop.
std::string summary(const CommandDescription& command);

}  // namespace pitot::agent
