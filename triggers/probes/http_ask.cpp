#include "triggers/probes/http_ask.hpp"

#include "core/io/base64.hpp"
#include "core/io/secrets.hpp"
#include "core/io/stream.hpp"
#include "triggers/probes/types.hpp"

#include <boost/url/parse.hpp>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

constexpr double redirects_limit = 20;
constexpr unsigned ok_class = 2;

Field auth_field() {
    Field auth;
    auth.name = "auth";
    auth.type = FieldType::object;
    auth.doc = "An Authorization header whose secret stands in a file.";
    auth.fields = {
        {.name = "bearer_file", .type = FieldType::path, .doc = "File with a token, sent as Bearer."
        },
        {.name = "user",
         .type = FieldType::text,
         .doc = "User name, sent as Basic with the password of the file."},
        {.name = "password_file", .type = FieldType::path, .doc = "File with the password."},
    };
    return auth;
}

/// The value of the Authorization header; empty: none.
Result<std::string> authorization(Json const& params, Secrets& secrets) {
    auto const* const auth = find(params, "auth");
    if (auth == nullptr) return std::string();
    auto const bearer = text_of(*auth, "bearer_file");
    auto const secret =
        secrets.from_file(bearer.empty() ? text_of(*auth, "password_file") : bearer);
    if (!secret) return secret;
    if (!bearer.empty()) return "Bearer " + *secret;
    auto user = secrets.expand(text_of(*auth, "user"));
    if (!user) return user;
    auto encoded = base64(*user + ":" + *secret);
    secrets.remember(encoded);
    return "Basic " + encoded;
}

void check_auth(Json const& auth, std::vector<Error>& problems) {
    bool const bearer = !text_of(auth, "bearer_file").empty();
    bool const user = !text_of(auth, "user").empty();
    bool const password = !text_of(auth, "password_file").empty();
    if (bearer == (user || password) || user != password) {
        problems.push_back(wrong_field("expected bearer_file, or user and password_file", "auth"));
    }
}

}  // namespace

std::vector<Field> http_request_fields(std::string url_doc) {
    return {
        {.name = "url", .type = FieldType::url, .doc = std::move(url_doc), .required = true},
        {.name = "headers", .type = FieldType::text_map, .doc = "Sent with the request."},
        auth_field(),
        {.name = "ca",
         .type = FieldType::path,
         .doc = "Trust the CA certificates of this PEM file instead of the system's."},
        {.name = "redirects",
         .type = FieldType::integer,
         .doc =
             "Redirects to follow; 0: a redirect is the answer. Authorization and Cookie are not "
             "sent to another host.",
         .otherwise = 0,
         .min = 0,
         .max = redirects_limit},
        {.name = "socket",
         .type = FieldType::path,
         .doc = "Ask over this Unix socket; the URL then only gives the Host and the path."},
        {.name = "proxy",
         .type = FieldType::url,
         .doc = "Ask through this proxy, http://[user:password@]host:port; https goes through a "
                "tunnel (CONNECT). ${ENV} is filled in when asked. The environment's http_proxy is "
                "not looked at."},
        {.name = "ip",
         .type = FieldType::choice,
         .doc = "Which of the name's addresses are asked.",
         .otherwise = "any",
         .choices = {"any", "v4", "v6"}},
    };
}

std::vector<Error> check_http_request(JsonObject const& params) {
    Json const all(params);
    std::vector<Error> problems;
    auto const url = text_of(all, "url");
    bool const web = url.starts_with("http://") || url.starts_with("https://");
    if (!Secrets::has_reference(url) && (!web || !boost::urls::parse_uri(url))) {
        problems.push_back(wrong_field("expected a URL like https://example.com/health", "url"));
    }
    auto const proxy = text_of(all, "proxy");
    if (!proxy.empty() && !Secrets::has_reference(proxy) && !proxy.starts_with("http://")) {
        problems.push_back(wrong_field("expected a proxy like http://192.0.2.1:3128", "proxy"));
    }
    if (!proxy.empty() && !text_of(all, "socket").empty()) {
        problems.push_back(wrong_field("proxy and socket are two ways; keep one", "socket"));
    }
    if (auto const* const auth = find(all, "auth")) check_auth(*auth, problems);
    return problems;
}

Result<HttpRequest> make_http_request(
    JsonObject const& params, Secrets& secrets, Duration timeout
) {
    Json const all(params);
    HttpRequest request;
    auto url = secrets.expand(text_of(all, "url"));
    if (!url) return tl::unexpected<Error>(url.error());
    request.url = std::move(*url);
    if (auto const* const headers = find(all, "headers"); headers && headers->is_object()) {
        for (auto const& [name, value] : headers->get_object()) {
            if (!value.is_string()) continue;
            auto filled = secrets.expand(std::string_view(value.get_string()));
            if (!filled) return tl::unexpected<Error>(filled.error());
            request.headers.emplace_back(std::string(name), std::move(*filled));
        }
    }
    auto auth = authorization(all, secrets);
    if (!auth) return tl::unexpected<Error>(auth.error());
    if (!auth->empty()) request.headers.emplace_back("Authorization", std::move(*auth));
    auto const* const redirects = find(all, "redirects");
    if (redirects && redirects->is_number()) {
        request.redirects_max = redirects->to_number<unsigned>();
    }
    auto proxy = secrets.expand(text_of(all, "proxy"));
    if (!proxy) return tl::unexpected<Error>(proxy.error());
    request.proxy = std::move(*proxy);
    request.timeout = timeout;
    request.tls.ca_file = text_of(all, "ca");
    request.unix_path = text_of(all, "socket");
    request.family = enum_from<IpFamily>(text_of(all, "ip")).value_or(IpFamily::any);
    return request;
}

asio::awaitable<Result<HttpResponse>> fetch(ProbeContext context, HttpRequest request) {
    auto response = co_await context.http.send(std::move(request));
    if (!response) {
        co_return fail(Errc::unavailable, context.secrets.redact(response.error().reason()));
    }
    if (response->status / 100 != ok_class) {
        co_return fail(
            Errc::unavailable, "status: " + std::to_string(response->status) + ", expected 2xx"
        );
    }
    co_return *std::move(response);
}

}  // namespace rollbackd
