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
    while (co_await sleep_for(look_every)) {
        auto const policy = engine_.policy_ptr();
        for (auto const& service : policy->services) {
            for (auto const& signal : service.signals) {
                auto const* const window =
                    announces(signal) ? engine_.window(service.name, signal.name) : nullptr;
                if (window == nullptr) continue;
                auto& known = known_[service.name + "/" + signal.name];
                auto const version = known.look(*window, began_, clock_.now().boot);
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

/// What was there before we began to look, if a restart has brought it back; else the first text
/// that was seen, which may have changed before we came to look at it.
void KnownRelease::settle_first(SignalWindow const& window, Instant began, Instant now) {
    constexpr std::size_t looked_at_max = 64;
    if (auto const before = window.text_at(began)) {
        settled = before;
        settled_at = window.known_at(began).value_or(began);
        return;
    }
    for (auto const& sample : window.recent(looked_at_max, {began, now})) {
        auto const* const text = std::get_if<TextValue>(&sample.value);
        if (text == nullptr || text->text.empty()) continue;
        settled = text->text;
        settled_at = sample.at;
        return;
    }
}

std::optional<std::string> KnownRelease::look(
    SignalWindow const& window, Instant began, Instant now
) {
    auto const at = window.known_at(now);
    auto const text = window.text_at(now);
    if (!at || !text || text->empty() || last == at) return std::nullopt;
    last = at;
    if (!settled) settle_first(window, began, now);
    if (!settled) settled = *text;
    if (*text == *settled) {
        settled_at = *at;
        readings = 0;
        return std::nullopt;
    }
    if (readings == 0 || *text != candidate) {
        candidate = *text;
        readings = 0;
    }
    if (++readings < readings_wanted) return std::nullopt;
    settled = *text;
    readings = 0;
    return text;
}

bool ReleaseWatch::is_news(std::string const& service, std::string const& version) const {
    auto const* const run = run_on(engine_.state(), service);
    if (run != nullptr && run->plan.target == version) return false;  // our own doing
    return engine_.state().service(service).current != version && version_problem(version).empty();
}

}  // namespace rollbackd
