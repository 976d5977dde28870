// The alerts of one `alerts` signal that fire now. Failed while one does, ok when all are resolved
// or past their end: a notification goes in, samples come out where that changed. Pure; a copy
// tries a notification first, so that one that cannot be taken in changes nothing.
#pragma once

#include "triggers/signal.hpp"
#include "triggers/sources/alerts_parse.hpp"

#include <memory>

namespace re2 {
class RE2;
}

namespace rollbackd {

/// Which alerts a signal means: every label named has its value (`~` first: an RE2 expression that
/// fits the whole value).
class AlertMatch {
public:
    static Result<AlertMatch> make(Json const& labels, std::string const& where);
    bool matches(Alert const& alert) const { return matches(alert.labels); }
    bool matches(std::map<std::string, std::string, std::less<>> const& labels) const;
    bool empty() const { return rules_.empty(); }

private:
    struct Rule {
        std::string name;
        std::string value;
        std::shared_ptr<re2::RE2 const> expression;  // null: `value` as it is
    };
    std::vector<Rule> rules_;
};

/// One alert that fires: the same fingerprint that began at another time is another one.
struct FiringAlert {
    std::string fingerprint;
    std::optional<WallTime> starts_at;
    std::optional<WallTime> ends_at;
    std::string reason;
    bool trusted = true;
    /// For a match that a reload brings; empty where they are more than labels_bytes_max.
    std::map<std::string, std::string, std::less<>> labels;

    friend bool operator==(FiringAlert const&, FiringAlert const&) = default;
};
BOOST_DESCRIBE_STRUCT(FiringAlert, (), (fingerprint, starts_at, ends_at, reason, trusted, labels))

/// One that is over: a late repeat of it changes nothing.
struct EndedAlert {
    std::string fingerprint;
    std::optional<WallTime> starts_at;
    WallTime ended{};

    friend bool operator==(EndedAlert const&, EndedAlert const&) = default;
};
BOOST_DESCRIBE_STRUCT(EndedAlert, (), (fingerprint, starts_at, ended))

class AlertTable {
public:
    static Result<AlertTable> make(std::string service, SignalPolicy const& signal);

    bool means(Alert const& alert) const;
    /// A notification that brings nothing new of what fires says that it still does.
    /// Errc::unavailable: more than firing_max fire at once; then the table is of no use any more.
    Result<std::vector<Sample>> take(AlertNotice const& notice, bool trusted, Now now);
    /// What is past its end is over.
    std::vector<Sample> expire(Now now);
    /// When expire() has something to do; none: never.
    std::optional<WallTime> next_end() const;
    std::size_t firing() const { return firing_.size(); }

    Json save() const;
    /// Trusts nothing. Of another `match` it takes what this one means, too, and answers with it:
    /// the signal begins anew and has to be told.
    std::vector<Sample> load(Json const& saved, Now now);

    static constexpr std::size_t firing_max = 1000;
    static constexpr std::size_t ended_max = 4096;
    static constexpr std::size_t labels_bytes_max = 4096;
    static constexpr Duration ended_kept = std::chrono::hours(72);

private:
    void begin(Alert const& alert, bool trusted, Now now, std::vector<Sample>& samples);
    void end(Alert const& alert, bool trusted, Now now, std::vector<Sample>& samples);
    void remember(EndedAlert ended, WallTime now);
    bool is_over(Alert const& alert) const;
    Sample sample(std::optional<WallTime> at, bool trusted, Now now) const;

    std::string service_;
    std::string signal_;
    std::string match_text_;  // as configured
    AlertMatch match_;
    AlertMatch alive_;  // empty: none proves that Alertmanager reaches us
    std::vector<FiringAlert> firing_;
    std::vector<EndedAlert> ended_;  // oldest first
};

}  // namespace rollbackd
