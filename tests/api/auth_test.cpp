#include "api/auth.hpp"

#include "api/problem.hpp"
#include "api/routes.hpp"
#include "core/record.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;
using namespace rollbackd::api;

namespace {

constexpr std::uint32_t daemon_uid = 990;

Now const at_noon{Instant(std::chrono::hours(1)), WallTime(std::chrono::seconds(1'800'000'000))};

Request from_loopback() {
    Request request;
    request.method = "GET";
    request.peer.address = "127.0.0.1";
    request.peer.loopback = true;
    request.peer.local_address = "127.0.0.1";
    request.peer.local_port = 8620;
    request.headers.emplace("host", "127.0.0.1:8620");
    return request;
}

Request from_socket(std::uint32_t uid) {
    Request request;
    request.method = "GET";
    request.peer.local_socket = true;
    request.peer.loopback = true;
    request.peer.uid = uid;
    request.peer.user = "somebody";
    request.headers.emplace("host", "localhost");
    return request;
}

DaemonPolicy with_tokens() {
    DaemonPolicy policy;
    for (auto const* const role : {"read", "ingest", "operate", "approve", "admin"}) {
        policy.tokens.push_back(TokenPolicy{
            std::string("ci-") + role, role, sha256_hex(std::string(role) + "-secret"), {}
        });
    }
    return policy;
}

DaemonPolicy with_clients() {
    auto policy = with_tokens();
    auto& tls = policy.tls.emplace();
    tls.clients.push_back(ClientPolicy{"by-cn", "ingest", "ci.example.com", ""});
    tls.clients.push_back(ClientPolicy{"by-dns", "ingest", "", "DNS:deploy.example.com"});
    tls.clients.push_back(ClientPolicy{"by-uri", "ingest", "", "URI:spiffe://example.com/ci"});
    return policy;
}

Request with_certificate(ClientCertificate const& certificate) {
    auto request = from_loopback();
    request.peer.certificate = certificate;
    return request;
}

void add_token(Request& request, std::string const& token) {
    request.headers.emplace("authorization", "Bearer " + token);
}

unsigned status_of(std::optional<api::Response> const& refusal) {
    return refusal ? refusal->status : 0;
}

unsigned judge(Request& request, Access access, DaemonPolicy const& policy) {
    Gatekeeper gatekeeper(daemon_uid);
    return status_of(gatekeeper.judge(request, access, policy, at_noon));
}

/// The nesting of roles as DESIGN A4 words it, beside the code that implements it.
bool may(std::string const& role, Access access) {
    if (access == Access::open || role == "admin") return true;
    if (access == Access::read) return true;
    if (access == Access::push || access == Access::ingest) return role == "ingest";
    if (access == Access::operate) return role == "operate";
    return access == Access::approve && role == "approve";
}

}  // namespace

TEST_CASE("every role may call exactly the endpoints its role includes") {
    auto const policy = with_tokens();
    for (auto const& endpoint : endpoints()) {
        for (auto const& token : policy.tokens) {
            CAPTURE(endpoint.method, endpoint.pattern, token.role);
            auto request = from_loopback();
            add_token(request, token.role + "-secret");
            auto const status = judge(request, endpoint.access, policy);
            CHECK(status == (may(token.role, endpoint.access) ? 0U : 403U));
            if (endpoint.access == Access::open) continue;
            CHECK(request.actor.name == "ci-" + token.role);
            CHECK(request.trusted);
        }
    }
}

TEST_CASE("the table asks the role that the contract names for each call") {
    std::map<std::string, Access> const expected{
        {"GET /healthz", Access::open},
        {"GET /readyz", Access::open},
        {"GET /metrics", Access::open},
        {"GET /v1/status", Access::read},
        {"GET /v1/services", Access::read},
        {"GET /v1/services/{s}", Access::read},
        {"GET /v1/services/{s}/signals/{g}", Access::read},
        {"POST /v1/services/{s}/signals/{g}", Access::push},
        {"GET /v1/services/{s}/deployments", Access::read},
        {"POST /v1/services/{s}/deployments", Access::ingest},
        {"GET /v1/services/{s}/versions/{v}", Access::read},
        {"POST /v1/services/{s}/versions/{v}/release", Access::operate},
        {"POST /v1/services/{s}/triggers/{t}/raise", Access::operate},
        {"GET /v1/incidents", Access::read},
        {"GET /v1/incidents/{id}", Access::read},
        {"GET /v1/incidents/{id}/timeline", Access::read},
        {"GET /v1/incidents/{id}/explain", Access::read},
        {"GET /v1/incidents/{id}/report", Access::read},
        {"GET /v1/incidents/{id}/evidence", Access::operate},
        {"POST /v1/incidents/{id}/ack", Access::operate},
        {"POST /v1/incidents/{id}/resolve", Access::operate},
        {"POST /v1/incidents/{id}/abort", Access::operate},
        {"POST /v1/incidents/{id}/verdict", Access::operate},
        {"POST /v1/incidents/{id}/steps/{n}/confirm", Access::operate},
        {"POST /v1/incidents/{id}/duties/{n}/confirm", Access::operate},
        {"POST /v1/incidents/{id}/approve", Access::approve},
        {"POST /v1/incidents/{id}/reject", Access::approve},
        {"POST /v1/services/{s}/playbooks/{p}/runs", Access::operate},
        {"POST /v1/pause", Access::operate},
        {"POST /v1/resume", Access::operate},
        {"GET /v1/silences", Access::read},
        {"POST /v1/silences", Access::operate},
        {"DELETE /v1/silences/{id}", Access::operate},
        {"POST /v1/config/reload", Access::admin},
        {"POST /v1/config/check", Access::read},
        {"GET /v1/events", Access::read},
        {"GET /v1/journal", Access::operate},
    };
    std::size_t found = 0;
    for (auto const& endpoint : endpoints()) {
        auto const key = std::string(endpoint.method) + " " + std::string(endpoint.pattern);
        auto const wanted = expected.find(key);
        if (wanted == expected.end()) continue;
        CAPTURE(key);
        CHECK(endpoint.access == wanted->second);
        ++found;
    }
    CHECK(found == expected.size());
}

TEST_CASE("without a token everything but the open endpoints is 401 with a challenge") {
    auto const policy = with_tokens();
    for (auto const& endpoint : endpoints()) {
        auto request = from_loopback();
        Gatekeeper gatekeeper(daemon_uid);
        auto const refusal = gatekeeper.judge(request, endpoint.access, policy, at_noon);
        CAPTURE(endpoint.pattern);
        CHECK(status_of(refusal) == (endpoint.access == Access::open ? 0U : 401U));
        if (!refusal) continue;
        CHECK(refusal->headers.front().first == "WWW-Authenticate");
        CHECK(refusal->headers.front().second.starts_with("Bearer"));
    }
}

TEST_CASE("without any token configured loopback reads and pushes, untrusted, and nothing else") {
    DaemonPolicy const policy;
    for (auto const& endpoint : endpoints()) {
        auto request = from_loopback();
        CAPTURE(endpoint.pattern);
        auto const access = endpoint.access;
        bool const allowed =
            access == Access::open || access == Access::read || access == Access::push;
        CHECK(judge(request, access, policy) == (allowed ? 0U : 403U));
        CHECK(!request.trusted);
    }
    auto remote = from_loopback();
    remote.peer.loopback = false;
    remote.peer.address = "192.0.2.7";
    remote.peer.local_address = "192.0.2.1";
    remote.headers.find("host")->second = "192.0.2.1:8620";
    CHECK(judge(remote, Access::read, policy) == 403);
}

TEST_CASE("without a token signs of a browser or a proxy are 403, with one they are not") {
    struct Sign {
        std::string name;
        std::string value;
    };
    auto const policy = with_tokens();
    for (auto const& sign : std::vector<Sign>{
             {"host", "evil.example.com"},
             {"host", "evil.example.com:8620"},
             {"host", "localhost.evil.example.com"},
             {"host", ""},
             {"origin", "http://evil.example.com"},
             {"origin", "null"},
             {"forwarded", "for=192.0.2.1"},
             {"x-forwarded-for", "192.0.2.1"},
             {"x-forwarded-host", "shop.example.com"},
             {"x-forwarded-anything", "1"},
         }) {
        CAPTURE(sign.name, sign.value);
        auto request = from_loopback();
        request.headers.erase(sign.name);
        request.headers.emplace(sign.name, sign.value);
        auto tokenless = request;
        CHECK(judge(tokenless, Access::read, DaemonPolicy()) == 403);
        auto open = request;
        CHECK(judge(open, Access::open, policy) == 403);
        auto wrong = request;
        add_token(wrong, "wrong");
        CHECK(judge(wrong, Access::open, policy) == 403);
        add_token(request, "read-secret");
        CHECK(judge(request, Access::read, policy) == 0);
        CHECK(judge(request, Access::open, policy) == 0);
    }
}

TEST_CASE("our own names, and the dashboard's own origin, are not foreign") {
    for (auto const* const host : {"localhost:8620", "127.0.0.1:8620", "LOCALHOST", "[::1]:8620"}) {
        auto request = from_loopback();
        request.headers.find("host")->second = host;
        CAPTURE(host);
        CHECK(judge(request, Access::read, DaemonPolicy()) == 0);
    }
    auto dashboard = from_loopback();
    dashboard.headers.emplace("origin", "http://127.0.0.1:8620");
    CHECK(judge(dashboard, Access::read, DaemonPolicy()) == 0);
    auto other_port = from_loopback();
    other_port.headers.emplace("origin", "http://127.0.0.1:3000");
    CHECK(judge(other_port, Access::read, DaemonPolicy()) == 403);
}

TEST_CASE("the Unix socket takes the kernel's word: root and the daemon's user are admin") {
    auto const policy = with_tokens();
    for (auto const uid : {0U, daemon_uid}) {
        auto request = from_socket(uid);
        CHECK(judge(request, Access::admin, policy) == 0);
        CHECK(request.actor.name == "unix:somebody");
        CHECK(request.actor.role == "admin");
        CHECK(request.trusted);
    }
    auto other = from_socket(1000);
    CHECK(judge(other, Access::read, policy) == 0);
    CHECK(judge(other, Access::operate, policy) == 403);
    CHECK(judge(other, Access::push, policy) == 403);
    CHECK(judge(other, Access::push, DaemonPolicy()) == 0);
    CHECK(!other.trusted);
    auto proxied = from_socket(0);
    proxied.headers.emplace("x-forwarded-for", "192.0.2.1");
    CHECK(judge(proxied, Access::read, policy) == 403);
}

TEST_CASE("a token on the Unix socket counts instead of the peer") {
    auto const policy = with_tokens();
    auto request = from_socket(0);
    add_token(request, "read-secret");
    CHECK(judge(request, Access::operate, policy) == 403);
    CHECK(request.actor.name == "ci-read");
}

TEST_CASE("a client certificate is who the policy says it is, by its common name or another") {
    auto const policy = with_clients();
    struct Shown {
        ClientCertificate certificate;
        std::string name;
    };
    for (auto const& [certificate, name] :
         {Shown{{"ci.example.com", {}}, "cert:by-cn"},
          Shown{{"", {"DNS:other.example.com", "DNS:Deploy.Example.com"}}, "cert:by-dns"},
          Shown{{"x", {"URI:spiffe://example.com/ci"}}, "cert:by-uri"}}) {
        CAPTURE(name);
        auto request = with_certificate(certificate);
        CHECK(judge(request, Access::ingest, policy) == 0);
        CHECK(request.actor.name == name);
        CHECK(request.actor.role == "ingest");
        CHECK(request.trusted);
        CHECK(judge(request, Access::operate, policy) == 403);
    }
}

TEST_CASE("a certificate that nobody is named by gives the connection and nothing else") {
    auto policy = with_clients();
    for (auto const& certificate :
         {ClientCertificate{"CI.example.com", {}}, ClientCertificate{"", {}},
          ClientCertificate{"DNS:deploy.example.com", {"email:deploy.example.com"}},
          ClientCertificate{"", {"DNS:ci.example.com", "URI:SPIFFE://example.com/ci"}},
          ClientCertificate{std::string("ci.example.com\0.evil.example.com", 33), {}}}) {
        CAPTURE(certificate.cn);
        auto request = with_certificate(certificate);
        CHECK(judge(request, Access::read, policy) == 401);
    }
    policy.tls->clients.clear();
    auto unnamed = with_certificate(ClientCertificate{"ci.example.com", {}});
    CHECK(judge(unnamed, Access::read, policy) == 401);
    add_token(unnamed, "read-secret");
    CHECK(judge(unnamed, Access::read, policy) == 0);
    CHECK(unnamed.actor.name == "ci-read");
}

TEST_CASE("a certificate that ends while its connection lasts is good no more") {
    auto const policy = with_clients();
    ClientCertificate certificate{"ci.example.com", {}};
    certificate.until = at_noon.wall + std::chrono::seconds(1);
    auto request = with_certificate(certificate);
    CHECK(judge(request, Access::ingest, policy) == 0);
    certificate.until = at_noon.wall;
    auto ended = with_certificate(certificate);
    CHECK(judge(ended, Access::read, policy) == 401);
    add_token(ended, "read-secret");
    CHECK(judge(ended, Access::read, policy) == 0);
}

TEST_CASE("a token counts instead of the certificate it comes with") {
    auto const policy = with_clients();
    auto request = with_certificate(ClientCertificate{"ci.example.com", {}});
    add_token(request, "read-secret");
    CHECK(judge(request, Access::ingest, policy) == 403);
    auto wrong = with_certificate(ClientCertificate{"ci.example.com", {}});
    add_token(wrong, "wrong");
    CHECK(judge(wrong, Access::read, policy) == 401);
}

TEST_CASE("a browser that shows a certificate for a foreign page, or a proxy's, is 403") {
    auto const policy = with_clients();
    ClientCertificate const certificate{"ci.example.com", {}};
    auto page = with_certificate(certificate);
    page.headers.emplace("origin", "https://evil.example.com");
    CHECK(judge(page, Access::read, policy) == 403);
    auto proxied = with_certificate(certificate);
    proxied.headers.emplace("x-forwarded-for", "192.0.2.1");
    CHECK(judge(proxied, Access::read, policy) == 403);
    auto by_name = with_certificate(certificate);
    by_name.headers.erase("host");
    by_name.headers.emplace("host", "rollbackd.example.com:8620");
    CHECK(judge(by_name, Access::read, policy) == 0);
}

TEST_CASE("where only certificates are configured nobody reads without one") {
    auto policy = with_clients();
    policy.tokens.clear();
    auto request = from_loopback();
    CHECK(judge(request, Access::read, policy) == 401);
    CHECK(judge(request, Access::push, policy) == 401);
}

TEST_CASE("wrong, empty, malformed and expired tokens are 401 and say nothing of the right one") {
    auto policy = with_tokens();
    policy.tokens.front().expires = at_noon.wall;
    for (auto const* const header :
         {"Bearer wrong", "Bearer", "Bearer ", "Basic cmVhZA==", "read-secret", "Bearer read-secret"
         }) {
        CAPTURE(header);
        auto request = from_loopback();
        request.headers.emplace("authorization", header);
        Gatekeeper gatekeeper(daemon_uid);
        auto const refusal = gatekeeper.judge(request, Access::read, policy, at_noon);
        REQUIRE(status_of(refusal) == 401);
        CHECK(refusal->problem->detail.find("read-secret") == std::string::npos);
    }
    auto lower = from_loopback();
    lower.headers.emplace("authorization", "bearer ingest-secret");
    CHECK(judge(lower, Access::read, policy) == 0);
}

TEST_CASE("many wrong tokens from one address are told to wait, and a right one never is") {
    auto const policy = with_tokens();
    Gatekeeper gatekeeper(daemon_uid);
    auto const ask = [&](std::string const& token, Now now) {
        auto request = from_loopback();
        add_token(request, token);
        return status_of(gatekeeper.judge(request, Access::read, policy, now));
    };
    for (std::size_t i = 0; i < Throttle::wrong_max; ++i) CHECK(ask("wrong", at_noon) == 401);
    CHECK(ask("wrong", at_noon) == 429);
    CHECK(ask("read-secret", at_noon) == 0);
    auto later = at_noon;
    later.boot += Throttle::window + std::chrono::seconds(1);
    CHECK(ask("wrong", later) == 401);
}

TEST_CASE("wrong tokens without end from one address are news once") {
    Throttle throttle;
    std::size_t news = 0;
    Instant now{};
    auto const flood = [&](int minutes) {
        for (int i = 0; i < minutes * 60; ++i) {
            for (int n = 0; n < 20; ++n) throttle.wrong("192.0.2.7", now);
            if (!throttle.take_news().empty()) ++news;
            now += std::chrono::seconds(1);
        }
    };
    flood(10);
    CHECK(news == 1);
    now += 3 * Throttle::window;
    flood(2);
    CHECK(news == 2);
}

TEST_CASE("the throttle remembers a bounded number of addresses") {
    Throttle throttle;
    for (std::size_t i = 0; i < Throttle::wrong_max; ++i) throttle.wrong("first", Instant{});
    for (std::size_t i = 0; i < Throttle::addresses_max; ++i) {
        CHECK(!throttle.wrong("other " + std::to_string(i), Instant{}));
    }
    CHECK(!throttle.wrong("first", Instant{}));  // forgotten, and begun anew
}

TEST_CASE("texts are compared whole") {
    CHECK(equal_in_constant_time("", ""));
    CHECK(equal_in_constant_time("abc", "abc"));
    CHECK(!equal_in_constant_time("abc", "abd"));
    CHECK(!equal_in_constant_time("abc", "xbc"));
    CHECK(!equal_in_constant_time("abc", "ab"));
}
