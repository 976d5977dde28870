// What nearly every test file of the pure rooms includes, compiled once.
#pragma once

#include "core/pch.hpp"
#include "tests/catch.hpp"
