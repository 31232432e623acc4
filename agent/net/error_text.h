// What an errno means, to stand inside a sentence.
#pragma once

#include <string>

namespace pitot::agent {

// "address already in use". Safe to call from any thread.
std::string error_text(int error);

}  // namespace pitot::agent
