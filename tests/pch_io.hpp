// What nearly every test file of the other rooms includes, compiled once.
#pragma once

#include "core/io/pch.hpp"
#include "tests/catch.hpp"
