// A world for engine tests: a policy, and a rehearsal whose commands wait for the test to answer
// them.
#pragma once

#include "engine/rehearsal.hpp"

#include <deque>

namespace rollbackd::testing {

using namespace std::chrono_literals;

Condition condition(std::string_view text);
/// Service "shop": http probe `health` (every 5 s), push `webhooks` and `requests`; triggers `down`
/// (3 failures), `webhooks` (> 3), playbooks code-rollback (undoes release) and payments-off.
Policy shop_policy();

struct World : Rehearsal {
    explicit World(Policy policy = shop_policy());

    std::shared_ptr<Policy> policy;
    std::deque<Command> commands;
    /// Whether steps could work is asked of the test; else, where nothing else is asked, each says
    /// at once that it could.
    bool steps_wait = false;

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
    explicit World(std::shared_ptr<Policy> made);
    void carry_out(std::vector<Command> made) override;
    bool asks_steps_alone(Command const& command) const;
};

}  // namespace rollbackd::testing
