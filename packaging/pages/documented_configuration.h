// conf/pitot.toml as what it is to a reader: tables and options, each with its text.
//
// The file is TOML in which defaults are commented out. A line that begins with "# " is text;
// "#" directly before a key or a '[' is an option or a table that is not set. Text directly
// above an option or a table is about it; text followed by an empty line, about all that
// follows. Used by the manual page and by what shells complete.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace pitot::pages {

// Paragraphs without line breaks.
using Paragraphs = std::vector<std::string>;

struct DocumentedOption {
    std::string key;    // "interval"
    std::string value;  // "\"10s\"", as the file has it; its default, or an example
    Paragraphs text;    // may be empty where the table repeats a key: type = "unix"
};

struct DocumentedTable {
    std::string name;       // "listeners.network"; empty for what stands above all tables
    bool is_shown = false;  // commented out: the name is an example
    Paragraphs text;
    std::vector<DocumentedOption> options;
};

struct DocumentedConfiguration {
    Paragraphs text;
    std::vector<DocumentedTable> tables;  // the first one has no name
};

// Or "12: must be text, a table or an option": the line that is none of them, for a file that
// is not written as above is not to become half a page.
std::expected<DocumentedConfiguration, std::string> read_documentation(std::string_view toml);

}  // namespace pitot::pages
