// The four sentences every report head and status line begins with (DESIGN A4), in their order:
// what is broken for whom; what rollbackd did, or why not; what it does next; what you must do.
#pragma once

#include "engine/state.hpp"

namespace rollbackd::api {

struct Head {
    std::string broken;
    std::string did;
    std::string next;
    std::string must;     // a sentence; "nothing" where nothing is to be done
    std::string command;  // ready to paste; empty where there is none
};

Head head_of(Incident const& incident);

}  // namespace rollbackd::api
