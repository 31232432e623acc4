// pitot.toml(5): conf/pitot.toml as a page.
#pragma once

#include <string>
#include <string_view>

#include "packaging/pages/documented_configuration.h"
#include "packaging/pages/roff.h"

namespace pitot::pages {

// `example` is a whole configuration, with comments.
std::string configuration_page(const Heading& heading, const DocumentedConfiguration& documented,
                               std::string_view example);

}  // namespace pitot::pages
