#include "daemon/asker.hpp"

#include "engine/live_version.hpp"
#include "triggers/probes/release.hpp"

#include <algorithm>
#include <list>

namespace rollbackd {

namespace asio = boost::asio;

/// One question's answers as they come in. What is still `open` when time is up has not answered.
struct Asker::Round {
    explicit Round(asio::any_io_executor executor) : done(std::move(executor)) {}

    Answer answer;
    std::size_t references = 0;
    std::size_t references_ok = 0;
    std::string reference_text;
    std::map<std::string, Answer::Failing> unanswered;  // dependencies asked and silent so far
    std::list<PlanLook> plans;
    std::size_t open = 0;
    WakeUp done;

    void finish() {
        if (--open == 0) done.notify();
    }
};

namespace {

void take_looks(std::vector<StepLook> looks, Answer& answer) {
    if (auto why = PlanLook::objection(looks)) {
        answer.preflight[looks.front().playbook] = std::move(*why);
    }
    answer.looks.insert(answer.looks.end(), looks.begin(), looks.end());
}

}  // namespace

Asker::Asker(
    asio::any_io_executor executor, ProbeContext context, Engine const& engine, Decider& decider,
    StepRunner& runner, TaskGroup::Report report
)
    : executor_(std::move(executor)),
      context_(context),
      engine_(engine),
      decider_(decider),
      runner_(runner),
      report_(std::move(report)) {}

std::vector<SignalPolicy> Asker::references_of(std::string const& service) const {
    auto out = engine_.policy().daemon.references;
    if (auto const* const known = engine_.policy().service(service)) {
        out.insert(out.end(), known->references.begin(), known->references.end());
    }
    return out;
}

asio::awaitable<Answer> Asker::ask(AskFresh question) {
    auto const round = std::make_shared<Round>(executor_);
    TaskGroup group(executor_, report_);
    if (question.references) {
        for (auto const& reference : references_of(question.service)) {
            ++round->references;
            ++round->open;
            group.spawn("reference", ask_reference(round, reference));
        }
    }
    for (auto const& name : question.dependencies) {
        auto const* const dependency = engine_.policy().service(name);
        if (dependency == nullptr) continue;
        for (auto const& signal : dependency->signals) {
            if (!signal.is_probe || signal.kind != SignalKind::state) continue;
            ++round->open;
            auto const key = name + "/" + signal.name;
            Answer::Failing silent{name, signal.name, "no answer within " + format_human(limit)};
            round->unanswered.emplace(key, std::move(silent));
            group.spawn("dependency", ask_dependency(round, name, signal));
        }
    }
    auto const* const service = engine_.policy().service(question.service);
    if (question.schema && service != nullptr) {
        round->answer.schema_asked = true;
        round->answer.schema_error = "no answer within " + format_human(limit);
        ++round->open;
        group.spawn("schema", ask_schema(round, service->release));
    }
    for (auto& plan : question.plans) {
        round->answer.asked.insert(plan.hash);
        auto& look = round->plans.emplace_back(std::move(plan), question.every_step);
        for (auto const& [place, step] : look.questions()) {
            ++round->open;
            group.spawn("preflight", ask_step(round, look, place, step));
        }
    }
    if (round->open > 0) (void)co_await round->done.wait_for(limit);
    group.cancel();
    co_await group.join();

    // One that finds no time objects to nothing: a busy machine must not block its own rollback,
    // and a step whose target is missing fails without harm.
    for (auto const& plan : round->plans) {
        auto looks = plan.looks();
        tell_versions(engine_.state().service(plan.plan().service), plan.plan(), looks);
        take_looks(std::move(looks), round->answer);
    }
    for (auto& [key, silent] : round->unanswered) {
        round->answer.failing.push_back(std::move(silent));
    }
    if (round->references > 0 && round->references_ok == 0) {
        round->answer.blind = true;
        round->answer.blind_text = "all " + std::to_string(round->references) +
                                   " references fail: " + round->reference_text;
    }
    co_return std::move(round->answer);
}

asio::awaitable<void> Asker::ask_reference(std::shared_ptr<Round> round, SignalPolicy reference) {
    auto probe = make_probe(reference, context_);
    std::string why = "cannot be asked";
    bool ok = false;
    if (probe) {
        auto answer = co_await (*probe)->ask(std::min(reference.timeout, limit));
        if (answer.value) {
            if (auto const* const state = std::get_if<StateValue>(&*answer.value)) {
                ok = state->ok;
                why = state->reason;
            } else {
                ok = !std::holds_alternative<UnknownValue>(*answer.value);
            }
        } else {
            why = answer.note;
        }
    }
    if (co_await is_cancelled()) co_return;
    if (ok) {
        ++round->references_ok;
    } else {
        round->reference_text = why;
    }
    round->finish();
}

asio::awaitable<void> Asker::ask_dependency(
    std::shared_ptr<Round> round, std::string service, SignalPolicy signal
) {
    auto probe = make_probe(signal, context_);
    if (!probe) co_return;  // stays unanswered
    auto const begun = context_.clock.now();
    auto answer = co_await (*probe)->ask(std::min(signal.timeout, limit));
    if (co_await is_cancelled()) co_return;
    auto const key = service + "/" + signal.name;
    if (answer.value) {
        Sample sample;
        sample.service = service;
        sample.signal = signal.name;
        sample.at = begun.boot;
        sample.value = *answer.value;
        bool const bad = is_failure(sample) || std::holds_alternative<UnknownValue>(sample.value);
        if (bad) {
            auto const* const state = std::get_if<StateValue>(&sample.value);
            auto& silent = round->unanswered[key];
            silent = {service, signal.name, state == nullptr ? "no usable answer" : state->reason};
        } else {
            round->unanswered.erase(key);
        }
        (void)decider_.ingest(std::span(&sample, 1));
    }
    round->finish();
}

asio::awaitable<void> Asker::ask_schema(std::shared_ptr<Round> round, ReleasePolicy release) {
    auto schema = co_await read_schema(std::move(release), context_, limit);
    if (co_await is_cancelled()) co_return;
    if (schema) {
        round->answer.schema = std::move(*schema);
        round->answer.schema_error.clear();
    } else {
        round->answer.schema_error = to_string(schema.error());
    }
    round->finish();
}

asio::awaitable<void> Asker::ask_step(
    std::shared_ptr<Round> round, PlanLook& plan, std::size_t place, Step step
) {
    auto look = co_await runner_.preflight(std::move(step));
    if (co_await is_cancelled()) co_return;
    plan.answered(place, std::move(look));
    round->finish();
}

asio::awaitable<ReleaseFacts> Asker::facts(std::string service) {
    ReleaseFacts out;
    auto const* const known = engine_.policy().service(service);
    if (known == nullptr) co_return out;
    auto release = known->release;
    auto reading = co_await read_release(std::move(release), context_, limit);
    if (!reading.version.empty()) out.version = std::move(reading.version);
    out.schema = std::move(reading.schema);
    out.schema_error = std::move(reading.schema_error);
    out.kept = std::move(reading.kept);
    co_return out;
}

asio::awaitable<bool> Asker::sees(std::string service) {
    AskFresh question;
    question.service = std::move(service);
    question.references = true;
    auto const answer = co_await ask(std::move(question));
    co_return !answer.blind;
}

}  // namespace rollbackd
