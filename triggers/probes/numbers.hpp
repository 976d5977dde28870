// Numbers, counts and times as other programs write them. What is none is an Error, never 0. Pure.
#pragma once

#include "core/json.hpp"

namespace rollbackd {

/// "1.5", "2e3", "-4": finite, and nothing beside it.
Result<double> number_of(std::string_view text);
/// A whole number from 0 on: "97", "97.0"; PostgreSQL's t and f are 1 and 0.
Result<std::uint64_t> count_of(std::string_view text);
/// RFC 3339, PostgreSQL's "2026-01-31 12:00:00.25+00" (without a zone: UTC), or seconds since 1970
/// (with milliseconds where the number is too large for seconds).
Result<WallTime> moment_of(std::string_view text);
/// The same of a JSON value: a number, or a text that is one.
Result<double> json_number(Json const& value);
Result<std::uint64_t> json_count(Json const& value);
Result<WallTime> json_moment(Json const& value);

}  // namespace rollbackd
