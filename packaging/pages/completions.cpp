#include "packaging/pages/completions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string_view>

namespace pitot::pages {

namespace {

using namespace agent;

std::string joined(std::span<const std::string> words) {
    return fmt::format("{}", fmt::join(words, " "));
}

std::string command_names(const CompletionSource& source) {
    std::string names;
    for (const CommandDescription& command : source.commands) {
        names.append(names.empty() ? "" : " ").append(command.name);
    }
    return names;
}

std::string keys_with_equals(const CompletionSource& source) {
    std::string keys;
    for (const std::string& key : source.keys)
        keys.append(keys.empty() ? "" : " ").append(key + "=");
    return keys;
}

// For text between single quotes, where `quote` is what stands for one of them.
std::string replaced(std::string_view text, std::string_view special, std::string_view before,
                     std::string_view quote) {
    std::string out;
    for (const char letter : text) {
        if (letter == '\'') {
            out += quote;
            continue;
        }
        if (special.contains(letter)) out += before;
        out += letter;
    }
    return out;
}

// Texts in a menu: without the marks of what is typed.
std::string without_backquotes(std::string_view text) {
    std::string out(text);
    std::erase(out, '`');
    return out;
}

// The sed program that takes the names of sinks out of `pitot check --show`.
constexpr std::string_view sinks_program = R"(s/^\[sinks\.\([A-Za-z0-9_-]*\)\]$/\1/p)";

// ---- bash

// What to do for an offer, as a line of a shell function that ends with the choice made.
std::string bash_action(Offer offer, std::span<const std::string> words,
                        const CompletionSource& source) {
    switch (offer) {
        case Offer::nothing:
            return "return";
        case Offer::file:
            return "_pitot_files; return";
        case Offer::word:
            return fmt::format("words='{}'", joined(words));
        case Offer::sink:
            return "words=$(_pitot_sinks \"$config\")";
        case Offer::configuration:
            return "words=$_pitot_keys; compopt -o nospace 2>/dev/null";
        case Offer::command:
            return fmt::format("words='{}'", command_names(source));
    }
    return {};
}

std::string bash_command(const CommandDescription& command, const CompletionSource& source) {
    std::string options;
    std::string with_value;
    std::string values;
    for (const OptionDescription& option : command.options) {
        options.append(options.empty() ? "" : " ").append(option.name);
        if (option.value_name.empty()) continue;
        with_value.append(option.name).append(" ");
        values += fmt::format("                {}) {} ;;\n", option.name,
                              bash_action(option.offer, option.words, source));
    }
    std::string operands;
    for (std::size_t i = 0; i < command.operands.size(); ++i) {
        const OperandDescription& operand = command.operands[i];
        operands += fmt::format("                {}) {} ;;\n", i,
                                bash_action(operand.offer, operand.words, source));
    }
    std::string out =
        fmt::format("        {})\n            _pitot_look_back ' {}'\n", command.name, with_value);
    if (!values.empty()) out += "            case $previous in\n" + values + "            esac\n";
    out += fmt::format("            [[ $current == -* ]] && words='{}'\n", options);
    if (!operands.empty()) {
        out +=
            "            [[ -z $words ]] && case $operand in\n" + operands + "            esac\n";
    }
    return out + "            ;;\n";
}

constexpr std::string_view bash_head =
    R"(# What bash offers behind `pitot`. Made from the text of `pitot help`.

_pitot_keys='KEYS'

_pitot_files() { compopt -o default 2>/dev/null; }

_pitot_sinks() {
    pitot check --show ${1:+"$1"} 2>/dev/null | sed -n 'SINKS'
}

# Sets `operand`, how many words that are no options come before the current one, and
# `config`, the value of --config. $1 has the options that take a value.
_pitot_look_back() {
    local i word
    operand=0
    config=
    for ((i = 2; i < COMP_CWORD; ++i)); do
        word=${COMP_WORDS[i]}
        if [[ $1 == *" $word "* ]]; then
            # "--config=x" is three words to bash.
            if [[ ${COMP_WORDS[i + 1]-} == = ]]; then i=$((i + 1)); fi
            i=$((i + 1))
            if [[ $word == --config ]]; then config=${COMP_WORDS[i]-}; fi
        elif [[ $word != -* ]]; then
            operand=$((operand + 1))
        fi
    done
}

_pitot() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local words='' operand config
    COMPREPLY=()
    if [[ $current == = ]]; then
        current=
    elif [[ $previous == = && $COMP_CWORD -ge 2 ]]; then
        previous=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W 'COMMANDS --help --version' -- "$current")
        return
    fi
    case ${COMP_WORDS[1]} in
)";

constexpr std::string_view bash_tail = R"(    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -F _pitot pitot
)";

std::string with(std::string_view text, std::string_view name, std::string_view value) {
    std::string out(text);
    out.replace(out.find(name), name.size(), value);
    return out;
}

// ---- zsh

std::string zsh_text(std::string_view text) {
    return replaced(without_backquotes(text), "[]:\\", "\\", R"('\'')");
}

std::string zsh_action(Offer offer, std::span<const std::string> words,
                       const CompletionSource& source) {
    switch (offer) {
        case Offer::nothing:
            return " ";
        case Offer::file:
            return "_files";
        case Offer::word:
            return fmt::format("({})", joined(words));
        case Offer::sink:
            return "_pitot_sinks";
        case Offer::configuration:
            return "_pitot_keys";
        case Offer::command:
            return fmt::format("({})", command_names(source));
    }
    return {};
}

std::string zsh_command(const CommandDescription& command, const CompletionSource& source) {
    std::string out = fmt::format("        {})\n            _arguments", command.name);
    for (const OptionDescription& option : command.options) {
        out +=
            fmt::format(" \\\n                '{}{}{}[{}]", option.is_repeatable ? "*" : "",
                        option.name, option.value_name.empty() ? "" : "=", zsh_text(option.text));
        if (!option.value_name.empty()) {
            // The words of a choice are its name, which the menu need not repeat.
            const bool is_choice = option.offer == Offer::word;
            out += fmt::format(":{}:{}", is_choice ? "" : zsh_text(option.value_name),
                               zsh_action(option.offer, option.words, source));
        }
        out += "'";
    }
    for (const OperandDescription& operand : command.operands) {
        const bool goes_on = operand.name.contains("…");
        const auto place = 1 + (&operand - command.operands.data());
        out +=
            fmt::format(" \\\n                '{}:{}:{}'", goes_on ? "*" : fmt::format("{}", place),
                        zsh_text(operand.name), zsh_action(operand.offer, operand.words, source));
    }
    return out + " ;;\n";
}

// ---- fish

std::string fish_text(std::string_view text) {
    return replaced(without_backquotes(text), "\\", "\\", R"(\')");
}

// The flags of `complete` for an offer: files are offered where -F says so.
std::string fish_flags(Offer offer, std::span<const std::string> words,
                       const CompletionSource& source) {
    switch (offer) {
        case Offer::nothing:
            return " -f";
        case Offer::file:
            return " -F";
        case Offer::word:
            return fmt::format(" -f -a '{}'", joined(words));
        case Offer::sink:
            return " -f -a '(__pitot_sinks)'";
        case Offer::configuration:
            return " -f -a \"$__pitot_keys\"";
        case Offer::command:
            return fmt::format(" -f -a '{}'", command_names(source));
    }
    return {};
}

std::string fish_command(const CommandDescription& command, const CompletionSource& source) {
    std::string out = fmt::format("complete -c pitot -n __fish_use_subcommand -a {} -d '{}'\n",
                                  command.name, fish_text(summary(command)));
    const std::string behind =
        fmt::format("complete -c pitot -n '__fish_seen_subcommand_from {}'", command.name);
    for (const OptionDescription& option : command.options) {
        const std::string value =
            option.value_name.empty() ? "" : " -r" + fish_flags(option.offer, option.words, source);
        out += fmt::format("{} -l {}{} -d '{}'\n", behind, option.name.substr(2), value,
                           fish_text(option.text));
    }
    for (const OperandDescription& operand : command.operands) {
        if (operand.offer == Offer::nothing) continue;
        out += behind + fish_flags(operand.offer, operand.words, source) + "\n";
    }
    return out;
}

}  // namespace

std::vector<std::string> fixed_keys(const DocumentedConfiguration& documented) {
    std::vector<std::string> keys;
    for (const DocumentedTable& table : documented.tables) {
        if (table.is_shown) continue;
        for (const DocumentedOption& option : table.options) {
            keys.push_back(table.name.empty() ? option.key : table.name + "." + option.key);
        }
    }
    return keys;
}

std::string bash_completion(const CompletionSource& source) {
    std::string out = with(bash_head, "SINKS", sinks_program);
    out = with(out, "KEYS", keys_with_equals(source));
    out = with(out, "COMMANDS", command_names(source));
    for (const CommandDescription& command : source.commands) out += bash_command(command, source);
    return out.append(bash_tail);
}

std::string zsh_completion(const CompletionSource& source) {
    std::string out = R"zsh(#compdef pitot
# What zsh offers behind `pitot`. Made from the text of `pitot help`.

_pitot_sinks() {
    local -a sinks
    local config=${opt_args[--config]-}
    sinks=(${(f)"$(pitot check --show ${config:+$config} 2>/dev/null | sed -n 'SINKS')"})
    compadd -a sinks
}

_pitot_keys() {
    compadd -S '' -- KEYS
}

_pitot() {
    local curcontext=$curcontext state line
    typeset -A opt_args
    _arguments -C '(- *)--help[overview]' '(- *)--version[the version]' \
        '1:command:->command' '*::argument:->argument' && return
    case $state in
    command)
        local -a commands=(
)zsh";
    out = with(out, "SINKS", sinks_program);
    out = with(out, "KEYS", keys_with_equals(source));
    for (const CommandDescription& command : source.commands) {
        out += fmt::format("            '{}:{}'\n", command.name, zsh_text(summary(command)));
    }
    out +=
        "        )\n        _describe command commands ;;\n"
        "    argument)\n        case $words[1] in\n";
    for (const CommandDescription& command : source.commands) out += zsh_command(command, source);
    return out + "        esac ;;\n    esac\n}\n\n_pitot \"$@\"\n";
}

std::string fish_completion(const CompletionSource& source) {
    std::string out = R"(# What fish offers behind `pitot`. Made from the text of `pitot help`.

function __pitot_sinks
    set -l config (string match -r -g -- '--config[ =](\S+)' (commandline -cp))
    pitot check --show $config 2>/dev/null | sed -n 'SINKS'
end

set -g __pitot_keys 'KEYS'

complete -c pitot -f
complete -c pitot -n __fish_use_subcommand -l help -d 'overview'
complete -c pitot -n __fish_use_subcommand -l version -d 'the version'
)";
    // A backslash in fish's quotes stands for itself, but before a quote or another one.
    out = with(out, "SINKS", sinks_program);
    out = with(out, "KEYS", keys_with_equals(source));
    for (const CommandDescription& command : source.commands) out += fish_command(command, source);
    return out;
}

}  // namespace pitot::pages
