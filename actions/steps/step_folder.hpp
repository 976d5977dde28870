// The folder where steps under way keep their claims and outputs: one daemon's at a time, and known
// by a name of its own, so that a journal that several daemons share says where to look for a step.
#pragma once

#include "core/error.hpp"
#include "core/io/fd.hpp"

#include <memory>

namespace rollbackd {

struct StepFolder {
    std::string path;
    /// Random, kept in the folder: another folder, or this one made anew, has another one.
    std::string id;
    Fd lock;  // held while we live: two daemons would take each other's claims for their own
};

/// Makes the folder (0700) where missing. Errc::conflict: another rollbackd has it.
Result<std::shared_ptr<StepFolder const>> open_step_folder(std::string const& path);

}  // namespace rollbackd
