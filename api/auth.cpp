#include "api/auth.hpp"

#include "api/problem.hpp"
#include "core/record.hpp"

#include <algorithm>
#include <array>

namespace rollbackd::api {

namespace {

constexpr std::string_view challenge = "Bearer realm=\"rollbackd\"";

std::string lowered(std::string_view text) {
    std::string out(text);
    for (auto& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

/// The token of "Bearer xyz"; an empty one where the header has another scheme.
std::optional<std::string> bearer_of(Request const& request) {
    if (!request.has_header("authorization")) return std::nullopt;
    auto const value = request.header("authorization");
    if (lowered(value.substr(0, 7)) != "bearer ") return std::string();
    auto const start = value.find_first_not_of(' ', 7);
    return start == std::string::npos ? std::string() : value.substr(start);
}

Response unauthorized(std::string detail, bool wrong_token) {
    auto response = refuse(401, std::move(detail));
    response.headers.emplace_back(
        "WWW-Authenticate",
        std::string(challenge) + (wrong_token ? ", error=\"invalid_token\"" : "")
    );
    return response;
}

std::string role_for(Access access) {
    return access == Access::push ? "ingest" : to_string(access);
}

Response forbidden(Actor const& actor, Access access) {
    return refuse(
        403, "this needs the role " + role_for(access) + "; " + actor.name + " has " +
                 (actor.role.empty() ? "none" : actor.role)
    );
}

/// Every candidate is compared, so that the time tells nothing of which one is near.
TokenPolicy const* token_of(std::string_view token, DaemonPolicy const& policy) {
    auto const hash = sha256_hex(token);
    TokenPolicy const* found = nullptr;
    for (auto const& candidate : policy.tokens) {
        if (equal_in_constant_time(hash, lowered(candidate.sha256))) found = &candidate;
    }
    return found;
}

bool is_expired(TokenPolicy const& token, Now now) {
    return token.expires && *token.expires <= now.wall;
}

/// "host:port" or "[::1]:port" → the host alone, without brackets.
std::string host_part(std::string_view authority) {
    if (!authority.empty() && authority.front() == '[') {
        return std::string(authority.substr(1, authority.find(']') - 1));
    }
    return lowered(authority.substr(0, authority.rfind(':')));
}

bool is_loopback_name(std::string_view host) {
    return host == "localhost" || host == "::1" || host.substr(0, 4) == "127.";
}

bool is_ours(Request const& request, std::vector<std::string> const& listen) {
    auto const host = host_part(request.header("host"));
    // An address in place of a name cannot have been rebound: it is where the packets went.
    if (host == request.peer.local_address) return true;
    if (is_loopback_name(host)) return request.peer.loopback;
    return std::any_of(listen.begin(), listen.end(), [&](std::string const& address) {
        return !address.starts_with("unix:") && host_part(address) == host;
    });
}

}  // namespace

bool allows(std::string_view role, Access access) {
    switch (access) {
        case Access::open:
            return true;
        case Access::read:
            return role == "read" || role == "ingest" || role == "operate" || role == "approve" ||
                   role == "admin";
        case Access::push:
        case Access::ingest:
            return role == "ingest" || role == "admin";
        case Access::operate:
            return role == "operate" || role == "admin";
        case Access::approve:
            return role == "approve" || role == "admin";
        case Access::admin:
            return role == "admin";
    }
    return false;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    unsigned char volatile difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        auto const bits = static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
        difference = static_cast<unsigned char>(difference | bits);
    }
    return difference == 0;
}

bool Throttle::wrong(std::string const& address, Instant now) {
    auto found = std::find_if(entries_.begin(), entries_.end(), [&](Entry const& entry) {
        return entry.address == address;
    });
    if (found == entries_.end()) {
        if (entries_.size() >= addresses_max) entries_.pop_front();
        entries_.push_back(Entry{address, now});
        found = std::prev(entries_.end());
    } else {
        entries_.splice(entries_.end(), entries_, found);
    }
    if (now - found->since > window) {
        // One that goes on from window to window is the same news.
        bool const went_on = found->count > wrong_max && now - found->since <= 2 * window;
        found->told = found->told && went_on;
        found->since = now;
        found->count = 0;
    }
    bool const too_many = ++found->count > wrong_max;
    if (too_many && !std::exchange(found->told, true)) news_ = address;
    return too_many;
}

ClientPolicy const* client_of(ClientCertificate const& certificate, DaemonPolicy const& policy) {
    if (!policy.tls) return nullptr;
    for (auto const& client : policy.tls->clients) {
        bool const by_name = !client.cn.empty() && client.cn == certificate.cn;
        auto const& sans = certificate.sans;
        auto const same = [&](std::string const& san) {
            bool const dns = client.san.starts_with("DNS:");
            return dns ? lowered(san) == lowered(client.san) : san == client.san;
        };
        bool const by_san = !client.san.empty() && std::any_of(sans.begin(), sans.end(), same);
        if (by_name || by_san) return &client;
    }
    return nullptr;
}

std::string foreign_sign(Request const& request, std::vector<std::string> const& listen) {
    if (request.has_header("forwarded")) return "a Forwarded header";
    auto const forwarded = request.headers.lower_bound("x-forwarded-");
    if (forwarded != request.headers.end() && forwarded->first.starts_with("x-forwarded-")) {
        return "an X-Forwarded-* header";
    }
    // No Host at all (HTTP/1.0, simple health checks) is nothing a browser would send. Whoever has
    // shown a certificate has seen ours, with the name that was asked for.
    bool const host_known = request.peer.local_socket || request.peer.certificate ||
                            !request.has_header("host") || is_ours(request, listen);
    if (!host_known) return "a foreign Host header";
    if (!request.has_header("origin")) return {};
    // The dashboard's own page: same scheme and authority as the request itself.
    auto const origin = lowered(request.header("origin"));
    auto const host = lowered(request.header("host"));
    bool const own =
        !request.peer.local_socket && (origin == "http://" + host || origin == "https://" + host);
    return own ? "" : "a foreign Origin header";
}

std::optional<Response> Gatekeeper::judge(
    Request& request, Access access, DaemonPolicy const& policy, Now now
) {
    auto const token = bearer_of(request);
    if (token && access != Access::open) {
        return judge_token(request, *token, access, policy, now);
    }
    // Who shows a right token may come by whatever way, to open pages too.
    auto const* const shown = token ? token_of(*token, policy) : nullptr;
    if (shown != nullptr && !is_expired(*shown, now)) return std::nullopt;
    if (auto const sign = foreign_sign(request, policy.listen); !sign.empty()) {
        return refuse(
            403, "without a token a request with " + sign +
                     " is refused: send Authorization: Bearer TOKEN, or ask the daemon directly"
        );
    }
    if (access == Access::open) return std::nullopt;
    auto const& certificate = request.peer.certificate;
    auto const* const client = certificate ? client_of(*certificate, policy) : nullptr;
    if (client != nullptr) return judge_certificate(request, *client, access, now);
    bool const tokenless = !policy.knows_callers();
    if (request.peer.local_socket) {
        bool const own = request.peer.uid == 0 || request.peer.uid == own_uid_;
        request.actor = Actor{"unix:" + request.peer.user, own ? "admin" : "read"};
        request.trusted = own;
        bool const pushes = access == Access::push && tokenless;
        if (allows(request.actor.role, access) || pushes) return std::nullopt;
        return forbidden(request.actor, access);
    }
    if (!tokenless) {
        return unauthorized("this needs a token: send Authorization: Bearer TOKEN", false);
    }
    request.actor = Actor{"anonymous", "read"};
    request.trusted = false;
    if (!request.peer.loopback) {
        return refuse(
            403, "no token is configured, so only this machine may ask: set daemon.tokens"
        );
    }
    if (access == Access::read || access == Access::push) return std::nullopt;
    return refuse(
        403,
        "no token is configured, so only reading and pushing samples is open here: set "
        "daemon.tokens (rollbackctl token new), or use the Unix socket"
    );
}

std::optional<Response> Gatekeeper::judge_token(
    Request& request, std::string_view token, Access access, DaemonPolicy const& policy, Now now
) {
    auto const* const found = token_of(token, policy);
    if (found == nullptr) return refuse_unknown(request, now);
    if (is_expired(*found, now)) {
        return unauthorized(
            "the token " + found->name + " expired at " + format_moment(*found->expires), true
        );
    }
    request.actor = Actor{found->name, found->role};
    request.trusted = true;
    if (allows(found->role, access)) return std::nullopt;
    return forbidden(request.actor, access);
}

std::optional<Response> Gatekeeper::judge_certificate(
    Request& request, ClientPolicy const& client, Access access, Now now
) {
    // Good when the connection began, which may be long ago.
    if (auto const until = request.peer.certificate->until; until <= now.wall) {
        return unauthorized(
            "the certificate of " + client.name + " expired at " + format_rfc3339(until), false
        );
    }
    request.actor = Actor{"cert:" + client.name, client.role};
    request.trusted = true;
    if (allows(client.role, access)) return std::nullopt;
    return forbidden(request.actor, access);
}

Response Gatekeeper::refuse_unknown(Request const& request, Now now) {
    std::string const who =
        request.peer.local_socket ? "unix:" + request.peer.user : request.peer.address;
    if (!throttle_.wrong(who, now.boot)) return unauthorized("the token is not known", true);
    auto response = refuse(429, "too many wrong tokens from here: wait a minute");
    response.headers.clear();
    response.headers.emplace_back("Retry-After", "60");
    return response;
}

}  // namespace rollbackd::api
