// A probe asked from another machine: over ssh, `rollbackd --probe` there takes the signal on its
// standard input, asks, and answers in one line. So every type of probe works from everywhere as it
// does here, with the same reasons, rows and counters. The machine needs the package, an account
// for ssh and nothing that runs: what one question builds upon of the one before goes along with
// it.
#pragma once

#include "triggers/probes/registry.hpp"

namespace rollbackd {

inline constexpr std::size_t remote_question_max = 4 * 1024 * 1024;

/// How much of a question's time the way there and back may take: a quarter, at most 2 s, as long
/// as that is enough. What a slow way needs is learnt from questions nobody answered in time, else
/// a target that is silent would look like a slow way for ever, and its failure never be seen.
class WayThere {
public:
    Duration share(Duration timeout) const;
    /// The target was seen to be well, after so long: the way took no longer.
    void was_well(Duration took);
    void was_late(Duration timeout);

private:
    std::optional<Duration> learnt_;
};

/// `signal.from` names one of `context.hosts`.
std::unique_ptr<Probe> make_remote_probe(SignalPolicy const& signal, ProbeContext const& context);

/// The other end: takes the question from this text, asks, and answers the line to print. An Error
/// where it is no question.
boost::asio::awaitable<Result<std::string>> answer_remote(
    std::string question, ProbeContext context
);

/// An answer, and what that probe's next one builds upon: it goes back with the next question.
struct RemoteAnswer {
    ProbeAnswer answer;
    std::optional<Json> saved = {};

    friend bool operator==(RemoteAnswer const&, RemoteAnswer const&) = default;
};

/// What stands on that line, both ways; for tests.
std::string write_answer(RemoteAnswer const& answer);
Result<RemoteAnswer> read_answer(std::string_view line);

}  // namespace rollbackd
