// KeyArena: records keep what they hold, free neighbours join, and empty chunks go back.
#include "agent/aggregate/key_arena.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace pitot::agent {
namespace {

constexpr std::size_t chunk_bytes = 256 * std::size_t{1024};

char* bytes_of(KeyArena& arena, KeyArena::Handle handle) {
    return reinterpret_cast<char*>(&arena[handle] + 1);
}

TEST_CASE("whatever comes and goes, records keep their bytes, and all memory goes back") {
    std::mt19937 random(17);
    KeyArena arena;
    struct Held {
        KeyArena::Handle handle;
        std::string text;
    };
    std::vector<Held> held;
    std::size_t live_bytes = 0;
    for (int step = 0; step < 100'000; ++step) {
        // Grows, then shrinks, then grows.
        const bool grows = step / 20'000 % 2 == 0;
        if (held.empty() || random() % 10 < (grows ? 7U : 3U)) {
            const std::size_t size = random() % 4 == 0 ? random() % 4'097 : random() % 60;
            std::string text(size, static_cast<char>('a' + random() % 26));
            const std::size_t name = size == 0 ? 0 : random() % (size + 1);
            const KeyArena::Handle handle = arena.allocate(name, size - name);
            REQUIRE(handle > 1);
            REQUIRE(arena[handle].name_bytes == name);
            REQUIRE(arena[handle].tags_bytes == size - name);
            std::ranges::copy(text, bytes_of(arena, handle));
            live_bytes += size;
            held.push_back({.handle = handle, .text = std::move(text)});
        } else {
            std::swap(held[random() % held.size()], held.back());
            const auto& [handle, text] = held.back();
            REQUIRE(std::string_view(bytes_of(arena, handle), text.size()) == text);
            arena.release(handle);
            live_bytes -= text.size();
            held.pop_back();
        }
        REQUIRE(arena.bytes() >= live_bytes);
    }
    for (const auto& [handle, text] : held) {
        REQUIRE(std::string_view(bytes_of(arena, handle), text.size()) == text);
        arena.release(handle);
    }
    CHECK(arena.bytes() == 0);
}

TEST_CASE("short records leave their memory to long ones, and the other way round") {
    KeyArena arena;
    std::vector<KeyArena::Handle> handles;
    const std::size_t keeper = arena.allocate(10, 0);  // so that no chunk becomes empty
    const auto fill = [&](std::size_t key_bytes) {
        while (arena.bytes() == chunk_bytes) handles.push_back(arena.allocate(key_bytes, 0));
        const std::size_t count = handles.size();
        for (const KeyArena::Handle handle : handles) arena.release(handle);
        handles.clear();
        CHECK(arena.bytes() == chunk_bytes);  // the second chunk went back
        return count;
    };
    const std::size_t long_ones = fill(4'000);
    const std::size_t short_ones = fill(16);
    CHECK(long_ones >= 64);
    CHECK(short_ones >= 8'000);
    CHECK(fill(4'000) == long_ones);
    arena.release(static_cast<KeyArena::Handle>(keeper));
    CHECK(arena.bytes() == 0);
}

}  // namespace
}  // namespace pitot::agent
