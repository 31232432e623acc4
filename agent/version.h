// The version of this build, as CMakeLists.txt states it: "0.1.0".
#pragma once

#include <string_view>

namespace pitot::agent {

std::string_view version();

}  // namespace pitot::agent
