// What a configuration depends on besides its text: variables, processors, directories.
//
// Read from the system once, by main(); tests pass their own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pitot::agent {

// Set by systemd for a service that has credentials: where they are.
inline constexpr std::string_view credentials_variable = "CREDENTIALS_DIRECTORY";

struct Environment {
    // Value of an environment variable, if it is set.
    std::function<std::optional<std::string>(const std::string& name)> variable;
    std::vector<std::string> variable_names;  // of all that are set
    std::uint32_t usable_cpus = 1;
    // The most that a socket may ask to buffer (net.core.rmem_max), and files that may be
    // open at once (the hard limit); nothing where the system does not say.
    std::optional<std::uint64_t> receive_buffer_bytes_max;
    std::optional<std::uint64_t> open_files_max;
    // Whether this machine has a user, a group of that name or number; null: nobody knows.
    std::function<bool(const std::string& name)> has_user;
    std::function<bool(const std::string& name)> has_group;
    // Where a package puts the configuration: nobody reads it without being told to.
    std::filesystem::path packaged_config_file = "/etc/pitot/pitot.toml";
    // Taken for sockets when systemd names no other and it is there for us to write to.
    std::filesystem::path system_runtime_directory = "/run/pitot";
};

Environment system_environment();

// Where default sockets go: $RUNTIME_DIRECTORY, as systemd sets it; else the system's
// runtime directory, if it exists and is writable; else $XDG_RUNTIME_DIR/pitot, which need
// not exist yet; else nowhere.
std::optional<std::filesystem::path> runtime_directory(const Environment& environment);

// The processors that we may use: those of our affinity mask, or fewer when the CPU quota
// of our control group, or of one above it, allows less. At least one. `cgroup_of_process`
// is /proc/self/cgroup, `cgroup_root` /sys/fs/cgroup (version 2; others have no say).
std::uint32_t usable_cpus(std::uint32_t affinity, const std::filesystem::path& cgroup_of_process,
                          const std::filesystem::path& cgroup_root);

}  // namespace pitot::agent
