// Which lines of a log are failures: by RE2 expressions, or by patterns that have a name because
// runbooks know them. Made once from the signal's params; pure: a line goes in, a sample comes out.
#pragma once

#include "triggers/signal.hpp"

namespace re2 {
class RE2;
}

namespace rollbackd {

/// A line as its log gave it.
struct RawLine {
    std::optional<WallTime> time;  // absent: looked for at the line's beginning, else it is now
    std::string text;
};

/// Names of the patterns there are: error, missing_relation, no_space, …
std::vector<std::string> log_pattern_names();
/// One line a pattern, for the documentation: what it finds.
std::string log_patterns_doc();

class LogMatcher {
public:
    /// Errors name the field.
    static Result<LogMatcher> make(std::string service, SignalPolicy const& signal);

    /// nullopt: a line that is ignored, or blank. A failure's reason is "NAME: the line".
    std::optional<Sample> read(RawLine const& line, Now now) const;

private:
    struct Pattern {
        std::string name;
        std::shared_ptr<re2::RE2 const> expression;
    };

    std::string service_;
    std::string signal_;
    bool by_pattern_ = false;
    std::vector<Pattern> fail_;
    std::vector<Pattern> ignore_;
};

inline constexpr std::size_t log_line_shown_max = 200;

/// The RFC 3339 time a line begins with, bare or in brackets; without an offset it is none.
std::optional<WallTime> time_at_head(std::string_view line);

}  // namespace rollbackd
