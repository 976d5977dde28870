// Serves the dashboard with a policy that lets the page load and reach nothing but this daemon.
#include "api/dashboard/page.hpp"
#include "api/handlers.hpp"
#include "api/problem.hpp"

namespace rollbackd::api {

namespace {

constexpr std::string_view content_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for "
    "'script'; trusted-types 'none'";

Asset const* find_asset(std::string_view name) {
    for (auto const& asset : dashboard_assets()) {
        if (asset.name == name) return &asset;
    }
    return nullptr;
}

Response send(Asset const& asset, std::string_view cache) {
    auto response = answer_text(std::string(asset.plain), std::string(asset.type));
    response.tag = asset.tag;
    response.zipped = asset.gzip;
    response.headers.emplace_back("Cache-Control", cache);
    response.headers.emplace_back("Content-Security-Policy", content_policy);
    response.headers.emplace_back("Cross-Origin-Opener-Policy", "same-origin");
    response.headers.emplace_back("Cross-Origin-Resource-Policy", "same-origin");
    response.headers.emplace_back("Referrer-Policy", "no-referrer");
    response.headers.emplace_back("X-Frame-Options", "DENY");
    return response;
}

}  // namespace

Response get_dashboard(Context&) { return send(*find_asset("index.html"), "no-cache"); }

Response get_dashboard_asset(Context& context) {
    auto const* const asset = find_asset("assets/" + context.request.param("file"));
    if (asset == nullptr) return refuse(404, "there is no such part of the dashboard");
    return send(*asset, "public, max-age=31536000, immutable");
}

}  // namespace rollbackd::api
