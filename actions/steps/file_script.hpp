// A small text file read, and replaced whole where nobody else has changed it meanwhile: owner,
// mode and attributes stay. What file_edit and rotate share.
#pragma once

#include "actions/steps/job.hpp"

namespace rollbackd {

/// Prints the file, which must exist and have at most 1 MiB.
Command read_file_command(std::string const& name, std::string const& file);

/// The same before a run: that it could be replaced is asked too.
Command look_at_file_command(std::string const& name, std::string const& file);

/// `read`: what was read of it before. Exit 11: somebody has changed it since, and nothing is done.
Command write_file_command(
    std::string const& name, std::string const& file, std::string_view read, std::string text
);

}  // namespace rollbackd
