#include "cli/narrator.hpp"

#include "cli/story.hpp"
#include "cli/text.hpp"
#include "cli/view.hpp"
#include "core/names.hpp"

#include <algorithm>

namespace rollbackd::cli {

namespace {

Json const& member(Json const& value, std::string_view name) {
    static Json const none;
    auto const* const found = find(value, name);
    return found == nullptr ? none : *found;
}

std::string because(Json const& body, std::string_view name) {
    auto const why = shown(body, name);
    return why.empty() ? "" : ": " + why;
}

std::string by(Json const& body) {
    auto const who = shown(body, "by");
    return who.empty() ? "" : " by " + who;
}

std::string firing(Json const& entry) {
    auto const name = shown(entry, "trigger");
    auto const why = is_true(entry, "raised") ? "raised" + because(entry, "reason")
                                              : shown(member(entry, "evaluation"), "why");
    return name + (why.empty() ? "" : " (" + why + ")");
}

std::string deployment_line(Json const& body) {
    auto const& deployment = member(body, "deployment");
    auto const version = shown(deployment, "version");
    auto const service = shown(body, "service");
    if (is_true(body, "own")) return service + " runs " + version + ", the rollback's target";
    if (is_true(body, "repeated")) return service + " runs " + version + " (said again)";
    std::string line = service + " was deployed: " + version + by(deployment);
    if (is_true(deployment, "known_good")) return line + ", known-good";
    if (is_true(body, "quarantined")) return line + ", which is QUARANTINED as bad";
    return line;
}

std::string judged_line(Json const& body) {
    std::string line;
    for (auto const& refusal : items_of(body, "refusals")) {
        line += (line.empty() ? "" : "; ") + refusal_text(refusal);
    }
    auto const playbook = shown(body, "playbook");
    if (line.empty()) {
        return "every guard of " + (playbook.empty() ? std::string("the run") : playbook) +
               " passed";
    }
    return "held back: " + line;
}

constexpr std::string_view quiet[] = {
    "incident.asked",           "incident.rung",    "incident.ladder",
    "deployment.window_closed", "message.queued",   "message.attempted",
    "message.fell_back",        "request.answered", "run.check",
};

}  // namespace

std::string Narrator::incident(std::string const& id) const {
    auto const found = services_.find(id);
    return found == services_.end() ? id : id + " (" + found->second + ")";
}

std::string Narrator::run(std::string const& id) const {
    auto const found = runs_.find(id);
    return found == runs_.end() ? id : found->second.title;
}

std::string Narrator::step(std::string const& run_id, std::int64_t n) const {
    auto const found = runs_.find(run_id);
    auto const number = std::to_string(n);
    if (found == runs_.end() || n < 1 || std::size_t(n) > found->second.steps.size()) {
        return run_id + ": step " + number;
    }
    return found->second.title + ": step " + number + " of " +
           std::to_string(found->second.steps.size()) + ", " +
           found->second.steps[std::size_t(n - 1)];
}

void Narrator::remember_run(Json const& entry) {
    auto const id = shown(entry, "id");
    auto const& plan = member(entry, "plan");
    KnownRun known{id + " " + run_name(plan) + " (" + shown(entry, "incident") + ")", {}};
    for (auto const& item : items_of(entry, "steps")) known.steps.push_back(shown(item, "name"));
    if (runs_.size() >= names_max) runs_.erase(runs_.begin());
    runs_[id] = std::move(known);
}

std::string Narrator::tell(std::string_view kind, Json const& body) {
    for (auto const silent : quiet) {
        if (kind == silent) return {};
    }
    remember_versions(body);
    auto line = tell_service(kind, body);
    if (!line) line = tell_incident(kind, body);
    if (!line) line = tell_run(kind, body);
    return ShortHashes(versions_)(line.value_or(clean(kind)));
}

// So that two of them never look alike in short, however far apart they are told.
void Narrator::remember_versions(Json const& body) {
    for (auto const* const pointer :
         {"/version", "/deployment/version", "/run/plan/target", "/run/plan/blamed"}) {
        auto const* const found = find_pointer(body, pointer);
        if (found == nullptr || !found->is_string()) continue;
        auto version = clean(std::string_view(found->get_string()));
        if (!ShortHashes::any_in(version)) continue;
        if (std::find(versions_.begin(), versions_.end(), version) != versions_.end()) continue;
        if (versions_.size() >= names_max) versions_.erase(versions_.begin());
        versions_.push_back(std::move(version));
    }
}

std::optional<std::string> Narrator::tell_service(std::string_view kind, Json const& body) const {
    auto const text = [&](std::string_view name) { return shown(body, name); };
    auto const scope = text("service").empty() ? std::string("every service") : text("service");
    auto const version = text("service") + " " + text("version");
    if (kind == "policy.loaded") return "the configuration was loaded" + by(body);
    if (kind == "daemon.started") return "rollbackd started" + because(body, "note");
    if (kind == "deployment.recorded") return deployment_line(body);
    if (kind == "deployment.known_good") return version + " is known-good" + because(body, "why");
    if (kind == "deployment.disturbed") {
        return text("service") + ": " + text("trigger") + " was true while the deployment baked";
    }
    if (kind == "version.quarantined") {
        return version + " is bad: quarantined until a person releases it";
    }
    if (kind == "version.released") {
        return version + " was released from quarantine" + by(body) + because(body, "reason");
    }
    if (kind == "playbook.readiness") {
        return text("service") + ": " + text("playbook") +
               (is_true(body, "ready") ? " can be run"
                                       : " could not be run now" + because(body, "why"));
    }
    if (kind == "playbook.drilled") {
        bool const passed = is_true(member(body, "drill"), "passed");
        return text("service") + ": a drill of " + text("playbook") + by(body) +
               (passed ? " passed" : " FAILED");
    }
    if (kind == "service.paused") return scope + " was paused" + by(body);
    if (kind == "service.resumed") return scope + " was resumed" + by(body);
    if (kind == "silence.added") {
        auto const& silence = member(body, "silence");
        auto const what = shown(silence, "service");
        return (what.empty() ? "every service" : what) + " was silenced" + by(silence) +
               because(silence, "reason");
    }
    if (kind == "silence.ended") {
        return "the silence " + text("id") + " of " + scope + " ended" + by(body);
    }
    if (kind == "message.ended") {
        if (text("state") != "dropped") return "";
        return "a message could not be delivered" + because(body, "text");
    }
    return std::nullopt;
}

std::string Narrator::opened_line(Json const& opened) {
    auto const id = shown(opened, "id");
    if (services_.size() >= names_max) services_.erase(services_.begin());
    services_[id] = shown(opened, "service");
    std::string line = incident(id) + " opened, " + shown(opened, "severity") + ":";
    if (items_of(opened, "triggers").empty()) line += " a person's own run";
    for (auto const& entry : items_of(opened, "triggers")) line += " " + firing(entry);
    return line;
}

std::optional<std::string> Narrator::tell_incident(std::string_view kind, Json const& body) {
    auto const text = [&](std::string_view name) { return shown(body, name); };
    if (kind == "incident.opened") return opened_line(member(body, "incident"));
    auto const id = incident(text("id"));
    if (kind == "incident.joined") return id + ": also " + firing(member(body, "firing"));
    if (kind == "incident.judged") return id + ": " + judged_line(body);
    if (kind == "incident.state") return id + " is " + text("state") + because(body, "why");
    if (kind == "incident.reopened") return id + " is judged again" + because(body, "why");
    if (kind == "incident.cleared") {
        return id + ": " + text("trigger") + " is false again" + because(body, "why");
    }
    if (kind == "incident.refired") {
        return id + ": " + text("trigger") + " is still true" +
               because(member(body, "evaluation"), "why");
    }
    if (kind == "incident.acked") return id + " was acknowledged" + by(body);
    if (kind == "incident.unanswered") return id + " was told again" + because(body, "why");
    if (kind == "incident.escalated") return id + " was ESCALATED" + because(body, "why");
    if (kind == "incident.verdict") {
        return id + " was marked " + text("verdict") + by(body) + because(body, "reason");
    }
    if (kind == "incident.evidence") {
        return id + ": evidence kept" + because(member(body, "evidence"), "name");
    }
    if (kind == "incident.recovered") return id + " has RECOVERED, verified";
    if (kind == "incident.resolved") return id + " is resolved" + by(body) + because(body, "why");
    if (kind == "follow_up.told") return id + ": people are reminded of follow-up " + text("entry");
    if (kind == "follow_up.ended") {
        return id + ": nobody is reminded any more" + by(body) + because(body, "reason");
    }
    if (kind == "duty.owed") {
        auto const& duty = member(member(body, "duty"), "duty");
        return id + ": people owe " + shown(duty, "name") + because(duty, "text");
    }
    if (kind == "duty.changed") {
        return id + ": duty " + text("n") +
               (is_true(body, "overdue") ? " is OVERDUE" : " is " + text("state")) + by(body) +
               because(body, "reason");
    }
    return std::nullopt;
}

std::optional<std::string> Narrator::tell_run(std::string_view kind, Json const& body) {
    auto const text = [&](std::string_view name) { return shown(body, name); };
    auto const run_id = text("run");
    auto const n = number_of(body, "n").value_or(0);
    if (kind == "run.planned") {
        auto const& planned = member(body, "run");
        remember_run(planned);
        return run(shown(planned, "id")) + " is planned" + because(planned, "reason");
    }
    if (kind == "run.approved") return run(run_id) + " was approved" + by(body);
    if (kind == "run.started") {
        return run(run_id) + " started" + (is_true(body, "automatic") ? ", by policy" : "");
    }
    if (kind == "run.abort") return run(run_id) + ": abort was asked for" + by(body);
    if (kind == "run.verifying") return run(run_id) + ": verifies the recovery";
    if (kind == "run.ended") {
        return run(run_id) + " " + text("state") + because(body, "why") + by(body);
    }
    if (kind == "step.intent") return step(run_id, n) + ": starts";
    if (kind == "step.waiting") {
        return step(run_id, n) + ": waits for people" + because(body, "text");
    }
    if (kind == "step.ended") {
        auto const exit = text("exit");
        return step(run_id, n) + ": " + text("state") +
               (exit.empty() || exit == "0" ? "" : " (exit " + exit + ")") + by(body);
    }
    return std::nullopt;
}

}  // namespace rollbackd::cli
