// Which version was in effect when, and what a plan that restores a backup comes to: the moment the
// backup is of, and the version that belongs to it. Called where a step's end is written down, and
// where a plan is judged and shown before.
#pragma once

#include "engine/event.hpp"

namespace rollbackd {

/// From that moment on it is in effect. Recorded late, it takes its place among the others.
void note_in_effect(
    ServiceState& service, std::string const& version, Moment const& from, bool or_before = false
);

/// The version a backup of then belongs to. An Error says why none can be named, or why nobody may
/// go back to it.
Result<std::string> version_at(ServiceState const& service, BackupTime const& time);

/// What the steps of a plan say, before it begins, that it will come to.
struct Foreseen {
    std::optional<BackupTime> as_of;  // since then everything written would be lost
    std::string version;              // that belongs to it, where the plan asks for that
    std::string no_version;           // why there is none
};
Foreseen foresee(ServiceState const& service, Plan const& plan, std::vector<StepLook> const& looks);

/// Says with each step that asks for that version which it would be; where there is none, that the
/// step cannot work.
void tell_versions(ServiceState const& service, Plan const& plan, std::vector<StepLook>& looks);

/// As `{{ steps.NAME.as_of }}` is filled in.
std::string text_of(BackupTime const& time);

}  // namespace rollbackd
