#include "agent/net/datagram_reader.h"

#include <cerrno>
#include <utility>

#include "agent/net/socket_options.h"

namespace pitot::agent {

namespace {

// The event loop keeps some bytes for each descriptor that it could not take.
constexpr std::chrono::nanoseconds pause_before_watching_again = std::chrono::minutes(1);

}  // namespace

DatagramReader::DatagramReader(boost::asio::io_context& io, OpenSocket socket, ReceiveRing& ring,
                               Intake& intake, ListenerCounters& counters, const Clock& clock)
    : descriptor_(io),
      unwatched_(std::move(socket.descriptor)),
      pause_(io),
      clock_(clock),
      pace_(socket.read_pause, socket.buffer_bytes),
      socket_(std::move(socket)),
      transport_(transport_name(socket_.type)),
      ring_(ring),
      intake_(intake),
      counters_(counters),
      drops_(socket_.kernel_drops_before) {}

bool DatagramReader::watch() {
    if (descriptor_.is_open()) return true;
    const std::int64_t now_ns = clock_.steady_ns();
    if (now_ns < watch_again_ns_) return false;
    boost::system::error_code error;
    if (descriptor_.assign(unwatched_.get(), error)) {  // the user's limit of watched descriptors
        ++counters_.receive_errors;
        counters_.last_error = error.value();
        watch_again_ns_ = now_ns + pause_before_watching_again.count();
        return false;
    }
    static_cast<void>(unwatched_.release());
    return true;
}

void DatagramReader::wait() {
    if (!watch()) {
        // Nobody wakes us, so we look by the clock until the event loop takes it.
        look_after(pause_after_error);
        return;
    }
    descriptor_.async_wait(Descriptor::wait_read, [this](const boost::system::error_code& error) {
        if (!error && is_open()) read();
    });
}

void DatagramReader::look_after(std::chrono::nanoseconds time) {
    pause_.expires_after(time);
    pause_.async_wait([this](const boost::system::error_code& error) {
        if (!error && is_open()) read();
    });
}

void DatagramReader::read() {
    look_datagrams_ = look_bytes_ = 0;
    bool is_empty = false;
    for (int i = 0; i < reads_per_wake_up_max && !is_empty; ++i) {
        is_empty = read_once() < datagrams_per_read_max;
    }
    go_on(is_empty);
}

void DatagramReader::go_on(bool is_empty) {
    if (failed_) {
        look_after(pause_after_error);
    } else if (!is_empty) {
        // Others of this thread go first.
        look_after(std::chrono::nanoseconds(0));
    } else if (pace_.pause().count() == 0 ||
               pace_.after(look_datagrams_, look_bytes_, clock_.steady_ns()) ==
                   ReadPace::Next::wait) {
        wait();
    } else {
        if (descriptor_.is_open()) unwatched_ = FileDescriptor{descriptor_.release()};
        look_after(pace_.pause());
    }
}

std::size_t DatagramReader::read_once() {
    const auto beside = socket_.type == ListenerType::udp ? ReceiveRing::Beside::kernel_drops
                                                          : ReceiveRing::Beside::nothing;
    const int received = ring_.receive(fd(), beside);
    failed_ = false;
    if (received < 0) {
        // ECONNREFUSED is an answer to something we never sent: somebody else's news.
        const int error = -received;
        if (error == EAGAIN || error == EINTR || error == ECONNREFUSED) return 0;
        ++counters_.receive_errors;
        counters_.last_error = error;
        failed_ = true;
        return 0;
    }
    const auto count = static_cast<std::size_t>(received);
    if (count == 0) return 0;
    ++counters_.reads;
    counters_.datagrams += count;
    look_datagrams_ += count;
    intake_.begin_batch();
    for (std::size_t i = 0; i < count; ++i) deliver(ring_.at(i));
    intake_.end_batch();
    return count;
}

void DatagramReader::deliver(const ReceivedDatagram& datagram) {
    counters_.bytes += datagram.bytes.size();
    look_bytes_ += datagram.bytes.size();
    if (datagram.kernel_drops) {
        counters_.kernel_drops += drops_.observe(*datagram.kernel_drops);
    }
    const Peer peer(transport_, datagram.sender, datagram.sender_bytes);
    if (!datagram.truncated) {
        if (!datagram.bytes.empty()) intake_.take(socket_.listener, datagram.bytes, peer);
        return;
    }
    ++counters_.truncated_datagrams;
    ++counters_.lines_refused;
    // npos + 1 is 0: without a line feed, all of it is the incomplete line.
    const std::size_t complete = datagram.bytes.rfind('\n') + 1;
    if (complete > 0) intake_.take(socket_.listener, datagram.bytes.substr(0, complete), peer);
    intake_.refuse(socket_.listener, protocol::Reject::truncated, datagram.bytes.substr(complete),
                   peer);
}

void DatagramReader::count_kernel_drops() noexcept {
    if (is_open()) count_kernel_drops(fd());
}

void DatagramReader::count_kernel_drops(int fd) noexcept {
    if (socket_.type != ListenerType::udp) return;
    const std::optional<std::uint32_t> reading = read_kernel_drops(fd);
    if (reading) counters_.kernel_drops += drops_.observe(*reading);
}

void DatagramReader::drain() {
    if (!is_open()) return;
    const int fd = this->fd();
    if (!socket_.inherited) {
        // New clients see a missing file, rather than one that leads nowhere.
        socket_.file.remove();
        if (socket_.type == ListenerType::udp) {
            stop_internet_input(fd);
        } else {
            stop_unix_input(fd);
        }
    }
    for (int i = 0; i < reads_per_drain_max; ++i) {
        if (read_once() == 0) break;
    }
    pause_.cancel();
    // The event loop lets go first, so that nothing but close() comes after the last count:
    // what arrives until then was turned away, and is in it.
    const FileDescriptor closing{descriptor_.is_open() ? descriptor_.release()
                                                       : unwatched_.release()};
    count_kernel_drops(closing.get());
}

}  // namespace pitot::agent
