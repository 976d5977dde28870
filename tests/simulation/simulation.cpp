#include "tests/simulation/simulation.hpp"

namespace rollbackd::simulation {

using namespace std::chrono_literals;

Simulation::Simulation(
    std::uint64_t seed, Shares shares, std::function<void(std::string const&)> const& teller
)
    : random_(seed),
      writer_(~seed),
      looker_(seed ^ 0x5bd1e995U),
      other_(seed ^ 0x2545f491U),
      pair_(seed ^ 0x7f4a7c15U),
      scenario_(make_scenario(random_, shares.further)),
      shared_(pair_.chance(shares.shared)),
      ears_{Ear(model_), Ear(model_)},
      shells_{
          Shell({timeline_, machine_, world_, disk_, random_, ears_[0], 0, shared_}),
          Shell({timeline_, machine_, world_, disk_, random_, ears_[1], 1, shared_})
      } {
    if (teller) {
        model_.teller = [this, teller](std::string const& line) {
            teller("[" + format_human(timeline_.now()) + "] " + line);
        };
    }
    model_.meanings = &scenario_.meanings;
    auto const slow = random_.chance(0.3) ? 0.5 : 0.1;
    for (std::size_t node = 0; node < shells_.size(); ++node) {
        shells_[node].file = scenario_.policy;
        shells_[node].slow_appends = slow;
        listen_to(node);
    }
}

void Simulation::every(Duration period, std::function<void()> what) {
    timeline_.after(period, [this, period, what = std::move(what)] {
        what();
        every(period, what);
    });
}

bool Simulation::go_on(Time end) {
    while (timeline_.step(end)) {
        if (model_.broken()) return false;
    }
    return true;
}

Report Simulation::run() {
    set_up();
    auto const chaos = random_.between(4min, 12min);
    go_on(chaos);
    calm_down();
    // People answer and nothing new breaks: everything settles within an hour and a half.
    auto const patience = chaos + 90min;
    auto look = chaos + 3min;
    while (!model_.broken() && timeline_.now() < patience) {
        go_on(look);
        if (model_.settled()) break;
        look += 1min;
        if (look > patience) break;
    }
    if (!model_.broken()) model_.all_settled();
    if (!model_.broken()) compare_with_journal();
    auto const verified = verify_journal(disk_);
    if (!verified || verified->problem) model_.fault("9", "the chain of the journal is broken");
    if (model_.broken()) tell_what_is_seen();
    report_.broken = model_.what_broke();
    report_.hash = disk_.records().empty() ? "" : disk_.records().back().hash;
    report_.incidents = model_.incidents();
    report_.runs = model_.runs();
    report_.records = disk_.records().size();
    report_.checks = model_.checks();
    report_.lasted = timeline_.now();
    return report_;
}

// How the daemon itself sees it, for the story of a seed that failed.
void Simulation::tell_what_is_seen() {
    if (!shell().alive() || !model_.teller) return;
    for (auto const& service : shell().engine().policy().services) {
        for (auto const& trigger : service.triggers) {
            auto const seen = shell().engine().judge(service.name, trigger.name, machine_.now());
            told(
                service.name + "/" + trigger.name + " `" + trigger.when.text() + "` is " +
                to_string(seen.verdict) + " to the daemon: " + seen.why
            );
        }
        for (auto const& signal : service.signals) tell_window(service.name, signal.name);
    }
}

void Simulation::tell_window(std::string const& service, std::string const& signal) {
    constexpr std::size_t told_max = 10;
    auto const* const window = shell().engine().window(service, signal);
    if (window == nullptr) return;
    std::string out = service + " " + signal + " to the daemon:";
    for (auto const& sample : window->recent(told_max, {Instant::min(), machine_.now().boot})) {
        auto const at = machine_.time_of(sample.at) / std::chrono::milliseconds(1);
        auto const* const text = std::get_if<TextValue>(&sample.value);
        out += " " + std::to_string(at) + (text != nullptr ? "=" + text->text : "");
    }
    told(out);
}

Report simulate(
    std::uint64_t seed, Shares shares, std::function<void(std::string const&)> const& teller
) {
    Simulation simulation(seed, shares, teller);
    return simulation.run();
}

}  // namespace rollbackd::simulation
