#include "daemon/release_watch.hpp"

#include "engine/guards.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

bool announces(SignalPolicy const& signal) {
    if (signal.type != "release") return false;
    auto const* const announce = signal.params.if_contains("announce");
    return announce == nullptr || !announce->is_bool() || announce->get_bool();
}

}  // namespace

asio::awaitable<void> ReleaseWatch::watch(Facts facts, Told told) {
    began_ = clock_.now().boot;
    while (co_await sleep_for(look_every)) {
        auto const policy = engine_.policy_ptr();
        for (auto const& service : policy->services) {
            for (auto const& signal : service.signals) {
                auto const* const window =
                    announces(signal) ? engine_.window(service.name, signal.name) : nullptr;
                if (window == nullptr) continue;
                auto& known = known_[service.name + "/" + signal.name];
                auto const version = changed(known, *window);
                if (!version || !is_news(service.name, *version)) continue;
                DeploymentPosted event;
                event.actor.name = "signal " + signal.name;
                event.service = service.name;
                event.version = *version;
                // It happened after the last look that still saw the old one: failures since then
                // are its own.
                auto const now = clock_.now();
                auto const started = std::max(known.settled_at, now.boot - started_back_max);
                event.started_at = to_wall(started, now);
                known.settled_at = *known.last;
                event.facts = co_await facts(service.name);
                told(service.name, *version);
                decider_.post(std::move(event));
            }
        }
    }
}

std::optional<std::string> ReleaseWatch::changed(Known& known, SignalWindow const& window) const {
    auto const now = clock_.now().boot;
    auto const at = window.known_at(now);
    auto const text = window.text_at(now);
    if (!at || !text || text->empty() || known.last == at) return std::nullopt;
    known.last = at;
    // What was there before we began to look, if a restart has brought it back.
    if (!known.settled) {
        known.settled = window.text_at(began_).value_or(*text);
        known.settled_at = window.known_at(began_).value_or(*at);
    }
    if (*text == *known.settled) {
        known.settled_at = *at;
        known.readings = 0;
        return std::nullopt;
    }
    if (known.readings == 0 || *text != known.candidate) {
        known.candidate = *text;
        known.readings = 0;
    }
    if (++known.readings < readings_wanted) return std::nullopt;
    known.settled = *text;
    known.readings = 0;
    return text;
}

bool ReleaseWatch::is_news(std::string const& service, std::string const& version) const {
    auto const* const run = run_on(engine_.state(), service);
    if (run != nullptr && run->plan.target == version) return false;  // our own doing
    return engine_.state().service(service).current != version && version_problem(version).empty();
}

}  // namespace rollbackd
