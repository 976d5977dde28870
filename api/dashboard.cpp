// Serves the dashboard with a policy that lets the page load and reach nothing but this daemon.
#include "api/dashboard/page.hpp"
#include "api/handlers.hpp"

namespace rollbackd::api {

namespace {

constexpr std::string_view content_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'";

Response page(std::string_view body, std::string type) {
    auto response = answer_text(std::string(body), std::move(type));
    response.headers.emplace_back("Content-Security-Policy", content_policy);
    response.headers.emplace_back("Referrer-Policy", "no-referrer");
    response.headers.emplace_back("X-Frame-Options", "DENY");
    return response;
}

}  // namespace

Response get_dashboard(Context&) { return page(dashboard_html(), "text/html; charset=utf-8"); }

Response get_dashboard_script(Context&) {
    return page(dashboard_script(), "text/javascript; charset=utf-8");
}

Response get_dashboard_style(Context&) {
    return page(dashboard_style(), "text/css; charset=utf-8");
}

}  // namespace rollbackd::api
