// Who is asking, and what may they do. Bearer tokens are compared by hash in constant time; a
// client certificate is who the policy says it is; the Unix socket takes the kernel's word; without
// any of these configured only loopback is served. Nothing here reads a clock or a socket.
#pragma once

#include "api/request.hpp"
#include "api/response.hpp"
#include "engine/policy.hpp"

#include <list>
#include <utility>

namespace rollbackd::api {

/// What an endpoint asks for. `push` is the part of ingest that nobody has to vouch for on
/// loopback.
enum class Access { open, read, push, ingest, operate, approve, admin };
BOOST_DESCRIBE_ENUM(Access, open, read, push, ingest, operate, approve, admin)

/// Whether a role (read ingest operate approve admin) includes an access.
bool allows(std::string_view role, Access access);

/// Wrong tokens by address: more than `wrong_max` within a minute are told to wait. Tokens cannot
/// be guessed anyway; this bounds what one mistaken client costs. A right token is never slowed
/// down, so nobody can lock others out.
class Throttle {
public:
    /// Counts one wrong token; true: too many.
    bool wrong(std::string const& address, Instant now);
    /// The address that is newly told to wait, once: not again until it has kept still for a while.
    std::string take_news() { return std::exchange(news_, {}); }

    static constexpr std::size_t wrong_max = 300;
    static constexpr std::size_t addresses_max = 1024;
    static constexpr Duration window = std::chrono::minutes(1);

private:
    struct Entry {
        std::string address;
        Instant since;
        std::size_t count = 0;
        bool told = false;
    };
    std::list<Entry> entries_;  // least recently seen first
    std::string news_;
};

class Gatekeeper {
public:
    /// `own_uid`: the daemon's user, admin on the Unix socket like root.
    explicit Gatekeeper(std::uint32_t own_uid) : own_uid_(own_uid) {}

    /// Fills in `request.actor` and `request.trusted`, or refuses: 401, 403 or 429.
    std::optional<Response> judge(
        Request& request, Access access, DaemonPolicy const& policy, Now now
    );

    /// Whose tokens are newly refused unread, for the log; empty: nobody's.
    std::string take_throttled() { return throttle_.take_news(); }

private:
    std::optional<Response> judge_token(
        Request& request, std::string_view token, Access access, DaemonPolicy const& policy, Now now
    );
    std::optional<Response> judge_certificate(
        Request& request, ClientPolicy const& client, Access access, Now now
    );
    Response refuse_unknown(Request const& request, Now now);

    std::uint32_t own_uid_;
    Throttle throttle_;
};

/// Why a request without a token looks as if a browser or a proxy had been made to send it; empty:
/// it does not.
std::string foreign_sign(Request const& request, std::vector<std::string> const& listen);
/// Whom the policy takes the holder of the certificate for; null: nobody it knows.
ClientPolicy const* client_of(ClientCertificate const& certificate, DaemonPolicy const& policy);
/// Takes as long for a wrong text as for the right one of the same length.
bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace rollbackd::api
