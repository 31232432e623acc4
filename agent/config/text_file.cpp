#include "agent/config/text_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "agent/config/units.h"

namespace pitot::agent {

namespace {

class Descriptor {
public:
    explicit Descriptor(const std::filesystem::path& path)
        : number_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int number() const { return number_; }

private:
    int number_;
};

std::unexpected<std::string> unreadable(int error) {
    return std::unexpected(
        fmt::format("must be readable, got \"{}\"", std::generic_category().message(error)));
}

}  // namespace

std::expected<TextFile, std::string> read_file(const std::filesystem::path& path,
                                               std::size_t bytes_max) {
    const Descriptor file(path);
    if (file.number() < 0) return unreadable(errno);
    struct stat status{};
    if (::fstat(file.number(), &status) != 0) return unreadable(errno);
    if (S_ISDIR(status.st_mode)) return std::unexpected("must be a file, got a directory");

    TextFile result;
    result.is_public = S_ISREG(status.st_mode) && (status.st_mode & S_IROTH) != 0;
    // What is read may be a pipe, whose length nobody knows, and what is allowed far more than
    // there is: room is made as it is needed. One byte more than allowed tells that there is more.
    constexpr std::size_t step_bytes = 64 * 1024;
    std::size_t filled = 0;
    for (;;) {
        if (filled == result.text.size()) {
            if (filled > bytes_max) break;
            result.text.resize(std::min(bytes_max + 1, std::max(step_bytes, 2 * filled)));
        }
        const ssize_t count =
            ::read(file.number(), result.text.data() + filled, result.text.size() - filled);
        if (count == 0) break;
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return unreadable(errno);
        filled += static_cast<std::size_t>(count);
    }
    if (filled > bytes_max) {
        return std::unexpected(
            fmt::format("must not be larger than {}, and is", format_size(bytes_max)));
    }
    result.text.resize(filled);
    return result;
}

}  // namespace pitot::agent
