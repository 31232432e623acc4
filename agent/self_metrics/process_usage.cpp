#include "agent/self_metrics/process_usage.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <string_view>

#include "agent/net/file_descriptor.h"

namespace pitot::agent {
namespace {

std::int64_t nanoseconds(const timeval& time) {
    return std::int64_t{time.tv_sec} * 1'000'000'000 + std::int64_t{time.tv_usec} * 1'000;
}

// proc(5): the second number of statm is the resident pages.
std::uint64_t resident_bytes() {
    const FileDescriptor file(open("/proc/self/statm", O_RDONLY | O_CLOEXEC));
    std::array<char, 128> text{};
    const ssize_t size = file.is_open() ? read(file.get(), text.data(), text.size()) : -1;
    if (size <= 0) return 0;
    const std::string_view statm(text.data(), static_cast<std::size_t>(size));
    const std::size_t blank = statm.find(' ');
    if (blank == std::string_view::npos) return 0;
    std::uint64_t pages = 0;
    std::from_chars(statm.data() + blank + 1, statm.data() + statm.size(), pages);
    return pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

ProcessUsage read_process_usage() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    return {.cpu_ns = nanoseconds(used.ru_utime) + nanoseconds(used.ru_stime),
            .resident_bytes = resident_bytes()};
}

}  // namespace pitot::agent
