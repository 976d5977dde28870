// Logs of the past as one stream of samples in the order of their times, through the parsers the
// daemon's sources use.
#pragma once

#include "cli/rehearsal/history.hpp"
#include "core/sample.hpp"

namespace rollbackd::cli {

class Tapes {
public:
    /// Without logs: what the policy's own signals read.
    static Result<Tapes> open(Policy const& policy, std::vector<LogFile> const& logs);
    Tapes(Tapes&&) noexcept;
    ~Tapes();

    /// The next sample of all; nothing: they are at their ends.
    std::optional<Sample> next();
    std::vector<LogCount> counts() const;
    /// Signals no log of which was there: "shop/health".
    std::vector<std::string> silent(Policy const& policy) const;

private:
    struct Tape;
    explicit Tapes(std::vector<std::unique_ptr<Tape>> tapes);

    std::vector<std::unique_ptr<Tape>> tapes_;
};

}  // namespace rollbackd::cli
