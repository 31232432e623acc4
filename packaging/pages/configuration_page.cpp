#include "packaging/pages/configuration_page.h"

#include <cstddef>
#include <string>

namespace pitot::pages {

namespace {

void describe(Page& page, const DocumentedOption& option) {
    const std::string name = bold(option.key) + escaped(" = " + option.value);
    if (option.text.empty()) {
        page.paragraph(name);
        return;
    }
    page.term(name, prose(option.text.front()));
    for (std::size_t i = 1; i < option.text.size(); ++i) page.further(prose(option.text[i]));
}

}  // namespace

std::string configuration_page(const Heading& heading, const DocumentedConfiguration& documented,
                               std::string_view example) {
    Page page(heading);
    page.name("pitot.toml", "configuration of the StatsD agent pitot");
    page.section("DESCRIPTION");
    page.paragraph(
        prose("This is the text of `/usr/share/doc/pitot/examples/pitot.toml`, a "
              "configuration in which every option is commented out."));
    for (const std::string& paragraph : documented.text) page.paragraph(prose(paragraph));
    page.section("OPTIONS");
    for (const DocumentedTable& table : documented.tables) {
        if (!table.name.empty()) page.subsection("[" + table.name + "]");
        for (const std::string& paragraph : table.text) page.paragraph(prose(paragraph));
        for (const DocumentedOption& option : table.options) describe(page, option);
    }
    page.section("EXAMPLES");
    page.paragraph("As the service begins:");
    page.verbatim(example);
    page.section("SEE ALSO");
    page.paragraph(bold("pitot") + "(1)");
    return page.text();
}

}  // namespace pitot::pages
