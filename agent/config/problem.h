// What is wrong with a configuration, where it stands, and what would be right.
//
// Readers of configuration (options.h, load.h) put every problem they find in one
// ProblemList, so that an operator sees all of them in one run, in the order of the file:
//
//     conf/pitot.toml:14:15: sinks.push.queue: must be between 1 and 1000, got 0
//     conf/pitot.toml:22:1: flush_intervall: unknown option; did you mean `interval`?
//     2 problems found; pitot did not start.
//
// Wording: where, key, "must …", ", got …". Text from outside is quoted through
// printable(). A secret is never quoted. Lines of the file are shown on a terminal only,
// and without the texts on them that the problem is not about.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pitot::agent {

// A place in one of the sources a configuration was read from. Lines and columns count
// from 1, columns in characters; a line of 0 means the source as a whole.
struct Position {
    std::uint32_t source = 0;  // as ProblemList::add_source() numbered it
    std::uint32_t line = 0;
    std::uint32_t column = 0;
    std::uint32_t width = 1;  // characters to underline

    bool operator==(const Position&) const = default;
};

// The line a problem stands on: a window of it, made printable, other texts left out.
struct Excerpt {
    std::string text;  // empty: nothing to show
    std::size_t caret = 0;
    std::size_t caret_width = 0;

    bool operator==(const Excerpt&) const = default;
};

struct Problem {
    std::string where;         // "conf/pitot.toml", or "--set 2"
    std::uint32_t line = 0;    // 0 where there are no lines
    std::uint32_t column = 0;  //
    std::string key;           // "sinks.push.queue"; empty for the file as a whole
    std::string what;          // "must be between 1 and 1000, got 0"
    Excerpt excerpt;

    bool operator==(const Problem&) const = default;
};

// "conf/pitot.toml:14:15: sinks.push.queue: must be …"
std::string to_line(const Problem& problem);

struct RenderStyle {
    bool excerpts = false;       // for a terminal: with the line of the file and a caret
    std::string_view prefix{};   // "warning: "
    std::string_view closing{};  // after "3 problems found": "; pitot did not start."
    std::size_t shown_max = 50;  // more than anyone corrects in one go
};

// Every problem on a line of its own, and a closing line if the style has one.
std::string render(std::span<const Problem> problems, const RenderStyle& style);

// In the order in which their problems are shown.
enum class SourceType : std::uint8_t { file, environment, command_line, built_in };

// Collects problems and warnings, each once, in the order of their sources.
class ProblemList {
public:
    // Returns the number that positions in this source carry. The texts are kept, for
    // excerpts, as long as the list lives.
    std::uint32_t add_source(std::string name, std::string text, SourceType type);
    SourceType type_of(std::uint32_t source) const { return sources_.at(source).type; }
    std::string_view text_of(std::uint32_t source) const { return sources_.at(source).text; }
    // "conf/pitot.toml:14:15", "PITOT_INTERVAL", "--set 2": a place for use in a sentence.
    std::string name_of(Position position) const;

    void add(Position position, std::string key, std::string what);
    // For an option whose value must not be shown: without an excerpt.
    void add_secret(Position position, std::string key, std::string what);
    void warn(Position position, std::string key, std::string what);

    bool empty() const { return problems_.empty(); }
    // Nothing more is taken up: whoever loops over a hostile file may stop.
    bool full() const { return problems_.size() >= problems_max; }
    std::vector<Problem> problems() const { return sorted(problems_); }
    std::vector<Problem> warnings() const { return sorted(warnings_); }

    // A file can hold a problem in every few bytes; nobody reads more than this.
    static constexpr std::size_t problems_max = 1'000;

private:
    struct Source {
        std::string name;
        std::string text;
        SourceType type = SourceType::file;
        std::vector<std::size_t> line_starts;
    };
    struct Placed {
        Position position;
        Problem problem;
    };

    std::vector<Problem> sorted(const std::vector<Placed>& placed) const;
    Placed place(Position position, std::string key, std::string what, bool show) const;
    Excerpt excerpt(Position position) const;

    std::vector<Source> sources_;
    std::vector<Placed> problems_;
    std::vector<Placed> warnings_;
};

}  // namespace pitot::agent
