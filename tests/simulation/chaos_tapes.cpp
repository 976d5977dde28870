// The logs beside the services: who writes them, and that the daemon has read each line once.
#include "tests/simulation/simulation.hpp"

namespace rollbackd::simulation {

using namespace std::chrono_literals;

void Simulation::write_tapes() {
    auto const now = timeline_.now();
    for (auto& [name, tape] : world_.tapes) {
        if (chaos_ && writer_.chance(tape.unreadable ? 0.3 : 0.02)) {
            tape.unreadable = !tape.unreadable;
            told(name + (tape.unreadable ? ": its log may not be read" : ": its log may be read"));
        }
        auto const& service = world_.services.at(name);
        if (service.quiet || writer_.chance(0.3)) continue;
        tape.write(writer_, now, service.serves(now));
    }
}

// After restarts, kills, late and repeated lines: what the windows hold is what stands on the tape,
// as far as it was read. A failure within a start_period may wait or be dropped, and a reboot
// shifts what is remembered by what the wall clock says: then there is nothing to compare.
void Simulation::compare_with_tapes() {
    constexpr Duration window = 2min;
    if (!shell().alive() || rebooted_) return;
    auto const now = timeline_.now();
    for (auto const& [name, tape] : world_.tapes) {
        auto const* const policy = scenario_.policy->service(name);
        auto const read = shell().read_of(name);
        auto const* const seen = shell().engine().window(name, tape_signal);
        if (policy == nullptr || policy->start_period > 0s || !read || seen == nullptr) continue;
        auto& truth = truths_[name];
        truth.read(std::span(tape.lines).first(*read));
        auto const at = machine_.instant_of(now);
        auto const counted = seen->counts({at - window, at}).failure;
        // Of a busy signal's past a window may begin late by 1/64 of its length.
        auto const most = truth.failures(now - window, now);
        auto const least = truth.failures(now - window + window / 64, now);
        auto const streak = seen->longest_streak(at, Instant::min(), true);
        auto const length = streak ? streak->length : 0;
        auto const text = name + "/" + tape_signal + " after " + std::to_string(*read) + " lines: ";
        if (counted < least || counted > most) {
            model_.fault(
                "A2", text + std::to_string(counted) + " failures, not " + std::to_string(most)
            );
        }
        if (length != truth.streak()) {
            model_.fault(
                "A2", text + "a streak of " + std::to_string(length) + ", not " +
                          std::to_string(truth.streak())
            );
        }
        auto const newest = truth.newest();
        bool const known = newest && seen->known_at(at).has_value();
        if (newest && !known) model_.fault("A2", text + "nothing is known");
    }
}

}  // namespace rollbackd::simulation
