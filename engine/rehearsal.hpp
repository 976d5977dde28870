// An engine on a clock that its owner turns, with the journal in memory: events go in, records are
// chained and applied as the shell would, commands go to whoever derives from it. Nothing is done
// and nothing is stored. Tests of a policy, backtests and the engine's own tests stand on it.
#pragma once

#include "engine/engine.hpp"
#include "engine/records.hpp"

namespace rollbackd {

class Rehearsal {
public:
    Rehearsal(std::shared_ptr<Policy const> policy, Now begin);
    virtual ~Rehearsal() = default;

    /// Moves the clock, with every deadline on the way.
    void pass(Duration time);
    void send(Event event);
    void observe(std::span<Sample const> samples);
    void append(RecordBody const& body);  // as if it had been decided

    Now now;
    Engine engine;
    std::vector<Record> journal;
    Reply reply;  // to the event sent last

    static constexpr char const* boot = "00000000-0000-4000-8000-000000000001";

protected:
    Rehearsal(Rehearsal&&) = default;
    Rehearsal& operator=(Rehearsal&&) = default;

    /// What a decision wants done, once its records are applied.
    virtual void carry_out(std::vector<Command> commands) = 0;
    virtual void applied(Record const& record) { (void)record; }

private:
    void take(Decision decision);
};

}  // namespace rollbackd
