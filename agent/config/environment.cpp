#include "agent/config/environment.h"

#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <string_view>

namespace pitot::agent {

namespace {

std::uint32_t cpus_of_affinity_mask() {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
    return static_cast<std::uint32_t>(std::max(1, CPU_COUNT(&set)));
}

// "50000 100000" is half a processor, "max 100000" no limit.
std::optional<std::uint32_t> quota_of(const std::filesystem::path& directory) {
    std::ifstream file(directory / "cpu.max");
    double quota_us = 0;
    double period_us = 0;
    if (!(file >> quota_us >> period_us) || quota_us <= 0 || period_us <= 0) return std::nullopt;
    return static_cast<std::uint32_t>(std::clamp(std::ceil(quota_us / period_us), 1.0, 1e6));
}

std::vector<std::string> names_of_variables() {
    std::vector<std::string> names;
    for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
        const std::string_view text(*variable);
        names.emplace_back(text.substr(0, text.find('=')));
    }
    return names;
}

std::optional<std::uint64_t> number_in(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::uint64_t number = 0;
    if (!(file >> number)) return std::nullopt;
    return number;
}

std::optional<std::uint64_t> hard_limit_of_open_files() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max == RLIM_INFINITY) {
        return std::nullopt;
    }
    return limit.rlim_max;
}

bool is_number(const std::string& text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

// Of the system's user database, or that of groups.
template <class Entry, class Lookup>
bool has_account(const std::string& name, Lookup lookup) {
    // An entry with all its members; one that is longer still is there.
    std::vector<char> text(1U << 16U);
    Entry entry{};
    Entry* found = nullptr;
    const int error = lookup(name.c_str(), &entry, text.data(), text.size(), &found);
    return found != nullptr || error == ERANGE || is_number(name);
}

}  // namespace

Environment system_environment() {
    Environment environment;
    environment.variable = [](const std::string& name) -> std::optional<std::string> {
        const char* const value = std::getenv(name.c_str());
        if (value == nullptr) return std::nullopt;
        return std::string(value);
    };
    environment.variable_names = names_of_variables();
    environment.receive_buffer_bytes_max = number_in("/proc/sys/net/core/rmem_max");
    environment.open_files_max = hard_limit_of_open_files();
    environment.has_user = [](const std::string& name) {
        return has_account<passwd>(name, ::getpwnam_r);
    };
    environment.has_group = [](const std::string& name) {
        return has_account<group>(name, ::getgrnam_r);
    };
    environment.usable_cpus =
        usable_cpus(cpus_of_affinity_mask(), "/proc/self/cgroup", "/sys/fs/cgroup");
    return environment;
}

std::optional<std::filesystem::path> runtime_directory(const Environment& environment) {
    if (const auto named = environment.variable("RUNTIME_DIRECTORY"); named && !named->empty()) {
        // Several are separated by colons.
        return std::filesystem::path(named->substr(0, named->find(':')));
    }
    const std::filesystem::path& system = environment.system_runtime_directory;
    std::error_code ignored;
    if (std::filesystem::is_directory(system, ignored) &&
        access(system.c_str(), W_OK | X_OK) == 0) {
        return system;
    }
    if (const auto user = environment.variable("XDG_RUNTIME_DIR"); user && user->starts_with('/')) {
        return std::filesystem::path(*user) / "pitot";
    }
    return std::nullopt;
}

std::uint32_t usable_cpus(std::uint32_t affinity, const std::filesystem::path& cgroup_of_process,
                          const std::filesystem::path& cgroup_root) {
    std::uint32_t cpus = std::max(1U, affinity);
    std::ifstream file(cgroup_of_process);
    constexpr std::string_view version_2 = "0::/";
    for (std::string line; std::getline(file, line);) {
        if (!line.starts_with(version_2)) continue;
        std::filesystem::path directory = cgroup_root;
        cpus = std::min(cpus, quota_of(directory).value_or(cpus));
        for (const auto& part : std::filesystem::path(line.substr(version_2.size()))) {
            directory /= part;
            cpus = std::min(cpus, quota_of(directory).value_or(cpus));
        }
    }
    return cpus;
}

}  // namespace pitot::agent
