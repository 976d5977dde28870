// Which lines of an access log a signal counts, and as what. Made once from the signal's params;
// pure: a line goes in, a sample comes out, or the reason why there is none.
#pragma once

#include "triggers/signal.hpp"
#include "triggers/sources/access_log_parse.hpp"

#include <array>

namespace re2 {
class RE2;
}

namespace rollbackd {

enum class Outcome : std::uint8_t { success, failure, neutral };

/// 2xx and 3xx succeed, 4xx are neutral, 5xx fail; `fail` and `neutral` change some of that. A
/// status beats a class ("4xx"), and `fail` beats `neutral`.
class StatusRules {
public:
    /// `fail`, `neutral`: a status, a class, or a list of those; null: nothing changed.
    static Result<StatusRules> make(Json const& fail, Json const& neutral);
    StatusRules();

    Outcome outcome(int status) const { return outcomes_[static_cast<std::size_t>(status)]; }

private:
    std::array<Outcome, 600> outcomes_{};
};

enum class LineFate { sample, unmatched, no_status, unreadable };

class AccessLogReader {
public:
    /// Errors name the field: "match.path".
    static Result<AccessLogReader> make(std::string service, SignalPolicy const& signal);

    /// `sample` is set where the answer is LineFate::sample. A line without a time happened now.
    LineFate read(std::string_view line, Now now, Sample& sample) const;

private:
    using Expression = std::shared_ptr<re2::RE2 const>;

    bool matches(LogLine const& line) const;
    std::string by_of(LogLine const& line) const;

    std::string service_;
    std::string signal_;
    std::string by_;
    LogFormat format_ = LogFormat::auto_;
    LogKeys keys_;
    StatusRules rules_;
    Expression path_, query_;               // null: any
    int path_group_ = 0, query_group_ = 0;  // of the group named like `by`; 0: none
    std::vector<std::string> methods_;      // upper case; empty: any
    std::vector<std::string> hosts_;        // lower case, "*." first for any subdomain; empty: any
};

inline constexpr std::size_t by_bytes_max = 128;  // longer values are cut

}  // namespace rollbackd
