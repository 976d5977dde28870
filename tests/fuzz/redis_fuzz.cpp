// Any bytes as Redis' protocol, in whatever pieces, and as an entry of a stream.
#include "core/ensure.hpp"
#include "core/io/redis.hpp"
#include "tests/fuzz/entries.hpp"
#include "triggers/sources/redis_entry.hpp"

using namespace rollbackd;

int rollbackd::fuzz::redis(std::uint8_t const* data, std::size_t size) {
    if (size == 0) return 0;
    std::size_t const piece = 1 + data[0] % 16;
    std::string_view bytes(reinterpret_cast<char const*>(data) + 1, size - 1);
    std::string const text(bytes);
    RedisParser parser;
    bool broken = false;
    while (!bytes.empty()) {
        parser.feed(bytes.substr(0, piece));
        bytes.remove_prefix(std::min(piece, bytes.size()));
        auto reply = parser.next();
        while (reply && *reply) reply = parser.next();
        ensure(!broken || !reply, "what is broken stays so");
        broken = !reply;
    }
    SignalPolicy signal;
    signal.by = "provider";
    Now const now{Instant(std::chrono::hours(1)), WallTime(std::chrono::hours(24 * 365 * 56))};
    auto const id = parse_stream_id(text).value_or(StreamId{1, 1});
    for (auto const* const name : {"ok", "success", "at"}) {
        StreamFields const fields{{name, text}, {"failure", "1"}, {"provider", text}};
        (void)read_stream_entry("1-1", id, fields, signal, "shop", now);
    }
    return 0;
}
