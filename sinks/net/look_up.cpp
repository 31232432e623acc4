#include "sinks/net/look_up.h"

#include <netdb.h>
#include <pthread.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/ip/address.hpp>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "sinks/scheduler.h"

namespace pitot::sinks::net {
namespace {

bool is_address(const std::string& host) {
    boost::system::error_code error;
    boost::asio::ip::make_address(host, error);
    return !error;
}

std::string reason_of(int error) {
    return error == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(error);
}

}  // namespace

// `owner` is null once nobody is interested any more. Guarded by the mutex, which the thread
// holds while it posts: until then the owner, and with it the scheduler, is there.
struct HostLookUp::UnderWay {
    std::mutex mutex;
    HostLookUp* owner = nullptr;
};

Addresses look_up_by_system(const std::string& host) {
    addrinfo wish{};
    wish.ai_socktype = SOCK_STREAM;  // each address once
    addrinfo* found = nullptr;
    if (const int error = ::getaddrinfo(host.c_str(), nullptr, &wish, &found); error != 0) {
        return std::unexpected(reason_of(error));
    }
    std::vector<std::string> addresses;
    for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
        std::array<char, NI_MAXHOST> text{};
        if (::getnameinfo(entry->ai_addr, entry->ai_addrlen, text.data(), text.size(), nullptr, 0,
                          NI_NUMERICHOST) == 0) {
            addresses.emplace_back(text.data());
        }
    }
    ::freeaddrinfo(found);
    if (addresses.empty()) return std::unexpected("it has none");
    return addresses;
}

HostLookUp::HostLookUp(std::string host, LookUp look_up, Scheduler& time)
    : host_(std::move(host)), look_up_(std::move(look_up)), time_(time) {}

HostLookUp::~HostLookUp() {
    cancel();
    if (!under_way_) return;
    const std::lock_guard lock(under_way_->mutex);
    under_way_->owner = nullptr;
}

void HostLookUp::find(Done done) {
    assert(!done_);
    if (is_address(host_)) {
        post(std::move(done), std::vector{host_});
        return;
    }
    done_ = std::move(done);
    if (!under_way_) begin();
}

void HostLookUp::cancel() {
    if (done_) post(std::exchange(done_, nullptr), std::unexpected("it is no longer wanted"));
}

void HostLookUp::begin() {
    under_way_ = std::make_shared<UnderWay>();
    under_way_->owner = this;
    const auto work = [shared = under_way_, look_up = look_up_, host = host_] {
        Addresses found = look_up(host);
        const std::lock_guard lock(shared->mutex);
        if (shared->owner == nullptr) return;
        shared->owner->time_.post([shared, found = std::move(found)] {
            // Nobody but the io thread changes it.
            if (shared->owner != nullptr) shared->owner->arrived(found);
        });
    };
    try {
        std::thread thread(work);
        static_cast<void>(::pthread_setname_np(thread.native_handle(), "pitot-look-up"));
        // lint: allow(detach) it may hang for as long as it likes, and owns all that it touches
        thread.detach();
    } catch (const std::system_error& error) {
        under_way_.reset();
        post(std::exchange(done_, nullptr),
             std::unexpected(std::string("no thread for it: ") + error.what()));
    }
}

void HostLookUp::arrived(const Addresses& found) {
    under_way_.reset();
    if (!done_) return;
    const Done done = std::exchange(done_, nullptr);
    if (!found) {
        done(found);
        return;
    }
    std::vector<std::string> first(
        found->begin(),
        found->begin() + static_cast<std::ptrdiff_t>(std::min(found->size(), addresses_tried_max)));
    done(std::move(first));
}

void HostLookUp::post(Done done, Addresses found) {
    time_.post([done = std::move(done), found = std::move(found)] { done(found); });
}

}  // namespace pitot::sinks::net
