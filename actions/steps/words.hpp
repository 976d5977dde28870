// Small things several step types say alike.
#pragma once

#include "actions/preflight.hpp"
#include "actions/steps/job.hpp"

namespace rollbackd {

/// argv as a person would type it, quoted only where it must be.
std::string command_line(std::vector<std::string> const& argv);

/// A shell function that puts what it is given behind `argv`; with none it does nothing.
std::string shell_function(std::string const& name, std::vector<std::string> const& argv);

/// The lines of what a program has printed, without empty ones.
std::vector<std::string> lines_in(std::string_view printed);

/// What our scripts exit with by the kind of what is missing; any other exit is a tool's own.
/// (sysexits.h has none that fit better.)
inline constexpr int no_file_exit = 10;
inline constexpr int no_target_exit = 66;   // nothing that a run does brings it
inline constexpr int no_image_exit = 67;    // of a container engine
inline constexpr int no_service_exit = 68;  // it does not answer
inline constexpr int no_tool_exit = 69;     // not installed, or not for this user
inline constexpr int no_space_exit = 73;

/// What a preflight's end says against the step; nullopt: nothing. A question that found no time,
/// whose process was killed, or whom somebody was too busy to answer, as on a machine that is going
/// down under load, must not keep the rollback from being tried: it is unanswered.
std::optional<Objection> objection(StepJob const& job, SupervisedEnd const& end);
/// About the files that the step names; `text` says which.
Objection about_files(StepJob const& job, std::string text);
/// A script of ours that has looked for `program` in `folder` (none: anywhere): exit 10 where there
/// is no such folder, no_tool_exit where there is no such program.
inline constexpr char const* program_look = R"sh(
cd -- "$2" || exit 10
command -v -- "$1" >/dev/null || exit 69
)sh";
std::optional<Objection> program_objection(
    StepJob const& job, SupervisedEnd const& end, std::string const& program,
    std::string const& folder
);
/// As it is configured it cannot work, whatever else happens.
Objection never(std::string text);

/// What a settling script's end means: exit 0 done, 1 not done, anything else unknown.
StepOutcome settled(SupervisedEnd const& end);

}  // namespace rollbackd
