// Sources, as daemon/reader.cpp runs them: each reads on from where it was, and where that is goes
// into the checkpoint with the windows its samples went into.
#include "tests/simulation/scenario.hpp"
#include "tests/simulation/shell.hpp"

namespace rollbackd::simulation {

using namespace std::chrono_literals;

namespace {

constexpr Duration look_every = 250ms;
constexpr Duration trouble_after = 5s;

std::string key_of(std::string const& service) { return service + "/" + tape_signal; }

}  // namespace

void Shell::follow_tapes(Json const& offsets) {
    tapes_.clear();
    for (auto const& [service, tape] : parts_.world.tapes) {
        auto const* const saved = find(offsets, key_of(service));
        if (saved != nullptr && saved->is_number()) {
            tapes_[service].read = saved->to_number<std::size_t>();
        }
    }
    if (!parts_.world.tapes.empty()) read_tapes();
}

void Shell::read_tapes() {
    for (auto& [service, tape] : parts_.world.tapes) {
        if (lives()) read_tape(service, tape);
    }
    if (lives()) later(look_every, [this] { read_tapes(); });
}

void Shell::read_tape(std::string const& service, Tape const& tape) {
    auto const now = parts_.machine.now().boot;
    Sample sample;
    sample.service = service;
    sample.signal = tape_signal;
    auto& reading = tapes_[service];
    if (tape.unreadable) {
        if (!reading.unread_since) reading.unread_since = now;
        if (now - *reading.unread_since < trouble_after || std::exchange(reading.told, true))
            return;
        sample.at = *reading.unread_since;
        sample.value = UnknownValue{"may not be read"};
        perceive(sample);
        return;
    }
    reading.unread_since.reset();
    reading.told = false;
    auto const life = life_;
    while (life == life_ && reading.read < tape.lines.size()) {
        auto const& line = tape.lines[reading.read++];
        if (line.garbage) continue;
        auto made = sample;
        made.at = parts_.machine.instant_of(line.at);
        made.id = line.id;
        made.by = line.provider;
        made.value = OutcomesValue{line.ok, !line.ok, 0, line.ok ? "" : "status: 502"};
        perceive(made);
    }
}

// No condition reads these: that somebody who waits might look again is left to the others'
// samples.
void Shell::perceive(Sample const& sample) {
    parts_.witness.overheard(sample, parts_.machine.time_of(sample.at));
    auto edges = engine_->observe(std::span(&sample, 1), parts_.machine.now());
    std::erase_if(edges, [](Edge const& edge) { return edge.kind == EdgeKind::progress; });
    if (edges.empty()) return;
    queue_.push_back({EdgesSeen{std::move(edges)}, {}, false, false});
    pump();
}

JsonObject Shell::source_offsets() const {
    JsonObject offsets;
    for (auto const& [service, reading] : tapes_) offsets[key_of(service)] = reading.read;
    for (auto const& [service, table] : alerts_) {
        offsets[service + "/" + alerts_signal] = table.save();
    }
    return offsets;
}

std::optional<std::size_t> Shell::read_of(std::string const& service) const {
    auto const found = tapes_.find(service);
    return found == tapes_.end() ? std::nullopt : std::optional(found->second.read);
}

}  // namespace rollbackd::simulation
