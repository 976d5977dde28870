// Which lines of an access log a signal counts, and as what. Made once from the signal's params;
// pure: a line goes in, a sample comes out, or the reason why there is none.
#pragma once

#include "triggers/signal.hpp"
#include "triggers/sources/access_log_pattern.hpp"
#include "triggers/sources/source.hpp"

#include <array>

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

/// Whether the signal's params make it a gauge of seconds.
bool is_measured_latency(JsonObject const& params);

class AccessLogReader {
public:
    /// Errors name the field: "match.path".
    static Result<AccessLogReader> make(std::string service, SignalPolicy const& signal);

    /// `sample` is set where the answer is LineFate::sample. A line without a time happened now.
    LineFate read(std::string_view line, Now now, Sample& sample) const;

private:
    using Expression = std::shared_ptr<re2::RE2 const>;

    Result<void> read_form(SignalPolicy const& signal);
    Result<void> read_match(JsonObject const& wanted);
    Result<void> check_pattern() const;
    bool matches(LogLine const& line) const;
    std::optional<std::string> named(LogLine const& line, std::string const& name) const;
    std::string counted_once(LogLine const& line) const;
    std::optional<double> seconds_of(LogLine const& line) const;

    std::string service_;
    std::string signal_;
    std::string by_;
    std::string id_;
    std::string affected_;
    LogFormat format_ = LogFormat::auto_;
    LogKeys keys_;
    std::optional<LogPattern> pattern_;
    bool measures_latency_ = false;
    double seconds_per_unit_ = 1;
    StatusRules rules_;
    Expression path_, query_;           // null: any
    std::vector<std::string> methods_;  // upper case; empty: any
    std::vector<std::string> hosts_;    // lower case, "*." first for any subdomain; empty: any
};

inline constexpr std::size_t by_bytes_max = 128;  // longer values are cut
inline constexpr std::size_t id_bytes_max = 256;

}  // namespace rollbackd
