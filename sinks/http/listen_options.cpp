#include "sinks/http/listen_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

namespace pitot::sinks::http {

ListenOptions read_listen_options(Options& options, std::optional<std::string_view> fallback,
                                  std::string_view token_key) {
    ListenOptions read;
    const std::optional<std::string> text =
        fallback ? options.text("address", *fallback) : options.optional_text("address");
    read.is_empty = text && text->empty();
    if (text && !read.is_empty) {
        auto address = parse_listen_address(*text);
        if (address) {
            read.address = *std::move(address);
        } else {
            options.problem("address", address.error());
        }
    }
    read.token = options.secret(token_key);
    const bool is_plain = std::ranges::all_of(
        read.token.reveal(), [](char character) { return character > 0x20 && character < 0x7f; });
    if (!is_plain) {
        options.problem(token_key, "must have no blanks, control characters and line feeds");
    }
    if (!read.address || read.address->is_loopback() || !read.token.empty()) return read;
    if (!options.has(token_key)) {
        options.problem(
            "address",
            fmt::format("must be of this machine only, such as \"127.0.0.1:{}\", as long as there "
                        "is no {}, got \"{}\"; whoever reaches it would read every metric",
                        read.address->port, token_key, *text));
    } else if (!options.is_wrong(token_key)) {
        options.problem(token_key,
                        fmt::format("must not be empty, since other machines can reach {}", *text));
    }
    return read;
}

}  // namespace pitot::sinks::http
