#include "agent/alerts/saved_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <cerrno>
#include <optional>
#include <system_error>

#include "agent/config/text_file.h"
#include "agent/printable.h"

namespace pitot::agent::alerts {
namespace {

// Version, length, checksum.
constexpr std::size_t header_bytes = 4 + 8 + 8;
// So that a damaged file, or another one, is not read into memory.
constexpr std::size_t file_bytes_max = std::size_t{1} << 30U;

std::uint64_t checksum(const FileFormat& format, std::string_view bytes) {
    return XXH64(bytes.data(), bytes.size(), format.version);
}

std::string cause() {
    return std::generic_category().message(errno);
}

// Closes what it holds.
class OwnedDescriptor {
public:
    explicit OwnedDescriptor(int descriptor) : descriptor_(descriptor) {}
    ~OwnedDescriptor() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    OwnedDescriptor(const OwnedDescriptor&) = delete;
    OwnedDescriptor& operator=(const OwnedDescriptor&) = delete;
    int get() const { return descriptor_; }

private:
    int descriptor_;
};

bool write_all(int descriptor, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

}  // namespace

std::uint64_t BinaryReader::number(std::size_t bytes) {
    std::uint64_t value = 0;
    const std::string_view taken = take(bytes);
    for (std::size_t i = 0; i < taken.size(); ++i) {
        value |= std::uint64_t{static_cast<unsigned char>(taken[i])} << (8 * i);
    }
    return value;
}

std::uint64_t BinaryReader::up_to(std::uint64_t most, std::size_t bytes) {
    const std::uint64_t value = number(bytes);
    if (value > most) is_good_ = false;
    return is_good_ ? value : 0;
}

std::int64_t BinaryReader::between(std::int64_t least, std::int64_t most) {
    const auto value = std::bit_cast<std::int64_t>(number());
    if (value < least || value > most) is_good_ = false;
    return is_good_ ? value : 0;
}

std::string_view BinaryReader::take(std::size_t bytes) {
    if (!is_good_ || rest_.size() < bytes) {
        is_good_ = false;
        return {};
    }
    const std::string_view taken = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return taken;
}

std::string framed(const FileFormat& format, std::string_view payload) {
    BinaryWriter header;
    header.number(format.version, 4);
    header.number(payload.size());
    header.number(checksum(format, payload));
    std::string out(format.magic);
    out += header.take();
    out += payload;
    return out;
}

std::expected<std::string_view, std::string> unframed(const FileFormat& format,
                                                      std::string_view bytes) {
    if (!bytes.starts_with(format.magic)) {
        return std::unexpected(fmt::format("must begin with \"{}\"", format.magic));
    }
    bytes.remove_prefix(format.magic.size());
    if (bytes.size() < header_bytes) return std::unexpected("must be whole, is cut in its header");
    BinaryReader header(bytes.substr(0, header_bytes));
    const std::uint64_t version = header.number(4);
    if (version != format.version) {
        return std::unexpected(
            fmt::format("must be of version {}, is of {}", format.version, version));
    }
    const std::uint64_t length = header.number();
    const std::uint64_t sum = header.number();
    const std::string_view payload = bytes.substr(header_bytes);
    if (payload.size() != length) {
        return std::unexpected(fmt::format("must be whole: {} bytes behind its header, has {}",
                                           length, payload.size()));
    }
    if (checksum(format, payload) != sum) {
        return std::unexpected("must match its checksum, is damaged");
    }
    return payload;
}

std::expected<void, std::string> write_whole(const std::filesystem::path& path,
                                             std::string_view bytes) {
    const std::string fresh = path.string() + ".new";
    const auto failed = [&](std::string_view what) {
        const std::string why = cause();
        ::unlink(fresh.c_str());
        return std::unexpected(fmt::format("{} {}: {}", what, printable(fresh), why));
    };
    {
        const OwnedDescriptor file(
            ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
        if (file.get() < 0) return failed("cannot open");
        if (!write_all(file.get(), bytes)) return failed("cannot write");
        if (::fsync(file.get()) != 0) return failed("cannot sync");
    }
    if (::rename(fresh.c_str(), path.c_str()) != 0) return failed("cannot rename");
    // So that the name, too, is on the disk. Some file systems cannot, and need not.
    const OwnedDescriptor directory(
        ::open(path.has_parent_path() ? path.parent_path().c_str() : ".",
               O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory.get() >= 0) ::fsync(directory.get());
    return {};
}

std::expected<void, std::string> read_or_set_aside(
    const std::filesystem::path& path, std::string_view what_begins_anew,
    const std::function<std::expected<void, std::string>(std::string_view)>& decode) {
    std::error_code error;
    if (!std::filesystem::exists(path, error)) return {};
    const auto file = read_file(path, file_bytes_max);
    std::string problem;
    if (!file) {
        problem = file.error();
    } else {
        const auto decoded = decode(file->text);
        if (decoded) return {};
        problem = decoded.error();
    }
    std::filesystem::path aside = path;
    aside += ".bad";
    std::filesystem::rename(path, aside, error);
    return std::unexpected(fmt::format(
        "{}: {}; {}, the file is {}", printable(path.string()), problem, what_begins_anew,
        error ? "left where it is" : "kept as " + printable(aside.string())));
}

}  // namespace pitot::agent::alerts
