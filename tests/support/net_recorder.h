// An Intake that keeps everything, and checks the order of the calls as it goes.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/net/intake.h"

namespace pitot::tests {

class NetRecorder final : public agent::Intake {
public:
    struct Piece {
        std::uint16_t listener = 0;
        std::string bytes;
        std::string peer;
        protocol::Reject refused = protocol::Reject::none;
    };

    std::vector<Piece> taken;
    std::vector<Piece> refused;
    std::size_t batches = 0;

    // All lines of a listener as they came, one LF after each.
    std::string lines(std::uint16_t listener = 0) const {
        std::string text;
        for (const Piece& piece : taken) {
            if (piece.listener != listener) continue;
            text += piece.bytes;
            if (!text.ends_with('\n')) text += '\n';
        }
        return text;
    }

    void begin_batch() override {
        CHECK_FALSE(in_batch_);
        in_batch_ = true;
        ++batches;
    }
    void take(std::uint16_t listener, std::string_view bytes, const agent::Peer& peer) override {
        CHECK(in_batch_);
        CHECK_FALSE(bytes.empty());
        taken.push_back({listener, std::string{bytes}, peer.to_string(), protocol::Reject::none});
    }
    void refuse(std::uint16_t listener, protocol::Reject reason, std::string_view beginning,
                const agent::Peer& peer) override {
        CHECK(in_batch_);
        refused.push_back({listener, std::string{beginning}, peer.to_string(), reason});
    }
    void end_batch() override {
        CHECK(in_batch_);
        in_batch_ = false;
    }

private:
    bool in_batch_ = false;
};

}  // namespace pitot::tests
