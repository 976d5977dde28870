// Who may write: at most one holder, told apart by an epoch that only grows. Every append carries
// the epoch of its holder and fails once another has taken over, so two daemons can never both act.
#pragma once

#include "core/time.hpp"

#include <optional>

namespace rollbackd {

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
