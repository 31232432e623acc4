// The name of a Unix socket in the file system: taken, given its rights, and removed.
//
// A socket file outlives the process that made it when that process is killed. Such a
// stale file is replaced; one that a living process answers on is not.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <string>

namespace pitot::agent {

struct ListenerConfig;
class SocketAddress;

// Why a socket could not be opened, worded to stand behind "listeners.NAME: ".
struct OpenFailure {
    std::string what;
    bool in_use = false;  // somebody else has the address: never to be passed over
};

// "user root", "group adm", "root:adm": to whom a listener's socket file is to be given.
std::string new_owner_text(const ListenerConfig& config);

// Owns a socket file, or nothing.
class SocketFile {
public:
    SocketFile() = default;
    ~SocketFile() { remove(); }
    SocketFile(const SocketFile&) = delete;
    SocketFile& operator=(const SocketFile&) = delete;
    SocketFile(SocketFile&& other) noexcept;
    SocketFile& operator=(SocketFile&& other) noexcept;

    // Removes the file if it is still the one we made: an agent that was started in our
    // place keeps its own. (Looking and removing are two steps; the kernel offers no one.)
    void remove() noexcept;

private:
    friend std::expected<SocketFile, OpenFailure> bind_unix_socket(int fd,
                                                                   const SocketAddress& address,
                                                                   const ListenerConfig& config);
    std::string path_;  // empty: nothing
    dev_t device_ = 0;
    ino_t inode_ = 0;
};

// Binds `fd`, a Unix socket of the listener's type, to `address`; for a path, replaces a
// stale file and applies mode, owner and group. An abstract name has no file and no rights.
std::expected<SocketFile, OpenFailure> bind_unix_socket(int fd, const SocketAddress& address,
                                                        const ListenerConfig& config);

}  // namespace pitot::agent
