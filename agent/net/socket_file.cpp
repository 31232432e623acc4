#include "agent/net/socket_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include "agent/config/config.h"
#include "agent/net/error_text.h"
#include "agent/net/file_descriptor.h"
#include "agent/net/socket_address.h"

namespace pitot::agent {
namespace {

using Failure = std::unexpected<OpenFailure>;

// Entries of the user database are a line of text; this is far more than any has.
constexpr std::size_t account_entry_bytes_max = 65'536;

std::string directory_of(const std::string& path) {
    const std::string directory = std::filesystem::path(path).parent_path().string();
    return directory.empty() ? "." : directory;
}

Failure failure(std::string what, bool in_use = false) {
    return std::unexpected(OpenFailure{std::move(what), in_use});
}

Failure cannot_bind(const std::string& path, int error) {
    std::string advice;
    if (error == ENOENT) {
        advice = fmt::format(
            "; the directory {} must exist: create it, or let systemd do so with "
            "RuntimeDirectory=",
            directory_of(path));
    } else if (error == EACCES || error == EPERM || error == EROFS) {
        advice =
            fmt::format("; the agent must be allowed to create files in {}", directory_of(path));
    }
    return failure(fmt::format("cannot bind {}: {}{}", path, error_text(error), advice));
}

Failure in_use(const std::string& path) {
    return failure(fmt::format("cannot bind {}: a living process answers on it; another agent may "
                               "be running (ss -xap src {})",
                               path, path),
                   true);
}

// Whether nobody answers on a socket file. A failure says why it must be left alone.
std::expected<void, OpenFailure> check_stale(const SocketAddress& address, const std::string& path,
                                             ListenerType type) {
    struct stat status{};
    if (::lstat(path.c_str(), &status) != 0) {
        if (errno == ENOENT) return {};  // gone by now
        return failure(fmt::format("cannot look at {}: {}", path, error_text(errno)));
    }
    if (!S_ISSOCK(status.st_mode)) {
        return failure(
            fmt::format("cannot bind {}: it exists and is not a socket; remove it or "
                        "choose another path",
                        path));
    }
    const int kind = type == ListenerType::unix_stream ? SOCK_STREAM : SOCK_DGRAM;
    const FileDescriptor caller{::socket(AF_UNIX, kind | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!caller.is_open()) {
        return failure(fmt::format("cannot open a socket: {}", error_text(errno)));
    }
    if (::connect(caller.get(), address.data(), address.size()) == 0) return in_use(path);
    switch (errno) {
        case ECONNREFUSED:
        case ENOENT:
            return {};
        case EAGAIN:      // a full queue: somebody is there
        case EPROTOTYPE:  // somebody with another type of socket is
            return in_use(path);
        default:
            return failure(fmt::format("cannot tell whether {} is in use: {}; remove it if it is "
                                       "not",
                                       path, error_text(errno)),
                           true);
    }
}

// Puts our socket in place of a file that a dead agent left behind. Two agents that start
// in the same moment must not both find it stale and replace each other: the lock on the
// directory, which the kernel drops with the descriptor, lets one of them look at a time.
std::expected<void, OpenFailure> replace_stale(int fd, const SocketAddress& address,
                                               const std::string& path, ListenerType type) {
    const std::string directory = directory_of(path);
    const FileDescriptor lock{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!lock.is_open()) return cannot_bind(path, errno);
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        return failure(fmt::format("cannot replace the old {}: another process has locked {} "
                                   "(lslocks); start again when it is done",
                                   path, directory),
                       true);
    }
    const std::expected<void, OpenFailure> stale = check_stale(address, path, type);
    if (!stale) return stale;
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return cannot_bind(path, errno);
    if (::bind(fd, address.data(), address.size()) == 0) return {};
    if (errno == EADDRINUSE) return in_use(path);
    return cannot_bind(path, errno);
}

// A user or group: by name, or by number where there is none of that name.
template <class Entry, class Lookup>
std::optional<id_t> find_account(const std::string& name, Lookup lookup, id_t Entry::* id) {
    Entry entry{};
    Entry* found = nullptr;
    std::vector<char> text(account_entry_bytes_max);
    lookup(name.c_str(), &entry, text.data(), text.size(), &found);
    if (found != nullptr) return found->*id;
    id_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
    return number;
}

std::expected<void, OpenFailure> apply_rights(const std::string& path,
                                              const ListenerConfig& config) {
    constexpr id_t keep = static_cast<id_t>(-1);
    id_t owner = keep;
    id_t group = keep;
    if (!config.owner.empty()) {
        const std::optional<id_t> id = find_account(config.owner, ::getpwnam_r, &passwd::pw_uid);
        if (!id) {
            return failure(fmt::format("owner must be a user of this host or a number, got \"{}\"",
                                       config.owner));
        }
        owner = *id;
    }
    if (!config.group.empty()) {
        const std::optional<id_t> id = find_account(config.group, ::getgrnam_r, &group::gr_gid);
        if (!id) {
            return failure(fmt::format("group must be a group of this host or a number, got \"{}\"",
                                       config.group));
        }
        group = *id;
    }
    if ((owner != keep || group != keep) && ::lchown(path.c_str(), owner, group) != 0) {
        return failure(
            fmt::format("cannot give {} to {}: {}; only root may give files away, "
                        "and others only to groups of their own",
                        path, new_owner_text(config), error_text(errno)));
    }
    if (::chmod(path.c_str(), config.mode) != 0) {
        return failure(fmt::format("cannot set the mode of {} to {:04o}: {}", path, config.mode,
                                   error_text(errno)));
    }
    return {};
}

}  // namespace

std::string new_owner_text(const ListenerConfig& config) {
    if (config.group.empty()) return "user " + config.owner;
    if (config.owner.empty()) return "group " + config.group;
    return config.owner + ":" + config.group;
}

SocketFile::SocketFile(SocketFile&& other) noexcept
    : path_(std::exchange(other.path_, {})), device_(other.device_), inode_(other.inode_) {}

SocketFile& SocketFile::operator=(SocketFile&& other) noexcept {
    if (this != &other) {
        remove();
        path_ = std::exchange(other.path_, {});
        device_ = other.device_;
        inode_ = other.inode_;
    }
    return *this;
}

void SocketFile::remove() noexcept {
    if (path_.empty()) return;
    struct stat status{};
    const bool ours =
        ::lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_;
    if (ours) ::unlink(path_.c_str());
    path_.clear();
}

std::expected<SocketFile, OpenFailure> bind_unix_socket(int fd, const SocketAddress& address,
                                                        const ListenerConfig& config) {
    const std::string& path = config.path;
    const bool is_abstract = path.starts_with('@');
    // The mode the file is born with, so that it is never wider than the operator said;
    // the umask may take away more, and apply_rights() gives that back.
    if (!is_abstract) ::fchmod(fd, config.mode);
    if (::bind(fd, address.data(), address.size()) != 0) {
        if (errno != EADDRINUSE) return cannot_bind(path, errno);
        if (is_abstract) return in_use(path);
        const std::expected<void, OpenFailure> replaced =
            replace_stale(fd, address, path, config.type);
        if (!replaced) return std::unexpected(replaced.error());
    }
    SocketFile file;
    if (is_abstract) return file;

    struct stat status{};
    if (::lstat(path.c_str(), &status) != 0) return cannot_bind(path, errno);
    file.path_ = path;
    file.device_ = status.st_dev;
    file.inode_ = status.st_ino;
    const std::expected<void, OpenFailure> applied = apply_rights(path, config);
    if (!applied) return std::unexpected(applied.error());
    return file;
}

}  // namespace pitot::agent
