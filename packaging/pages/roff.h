// A manual page in the language of man(7), for groff and mandoc.
//
// Used by the two pages (command_page.h, configuration_page.h). The result is ASCII: signs
// that mean something to roff, and those beyond ASCII, are written as escapes, so that an
// option can be copied from a page as it is typed.
#pragma once

#include <string>
#include <string_view>

namespace pitot::pages {

// Plain text with nothing left in it that roff would act upon, but for a full stop at the
// beginning of a line: that is Page's part.
std::string escaped(std::string_view text);
// The same, in bold; what stands for something else, in italics.
std::string bold(std::string_view text);
std::string italic(std::string_view text);
// Running text: what stands between `backquotes` is bold, without them.
std::string prose(std::string_view text);

struct Heading {
    std::string_view title;    // "pitot.toml"
    int section = 1;           // of the manual
    std::string_view date;     // "2026-11-22"
    std::string_view version;  // "0.1.0"
    std::string_view manual;   // "File Formats"
};

class Page {
public:
    explicit Page(const Heading& heading);

    // Titles are plain text, everything else comes from the functions above.
    void section(std::string_view title);
    void subsection(std::string_view title);
    // The section NAME: "pitot - an agent", which apropos(1) shows.
    void name(std::string_view what, std::string_view purpose);
    void paragraph(std::string_view marked);
    // A line that is not filled with others.
    void row(std::string_view marked);
    // A name, with what is said of it further in.
    void term(std::string_view marked_name, std::string_view marked);
    // One more paragraph of it.
    void further(std::string_view marked);
    // As it stands, plain, line by line.
    void verbatim(std::string_view text);

    const std::string& text() const { return text_; }

private:
    void line(std::string_view request_or_text);
    void fill(std::string_view marked);
    void begin_paragraph();

    std::string text_;
    bool follows_title_ = false;
};

}  // namespace pitot::pages
