// The start_period: failures that wait for its end, and those that are heard of only after it. A
// normal restart must not roll a release back: where the signal is good again they are dropped.
#include "engine/senses.hpp"

#include <algorithm>

namespace rollbackd {

std::optional<Instant> Senses::start_period_end(
    ServicePolicy const& service, State const& state, Instant at
) const {
    if (service.start_period == Duration::zero()) return std::nullopt;
    std::optional<Instant> end;
    auto const consider = [&](Instant start) {
        if (at < start || at >= start + service.start_period) return;
        end = std::max(end.value_or(start + service.start_period), start + service.start_period);
    };
    consider(Instant{});  // host boot: the boot clock's zero
    auto const& deployments = state.service(service.name).deployments;
    if (!deployments.empty()) {
        consider(deployments.back().started_at.boot);
        consider(deployments.back().recorded_at.boot);
    }
    return end;
}

void Senses::wait(ServiceSense& service, Sample sample, Instant until) {
    service.held_until = std::max(service.held_until.value_or(until), until);
    observed_deadline_ = std::min(observed_deadline_, *service.held_until);
    for (auto const reader : service.readers[sample.signal]) {
        service.triggers[reader].track.held = true;
    }
    service.windows.find(sample.signal)->second.hear(sample.at);
    auto& held = service.held[sample.signal];
    if (held.size() < held_max) held.push_back(std::move(sample));
}

void Senses::release_held(ServiceSense& service, State const& state, Now now, Edges& edges) {
    auto held = std::exchange(service.held, {});
    auto const end = service.held_until.value_or(now.boot);
    service.held_until.reset();
    for (auto& trigger : service.triggers) trigger.track.held = false;
    for (auto& [signal, samples] : held) {
        settle(service, std::move(samples), end, state, now, edges);
    }
}

void Senses::note_late(std::vector<Late>& late, ServiceSense& service, Sample sample, Instant end) {
    auto found = std::find_if(late.begin(), late.end(), [&](Late const& one) {
        return one.service == &service && one.samples.front().signal == sample.signal;
    });
    if (found == late.end()) found = late.insert(late.end(), Late{&service, end, {}});
    found->end = std::max(found->end, end);
    found->samples.push_back(std::move(sample));
}

void Senses::settle_late(
    std::vector<Late>& late, ServiceSense const* service, std::string const& signal,
    State const& state, Now now, Edges& edges
) {
    for (auto one = late.begin(); one != late.end();) {
        bool const meant = service == nullptr ||
                           (one->service == service && one->samples.front().signal == signal);
        if (!meant) {
            ++one;
            continue;
        }
        settle(*one->service, std::move(one->samples), one->end, state, now, edges);
        one = late.erase(one);
    }
}

// Good at its end, or by now: who hears of a failure late, or was away at its end, may know of the
// recovery only since.
void Senses::settle(
    ServiceSense& service, std::vector<Sample> failures, Instant end, State const& state, Now now,
    Edges& edges
) {
    if (failures.empty()) return;
    auto const window = service.windows.find(failures.front().signal);
    if (window == service.windows.end()) return;
    auto const [oldest, newest] =
        std::minmax_element(failures.begin(), failures.end(), [](Sample const& a, Sample const& b) {
            return a.at < b.at;
        });
    auto const first = oldest->at;
    auto const last = newest->at;
    auto const was_good = [&](Instant when) {
        auto const judged = window->second.judged_at(when);
        return judged && judged->good && judged->at >= last;
    };
    bool const recovered = was_good(now.boot) || was_good(end);
    if (service.waited.size() == waited_max) service.waited.erase(service.waited.begin());
    service.waited.push_back({failures.front().signal, first, last, now.boot});
    for (auto& sample : failures) {
        if (recovered) {
            window->second.disregard(sample);
            // What came together with failures that are dropped still happened.
            auto* const counts = std::get_if<OutcomesValue>(&sample.value);
            if (counts == nullptr || counts->success + counts->neutral == 0) continue;
            counts->failure = 0;
        }
        fold(service, sample, state, now, edges);
    }
}

}  // namespace rollbackd
