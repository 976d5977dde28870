#include "engine/live_version.hpp"

#include "engine/planning.hpp"

namespace rollbackd {

namespace {

std::string told(BackupTime const& time) {
    auto text = format_moment(time.from);
    if (time.to != time.from) text += " to " + format_moment(time.to);
    return text;
}

/// The last one that was in effect by then; null: nothing is recorded from before.
InEffect const* in_effect_at(ServiceState const& service, WallTime when) {
    InEffect const* found = nullptr;
    for (auto const& one : service.history) {
        if (one.from.wall <= when) found = &one;
    }
    if (found != nullptr || service.history.empty()) return found;
    auto const& first = service.history.front();
    return first.or_before ? &first : nullptr;
}

/// Another one came into effect while the backup may have been made.
InEffect const* came_meanwhile(
    ServiceState const& service, BackupTime const& time, std::string const& version
) {
    for (auto const& one : service.history) {
        bool const meanwhile = one.from.wall > time.from && one.from.wall <= time.to;
        if (meanwhile && one.version != version) return &one;
    }
    return nullptr;
}

}  // namespace

void note_in_effect(
    ServiceState& service, std::string const& version, Moment const& from, bool or_before
) {
    auto& history = service.history;
    auto place = history.end();
    while (place != history.begin() && std::prev(place)->from.wall > from.wall) --place;
    bool const first = history.empty();
    history.insert(place, InEffect{version, from, or_before && first});
    if (history.size() > ServiceState::history_max) history.erase(history.begin());
}

Result<std::string> version_at(ServiceState const& service, BackupTime const& time) {
    auto const* const live = in_effect_at(service, time.from);
    if (live == nullptr) {
        return fail(
            Errc::not_found,
            "which version was in effect at the time of the backup, " + told(time) +
                ", is not known: " +
                (service.history.empty()
                     ? std::string("no deployment is recorded")
                     : "the oldest that is recorded is " + service.history.front().version +
                           ", since " + format_moment(service.history.front().from.wall))
        );
    }
    auto const* const other = came_meanwhile(service, time, live->version);
    if (other != nullptr) {
        return fail(
            Errc::not_found,
            "which version was in effect at the time of the backup is not known: "
            "it is from " +
                told(time) + ", and " + other->version + " took the place of " + live->version +
                " meanwhile"
        );
    }
    auto const known = service.versions.find(live->version);
    if (known != service.versions.end() && known->second.standing == Standing::bad) {
        return fail(
            Errc::conflict, live->version + ", in effect at the time of the backup (" + told(time) +
                                "), is quarantined"
        );
    }
    return live->version;
}

Foreseen foresee(
    ServiceState const& service, Plan const& plan, std::vector<StepLook> const& looks
) {
    Foreseen out;
    auto const wanted = asks_version_of(plan.steps);
    for (auto const& look : looks) {
        if (look.playbook != plan.playbook || !look.as_of) continue;
        if (look.n == 0 || look.n > plan.steps.size()) continue;
        auto const& step = plan.steps[look.n - 1];
        bool const older = !out.as_of || look.as_of->from < out.as_of->from;
        if (step.destructive && older) out.as_of = look.as_of;
        if (wanted.empty() || step.save != wanted) continue;
        auto const version = version_at(service, *look.as_of);
        bool const undone = version && plan.blamed && *version == *plan.blamed;
        if (undone) {
            out.no_version = *version + ", in effect at the time of the backup (" +
                             told(*look.as_of) + "), is the one that is taken back";
        } else if (version) {
            out.version = *version;
        } else {
            out.no_version = version.error().what;
        }
    }
    return out;
}

void tell_versions(ServiceState const& service, Plan const& plan, std::vector<StepLook>& looks) {
    auto const coming = foresee(service, plan, looks);
    if (coming.version.empty() && coming.no_version.empty()) return;
    for (auto& look : looks) {
        if (look.playbook != plan.playbook || look.n == 0) continue;
        bool const main = look.n <= plan.steps.size();
        auto const& step =
            main ? plan.steps[look.n - 1] : plan.always[look.n - plan.steps.size() - 1];
        if (asks_version_of({step}).empty()) continue;
        look.text = coming.version + ", in effect at the time of the backup";
        if (!coming.version.empty()) continue;
        look.found = StepFinding::impossible;
        look.text = coming.no_version;
    }
}

std::string text_of(BackupTime const& time) { return format_rfc3339(time.from); }

}  // namespace rollbackd
