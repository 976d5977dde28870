#include "api/dashboard/page.hpp"
#include "tests/api/support/fake_host.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;
using namespace rollbackd::api;
using namespace rollbackd::api::testing;

namespace {

std::string path_of(Asset const& asset) {
    return asset.name == "index.html" ? "/" : "/" + std::string(asset.name);
}

}  // namespace

TEST_CASE("the dashboard may load nothing from elsewhere, and no text becomes markup") {
    Desk desk;
    for (auto const& asset : dashboard_assets()) {
        CAPTURE(asset.name);
        auto const answer = desk.get(path_of(asset), "");
        CHECK(answer.status == 200);
        auto const& policy = answer.headers.at("Content-Security-Policy");
        CHECK(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"));
        CHECK(policy.find("unsafe") == std::string::npos);
        CHECK(policy.find("require-trusted-types-for 'script'") != std::string::npos);
        CHECK(answer.headers.at("X-Frame-Options") == "DENY");
        CHECK(answer.headers.at("Referrer-Policy") == "no-referrer");
    }
}

TEST_CASE("the page is asked for anew each time, what it names by content never again") {
    Desk desk;
    for (auto const& asset : dashboard_assets()) {
        CAPTURE(asset.name);
        auto const answer = desk.get(path_of(asset), "");
        auto const& cache = answer.headers.at("Cache-Control");
        CHECK((cache == "no-cache") == (asset.name == "index.html"));
        auto const tag = answer.headers.at("ETag");
        auto const again = desk.ask("GET", path_of(asset), {}, "", {{"if-none-match", tag}});
        CHECK(again.status == 304);
        CHECK(again.body.empty());
        CHECK(again.headers.at("ETag") == tag);
    }
}

TEST_CASE("the dashboard is sent gzipped to whom it may be, with a tag of its own") {
    Desk desk;
    auto const plain = desk.get("/", "");
    CHECK(!plain.headers.contains("Content-Encoding"));
    for (auto const* const accepts : {"gzip, deflate, br", "br;q=1.0, gzip;q=0.5"}) {
        auto const zipped = desk.ask("GET", "/", {}, "", {{"accept-encoding", accepts}});
        CHECK(zipped.headers.at("Content-Encoding") == "gzip");
        CHECK(zipped.body.starts_with("\x1f\x8b"));
        CHECK(zipped.headers.at("ETag") != plain.headers.at("ETag"));
        CHECK(zipped.headers.at("Vary") == "Accept-Encoding");
    }
    auto const refused = desk.ask("GET", "/", {}, "", {{"accept-encoding", "gzip;q=0, br"}});
    CHECK(!refused.headers.contains("Content-Encoding"));
}

TEST_CASE("what is no part of the dashboard is not found") {
    Desk desk;
    for (auto const* const path :
         {"/assets/nope.js", "/assets/index.html", "/assets/..%2findex.html", "/dashboard.js"}) {
        CAPTURE(path);
        CHECK(desk.get(path).status == 404);
    }
}

TEST_CASE("the whole dashboard is smaller than 150 kB on its way") {
    std::size_t total = 0;
    for (auto const& asset : dashboard_assets()) total += asset.gzip.size();
    CHECK(total < 150'000);
}
