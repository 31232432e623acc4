// Line protocol read strictly, as InfluxDB 1.6.7 reads it, and more strictly where other
// servers are: what it accepts, every server does, and all read the same points.
//
//     const ReadPoint point = read_point("m,t=a\\ b v=1 1");   // throws MalformedLine
//     CHECK(point.tags.at("t") == "a b");
//
// It knows nothing of the encoder. A '\' before one of the characters that must be escaped
// escapes it, any other stands for itself; a measurement has no '\' before those at all, since
// servers do not agree about it.
#pragma once

#include <cctype>
#include <charconv>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace pitot::tests {

class MalformedLine : public std::runtime_error {
public:
    MalformedLine(const std::string& what, std::string_view line)
        : std::runtime_error(what + " in: " + std::string(line.substr(0, 300))) {}
};

struct ReadPoint {
    std::string key;  // measurement and tags as they stand
    std::string measurement;
    std::map<std::string, std::string> tags;
    std::map<std::string, double> numbers;
    std::map<std::string, std::string> texts;
    std::int64_t stamp = 0;
};

class PointReader {
public:
    explicit PointReader(std::string_view line) : line_(line) {}

    ReadPoint read() {
        for (const char character : line_) {
            const auto byte = static_cast<unsigned char>(character);
            if (byte < 0x20 || byte == 0x7f) fail("a control byte");
        }
        ReadPoint point;
        if (at_end() || peek() == '#') fail("a comment, or nothing");
        point.measurement = token(", ", ",= \"");
        std::string last;
        while (take(',')) {
            const std::string key = token("=, ", "");
            if (!take('=')) fail("a tag without a value");
            const std::string value = token("=, ", "");
            if (key <= last) fail("tags out of order, or twice");
            if (key == "time" || key == "_field" || key == "_measurement" || key == "_time")
                fail("a reserved tag");
            last = key;
            point.tags.emplace(key, value);
        }
        point.key = line_.substr(0, at_);
        if (!take(' ')) fail("no fields");
        do {
            read_field(point);
        } while (take(','));
        if (!take(' ')) fail("no timestamp");
        read_stamp(point);
        if (point.key.size() > 65'535) fail("a key that is too long");
        return point;
    }

private:
    [[noreturn]] void fail(const std::string& what) const { throw MalformedLine(what, line_); }
    bool at_end() const { return at_ == line_.size(); }
    char peek() const { return line_[at_]; }
    bool take(char character) {
        if (at_end() || peek() != character) return false;
        ++at_;
        return true;
    }

    // Up to one of `ends` that is not escaped. A '\' before one of `taboo` is refused where the
    // character is not one that must be escaped, or the '\' not the one that escapes.
    std::string token(std::string_view ends, std::string_view taboo) {
        std::string out;
        while (!at_end() && ends.find(peek()) == std::string_view::npos) {
            const bool escapes = peek() == '\\' && at_ + 1 < line_.size() &&
                                 ends.find(line_[at_ + 1]) != std::string_view::npos;
            if (escapes) ++at_;
            out += line_[at_++];
            if (out.size() > 1 && out[out.size() - 2] == '\\' &&
                taboo.find(out.back()) != std::string_view::npos) {
                fail("a backslash that would be taken away");
            }
        }
        if (out.empty()) fail("an empty name");
        if (out.ends_with('\\')) fail("a backslash at the end");
        return out;
    }

    void read_field(ReadPoint& point) {
        const std::string name = token("=, ", "");
        if (!take('=')) fail("a field without a value");
        if (name == "time") fail("a reserved field");
        const bool is_new = !point.numbers.contains(name) && !point.texts.contains(name);
        if (!is_new) fail("a field twice");
        if (!at_end() && peek() == '"') {
            point.texts[name] = text();
        } else {
            point.numbers[name] = number();
        }
    }

    std::string text() {
        std::string out;
        ++at_;
        while (!at_end() && peek() != '"') {
            if (peek() == '\\') {
                ++at_;
                if (at_end() || (peek() != '"' && peek() != '\\')) fail("an escape in a text");
            }
            out += line_[at_++];
        }
        if (!take('"')) fail("a text without an end");
        return out;
    }

    // A float: -1.5e-3, without the letters that make it something else.
    double number() {
        std::size_t end = at_;
        while (end < line_.size() && line_[end] != ',' && line_[end] != ' ') ++end;
        const std::string_view digits = line_.substr(at_, end - at_);
        const bool begins =
            !digits.empty() &&
            (std::isdigit(digits.front()) != 0 ||
             (digits.size() > 1 && digits.front() == '-' && std::isdigit(digits[1]) != 0));
        double value = 0;
        const auto [after, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), value);
        if (!begins || error != std::errc{} || after != digits.data() + digits.size()) {
            fail("not a float");
        }
        at_ = end;
        return value;
    }

    void read_stamp(ReadPoint& point) {
        const char* const end = line_.data() + line_.size();
        const auto [after, error] = std::from_chars(line_.data() + at_, end, point.stamp);
        if (error != std::errc{} || after != end) fail("not a timestamp");
    }

    std::string_view line_;
    std::size_t at_ = 0;
};

inline ReadPoint read_point(std::string_view line) {
    return PointReader(line).read();
}

// Each line ends with a line feed.
inline std::vector<ReadPoint> read_points(std::string_view body) {
    std::vector<ReadPoint> points;
    while (!body.empty()) {
        const std::size_t end = body.find('\n');
        if (end == std::string_view::npos) throw MalformedLine("a line without an end", body);
        points.push_back(read_point(body.substr(0, end)));
        body.remove_prefix(end + 1);
    }
    return points;
}

}  // namespace pitot::tests
