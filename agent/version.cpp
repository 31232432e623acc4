#include "agent/version.h"

namespace pitot::agent {

std::string_view version() {
    return PITOT_VERSION;
}

}  // namespace pitot::agent
