// What daemon/release_watch.cpp does with `release` signals, and triggers/sources/alerts_source.cpp
// with an Alertmanager's notifications.
#include "tests/simulation/shell.hpp"

namespace rollbackd::simulation {

using namespace std::chrono_literals;

namespace {

constexpr Duration look_every = 250ms;

}  // namespace

void Shell::follow_sources(Json const& offsets) {
    auto const now = parts_.machine.now();
    releases_.emplace(now.boot);
    bool releases = false;
    for (auto const& service : engine_->policy().services) {
        for (auto const& signal : service.signals) {
            releases = releases || signal.type == "release";
            if (signal.type != "alerts") continue;
            auto table = AlertTable::make(service.name, signal);
            ensure(table.has_value(), "the alerts that are meant can be read");
            auto const* const saved = find(offsets, service.name + "/" + signal.name);
            if (saved != nullptr) (void)table->load(*saved, now);
            alerts_.emplace(service.name, std::move(*table));
        }
    }
    if (releases) later(look_every, [this] { look_at_releases(); });
}

// One after the other, as the daemon's one task does it: it waits for the facts of each.
void Shell::look_at_releases() {
    auto wait = look_every;
    for (auto& event : releases_->look(*engine_, parts_.machine.now())) {
        wait += parts_.random.between(1ms, 400ms);
        auto const& service = parts_.world.service(event.service);
        event.facts.schema = std::to_string(service.schema);
        parts_.witness.story("by " + event.actor.name + ": " + event.version);
        later(wait - look_every, [this, event = std::move(event)] { post(event); });
    }
    later(wait, [this] { look_at_releases(); });
}

bool Shell::hear_alerts(std::string const& service, std::vector<Alert> const& alerts) {
    auto const table = alerts_.find(service);
    if (!alive() || table == alerts_.end()) return false;
    AlertNotice notice;
    notice.alerts = alerts;
    auto const samples = table->second.take(notice, true, parts_.machine.now());
    ensure(samples.has_value(), "few alerts fire");
    auto const life = life_;
    if (!samples->empty()) ingest(*samples);
    return lives() && life == life_;
}

}  // namespace rollbackd::simulation
