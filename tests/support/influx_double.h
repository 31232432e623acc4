// InfluxDB, played: takes line protocol as the real one does, stores it, and misbehaves to order.
//
//     InfluxDouble influx({.token = "secret", .org = "o", .bucket = "b"});
//     options.set("url", influx.server().url());
//     influx.server().next(HttpDouble::Step{.cut_reply_at = 0});   // stores, then hangs up
//     …
//     CHECK(influx.points().at({"page.views,host=web-1", 1785542410000000000}) …);
//
// Points are known by key and time, as in the real one: what is sent twice is there once, and
// `overwritten()` counts points that came again with other fields. There is no Debian package
// of InfluxDB 2; of version 1 there is, and end_to_end/influxdb_test.py asks it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "tests/support/http_double.h"
#include "tests/support/line_protocol_reader.h"

namespace pitot::tests {

class InfluxDouble {
public:
    // How a refused line is answered.
    enum class Manner : std::uint8_t {
        v2_nothing,  // 400, and nothing of the request is stored
        v2_rest,     // 422, and the others are
        v1_rest,     // 400 "partial write … dropped=N", and the others are
    };
    struct Rules {
        std::string token = {};  // "": not asked for
        std::string org = {};    // of version 2; both "": version 1 is played
        std::string bucket = {};
        std::string database = {};  // of version 1; "": not there, until it is created
        std::string poison = {};    // lines with this in them are refused
        Manner manner = Manner::v2_rest;
        std::size_t body_bytes_max = 0;  // as sent; 0: any. More is answered 413
        bool wants_gzip = false;
    };
    using Identity = std::pair<std::string, std::int64_t>;  // key and timestamp

    explicit InfluxDouble(Rules rules);

    HttpDouble& server() { return server_; }
    std::map<Identity, ReadPoint> points() const;
    std::size_t overwritten() const;
    // What was sent that no client of ours should send; "" when nothing was.
    std::string complaints() const;

private:
    std::string answer(const HttpDouble::Received& request);
    std::string write(const HttpDouble::Received& request);
    std::string store(const std::string& body);
    void complain(const std::string& what) { complaints_ += what + "\n"; }

    mutable std::mutex mutex_;
    Rules rules_;
    std::map<Identity, ReadPoint> points_;
    std::size_t overwritten_ = 0;
    std::string complaints_;
    HttpDouble server_;  // its thread uses the others
};

}  // namespace pitot::tests
