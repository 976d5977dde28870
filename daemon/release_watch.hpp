// A deployment that nobody announced: when a `release` signal's text changes and the service's
// recorded version is another one, the new version is recorded, so that its failures can be blamed
// on it. Looks at what was observed anyway; one task.
#pragma once

#include "core/io/deadline.hpp"
#include "daemon/decider.hpp"

namespace rollbackd {

/// What one `release` signal has said.
struct KnownRelease {
    std::optional<std::string> settled;  // the text that was there before
    Instant settled_at;                  // when it was last seen
    std::string candidate;
    std::optional<Instant> last;
    int readings = 0;

    /// A rolling deployment answers now with this version, now with that one; and who announces it
    /// should come first.
    static constexpr int readings_wanted = 3;

    /// The version that has come to stay, once. `began`: when somebody began to look.
    std::optional<std::string> look(SignalWindow const& window, Instant began, Instant now);

private:
    void settle_first(SignalWindow const& window, Instant began, Instant now);
};

class ReleaseWatch {
public:
    using Facts = std::function<boost::asio::awaitable<ReleaseFacts>(std::string service)>;
    using Told = std::function<void(std::string const& service, std::string const& version)>;

    ReleaseWatch(Engine const& engine, Decider& decider, Clock const& clock)
        : engine_(engine), decider_(decider), clock_(clock), began_(clock.now().boot) {}

    /// Until cancelled. `facts` reads what is recorded with a deployment, `told` hears of each.
    boost::asio::awaitable<void> watch(Facts facts, Told told);

    static constexpr Duration look_every = std::chrono::milliseconds(250);
    /// A record may name a start at most an hour back.
    static constexpr Duration started_back_max = std::chrono::minutes(55);

private:
    bool is_news(std::string const& service, std::string const& version) const;

    Engine const& engine_;
    Decider& decider_;
    Clock const& clock_;
    Instant began_;  // before anybody is asked: what is older was there before us
    std::map<std::string, KnownRelease> known_;
};

}  // namespace rollbackd
