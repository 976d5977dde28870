// A form of access log that nobody else writes: an RE2 expression whose named groups are the fields
// of a line. Pure; made once from a signal's params.
#pragma once

#include "triggers/sources/access_log_parse.hpp"

#include <memory>
#include <vector>

namespace re2 {
class RE2;
}

namespace rollbackd {

/// What a pattern's groups may be called, beside the names a signal asks for.
std::vector<std::string> const& log_pattern_fields();

class LogPattern {
public:
    /// `own`: names of groups the signal asks for itself (its `by`, its `id`). An Error says which
    /// group is unknown, or that there is none at all.
    static Result<LogPattern> make(std::string const& text, std::vector<std::string> const& own);

    /// Whether there is a group of this name.
    bool has(std::string_view name) const;
    /// nullopt: the line does not match.
    std::optional<LogLine> parse(std::string_view line) const;

private:
    std::shared_ptr<re2::RE2 const> expression_;
    std::vector<std::string> own_;
    std::vector<std::string> groups_;  // their names by number; empty: without one
};

}  // namespace rollbackd
