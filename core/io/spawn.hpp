// posix_spawn with all the hygiene a child needs, for process.cpp alone.
#pragma once

#include "core/io/fd.hpp"
#include "core/io/process.hpp"

namespace rollbackd {

enum class SpawnOutput { none, pipes };

struct Spawned {
    int pid = 0;
    Fd pidfd;
    Fd input;   // to write; open only where the spec has input
    Fd output;  // to read; pipes only
    Fd errors;  // likewise, unless merged
};

Result<Spawned> spawn(ProcessSpec const& spec, SpawnOutput output);
/// Takes the exit status of a child that has ended; leaves `result` alone where it has not.
void reap(int pidfd, ProcessResult& result);

}  // namespace rollbackd
