// What `release` signals say, and when that is a deployment nobody has announced. Pure: the
// daemon's watch (release_watch) and the simulation look the same way.
#pragma once

#include "engine/engine.hpp"

namespace rollbackd {

/// What one `release` signal has said.
struct KnownRelease {
    std::optional<std::string> settled;   // the text that has come to stay
    std::optional<std::string> shown;     // the newest
    std::optional<Instant> others_until;  // when another was seen last
    Instant read_at;                      // when anything was
    std::optional<Instant> last;          // samples up to here are read
    int readings = 0;                     // of what is shown, in a row

    /// A rolling deployment answers now with this version, now with that one; and who announces it
    /// should come first.
    static constexpr int readings_wanted = 3;

    struct Change {
        std::string version;
        Instant before;  // when another was seen last
        Instant at;      // when it had come to stay
    };
    /// The newest version that has come to stay since the last look. The first look reads what a
    /// restart has brought back: what was seen last at `since` was there before, or, where nothing
    /// is as old, what is `recorded` as in effect since then (it may be empty). What came after it
    /// is news, however the last life ended.
    std::optional<Change> look(
        SignalWindow const& window, std::string const& recorded, Instant since, Now now
    );

private:
    std::optional<Change> read(std::string const& text, std::string const& recorded, Instant at);
};

class KnownReleases {
public:
    explicit KnownReleases(Instant began) : began_(began) {}

    /// A deployment to be recorded for each version that has come to stay, and that is neither
    /// recorded nor a run's own doing; its facts are not asked yet.
    std::vector<DeploymentPosted> look(Engine const& engine, Now now);

    /// A record may name a start at most an hour back.
    static constexpr Duration started_back_max = std::chrono::minutes(55);

private:
    Instant began_;
    std::map<std::string, KnownRelease> known_;  // service/signal
};

/// Since when the version in effect may be that, as far as recorded.
std::optional<Instant> in_effect_since(State const& state, std::string const& service);

/// Whether a service with that history does not know yet that the version is in effect.
bool is_unannounced(
    State const& state, std::string const& service, KnownRelease::Change const& change
);

}  // namespace rollbackd
