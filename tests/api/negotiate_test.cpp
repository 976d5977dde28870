#include "api/negotiate.hpp"

#include "tests/api/support/fake_host.hpp"
#include "tests/catch.hpp"

#include <zlib.h>

using namespace rollbackd;
using namespace rollbackd::api;
using namespace rollbackd::api::testing;

namespace {

std::string unzipped(std::string const& bytes) {
    std::string out(std::size_t{1} << 20U, '\0');
    z_stream stream{};
    REQUIRE(inflateInit2(&stream, 15 + 16) == Z_OK);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    CHECK(inflate(&stream, Z_FINISH) == Z_STREAM_END);
    out.resize(stream.total_out);
    inflateEnd(&stream);
    return out;
}

}  // namespace

TEST_CASE("gzip is taken where it is named, or everything is, and not with a weight of nothing") {
    for (auto const* const accepts :
         {"gzip", "GZIP", "br, gzip", "gzip;q=0.5", "br;q=1.0, gzip;q=0.001", "*", "*;q=0.1",
          "identity;q=0, gzip", "gzip ; q=1", "x-gzip", "*;q=0, gzip"}) {
        CAPTURE(accepts);
        CHECK(takes_gzip(accepts));
    }
    for (auto const* const accepts :
         {"", "br", "identity", "gzip;q=0", "gzip;q=0.000, br", "gzip; q=0", "*, gzip;q=0", "*;q=0",
          "gzipped", "notgzip", ";q=1", ","}) {
        CAPTURE(accepts);
        CHECK(!takes_gzip(accepts));
    }
}

TEST_CASE("a tag is known by the whole of it, weak or strong, alone or in a list") {
    for (auto const* const known : {"\"abc\"", "W/\"abc\"", "\"x\", \"abc\"", "*", " \"abc\" "}) {
        CAPTURE(known);
        CHECK(names_tag(known, "abc"));
    }
    for (auto const* const other : {"", "abc", "\"ab\"", "\"abcd\"", "\"abc", "W/abc", "\"\""}) {
        CAPTURE(other);
        CHECK(!names_tag(other, "abc"));
    }
}

TEST_CASE("what was packed comes out as it went in") {
    std::string text;
    for (int i = 0; i < 5000; ++i) text += "{\"n\":" + std::to_string(i) + "}";
    auto const packed = gzip(text);
    CHECK(packed.size() < text.size() / 3);
    CHECK(unzipped(packed) == text);
    CHECK(unzipped(gzip("")).empty());
}

TEST_CASE("whoever has an answer already is told so, until it is another one") {
    Desk desk;
    auto const first = desk.get("/v1/services");
    auto const tag = first.headers.at("ETag");
    auto const again = desk.ask("GET", "/v1/services", {}, "read", {{"if-none-match", tag}});
    CHECK(again.status == 304);
    CHECK(again.body.empty());
    CHECK(again.type.empty());
    CHECK(again.headers.at("ETag") == tag);
    desk.post("/v1/pause", R"({"service":"shop"})");
    auto const changed = desk.ask("GET", "/v1/services", {}, "read", {{"if-none-match", tag}});
    CHECK(changed.status == 200);
    CHECK(changed.headers.at("ETag") != tag);
}

TEST_CASE("large answers are packed for whom it may be, with a tag of their own") {
    Desk desk;
    std::map<std::string, std::string> const packed{{"accept-encoding", "gzip"}};
    auto const plain = desk.get("/v1/openapi.json", "");
    auto const zipped = desk.ask("GET", "/v1/openapi.json", {}, "", packed);
    CHECK(zipped.headers.at("Content-Encoding") == "gzip");
    CHECK(zipped.headers.at("Vary") == "Accept-Encoding");
    CHECK(plain.headers.at("Vary") == "Accept-Encoding");
    CHECK(!plain.headers.contains("Content-Encoding"));
    CHECK(zipped.headers.at("ETag") != plain.headers.at("ETag"));
    CHECK(unzipped(zipped.body) == plain.body);
    auto const small = desk.ask("GET", "/healthz", {}, "", packed);
    CHECK(!small.headers.contains("Content-Encoding"));
}

TEST_CASE("what says the time, what was refused and what changes something has no tag") {
    Desk desk;
    for (auto const* const path :
         {"/v1/status", "/metrics", "/v1/services/shop/signals/health", "/v1/nope",
          "/v1/services/nope"}) {
        CAPTURE(path);
        CHECK(!desk.get(path).headers.contains("ETag"));
    }
    CHECK(!desk.post("/v1/pause").headers.contains("ETag"));
    CHECK(!desk.get("/v1/events").headers.contains("ETag"));
}
