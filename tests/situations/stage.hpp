// One situation with one seed: the daemon of tests/simulation is started on its policy, the story
// happens, and what came of it is told, beside the journal.
#pragma once

#include "tests/simulation/shell.hpp"
#include "tests/situations/site.hpp"

namespace rollbackd::situations {

struct Outcome {
    JsonObject told;  // what really happened, and how it ended
    std::vector<Record> journal;
};

/// `policy` is the story's, read by the real reader.
Outcome play(Story const& story, std::shared_ptr<Policy const> policy, std::uint64_t seed);

}  // namespace rollbackd::situations
