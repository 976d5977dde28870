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

/// Whether `list` names it, and not with a weight of nothing: "gzip, br;q=0.5".
bool names(std::string const& list, std::string_view item) {
    auto const at = list.find(item);
    if (at == std::string::npos) return false;
    auto const rest = std::string_view(list).substr(at + item.size());
    auto const parameters = rest.substr(0, rest.find(','));
    return parameters.find("q=0") == std::string_view::npos ||
           parameters.find_first_of("123456789") != std::string_view::npos;
}

Response send(Request const& request, Asset const& asset, std::string_view cache) {
    bool const zipped = names(request.header("accept-encoding"), "gzip");
    // Each coding is a representation of its own, with a tag of its own (RFC 9110, 8.8.3).
    std::string const tag = "\"" + std::string(asset.tag) + (zipped ? "-gzip\"" : "\"");
    Response response;
    bool const known = request.header("if-none-match").find(tag) != std::string::npos;
    if (known) {
        response.status = 304;
        response.content_type.clear();
    } else {
        response.content_type = asset.type;
        response.body = zipped ? asset.gzip : asset.plain;
        if (zipped) response.headers.emplace_back("Content-Encoding", "gzip");
    }
    response.headers.emplace_back("ETag", tag);
    response.headers.emplace_back("Vary", "Accept-Encoding");
    response.headers.emplace_back("Cache-Control", cache);
    response.headers.emplace_back("Content-Security-Policy", content_policy);
    response.headers.emplace_back("Cross-Origin-Opener-Policy", "same-origin");
    response.headers.emplace_back("Cross-Origin-Resource-Policy", "same-origin");
    response.headers.emplace_back("Referrer-Policy", "no-referrer");
    response.headers.emplace_back("X-Frame-Options", "DENY");
    return response;
}

}  // namespace

Response get_dashboard(Context& context) {
    return send(context.request, *find_asset("index.html"), "no-cache");
}

Response get_dashboard_asset(Context& context) {
    auto const* const asset = find_asset("assets/" + context.request.param("file"));
    if (asset == nullptr) return refuse(404, "there is no such part of the dashboard");
    return send(context.request, *asset, "public, max-age=31536000, immutable");
}

}  // namespace rollbackd::api
