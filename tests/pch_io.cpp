// A library needs a source; what it is for is the header.
#include "tests/pch_io.hpp"
