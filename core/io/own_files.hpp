// Open files of one thread alone. Whoever starts a program copies every descriptor of his thread's
// table and closes the copies, and to close one of a mount that hangs may hang (FUSE asks its
// server): then no program could be started any more, no step either. So a thread that opens files
// of mounts it does not know keeps a table of its own. Called in such threads before they open any.
#pragma once

#include "core/io/fd.hpp"

namespace rollbackd {

/// From here on what the calling thread opens is its own. What was open is not there any more,
/// beside the standard streams and what `kept` is, of which it answers the thread's own descriptor.
/// Where the system does not permit that, everything stays as it was, and `kept` is doubled.
Fd own_files(int kept = -1);

/// For threads of a pool whose jobs open files and close them again.
void own_files_from_now_on();

}  // namespace rollbackd
