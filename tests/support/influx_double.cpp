#include "tests/support/influx_double.h"

#include <zlib.h>

#include <array>
#include <optional>
#include <string_view>
#include <vector>

namespace pitot::tests {
namespace {

std::optional<std::string> gunzip(std::string compressed) {
    z_stream stream{};
    if (inflateInit2(&stream, 15 + 16) != Z_OK) return {};
    stream.next_in = reinterpret_cast<Bytef*>(compressed.data());
    stream.avail_in = static_cast<uInt>(compressed.size());
    std::string out;
    std::array<char, 65536> piece{};
    int result = Z_OK;
    while (result == Z_OK) {
        stream.next_out = reinterpret_cast<Bytef*>(piece.data());
        stream.avail_out = static_cast<uInt>(piece.size());
        result = inflate(&stream, Z_NO_FLUSH);
        out.append(piece.data(), piece.size() - stream.avail_out);
    }
    const bool is_whole = result == Z_STREAM_END && stream.avail_in == 0;
    inflateEnd(&stream);
    if (!is_whole) return {};
    return out;
}

std::string header(const HttpDouble::Received& request, const std::string& name) {
    const auto found = request.headers.find(name);
    return found == request.headers.end() ? "" : found->second;
}

}  // namespace

InfluxDouble::InfluxDouble(Rules rules) : rules_(std::move(rules)) {
    server_.answer_with([this](const HttpDouble::Received& request) { return answer(request); });
}

std::map<InfluxDouble::Identity, ReadPoint> InfluxDouble::points() const {
    const std::lock_guard lock(mutex_);
    return points_;
}

std::size_t InfluxDouble::overwritten() const {
    const std::lock_guard lock(mutex_);
    return overwritten_;
}

std::string InfluxDouble::complaints() const {
    const std::lock_guard lock(mutex_);
    return complaints_ + server_.complaints();
}

std::string InfluxDouble::answer(const HttpDouble::Received& request) {
    const std::lock_guard lock(mutex_);
    if (request.method != "POST") return reply(405);
    if (!rules_.token.empty() && header(request, "authorization") != "Token " + rules_.token) {
        return reply(401, R"({"code":"unauthorized","message":"unauthorized access"})");
    }
    const std::string path = request.target.substr(0, request.target.find('?'));
    if (path == "/query" && rules_.bucket.empty()) {
        rules_.database = "metrics";
        return reply(200, R"({"results":[{"statement_id":0}]})");
    }
    if (path != (rules_.bucket.empty() ? "/write" : "/api/v2/write")) {
        return reply(404, "404 page not found\n");
    }
    return write(request);
}

std::string InfluxDouble::write(const HttpDouble::Received& request) {
    const auto has = [&](const std::string& parameter) {
        const std::string all = "&" + request.target.substr(request.target.find('?') + 1) + "&";
        return all.find("&" + parameter + "&") != std::string::npos;
    };
    if (rules_.bucket.empty() && (rules_.database.empty() || !has("db=" + rules_.database))) {
        return reply(404, R"({"error":"database not found: \"metrics\""})");
    }
    if (!rules_.bucket.empty() && (!has("bucket=" + rules_.bucket) || !has("org=" + rules_.org))) {
        return reply(404, R"({"code":"not found","message":"bucket not found"})");
    }
    if (!has("precision=ns")) complain("no precision: " + request.target);
    if (rules_.body_bytes_max != 0 && request.body.size() > rules_.body_bytes_max) {
        return reply(413, R"({"code":"request too large","message":"too large"})");
    }
    const bool is_gzip = header(request, "content-encoding") == "gzip";
    if (rules_.wants_gzip && !is_gzip) complain("not compressed");
    if (!is_gzip) return store(request.body);
    const std::optional<std::string> body = gunzip(request.body);
    if (!body) return reply(400, R"({"error":"unexpected EOF"})");
    return store(*body);
}

std::string InfluxDouble::store(const std::string& body) {
    std::vector<ReadPoint> good;
    std::size_t refused = 0;
    try {
        for (ReadPoint& point : read_points(body)) {
            const bool is_poison =
                !rules_.poison.empty() && point.key.find(rules_.poison) != std::string::npos;
            if (is_poison) {
                ++refused;
            } else {
                good.push_back(std::move(point));
            }
        }
    } catch (const MalformedLine& malformed) {
        complain(malformed.what());
        return reply(400, R"({"code":"invalid","message":"unable to parse"})");
    }
    if (refused > 0 && rules_.manner == Manner::v2_nothing) {
        return reply(400, R"({"code":"invalid","message":"unable to parse 'a line'"})");
    }
    for (ReadPoint& point : good) {
        const auto [stored, is_new] = points_.try_emplace(Identity(point.key, point.stamp), point);
        if (is_new) continue;
        if (stored->second.numbers != point.numbers) ++overwritten_;
        stored->second = std::move(point);
    }
    if (refused == 0) return reply(204);
    if (rules_.manner == Manner::v2_rest) {
        return reply(422, R"({"code":"unprocessable entity","message":"failure writing points"})");
    }
    return reply(400, R"({"error":"partial write: field type conflict: input field \"value\" )"
                      R"(on measurement \"m\" is type float, already exists as type integer )"
                      "dropped=" +
                          std::to_string(refused) + "\"}\n");
}

}  // namespace pitot::tests
