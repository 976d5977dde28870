// Triggers and what answers them: nothing may act on silence, somebody must be told of a P0, and
// the matrix must lead somewhere.
#include "config/lint.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

/// What answers a trigger as it is written, without what a signal measures.
struct Answer {
    std::optional<Severity> severity;
    Response response;
    std::size_t row = 0;  // of the matrix, where that gave the response
};

Answer answer_of(Policy const& policy, TriggerPolicy const& trigger) {
    auto const choice = choose(policy.matrix, trigger.classify);
    Answer answer{trigger.severity, {}, 0};
    if (!answer.severity) answer.severity = choice.severity;
    if (trigger.response) {
        answer.response = *trigger.response;
    } else {
        answer.response = choice.response;
        answer.row = choice.row;
    }
    return answer;
}

bool has_playbook(ServicePolicy const& service, Response const& response) {
    return std::any_of(response.rungs.begin(), response.rungs.end(), [&](Rung const& rung) {
        return service.playbook(rung.run) != nullptr;
    });
}

/// Whether a playbook of the service may answer: by the trigger's response, or by any row of the
/// matrix that fits once a signal has measured what the trigger leaves open.
bool can_act(Policy const& policy, ServicePolicy const& service, TriggerPolicy const& trigger) {
    auto const acts = [&](Response const& response) {
        return response.kind == ResponseKind::ladder && has_playbook(service, response);
    };
    if (trigger.response) return acts(*trigger.response);
    std::vector<std::optional<Users>> users{trigger.classify.users};
    std::vector<std::optional<bool>> risks{trigger.classify.data_risk};
    if (!users[0] && trigger.when.uses("affected")) {
        users.insert(users.end(), {Users::none, Users::some, Users::many, Users::all});
    }
    if (!risks[0] && !service.release.schema_type.empty()) {
        risks.insert(risks.end(), {true, false});
    }
    for (auto const& who : users) {
        for (auto const& risk : risks) {
            auto what = trigger.classify;
            what.users = who;
            what.data_risk = risk;
            if (acts(choose(policy.matrix, what).response)) return true;
        }
    }
    return false;
}

std::string ladder_text(Response const& response) {
    std::string text;
    for (auto const& rung : response.rungs) text += (text.empty() ? "" : ", ") + rung.run;
    return text;
}

void check_rules(Lint const& lint, std::string const& path, TriggerPolicy const& trigger) {
    auto const& when = trigger.when;
    bool const ratio =
        when.uses("failure_ratio") || when.uses("affected") || when.uses("burn_rate");
    if (trigger.rules.confidence && !ratio) {
        lint.warn(
            path + ".confidence",
            "confidence has no effect: this condition has no failure_ratio, affected or burn_rate"
        );
    }
}

void check_trigger(Lint const& lint, ServicePolicy const& service, TriggerPolicy const& trigger) {
    auto const path = path_of(service, "triggers", trigger.name);
    auto const answer = answer_of(lint.policy, trigger);
    bool const ladder = answer.response.kind == ResponseKind::ladder;
    if (ladder && answer.row > 0 && !has_playbook(service, answer.response)) {
        lint.warn(
            path, "row " + std::to_string(answer.row) + " of the matrix answers this with " +
                      ladder_text(answer.response) + ", and " + service.name +
                      " has none of these playbooks: it will only alert; write a response, or "
                      "classify it differently"
        );
    }
    bool const open = !trigger.severity || !trigger.response;
    if (open && choose(lint.policy.matrix, trigger.classify).row == 0) {
        lint.warn(
            path,
            "no row of the matrix fits this, so it is a P2 that alerts; write severity and "
            "response, or give the matrix a last row: { when: {}, … }"
        );
    }
    if (answer.severity == Severity::P0 && lint.policy.channels.empty()) {
        lint.warn(path, "a P0 and no channel to tell anybody; add one under notify");
    }
    if (trigger.when.text().empty()) return;
    check_rules(lint, path, trigger);
    if (can_act(lint.policy, service, trigger) && can_be_true_by_absence(trigger.when)) {
        lint.error(
            path + ".when=",
            "this can become true through absent() or stale() alone, and missing data is never a "
            "breach to act on; respond with alert or propose, or demand a failure too (and …)"
        );
    }
}

}  // namespace

void lint_triggers(Lint const& lint) {
    for (auto const& service : lint.policy.services) {
        for (auto const& trigger : service.triggers) check_trigger(lint, service, trigger);
    }
    if (!lint.written("matrix") || !lint.matrix_is_whole) return;
    if (lint.policy.matrix.empty()) {
        lint.warn("matrix", "the matrix has no row; leave the key out for the shipped one");
    }
    for (auto const row : unreachable_rows(lint.policy.matrix)) {
        lint.warn(
            "matrix." + std::to_string(row - 1),
            "row " + std::to_string(row) + " can never match: the rows above take all it fits"
        );
    }
}

}  // namespace rollbackd
