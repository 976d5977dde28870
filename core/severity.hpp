// How bad a breach is and what it is about; the vocabulary of triggers, matrix and messages.
#pragma once

#include "core/json.hpp"

namespace rollbackd {

enum class Severity { P0, P1, P2, P3 };  // P0 is the most severe and compares lowest
BOOST_DESCRIBE_ENUM(Severity, P0, P1, P2, P3)

enum class Verdict { true_, false_, unknown };
BOOST_DESCRIBE_ENUM(Verdict, true_, false_, unknown)

enum class Impact { low, medium, high, critical };
BOOST_DESCRIBE_ENUM(Impact, low, medium, high, critical)

enum class Users { none, some, many, all };
BOOST_DESCRIBE_ENUM(Users, none, some, many, all)

/// What is known about a breach; an absent member was not said and not measured.
struct Classification {
    std::optional<Impact> impact;
    std::optional<Users> users;
    std::optional<bool> data_risk;
    std::optional<std::string> cause;

    friend bool operator==(Classification const&, Classification const&) = default;
};
BOOST_DESCRIBE_STRUCT(Classification, (), (impact, users, data_risk, cause))

}  // namespace rollbackd
