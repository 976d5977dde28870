#include "cli/rehearsal/expect.hpp"

#include "engine/head.hpp"

#include <algorithm>

namespace rollbackd::cli {

namespace {

bool fits(std::optional<std::string> const& wanted, std::string const& is) {
    return !wanted || *wanted == is;
}

/// Lists as promtool compares alerts: as many, in order, each as far as it is written down.
template <class Wanted, class Is, class Fits>
bool all_fit(std::vector<Wanted> const& wanted, std::vector<Is> const& are, Fits const& fit) {
    return wanted.size() == are.size() &&
           std::equal(wanted.begin(), wanted.end(), are.begin(), fit);
}

bool run_fits(ExpectedRun const& wanted, Run const& run) {
    return fits(wanted.playbook, run.plan.playbook) &&
           fits(wanted.target, run.plan.target.value_or("")) &&
           fits(wanted.state, to_string(run.state));
}

bool refusal_fits(ExpectedRefusal const& wanted, Refusal const& refusal) {
    return fits(wanted.guard, to_string(refusal.guard)) && fits(wanted.letter, refusal.letter) &&
           fits(wanted.playbook, refusal.playbook) &&
           (!wanted.text || refusal.text.find(*wanted.text) != std::string::npos);
}

bool has_trigger(Incident const& incident, std::string const& name) {
    return std::any_of(incident.triggers.begin(), incident.triggers.end(), [&](auto const& firing) {
        return firing.trigger == name;
    });
}

bool incident_fits(ExpectedIncident const& wanted, Incident const& incident) {
    std::vector<std::string> duties;
    for (auto const& duty : incident.duties) duties.push_back(duty.duty.name);
    return (!wanted.trigger || has_trigger(incident, *wanted.trigger)) &&
           fits(wanted.severity, to_string(incident.severity)) &&
           fits(wanted.state, to_string(incident.state)) &&
           fits(wanted.blamed, incident.blamed.value_or("")) &&
           (!wanted.alert_only || *wanted.alert_only == incident.alert_only) &&
           (!wanted.runs || all_fit(*wanted.runs, incident.runs, run_fits)) &&
           (!wanted.refusals || all_fit(*wanted.refusals, incident.refusals, refusal_fits)) &&
           (!wanted.duties || *wanted.duties == duties);
}

void add(std::string& out, std::string_view key, std::optional<std::string> const& value) {
    if (value && !value->empty())
        out += (out.empty() ? "" : ", ") + std::string(key) + ": " + *value;
}

std::string words(ExpectedRun const& run) {
    std::string out;
    add(out, "playbook", run.playbook);
    add(out, "target", run.target);
    add(out, "state", run.state);
    return "{ " + out + " }";
}

std::string words(ExpectedRefusal const& refusal) {
    std::string out;
    add(out, "guard", refusal.guard);
    add(out, "letter", refusal.letter);
    add(out, "playbook", refusal.playbook);
    add(out, "text", refusal.text);
    return "{ " + out + " }";
}

std::string words(std::string const& text) { return text; }

template <class T>
std::string words(std::vector<T> const& list) {
    std::string out;
    for (auto const& one : list) out += (out.empty() ? "" : ", ") + words(one);
    return "[" + out + "]";
}

std::string words(ExpectedIncident const& incident) {
    std::string out;
    add(out, "trigger", incident.trigger);
    add(out, "severity", incident.severity);
    add(out, "state", incident.state);
    add(out, "blamed", incident.blamed);
    if (incident.alert_only) add(out, "alert_only", *incident.alert_only ? "true" : "false");
    if (incident.runs) add(out, "runs", words(*incident.runs));
    if (incident.refusals) add(out, "refusals", words(*incident.refusals));
    if (incident.duties) add(out, "duties", words(*incident.duties));
    return "{ " + out + " }";
}

/// All that could have been expected of it.
ExpectedIncident as_expected(Incident const& incident) {
    ExpectedIncident out;
    if (!incident.triggers.empty()) out.trigger = incident.triggers.front().trigger;
    out.severity = to_string(incident.severity);
    out.state = to_string(incident.state);
    out.blamed = incident.blamed;
    if (incident.alert_only) out.alert_only = true;
    out.runs.emplace();
    for (auto const& run : incident.runs) {
        out.runs->push_back({run.plan.playbook, run.plan.target, to_string(run.state)});
    }
    out.refusals.emplace();
    for (auto const& refusal : incident.refusals) {
        out.refusals->push_back(
            {to_string(refusal.guard), refusal.letter, refusal.playbook, refusal.text}
        );
    }
    if (!incident.duties.empty()) {
        out.duties.emplace();
        for (auto const& duty : incident.duties) out.duties->push_back(duty.duty.name);
    }
    return out;
}

std::optional<Failure> judge_verdict(Expectation const& expected, Engine const& engine, Now now) {
    auto const is = engine.judge(expected.service, expected.name, now);
    auto const verdict = to_string(is.verdict);
    bool const why = is.why.find(expected.why) != std::string::npos;
    if (verdict == expected.word && why) return {};
    return Failure{
        expected.line, expected.at, "the verdict of " + expected.service + "/" + expected.name,
        expected.word + (expected.why.empty() ? "" : ": " + expected.why), verdict + ": " + is.why
    };
}

std::optional<Failure> judge_standing(Expectation const& expected, Engine const& engine) {
    auto const& versions = engine.state().service(expected.service).versions;
    auto const found = versions.find(expected.name);
    auto const standing =
        to_string(found == versions.end() ? Standing::unknown : found->second.standing);
    if (standing == expected.word) return {};
    return Failure{
        expected.line, expected.at, "the standing of " + expected.service + " " + expected.name,
        expected.word, standing
    };
}

std::optional<Failure> judge_incidents(Expectation const& expected, Engine const& engine) {
    std::vector<Incident> are;
    for (auto const& id : engine.state().incident_order) {
        auto const* const incident = engine.state().incident(id);
        if (incident == nullptr || incident->service != expected.service) continue;
        if (!expected.name.empty() && !has_trigger(*incident, expected.name)) continue;
        are.push_back(*incident);
    }
    if (all_fit(expected.incidents, are, incident_fits)) return {};
    std::string wanted;
    for (auto const& incident : expected.incidents) wanted += "\n- " + words(incident);
    std::string came;
    for (auto const& incident : are) came += "\n- " + words(as_expected(incident));
    return Failure{
        expected.line, expected.at, "the incidents of " + expected.service,
        wanted.empty() ? "none" : wanted, came.empty() ? "none" : came
    };
}

}  // namespace

std::optional<Failure> judge(Expectation const& expected, Engine const& engine, Now now) {
    switch (expected.about) {
        case Expectation::About::trigger:
            return judge_verdict(expected, engine, now);
        case Expectation::About::incidents:
            return judge_incidents(expected, engine);
        case Expectation::About::version:
            return judge_standing(expected, engine);
    }
    return {};
}

}  // namespace rollbackd::cli
