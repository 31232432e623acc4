#include "sinks/pushgateway/grouping.h"

#include "sinks/http/base64.h"

namespace pitot::sinks::pushgateway {

std::string group_target(std::string_view path,
                         const std::vector<std::pair<std::string, std::string>>& labels) {
    std::string target(path);
    target += "/metrics";
    for (const auto& [name, value] : labels) {
        target += '/';
        target += name;
        target += "@base64/";
        target += value.empty() ? "=" : http::base64(value, http::Base64::url_safe);
    }
    return target;
}

}  // namespace pitot::sinks::pushgateway
