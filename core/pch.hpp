// Precompiled for the pure rooms: what nearly every file there includes anyway.
#pragma once

#include "core/json.hpp"

#include <algorithm>
#include <functional>
#include <string>
#include <variant>
#include <vector>
