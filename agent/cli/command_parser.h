// One command of the command line: what it takes, said once, for the words to be read by it
// and for the command to be described by it.
//
//     CommandParser parser("check", "Checks a configuration.", "[FILE]", 1);
//     parser.path("--config", "the same as FILE", arguments.config_file);
//     parser.flag("--strict", "exit with 3 where there are warnings", arguments.strict);
//     if (auto answer = parser.parse(words)) return std::move(*answer);
//
// Used by command_line.cpp alone. The library that cuts words into options (CLI11) is known
// to command_parser.cpp only; the wording of what is wrong is ours.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/cli/command_description.h"
#include "agent/cli/command_line.h"

namespace pitot::agent {

using Words = std::span<const std::string>;

// What the words of a command come to; its description, where they ask for help.
using Parsed = std::variant<CommandDescription, Command>;

// `command` is empty for words that name none.
Answer misused(std::string_view command, std::string_view what);

class CommandParser {
public:
    // `operands` stands for the words that are no options, with spaces between them: "[FILE]",
    // "SERVER FILE", or "". What shells offer for them is said with offer().
    CommandParser(std::string_view command, std::string_view purpose, std::string_view operands,
                  std::size_t words_max);
    ~CommandParser();
    CommandParser(const CommandParser&) = delete;
    CommandParser& operator=(const CommandParser&) = delete;

    // An option with a value. `take` returns what is wrong with it, or nothing.
    using Take = std::function<std::string(const std::string&)>;
    void option(const std::string& name, std::string_view value_name, std::string_view text,
                Take take, Offer offer = Offer::nothing);
    void flag(const std::string& name, std::string_view text, bool& target);
    void path(const std::string& name, std::string_view text,
              std::optional<std::filesystem::path>& target);
    // `choose` is given the index of the word.
    void choice(const std::string& name, std::vector<std::string_view> words, std::string_view text,
                std::function<void(std::size_t)> choose);
    // --set, which may be given several times.
    void sets(std::vector<std::string>& target);

    // What stands in the place of an operand, by its index.
    void offer(std::size_t operand, Offer what, std::span<const std::string_view> words = {});
    void example(std::string_view command, std::string_view text);
    void exits(int code, std::string_view text);

    // An answer if there is nothing to carry out.
    std::optional<Parsed> parse(Words words);
    // The words that were no options; all those behind "--" among them.
    const std::vector<std::string>& words() const { return words_; }
    Answer misused_here(std::string_view what) const { return misused(description_.name, what); }

private:
    struct Library;

    void add(OptionDescription description, Take take);
    std::vector<std::string_view> names() const;

    CommandDescription description_;
    std::size_t words_max_;
    std::unique_ptr<Library> library_;
    bool wants_help_ = false;
    std::vector<std::string> words_;
    std::string problem_;
};

}  // namespace pitot::agent
