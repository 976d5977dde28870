// Sources that cannot say how a service is, or say it late, twice or all at once: they hide good
// and bad alike.
#include "tests/simulation/simulation.hpp"

namespace rollbackd::simulation {

using namespace std::chrono_literals;

namespace {

using Fault = std::pair<SourceFault, char const*>;

std::vector<Fault> const of_probes{
    {SourceFault::slow, "slow"},
    {SourceFault::gone, "gone"},
    {SourceFault::garbage, "talking nonsense"},
    {SourceFault::hiccups, "talking nonsense now and then"},
    {SourceFault::stuck, "stuck"},
};
std::vector<Fault> const of_reports{
    {SourceFault::dammed, "silent, and tells all of it afterwards"},
    {SourceFault::resets, "losing count"},
    {SourceFault::twice, "told twice"},
    {SourceFault::late, "late"},
};
/// With a start_period what is late may be held or not: which of the two the model cannot say.
constexpr std::size_t in_order = 2;

}  // namespace

void Simulation::trouble_in_source(std::string const& name, Duration lasts) {
    bool const asked = random_.chance(0.5);
    World::SourceKey const key{name, asked ? "health" : "requests"};
    auto const* const policy = scenario_.policy->service(name);
    bool const waits = policy == nullptr || policy->start_period > 0s;
    auto const& faults = asked ? of_probes : of_reports;
    auto const& [fault, text] = faults[random_.below(waits && !asked ? in_order : faults.size())];
    told(name + ": what tells of " + key.second + " is " + text);
    mend_source(key);
    world_.sources[key].fault = fault;
    timeline_.after(lasts, [this, key] { mend_source(key); });
}

void Simulation::mend_source(World::SourceKey const& key) {
    auto& source = world_.sources[key];
    source.fault = SourceFault::none;
    std::vector<Sample> all;
    for (auto& [at, sample] : std::exchange(source.dammed, {})) {
        sample.at = machine_.instant_of(at);
        all.push_back(std::move(sample));
    }
    if (!all.empty()) shell().ingest(all);
}

// What the requests of a service amount to is on its way to the daemon.
void Simulation::bring(Sample sample) {
    auto const now = timeline_.now();
    auto& source = world_.sources[{sample.service, sample.signal}];
    auto const again_after = [&](Duration delay) {
        timeline_.after(delay, [this, now, sample] { hand_in(now, sample); });
    };
    if (source.fault == SourceFault::dammed) {
        source.dammed.emplace_back(now, std::move(sample));
        return;
    }
    if (source.fault == SourceFault::late && random_.chance(0.4)) {
        again_after(random_.between(1s, 40s));
        return;
    }
    if (source.fault == SourceFault::resets && random_.chance(0.3)) {
        sample.value = UnknownValue{"the counter has begun anew"};
    }
    if (source.fault == SourceFault::misdated && random_.chance(0.5)) {
        hand_in(now + random_.between(0s, 20min) - 10min, std::move(sample));
        return;
    }
    if (source.fault == SourceFault::twice) {
        sample.id = "req_" + std::to_string(++reports_);
        again_after(random_.between(0s, 20s));
    }
    hand_in(now, std::move(sample));
}

void Simulation::hand_in(Time at, Sample sample) {
    if (!shell().alive()) return;  // nobody keeps it
    sample.at = machine_.instant_of(at);
    shell().ingest(std::move(sample));
}

}  // namespace rollbackd::simulation
