#include "triggers/matrix.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

template <class T>
bool contains(std::vector<T> const& listed, std::optional<T> const& value) {
    return value && std::find(listed.begin(), listed.end(), *value) != listed.end();
}

// An enumeration's values, and "not said".
template <class E>
std::vector<std::optional<E>> all_values() {
    std::vector<std::optional<E>> out{std::nullopt};
    for (auto const& name : enum_names<E>()) out.push_back(enum_from<E>(name));
    return out;
}

// Causes that rows name, one that none names, and none at all.
std::vector<std::optional<std::string>> all_causes(std::vector<MatrixRow> const& matrix) {
    std::set<std::string> named;
    std::string longest;
    for (auto const& row : matrix) {
        for (auto const& cause : row.when.cause) {
            named.insert(cause);
            if (cause.size() >= longest.size()) longest = cause;
        }
    }
    std::vector<std::optional<std::string>> out(named.begin(), named.end());
    out.emplace_back(longest + "?");  // longer than every named one, so it is none of them
    out.emplace_back(std::nullopt);
    return out;
}

Response alert() { return {ResponseKind::alert, {}}; }

Response ladder(std::vector<std::string> const& roles) {
    Response out{ResponseKind::ladder, {}};
    for (auto const& role : roles) out.rungs.push_back({role, std::nullopt});
    return out;
}

MatrixWhen when(std::vector<Impact> impact, std::vector<Users> users, bool any) {
    MatrixWhen out;
    out.impact = std::move(impact);
    out.users = std::move(users);
    out.any = any;
    return out;
}

}  // namespace

bool fits(MatrixWhen const& when, Classification const& what) {
    // Each listed member says yes or no; `any` asks for one yes, otherwise no no may be among them.
    bool listed = false;
    bool some = false;
    bool every = true;
    auto const member = [&](bool present, bool fitting) {
        if (!present) return;
        listed = true;
        some = some || fitting;
        every = every && fitting;
    };
    member(!when.impact.empty(), contains(when.impact, what.impact));
    member(!when.users.empty(), contains(when.users, what.users));
    member(when.data_risk.has_value(), what.data_risk.value_or(false) == when.data_risk);
    member(!when.cause.empty(), contains(when.cause, what.cause));
    if (!listed) return true;
    return when.any ? some : every;
}

MatrixChoice choose(std::vector<MatrixRow> const& matrix, Classification const& what) {
    MatrixChoice choice;
    for (std::size_t i = 0; i < matrix.size(); ++i) {
        auto const& row = matrix[i];
        if (!fits(row.when, what)) continue;
        choice.row = i + 1;
        choice.severity = row.severity.value_or(choice.severity);
        choice.response = row.response.value_or(choice.response);
        break;
    }
    return choice;
}

std::vector<std::size_t> unreachable_rows(std::vector<MatrixRow> const& matrix) {
    std::set<std::size_t> reached;
    for (auto const& impact : all_values<Impact>()) {
        for (auto const& users : all_values<Users>()) {
            for (auto const data_risk :
                 {std::optional<bool>(), std::optional(false), std::optional(true)}) {
                for (auto const& cause : all_causes(matrix)) {
                    Classification const what{impact, users, data_risk, cause};
                    reached.insert(choose(matrix, what).row);
                }
            }
        }
    }
    std::vector<std::size_t> out;
    for (std::size_t row = 1; row <= matrix.size(); ++row) {
        if (!reached.contains(row)) out.push_back(row);
    }
    return out;
}

std::vector<MatrixRow> default_matrix() {
    // The runbook's table asks for impact *and* users; `any` makes its rows total. Data at risk is
    // P0 whatever else is said: its rows come first, and containment does not wait for approval.
    auto at_risk = when({}, {}, false);
    at_risk.data_risk = true;
    return {
        {at_risk, Severity::P0, ladder({"code-rollback", "restore"})},
        {when({Impact::critical}, {Users::all}, true), Severity::P0,
         ladder({"code-rollback", "safe-mode"})},
        {when({Impact::high}, {Users::many}, true), Severity::P1, ladder({"code-rollback"})},
        {when({Impact::medium}, {Users::some}, true), Severity::P2, ladder({"flag-off"})},
        {when({Impact::low}, {Users::none}, true), Severity::P3, alert()},
        {when({}, {}, false), Severity::P2, alert()},
    };
}

}  // namespace rollbackd
