// A query string's parameters, as addresses and the lines of access logs carry them. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace rollbackd {

/// The value of `key` in a query string, decoded; nullopt where it is absent.
std::optional<std::string> query_value(std::string_view query, std::string_view key);

}  // namespace rollbackd
