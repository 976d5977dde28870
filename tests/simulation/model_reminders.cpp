// Reminders of what to follow up: at their pace, each once, to the end that the plan, a person or a
// freeze sets them.
#include "tests/simulation/model.hpp"

namespace rollbackd::simulation {

using namespace std::chrono_literals;

namespace {

// What the daemon may be late by, where nothing was wrong with it.
constexpr Duration late_max = 30s;

}  // namespace

std::vector<BookReminder> Model::reminders_of(Json const& plan) {
    std::vector<BookReminder> out;
    auto const* const listed = find(plan, "reminders");
    if (listed == nullptr) return out;
    for (auto const& json : listed->get_array()) {
        BookReminder made;
        made.entry = number(json, "entry");
        made.every = Duration(std::int64_t(number(json, "every")));
        made.last = std::int64_t(number(json, "lasts")) / made.every.count();
        out.push_back(made);
    }
    return out;
}

void Model::begin_reminders(BookIncident& incident, BookRun const& verified) {
    incident.reminders = verified.reminders;
    for (auto& reminder : incident.reminders) reminder.since = now_;
}

void Model::on_reminded(Json const& body) {
    auto& incident = incidents_[word(body, "id")];
    auto const& id = incident.id;
    require(!silenced(incident.service), "f", id + " reminds people in a silence");
    again_now_.insert(id);
    for (auto& reminder : incident.reminders) {
        if (reminder.entry != number(body, "entry")) continue;
        require(!reminder.over, "A7", id + " reminds people though that has ended");
        bool const late = times_are_known() && reminder.told >= reminder.last;
        require(!late, "A7", id + " reminds people after its time");
        auto const next = reminder.since + reminder.every * (reminder.told + 1);
        bool const early = times_are_known() && now_ < next - blur();
        require(!early, "A7", id + " reminds people before its time");
        auto const due = (now_ - reminder.since) / reminder.every;
        reminder.told = std::min(reminder.last, std::max(reminder.told + 1, due));
        return;
    }
    require(false, "A7", id + " reminds people of what its plan does not name");
}

void Model::end_reminders(std::string const& incident) {
    for (auto& reminder : incidents_[incident].reminders) reminder.over = true;
}

void Model::look_for_reminders(Time now) {
    if (!times_are_known()) return;
    for (auto const& [id, incident] : incidents_) {
        bool pages = incident.firings.empty();
        for (auto const& [name, firing] : incident.firings) {
            pages = pages || firing.response != "propose";
        }
        if (!pages || silenced(incident.service)) continue;
        for (auto const& reminder : incident.reminders) {
            if (reminder.over || reminder.told >= reminder.last) continue;
            auto const due = reminder.since + reminder.every * (reminder.told + 1);
            require(
                now - std::max(due, undisturbed_) < late_max, "A7",
                id + ": a reminder is due and nobody is told"
            );
        }
    }
}

}  // namespace rollbackd::simulation
