#include "daemon/readiness.hpp"

#include "core/io/task_group.hpp"
#include "engine/guards.hpp"

#include <algorithm>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

/// A person gives them with the run: until then there is no plan to look at.
bool needs_inputs(Playbook const& playbook) {
    return std::any_of(playbook.inputs.begin(), playbook.inputs.end(), [](auto const& input) {
        return input.value().is_null();
    });
}

}  // namespace

asio::awaitable<void> ReadinessWatch::watch(Ask ask) {
    auto wait = std::min<Duration>(soon, engine_.policy().daemon.readiness_every);
    while (co_await sleep_for(wait)) {
        auto const begun = clock_.now().boot;
        auto every = engine_.policy().daemon.readiness_every;
        auto doubtful = co_await round(ask, everything());
        if (co_await is_cancelled()) co_return;
        if (!doubtful.empty()) {
            if (!co_await sleep_for(std::min(soon, every))) co_return;
            for (auto& named : doubtful) {
                auto why = co_await look(ask, named);
                if (co_await is_cancelled()) co_return;
                if (why) tell(named, std::move(*why));
            }
        }
        every = engine_.policy().daemon.readiness_every;
        wait = std::max(begun + every - clock_.now().boot, std::min(soon, every) / 2);
    }
}

// Those that object; what can be run is told at once.
asio::awaitable<std::vector<ReadinessWatch::Named>> ReadinessWatch::round(
    Ask const& ask, std::vector<Named> names
) {
    std::vector<Named> doubtful;
    for (auto& named : names) {
        auto const why = co_await look(ask, named);
        if (co_await is_cancelled()) co_return doubtful;
        if (!why) continue;
        if (why->empty()) {
            tell(named, "");
        } else {
            doubtful.push_back(std::move(named));
        }
    }
    co_return doubtful;
}

std::vector<ReadinessWatch::Named> ReadinessWatch::everything() const {
    std::vector<Named> out;
    for (auto const& service : engine_.policy().services) {
        for (auto const& playbook : service.playbooks) {
            if (!needs_inputs(playbook)) out.push_back({service.name, playbook.name});
        }
    }
    return out;
}

asio::awaitable<std::optional<std::string>> ReadinessWatch::look(Ask const& ask, Named named) {
    // What is just being done may well stand in the way of doing it.
    if (run_on(engine_.state(), named.service) != nullptr) co_return std::nullopt;
    auto plan = engine_.plan(named.service, named.playbook, {}, clock_.now());
    if (!plan) {
        // A reload has taken it away meanwhile.
        auto const* const service = engine_.policy().service(named.service);
        if (service == nullptr || service->playbook(named.playbook) == nullptr)
            co_return std::nullopt;
        // A first version that is good has none to go back to, and needs none.
        bool const none = plan.error().code == Errc::not_found;
        if (none && engine_.state().service(named.service).baked()) co_return std::nullopt;
        co_return plan.error().what;
    }
    AskFresh question;
    question.service = named.service;
    question.plans.push_back(std::move(*plan));
    question.every_step = true;
    auto const answer = co_await ask(std::move(question));
    if (run_on(engine_.state(), named.service) != nullptr) co_return std::nullopt;
    auto const objection = answer.preflight.find(named.playbook);
    co_return objection == answer.preflight.end() ? std::string() : objection->second;
}

void ReadinessWatch::tell(Named const& named, std::string why) {
    auto const& known = engine_.state().service(named.service).readiness;
    auto const found = known.find(named.playbook);
    if (found != known.end() && found->second.ready == why.empty()) return;
    decider_.post(ReadinessSeen{named.service, named.playbook, std::move(why)});
}

}  // namespace rollbackd
