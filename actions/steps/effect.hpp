// What carrying a step out may bring about, as far as the steps after it are concerned: what each
// type says of itself in its descriptor, from its parameters alone.
#pragma once

#include "actions/preflight.hpp"

namespace rollbackd {

struct Effect {
    Brings brings;
    /// It takes something out of harm's way and is worth having by itself: a stop, a closed port.
    bool contains = false;
    /// It begins or opens what such a step stops or closes.
    bool starts = false;
};

/// Nobody can say: a program of the user's own, a person, a call to somebody else.
Effect brings_anything(Step const& step);
Effect brings_services(Step const& step);
Effect brings_images(Step const& step);
Effect brings_space(Step const& step);
/// What the parameters of these names say.
Effect brings_files(Step const& step, std::vector<std::string> const& fields);
/// By `do`: it stops or closes what it is about, or else starts it.
Effect stops_or_starts(Step const& step, std::vector<std::string> const& stopping);

/// Of a step of any type; an unknown one brings nothing.
Effect effect_of(Step const& step);

}  // namespace rollbackd
