// A plan: one playbook with every template rendered and its target pinned, bound by a hash. What a
// person approves, what a dry run shows and what a run carries out are the same plan.
#pragma once

#include "engine/policy.hpp"

namespace rollbackd {

struct Plan {
    std::string service;
    std::string playbook;
    Undoes undoes = Undoes::nothing;
    DataLoss data_loss = DataLoss::none;
    std::optional<std::string> data_loss_window;  // for people: "everything written since …"
    std::optional<std::string> target;            // version it restores; of undoes: release
    std::optional<std::string> blamed;            // version it undoes
    std::optional<Duration> budget;
    std::vector<std::string> locks;
    std::vector<Step> steps;
    std::vector<Step> always;
    std::vector<Check> verify;
    std::vector<Check> success;
    std::vector<std::string> follow_up;
    std::vector<Reminder> reminders;
    std::vector<Duty> duties;
    std::vector<std::string> on_failure;
    JsonObject inputs;
    bool approval = false;                // the playbook itself demands a person
    std::optional<WallTime> loses_since;  // where the window begins, so far as it is known
    std::string hash;                     // sha256 over everything above

    friend bool operator==(Plan const&, Plan const&) = default;
};
BOOST_DESCRIBE_STRUCT(
    Plan, (),
    (service, playbook, undoes, data_loss, data_loss_window, target, blamed, budget, locks, steps,
     always, verify, success, follow_up, reminders, duties, on_failure, inputs, approval,
     loses_since, hash)
)

}  // namespace rollbackd
