// Writes JSON into a string: places the commas, escapes the texts, nothing more.
//
// Whoever uses it balances the brackets. Texts are UTF-8 already (the parser refuses other
// lines); control bytes are escaped, so that one value is always one line.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include "sinks/number_text.h"

namespace pitot::sinks {

class JsonWriter {
public:
    explicit JsonWriter(std::string& out) : out_(out) {}

    void begin_object() { open('{'); }
    void end_object() { close('}'); }
    void begin_array() { open('['); }
    void end_array() { close(']'); }

    // The text of an object or array that was begun by another writer and holds something:
    // what follows goes on in it.
    void begun(std::string_view text) {
        comma();
        out_ += text;
    }

    void key(std::string_view name) {
        comma();
        quote(name);
        out_ += ':';
        fresh_ = true;
    }

    void text(std::string_view value) {
        comma();
        quote(value);
    }
    // null for what JSON has no number for.
    void number(double value) {
        comma();
        if (std::isfinite(value)) {
            append_number(value, out_);
        } else {
            out_ += "null";
        }
    }
    template <std::integral Integer>
    void integer(Integer value) {
        comma();
        append_integer(value, out_);
    }
    void boolean(bool value) {
        comma();
        out_ += value ? "true" : "false";
    }
    // Nanoseconds as seconds, exactly: 1500000000 is 1.5.
    void seconds(std::int64_t nanoseconds) {
        comma();
        append_seconds(nanoseconds);
    }

    void field(std::string_view name, std::string_view value) {
        key(name);
        text(value);
    }
    void field(std::string_view name, double value) {
        key(name);
        number(value);
    }
    // Left out when empty, as what is absent on the wire is absent here.
    void optional_field(std::string_view name, std::string_view value) {
        if (!value.empty()) field(name, value);
    }

private:
    void open(char bracket) {
        comma();
        out_ += bracket;
        fresh_ = true;
    }
    void close(char bracket) {
        out_ += bracket;
        fresh_ = false;
    }
    void comma() {
        if (!fresh_) out_ += ',';
        fresh_ = false;
    }

    void quote(std::string_view text) {
        constexpr std::string_view digits = "0123456789abcdef";
        out_ += '"';
        for (const char character : text) {
            const auto byte = static_cast<unsigned char>(character);
            if (character == '"' || character == '\\') {
                out_ += '\\';
                out_ += character;
            } else if (character == '\n') {
                out_ += "\\n";
            } else if (byte < 0x20 || byte == 0x7f) {
                out_ += "\\u00";
                out_ += digits[byte >> 4U];
                out_ += digits[byte & 0xfU];
            } else {
                out_ += character;
            }
        }
        out_ += '"';
    }

    void append_seconds(std::int64_t nanoseconds) {
        constexpr std::int64_t second = 1'000'000'000;
        append_integer(nanoseconds / second, out_);
        const std::int64_t rest = nanoseconds % second;
        if (rest == 0) return;
        std::string fraction;
        append_integer(second + (rest < 0 ? -rest : rest), fraction);
        fraction.erase(fraction.find_last_not_of('0') + 1);
        fraction.front() = '.';
        out_ += fraction;
    }

    std::string& out_;
    bool fresh_ = true;  // nothing stands before the next value that a comma must follow
};

}  // namespace pitot::sinks
