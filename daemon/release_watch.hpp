// A deployment that nobody announced: when a `release` signal's text changes and the service's
// recorded version is another one, the new version is recorded, so that its failures can be blamed
// on it. Looks at what was observed anyway; one task.
#pragma once

#include "core/io/deadline.hpp"
#include "daemon/decider.hpp"
#include "daemon/known_release.hpp"

namespace rollbackd {

class ReleaseWatch {
public:
    using Facts = std::function<boost::asio::awaitable<ReleaseFacts>(std::string service)>;
    using Told = std::function<void(std::string const& service, std::string const& version)>;

    ReleaseWatch(Engine const& engine, Decider& decider, Clock const& clock)
        : engine_(engine), decider_(decider), clock_(clock), known_(clock.now().boot) {}

    /// Until cancelled. `facts` reads what is recorded with a deployment, `told` hears of each.
    boost::asio::awaitable<void> watch(Facts facts, Told told);

    static constexpr Duration look_every = std::chrono::milliseconds(250);

private:
    Engine const& engine_;
    Decider& decider_;
    Clock const& clock_;
    KnownReleases known_;
};

}  // namespace rollbackd
