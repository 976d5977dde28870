// The decision matrix: an ordered table that fills in what a trigger leaves open. The first row
// whose `when` fits wins; keys set on the trigger itself win over it.
#pragma once

#include "core/severity.hpp"

namespace rollbackd {

enum class ResponseKind { alert, propose, ladder };
BOOST_DESCRIBE_ENUM(ResponseKind, alert, propose, ladder)

/// One step of a ladder: a playbook (or, in a matrix row, the role of one) and how long it may
/// take to recover before the next is tried.
struct Rung {
    std::string run;
    std::optional<Duration> within;

    friend bool operator==(Rung const&, Rung const&) = default;
};
BOOST_DESCRIBE_STRUCT(Rung, (), (run, within))

struct Response {
    ResponseKind kind = ResponseKind::alert;
    std::vector<Rung> rungs;  // of a ladder; of propose: the playbooks to prepare (may be empty)

    friend bool operator==(Response const&, Response const&) = default;
};
BOOST_DESCRIBE_STRUCT(Response, (), (kind, rungs))

/// A row's condition: an absent member fits anything; `users` and `impact` fit when equal.
struct MatrixWhen {
    std::vector<Impact> impact;
    std::vector<Users> users;
    std::optional<bool> data_risk;
    std::vector<std::string> cause;
    bool any =
        false;  // true: at least one of the listed members must fit ("critical or all users")

    friend bool operator==(MatrixWhen const&, MatrixWhen const&) = default;
};
BOOST_DESCRIBE_STRUCT(MatrixWhen, (), (impact, users, data_risk, cause, any))

struct MatrixRow {
    MatrixWhen when;
    std::optional<Severity> severity;
    std::optional<Response> response;

    friend bool operator==(MatrixRow const&, MatrixRow const&) = default;
};
BOOST_DESCRIBE_STRUCT(MatrixRow, (), (when, severity, response))

struct MatrixChoice {
    std::size_t row = 0;  // 1-based, as people count; 0: no row fits
    Severity severity = Severity::P2;
    Response response;

    friend bool operator==(MatrixChoice const&, MatrixChoice const&) = default;
};
BOOST_DESCRIBE_STRUCT(MatrixChoice, (), (row, severity, response))

bool fits(MatrixWhen const& when, Classification const& what);
MatrixChoice choose(std::vector<MatrixRow> const& matrix, Classification const& what);
/// 1-based rows that can never match, proved by trying every classification (causes that rows name,
/// plus one that none names).
std::vector<std::size_t> unreachable_rows(std::vector<MatrixRow> const& matrix);
/// RUNBOOKS' table, made total: the default where a policy has no matrix of its own.
std::vector<MatrixRow> default_matrix();

}  // namespace rollbackd
