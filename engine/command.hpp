// What the engine wants done, after its records are durable. The shell carries each out and brings
// the outcome back as an Event; it has no `if` of its own.
#pragma once

#include "engine/event.hpp"

namespace rollbackd {

/// Ask references, the probes of dependencies, the schema and the plans' preflights, together at
/// most 2 s → Answered.
struct AskFresh {
    std::string incident;
    std::string ask;
    std::string service;
    bool references = false;
    std::vector<std::string> dependencies;  // services
    bool schema = false;
    std::vector<Plan> plans;  // whose steps are asked
    /// Every step, of containment too, which is otherwise not asked: it does not wait. For who
    /// wants to know and starts nothing.
    bool every_step = false;
};
/// Carry out → StepEnded. The intent is durable.
struct StartStep {
    std::string run;
    std::uint32_t n = 0;
    std::uint32_t attempt = 0;
    Step step;
    std::string service;
    std::string incident;
};
/// After a restart: find the step's supervisor, wait for it, or start it if it was never claimed →
/// StepEnded.
struct AdoptStep {
    std::string run;
    std::uint32_t n = 0;
    std::uint32_t attempt = 0;
    Step step;
    std::string service;
    std::string incident;
    Duration spent{};  // since its intent
};
/// Ask the step's `check` (or its type's own way) whether it took effect → StepSettled.
struct SettleStep {
    std::string run;
    std::uint32_t n = 0;
    Step step;
    Instant not_before{};  // it may still be running until then, where nobody can see it
};
/// End the step's whole process group → StepEnded (aborted).
struct AbortStep {
    std::string run;
    std::uint32_t n = 0;
};
/// A `run:` entry of verify or success → CheckEnded.
struct RunCheck {
    std::string run;
    std::uint32_t n = 0;
    bool success_list = false;
    std::vector<std::string> argv;
    std::string from;
    Duration limit{};
};

using Command = std::variant<AskFresh, StartStep, AdoptStep, SettleStep, AbortStep, RunCheck>;

/// What the person who caused the event is told: an Error (refused), or ids to look up.
struct Reply {
    std::optional<Error> error;
    std::string incident;
    std::string run;
    std::string silence;
    std::uint64_t deployment = 0;
    bool quarantined = false;
};

struct Decision {
    std::vector<RecordDraft> records;
    std::vector<Command> commands;
    Reply reply;
};

}  // namespace rollbackd
