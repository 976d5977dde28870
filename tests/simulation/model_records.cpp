// The journal as the model reads it: JSON, record after record.
#include "tests/simulation/model.hpp"

#include <algorithm>

namespace rollbackd::simulation {

std::string word(Json const& json, char const* member) { return text_of(json, member); }

std::uint64_t number(Json const& json, char const* member) {
    auto const* const found = find(json, member);
    if (found == nullptr) return 0;
    if (found->is_int64()) return std::uint64_t(found->get_int64());
    return found->is_uint64() ? found->get_uint64() : 0;
}

bool flag(Json const& json, char const* member) {
    auto const* const found = find(json, member);
    return found != nullptr && found->is_bool() && found->get_bool();
}

std::vector<std::string> words(Json const& json, char const* member) {
    std::vector<std::string> out;
    auto const* const found = find(json, member);
    if (found == nullptr || !found->is_array()) return out;
    for (auto const& item : found->get_array()) out.emplace_back(item.get_string());
    return out;
}

namespace {

std::optional<Duration> span(Json const& json, char const* member) {
    auto const* const found = find(json, member);
    if (found == nullptr || found->is_null()) return std::nullopt;
    return Duration(std::int64_t(number(json, member)));
}

BookStep step_of(Json const& json, bool always) {
    BookStep out;
    out.name = word(json, "name");
    out.type = word(json, "type");
    out.always = always;
    out.idempotent = flag(json, "idempotent");
    out.approval = flag(json, "approval");
    out.when = word(json, "when");
    out.save = word(json, "save");
    out.takes_version = to_text(json).find("{{ steps.") != std::string::npos;
    out.checked = !words(json, "check").empty();
    out.retries = number(json, "retries");
    out.timeout = span(json, "timeout").value_or(Duration{});
    return out;
}

}  // namespace

Time Model::moment(Json const& json) const {
    return machine_.time_of(Instant(Duration(std::int64_t(number(json, "boot")))));
}

void Model::add_firing(BookIncident& incident, Json const& json) {
    BookFiring out;
    out.trigger = word(json, "trigger");
    out.when = word(json, "when");
    out.blame = word(json, "blame");
    out.autonomy = word(json, "autonomy");
    out.approval = flag(json, "approval");
    out.raised = flag(json, "raised");
    out.fired = now_;
    if (auto const* const rules = find(json, "rules")) out.min_count = number(*rules, "min_count");
    if (auto const* const after = find(json, "resolve_after")) {
        out.resolve_samples = number(*after, "samples");
        out.resolve_for = span(*after, "duration");
    }
    if (auto const* const response = find_pointer(json, "/resolved/response")) {
        out.response = word(*response, "kind");
        if (auto const* const rungs = find(*response, "rungs")) {
            for (auto const& rung : rungs->get_array()) out.ladder.push_back(word(rung, "run"));
        }
    }
    if (auto const* const resolved = find(json, "resolved")) {
        auto const severity = word(*resolved, "severity");
        if (severity < incident.severity) {
            incident.severity = severity;
            incident.worse = now_;
            bool const told = !silenced(incident.service) && out.response != "propose";
            if (told) again_now_.insert(incident.id);
        }
    }
    judge_truth(out, incident.service);
    auto const* const means = meaning(out);
    bool const quiet = means != nullptr && means->front().is_quiet();
    require(
        !quiet || out.response != "ladder", "4",
        incident.id + " may act on " + out.trigger + ", which is true by silence alone"
    );
    true_since_.erase(incident.service + "/" + out.trigger);
    incident.firings[out.trigger] = std::move(out);
}

void Model::on_opened(Json const& body) {
    auto const& json = *find(body, "incident");
    auto const id = word(json, "id");
    require(!incidents_.contains(id), "7", id + " was opened twice");
    auto& incident = incidents_[id];
    incident.id = id;
    incident.service = word(json, "service");
    incident.state = word(json, "state");
    incident.alert_only = flag(json, "alert_only");
    incident.severity = word(json, "severity");
    incident.opened = incident.state_since = now_;
    for (auto const& firing : find(json, "triggers")->get_array()) add_firing(incident, firing);
    entered_now_.insert(id);
}

void Model::on_joined(Json const& body) {
    auto& incident = incidents_[word(body, "id")];
    refusals_told_.erase(incident.id);
    require(incident.state != "resolved", "7", incident.id + " was joined after its end");
    add_firing(incident, *find(body, "firing"));
}

void Model::on_state(Json const& body) {
    auto& incident = incidents_[word(body, "id")];
    auto const state = word(body, "state");
    auto const* const until = find(body, "until");
    incident.held = until != nullptr && !until->is_null();
    // Also where a run has worked and an earlier freeze stays.
    if (state == "frozen") end_reminders(incident.id);
    if (incident.state == state) return;
    refusals_told_.erase(incident.id);
    require(incident.state != "resolved", "7", incident.id + " left its end for " + state);
    bool const thaws =
        state == "open" && services_[incident.service].frozen_by.contains(incident.id);
    require(!thaws, "A7", incident.id + " is open though nobody has ended its freeze");
    incident.state = state;
    incident.state_since = now_;
    entered_now_.insert(incident.id);
    if (state == "frozen") services_[incident.service].frozen_by.insert(incident.id);
}

void Model::on_resolved(Json const& body) {
    auto& incident = incidents_[word(body, "id")];
    incident.state = "resolved";
    incident.state_since = now_;
    entered_now_.insert(incident.id);
    auto& service = services_[incident.service];
    bool const by_person = !word(body, "by").empty();
    if (by_person) end_reminders(incident.id);
    require(
        by_person || !service.frozen_by.contains(incident.id), "A7",
        incident.id + " is over by itself, and the freeze with it"
    );
    service.frozen_by.erase(incident.id);
    for (auto& [name, firing] : incident.firings) {
        if (by_person && !firing.cleared) service.floors[name] = now_;
        firing.cleared = true;
        true_since_.erase(incident.service + "/" + name);
    }
    for (auto const& id : incident.runs) {
        auto const& one = runs_[id];
        bool const over = one.state != "running" && one.state != "waiting";
        require(over, "7", incident.id + " was resolved while " + id + " is " + one.state);
    }
}

void Model::on_planned(Json const& body) {
    auto const& json = *find(body, "run");
    auto const& plan = *find(json, "plan");
    auto const id = word(json, "id");
    require(!runs_.contains(id), "7", id + " was planned twice");
    auto& made = runs_[id];
    made.id = id;
    made.incident = word(json, "incident");
    made.state = word(json, "state");
    made.manual = flag(json, "manual");
    made.storm = flag(json, "storm");
    made.answers = words(json, "answers");
    made.service = word(plan, "service");
    made.playbook = word(plan, "playbook");
    made.plan = word(plan, "hash");
    made.undoes = word(plan, "undoes");
    made.loss = word(plan, "data_loss");
    made.target = word(plan, "target");
    made.blamed = word(plan, "blamed");
    made.locks = words(plan, "locks");
    made.asks = flag(plan, "approval");
    made.budget = span(plan, "budget");
    made.verify = *find(plan, "verify");
    made.reminders = reminders_of(plan);
    for (auto const& step : find(plan, "steps")->get_array()) {
        made.steps.push_back(step_of(step, false));
    }
    for (auto const& step : find(plan, "always")->get_array()) {
        made.steps.push_back(step_of(step, true));
    }
    incidents_[made.incident].runs.push_back(id);
    if (made.manual) note_answer(made.incident, "somebody");
}

void Model::on_intent(Json const& body) {
    auto* const found = run(word(body, "run"));
    auto const n = number(body, "n");
    require(found != nullptr && n >= 1 && n <= found->steps.size(), "1", "an intent of no step");
    if (broken()) return;
    require(
        found->started && !found->ended, "1", "an intent of " + found->id + ", which is not on"
    );
    auto& step = found->steps[n - 1];
    if (found->waiting) found->people += now_ - *found->waiting;
    found->waiting.reset();
    if (!step.always && found->budget && found->started && times_are_known()) {
        auto const spent = now_ - *found->started - found->people;
        require(
            spent < *found->budget, "7",
            found->id + " starts step " + std::to_string(n) + " after its budget"
        );
    }
    require(!found->aborting || step.always, "8", found->id + " goes on though it was aborted");
    require(
        step.intents.insert(number(body, "attempt")).second, "1",
        "the same attempt was intended twice in " + found->id
    );
    if (step.intents.size() == 1 && !step.approval) judge_when(*found, step, true);
    step.state = "running";
}

// Its turn, on what was seen since something was done last: newer samples than those there are not.
void Model::judge_when(BookRun const& found, BookStep const& step, bool begins) {
    if (step.when.empty() || lossy_ || !times_are_known()) return;
    bool const good = watcher_.newest_is_good(found.service, "health", found.changed, now_, now_);
    bool const known = watcher_.newest_says(found.service, "health", now_, now_);
    require(known, "A2", found.id + " goes on at " + step.name + " though nobody knows");
    bool const wanted = step.when == "ok(health)" ? good : !good;
    require(
        wanted == begins, "A2",
        found.id + (begins ? " begins " : " skips ") + step.name + " and `" + step.when + "` is " +
            (wanted ? "true" : "false")
    );
}

void Model::on_step_ended(Json const& body) {
    auto* const found = run(word(body, "run"));
    auto const n = number(body, "n");
    if (found == nullptr || n == 0 || n > found->steps.size()) return;
    if (found->waiting) found->people += now_ - *found->waiting;
    found->waiting.reset();
    auto& step = found->steps[n - 1];
    step.state = word(body, "state");
    if (step.state == "skipped") {
        require(
            !step.when.empty() && step.intents.empty(), "A2",
            found->id + " skips step " + std::to_string(n) + ", which has no when or has begun"
        );
        judge_when(*found, step, false);
    } else if (!step.intents.empty() || step.type == "manual") {
        found->changed = now_;
    }
    if (!step.save.empty()) judge_backup(*found, step, body);
    bool const person = !word(body, "by").empty();
    bool const claims = step.state == "done" && step.type == "exec" && !person;
    require(
        !claims || step.worked || step.effects > 0, "1",
        found->id + " calls step " + std::to_string(n) + " done, and nobody knows that"
    );
    if (person && found->state == "interrupted" && step.state == "done") {
        found->state = "running";
        found->ended.reset();
        services_[found->service].frozen_by.erase(found->incident);
    }
}

void Model::on_run_ended(Json const& body) {
    auto* const found = run(word(body, "run"));
    if (found == nullptr) return;
    found->state = word(body, "state");
    found->ended = now_;
    found->waiting.reset();
    if (found->manual && !found->started) incidents_[found->incident].own_plan_gone = true;
    bool const rejected = !found->started && !word(body, "by").empty();
    if (rejected) {
        incidents_[found->incident].rejected.insert(found->plan);
        note_answer(found->incident, word(body, "by"));
    }
    // Unanswered is rejected too (A7).
    bool const unanswered = !found->started && word(body, "why").starts_with("unanswered");
    if (rejected || unanswered) incidents_[found->incident].refused.insert(found->playbook);
    auto& service = services_[found->service];
    if (found->automatic) service.last_end = now_;
    if (service.waiting.empty() || !found->started) return;
    auto const waited = std::exchange(service.waiting, {});
    for (auto at = service.deployments.rbegin(); at != service.deployments.rend(); ++at) {
        if (at->version != waited) continue;
        at->replaced = replaces(*found, *at);
        auto& standing = service.versions[waited].standing;
        if (!at->replaced) {
            put_into_effect(service, waited);
            note_live(service, waited, wall_, false);
            service.restored = false;
        }
        if (at->replaced && standing == "baking") standing = "superseded";
        return;
    }
}

void Model::on_message(Json const& body) {
    auto const& message = *find(body, "message");
    judge_told_once(body);
    auto const id = word(message, "id");
    outbox_[id] = false;
    auto& tells = tells_[id];
    for (auto const& other : words(message, "also")) tells.insert(other);
    for (auto const& other : tells) {
        auto const& service = incidents_[other].service;
        bool const named = word(message, "text").find(service) != std::string::npos;
        require(named, "A4", id + " tells of " + other + " and does not name " + service);
    }
    tells.insert(word(message, "incident"));
    if (word(message, "text").starts_with("Still so")) {
        still_so_now_.insert(word(message, "incident"));
    }
    // What is merged is told all the same.
    for (auto const& merged : words(body, "merges")) {
        outbox_.erase(merged);
        auto const& told = tells_[merged];
        require(
            std::includes(tells.begin(), tells.end(), told.begin(), told.end()), "1",
            id + " takes the place of " + merged + " and does not tell of all it told of"
        );
    }
    told_now_.insert(tells.begin(), tells.end());
}

void Model::on_deployment(Json const& body) {
    if (flag(body, "own")) return;
    auto& service = services_[word(body, "service")];
    auto const& json = *find(body, "deployment");
    auto const version = word(json, "version");
    auto& standing = service.versions[version];
    bool const known_good = flag(json, "known_good");
    if (flag(body, "repeated")) {
        if (known_good && standing.standing != "bad") standing.standing = "known-good";
        for (auto& known : service.deployments) {
            bool const says =
                known.version == version && find(json, "schema_compatible") != nullptr;
            if (says) known.schema_compatible = flag(json, "schema_compatible");
        }
        return;
    }
    BookDeployment made;
    made.seq = seq_;
    made.version = version;
    made.started = moment(*find(json, "started_at"));
    made.recorded = made.seen = now_;
    if (auto const* const seen = find(json, "seen_at")) made.seen = moment(*seen);
    made.known_good = known_good;
    made.in_effect = !known_good || flag(body, "becomes_current");
    if (made.in_effect) note_deployed(service, json);
    if (find(json, "schema_compatible") != nullptr) {
        made.schema_compatible = flag(json, "schema_compatible");
    }
    if (auto const by = word(json, "by"); by.starts_with("signal ")) {
        judge_unannounced(word(body, "service"), made, by.substr(7));
    }
    standing.schema = text_of(*find(json, "facts"), "schema");
    if (flag(body, "becomes_current")) {
        service.restored = false;
        service.waiting.clear();  // another takes its place, whenever that run ends
    }
    if (flag(body, "becomes_current") && service.current != version) {
        auto& old = service.versions[service.current].standing;
        if (old == "baking") old = "superseded";
        put_into_effect(service, version);
    }
    if (standing.standing != "bad") {
        bool const good = known_good || standing.standing == "known-good";
        standing.standing = good ? "known-good" : "baking";
    }
    bool const during = !flag(body, "opens_window") && !known_good;
    bool const really = std::any_of(runs_.begin(), runs_.end(), [&](auto const& entry) {
        return entry.second.service == word(body, "service") && replaces(entry.second, made);
    });
    bool const over = really || overtaken(service, made);
    made.replaced = during && !flag(body, "becomes_current");
    require(
        made.replaced == (over && !known_good) || !times_are_known(), "A1",
        version + (over ? " is called current, and a rollback or a newer one has replaced it"
                        : " is in effect and not called so")
    );
    if (made.replaced) {
        if (standing.standing == "baking") standing.standing = "superseded";
    } else if (during) {
        service.waiting = version;
    }
    auto place = service.deployments.end();
    bool const history = !flag(body, "becomes_current");
    while (history && place != service.deployments.begin() &&
           std::prev(place)->started > made.started) {
        --place;
    }
    service.deployments.insert(place, std::move(made));
}

}  // namespace rollbackd::simulation
