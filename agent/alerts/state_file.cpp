#include "agent/alerts/state_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <bit>
#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

#include "agent/config/text_file.h"
#include "agent/printable.h"

namespace pitot::agent::alerts {

namespace {

// pitot-alerts <version> <length> <checksum>, and the payload.
constexpr std::string_view magic = "pitot-alerts";
constexpr std::uint32_t version = 1;
constexpr std::size_t header_bytes = magic.size() + 4 + 8 + 8;

// Bounds of what is read, so that a damaged length allocates nothing. They are wider than
// what is ever written.
constexpr std::size_t text_bytes_max = 64 * 1024;
constexpr std::size_t labels_per_instance_max = 1'024;
constexpr std::size_t changes_max = 1'024;
constexpr std::size_t file_bytes_max = std::size_t{1} << 30;

std::uint64_t checksum(std::string_view bytes) {
    return XXH64(bytes.data(), bytes.size(), version);
}

// Integers are little endian, whatever the machine is.
class Writer {
public:
    void number(std::uint64_t value, std::size_t bytes = 8) {
        for (std::size_t i = 0; i < bytes; ++i) {
            out_ += static_cast<char>(value >> (8 * i) & 0xFF);
        }
    }
    void time(std::int64_t value) { number(std::bit_cast<std::uint64_t>(value)); }
    void real(double value) { number(std::bit_cast<std::uint64_t>(value)); }
    void text(std::string_view text) {
        number(text.size(), 4);
        out_ += text;
    }
    std::string take() { return std::move(out_); }

private:
    std::string out_;
};

class Reader {
public:
    explicit Reader(std::string_view bytes) : rest_(bytes) {}

    bool is_good() const { return is_good_; }
    bool is_at_end() const { return rest_.empty(); }

    std::uint64_t number(std::size_t bytes = 8) {
        std::uint64_t value = 0;
        const std::string_view taken = take(bytes);
        for (std::size_t i = 0; i < taken.size(); ++i) {
            value |= std::uint64_t{static_cast<unsigned char>(taken[i])} << (8 * i);
        }
        return value;
    }
    // A number up to `most`; anything else is damage.
    std::uint64_t up_to(std::uint64_t most, std::size_t bytes) {
        const std::uint64_t value = number(bytes);
        if (value > most) is_good_ = false;
        return is_good_ ? value : 0;
    }
    std::int64_t time() { return std::bit_cast<std::int64_t>(number()); }
    double real() { return std::bit_cast<double>(number()); }
    std::string text() { return std::string(take(up_to(text_bytes_max, 4))); }

private:
    std::string_view take(std::size_t bytes) {
        if (!is_good_ || rest_.size() < bytes) {
            is_good_ = false;
            return {};
        }
        const std::string_view taken = rest_.substr(0, bytes);
        rest_.remove_prefix(bytes);
        return taken;
    }

    std::string_view rest_;
    bool is_good_ = true;
};

void write_instance(Writer& out, const SavedInstance& instance) {
    out.text(instance.rule);
    out.number(instance.labels.size(), 4);
    for (const Label& label : instance.labels) {
        out.text(label.name);
        out.text(label.value);
    }
    const InstanceState& state = instance.state;
    out.number(static_cast<std::uint64_t>(state.phase), 1);
    out.number(static_cast<std::uint64_t>(state.reason), 1);
    out.number(state.level, 1);
    out.number(state.told_level, 1);
    out.number(state.is_flapping ? 1 : 0, 1);
    // Of a stale one it matters only that it is: nobody knows what was in between.
    out.number(state.stale_since_ns != 0 ? 1 : 0, 1);
    out.time(state.phase_since_ns);
    out.time(state.started_wall_ns);
    out.time(state.started_ns);
    out.time(state.kept_ns);
    out.real(state.value);
    out.real(state.peak);
    for (const std::int64_t held : state.held_ns) out.time(held);
    for (const std::uint64_t bits : state.evaluations) out.number(bits);
    out.number(state.changes.size(), 4);
    for (const std::int64_t change : state.changes) out.time(change);
}

SavedInstance read_instance(Reader& in) {
    SavedInstance instance;
    instance.rule = in.text();
    const std::uint64_t labels = in.up_to(labels_per_instance_max, 4);
    for (std::uint64_t i = 0; i < labels && in.is_good(); ++i) {
        std::string name = in.text();
        instance.labels.push_back({std::move(name), in.text()});
    }
    InstanceState& state = instance.state;
    state.phase = static_cast<Phase>(in.up_to(3, 1));
    state.reason = static_cast<Reason>(in.up_to(3, 1));
    state.level = static_cast<std::uint8_t>(in.up_to(levels_max, 1));
    state.told_level = static_cast<std::uint8_t>(in.up_to(levels_max, 1));
    state.is_flapping = in.up_to(1, 1) != 0;
    state.stale_since_ns = static_cast<std::int64_t>(in.up_to(1, 1));
    state.phase_since_ns = in.time();
    state.started_wall_ns = in.time();
    state.started_ns = in.time();
    state.kept_ns = in.time();
    state.value = in.real();
    state.peak = in.real();
    for (std::int64_t& held : state.held_ns) held = in.time();
    for (std::uint64_t& bits : state.evaluations) bits = in.number();
    const std::uint64_t changes = in.up_to(changes_max, 4);
    for (std::uint64_t i = 0; i < changes && in.is_good(); ++i) state.changes.push_back(in.time());
    return instance;
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

std::string encode(const SavedState& state) {
    Writer payload;
    payload.time(state.saved_wall_ns);
    payload.number(state.instances.size(), 4);
    for (const SavedInstance& instance : state.instances) write_instance(payload, instance);
    const std::string bytes = payload.take();
    Writer header;
    header.number(version, 4);
    header.number(bytes.size());
    header.number(checksum(bytes));
    return std::string(magic) + header.take() + bytes;
}

std::expected<SavedState, std::string> decode(std::string_view bytes) {
    if (!bytes.starts_with(magic)) return std::unexpected("must begin with \"pitot-alerts\"");
    if (bytes.size() < header_bytes) return std::unexpected("must be whole, is cut in its header");
    Reader header(bytes.substr(magic.size(), header_bytes - magic.size()));
    const std::uint64_t its_version = header.number(4);
    if (its_version != version) {
        return std::unexpected(
            fmt::format("must be of version {}, is of {}", version, its_version));
    }
    const std::uint64_t length = header.number();
    const std::uint64_t sum = header.number();
    const std::string_view payload = bytes.substr(header_bytes);
    if (payload.size() != length) {
        return std::unexpected(fmt::format("must be whole: {} bytes behind its header, has {}",
                                           length, payload.size()));
    }
    if (checksum(payload) != sum) return std::unexpected("must match its checksum, is damaged");

    Reader in(payload);
    SavedState state;
    state.saved_wall_ns = in.time();
    const std::uint64_t instances = in.number(4);
    for (std::uint64_t i = 0; i < instances && in.is_good(); ++i) {
        state.instances.push_back(read_instance(in));
    }
    if (!in.is_good() || !in.is_at_end()) {
        return std::unexpected("must hold what its header says, is damaged");
    }
    return state;
}

std::expected<void, std::string> write_state(const std::filesystem::path& path,
                                             const SavedState& state) {
    const std::string fresh = path.string() + ".new";
    const auto failed = [&](std::string_view what) {
        const std::string why = cause();
        ::unlink(fresh.c_str());
        return std::unexpected(fmt::format("the state of alerts is not saved: {} {}: {}", what,
                                           printable(fresh), why));
    };
    {
        const OwnedDescriptor file(
            ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
        if (file.get() < 0) return failed("cannot open");
        if (!write_all(file.get(), encode(state))) return failed("cannot write");
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

ReadState read_state(const std::filesystem::path& path) {
    std::error_code error;
    if (!std::filesystem::exists(path, error)) return {};
    auto file = read_file(path, file_bytes_max);
    std::string problem;
    if (!file) {
        problem = std::move(file.error());
    } else {
        auto state = decode(file->text);
        if (state) return {std::move(*state), {}};
        problem = std::move(state.error());
    }
    std::filesystem::path aside = path;
    aside += ".bad";
    std::filesystem::rename(path, aside, error);
    return {
        std::nullopt,
        fmt::format("{}: {}; alerts begin anew, the file is {}", printable(path.string()), problem,
                    error ? "left where it is" : "kept as " + printable(aside.string()))};
}

}  // namespace pitot::agent::alerts
