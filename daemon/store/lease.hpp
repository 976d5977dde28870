// Who may write: at most one holder, told apart by an epoch that only grows. Every append carries
// the epoch of its holder and fails once another has taken over, so two daemons can never both act.
//
// A lease that several may ask for runs out by the store's own clock, so that nobody compares the
// clocks of two machines. Its holder counts by its boot clock, from before it asked, and stops
// relying on it earlier: what it decided before a pause it does not begin after it.
#pragma once

#include "core/time.hpp"

#include <optional>
#include <string>

namespace rollbackd {

/// How long the store keeps a lease that is not renewed.
inline constexpr Duration lease_ttl = std::chrono::seconds(15);
/// How long its holder relies on it: what it has begun to do by then is begun before the end.
inline constexpr Duration lease_relied = std::chrono::seconds(10);
inline constexpr Duration lease_renewed_every = std::chrono::seconds(3);

/// Asked for at `asked` and granted: until then its holder relies on it.
Instant relied_until(Now asked);
/// Whether something may be begun now by whom a lease says `expires`; nullopt: it never ends.
bool relies_on(std::optional<Instant> expires, Instant now);

/// Who holds a shared store's lease.
struct LeaseHolder {
    std::string node;  // of its folder of steps; see StoreOptions
    std::string name;
    Duration left{};  // by the store's clock
};

class Lease {
public:
    virtual ~Lease() = default;

    /// 1 for the first holder a store ever had; every later one is higher.
    virtual std::uint64_t epoch() const = 0;
    /// Errc::conflict once another holder has taken over: stop acting, at once and for good.
    virtual Result<void> renew(Now now) = 0;
    /// After this instant the lease must not be relied on; nullopt: held as long as we live.
    virtual std::optional<Instant> expires() const = 0;
};

}  // namespace rollbackd
