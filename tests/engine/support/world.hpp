// A world for engine tests: a policy, a clock, a journal in memory. Events go in, records are
// appended and applied as the shell would, and commands wait for the test to answer them.
#pragma once

#include "engine/engine.hpp"
#include "engine/records.hpp"

#include <deque>

namespace rollbackd::testing {

using namespace std::chrono_literals;

Condition condition(std::string_view text);
/// Service "shop": http probe `health` (every 5 s), push `webhooks` and `requests`; triggers `down`
/// (3 failures), `webhooks` (> 3), playbooks code-rollback (undoes release) and payments-off.
Policy shop_policy();

struct World {
    explicit World(Policy policy = shop_policy());

    Now now{Instant(1000000s), WallTime(std::chrono::sys_days(std::chrono::year(2026) / 1 / 31))};
    std::shared_ptr<Policy> policy;
    Engine engine;
    std::vector<Record> journal;
    std::deque<Command> commands;
    Reply reply;
    /// Whether steps could work is asked of the test; else, where nothing else is asked, each says
    /// at once that it could.
    bool steps_wait = false;

    void pass(Duration time);  // moves the clock, with every deadline on the way
    void send(Event event);
    void append(RecordBody const& body);  // as if it had been decided
    void sample(Sample sample);
    void probe(bool ok, std::string const& signal = "health");
    void push(bool ok, std::string const& signal = "webhooks", std::string const& id = "");
    void deploy(std::string const& version, bool known_good = false);
    /// v1 known-good, good samples, then v2 deployed and past its start_period.
    void release_v2();
    void fail_health(int times) {
        for (int i = 0; i < times; ++i) {
            pass(1s);
            probe(false);
        }
    }

    template <class T>
    std::optional<T> take() {  // the next command, if it is a T
        if (commands.empty() || !std::holds_alternative<T>(commands.front())) return std::nullopt;
        T out = std::get<T>(commands.front());
        commands.pop_front();
        return out;
    }
    /// Answers a pending AskFresh; true where there was one.
    bool answer(Answer answer = {});
    /// Ends the step that was started last.
    bool end_step(OutcomeKind kind = OutcomeKind::done);
    Incident const* incident(std::string const& id = "INC-1") const;
    std::vector<std::string> kinds() const;
    bool has_refusal(std::string const& letter, Guard guard) const;
    /// A second engine that has only read the journal.
    Engine replayed() const;

private:
    void carry_out(Decision decision);
    bool asks_steps_alone(Command const& command) const;
};

}  // namespace rollbackd::testing
