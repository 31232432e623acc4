// Reads one table of the configuration: sinks::Options on top of a document.
//
// The agent's own tables and the sinks' sections are read by the same class, so that there
// is one list of all options (Reading::asked), one wording of problems, and unknown keys
// are found in the same way everywhere: what is in a table and was never asked for is
// unknown. report_unknown() says so, once the last question has been asked.
//
// A SectionReader is for one thread, and lives no longer than the document and the
// ReadContext it was made with. A table that is absent reads as an empty one.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/config/document.h"
#include "agent/config/environment.h"
#include "agent/config/problem.h"
#include "sinks/options.h"

namespace pitot::agent {

// One option as the code knows it, made by the call that read it.
struct Asked {
    std::string key;         // "listeners.apps.receive_buffer"
    std::string section;     // "listeners.apps"; empty for the root
    std::string_view type;   // "duration", "size", "text", …
    std::string fallback;    // as TOML: "\"8MiB\""; empty where there is none
    std::string accepted;    // "4KiB … 1GiB"; empty where any value of the type will do
    bool is_set = false;     // by the file, a variable or the command line
    bool is_hidden = false;  // a secret that stands in the open: `value` is empty
    std::string value = {};  // as TOML, where it is set
    Position origin = {};    // where it is set
};

// What all readers of one configuration share.
struct ReadContext {
    ProblemList problems;
    std::vector<Asked> asked;
    Environment environment;
    // Sources that other users of this machine can read: a secret in them is none.
    std::vector<std::uint32_t> public_sources;
    // Bytes that references have put into texts so far (references.h).
    std::size_t referenced_bytes = 0;
    // Pages of the agent's server, and which table has them; see claim_page().
    std::vector<std::pair<std::string, std::string>> pages;
    bool has_server = false;  // [http] has an address
    // As LoadArguments has it; and the options whose values are credentials that are not here.
    bool is_offline = false;
    std::vector<std::string> passed_later;
    // A source could not be read: what seems to be missing may be in there.
    bool is_incomplete = false;
    // Values whose words were read anew for the type of their option, and tables that were
    // laid over others; they do not move.
    std::deque<Entry> reread;
    std::deque<Table> overlaid;
};

// A text in which places are told: an expression. `source` is the whole text of the file,
// argument or variable that `position` is a place in, and lives as long as the ReadContext.
struct PlacedText {
    std::string text;
    Position position;
    std::string_view source;
};

// A text that a table or key can be named by: letters, digits, '_' and '-'.
inline constexpr std::size_t section_name_bytes_max = 64;
// Secrets are passwords, tokens and URLs; a larger file is the wrong file.
inline constexpr std::size_t secret_bytes_max = 64 * 1024;

class SectionReader final : public sinks::Options {
public:
    // `path` is "" for the root, "sinks.push" for a section. `table` may be null.
    SectionReader(ReadContext& context, std::string path, const Table* table, Position position);

    std::string_view name() const override { return name_; }
    bool has(std::string_view key) const override;
    std::string text(std::string_view key, std::string_view fallback) override;
    std::string required_text(std::string_view key) override;
    std::optional<std::string> optional_text(std::string_view key) override;
    bool boolean(std::string_view key, bool fallback) override;
    std::int64_t integer(std::string_view key, std::int64_t fallback, std::int64_t least,
                         std::int64_t most) override;
    double number(std::string_view key, double fallback, double least, double most) override;
    // A bare 0 is taken where 0 is allowed: it needs no unit.
    std::chrono::nanoseconds duration(std::string_view key, std::chrono::nanoseconds fallback,
                                      std::chrono::nanoseconds least,
                                      std::chrono::nanoseconds most) override;
    std::uint64_t bytes(std::string_view key, std::uint64_t fallback, std::uint64_t least,
                        std::uint64_t most) override;
    std::size_t choice(std::string_view key, std::size_t fallback,
                       std::span<const std::string_view> allowed) override;
    std::vector<std::string> texts(std::string_view key,
                                   std::vector<std::string> fallback) override;
    std::vector<double> numbers(std::string_view key, std::vector<double> fallback, double least,
                                double most) override;
    std::vector<std::pair<std::string, std::string>> text_table(std::string_view key) override;
    sinks::Secret secret(std::string_view key) override;
    std::vector<std::pair<std::string, sinks::Secret>> secret_table(std::string_view key) override;
    void each_table(std::string_view key,
                    const std::function<void(sinks::Options&)>& visit) override;
    void problem(std::string_view key, std::string what) override;
    bool is_wrong(std::string_view key) const override;
    void warning(std::string_view key, std::string what) override;

    // Beyond what sinks need.

    // "auto", the default, is nothing.
    std::optional<std::int64_t> integer_or_auto(std::string_view key, std::int64_t least,
                                                std::int64_t most);
    // Like choice(), without a default: absent is a problem, and nothing is returned.
    std::optional<std::size_t> required_choice(std::string_view key,
                                               std::span<const std::string_view> allowed);
    // Which one was meant where required_choice() found none: the nearest to the word that is
    // there, or under a key that is near.
    std::optional<std::size_t> choice_meant(std::string_view key,
                                            std::span<const std::string_view> allowed) const;
    // The one table [key]. `must` is said of what is no table, unless it is "".
    SectionReader section(std::string_view key, std::string_view must = "");
    // Each table [key.NAME], in the order of the file; names are checked.
    std::vector<std::unique_ptr<SectionReader>> sections(std::string_view key);

    // What rules of alerts need besides (options_of_rules.cpp).

    // Nothing where it is absent or wrong; `must` is said of what is no text.
    std::optional<PlacedText> placed_text(std::string_view key, std::string fallback,
                                          std::string_view must);
    // The tables in this one, as sections() has them, but for those called as one of the
    // options: that is a problem, and no getter must ask for it.
    std::vector<std::unique_ptr<SectionReader>> named_sections(
        std::span<const std::string_view> options);
    // The table [key]; nothing where `key = false` stands in its place.
    std::optional<SectionReader> section_unless_false(std::string_view key);
    // A list of tables of texts: expect = [{ worker = "a" }, { worker = "b" }].
    std::vector<std::vector<std::pair<std::string, std::string>>> text_tables(std::string_view key);
    // This table laid over `weaker`, whose values count where this one has none.
    SectionReader over(Table weaker) const;
    // A text that the program itself holds, read as a source of that name; it must be TOML.
    Table built_in_table(std::string name, std::string text);

    bool is_table(std::string_view key) const;
    // The text of that key, if it is one, without asking for it.
    const std::string* text_there(std::string_view key) const;
    // The names in the table of that key, without asking for it.
    std::vector<std::string> names_in(std::string_view key) const;
    // Where this table stands: "pitot.toml:12", or the argument or variable.
    std::string place() const;
    void problem_at(Position position, std::string_view key, std::string what);
    void warning_at(Position position, std::string_view key, std::string what);

    // This section's sink shows a page at `path` on the agent's server: a problem where there
    // is no server, or another page of that path.
    void claim_page(const std::string& path);

    // "sinks.push.url": how messages name a key of this table.
    std::string path_of(std::string_view key) const;
    // `what` for each key that was not asked for. `root_keys` are the options of the file
    // as a whole: a key of theirs in this table was put below the wrong header.
    void report_unknown(std::span<const std::string> root_keys = {});
    // What tests of rules need besides (options_of_lists.cpp).

    // Each table of the list [[key]], with its number, from 1, in its path: "test[2]".
    std::vector<std::unique_ptr<SectionReader>> elements(std::string_view key);
    // What stands there, for options of several types, whose reader says what they must be.
    // Null: nothing.
    const Node* value(std::string_view key, std::string_view type);
    Position position() const { return position_; }

    // The keys asked for so far.
    const std::vector<std::string>& known() const { return known_; }

private:
    const Entry* ask(std::string_view key, std::string_view type, std::string fallback,
                     std::string accepted = {});
    void refuse(const Entry& entry, std::string_view must);
    void missing(std::string_view key, std::string_view must);
    // The text of an entry, unless it is none or holds a NUL character.
    std::optional<std::string> text_of(const Entry& entry, std::string_view must);
    std::optional<std::size_t> choice_of(const Entry& entry,
                                         std::span<const std::string_view> allowed);
    const Entry* reread(const Entry* entry, std::string_view type);
    // The table of an entry of this one, whose name is checked; null with a problem.
    std::unique_ptr<SectionReader> named_section(const Entry& entry) const;
    // Nothing can be said about the value of this entry: it is not here.
    bool is_beyond_us(const Entry& entry) const;
    // `path` is that of the entry; its value is not shown.
    sinks::Secret secret_of(const Entry& entry, const std::string& path);
    bool is_known(std::string_view key) const;
    std::string separator_hint(const Entry& entry) const;
    std::string unknown_text(const Entry& entry, std::span<const std::string> root_keys) const;

    ReadContext& context_;
    std::string path_;
    std::string name_;
    const Table* table_;
    Position position_;
    std::vector<std::string> known_;
    std::vector<std::string> secrets_;  // those of them that were asked for as secrets
    std::vector<std::string> named_;    // tables that named_sections() gave away
};

}  // namespace pitot::agent
