#include "triggers/matrix.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;

namespace {

std::vector<std::string> roles(MatrixChoice const& choice) {
    std::vector<std::string> out;
    for (auto const& rung : choice.response.rungs) out.push_back(rung.run);
    return out;
}

Classification what(
    std::optional<Impact> impact, std::optional<Users> users, std::optional<bool> data
) {
    return {impact, users, data, std::nullopt};
}

std::vector<std::optional<Impact>> impacts() {
    return {std::nullopt, Impact::low, Impact::medium, Impact::high, Impact::critical};
}
std::vector<std::optional<Users>> all_users() {
    return {std::nullopt, Users::none, Users::some, Users::many, Users::all};
}

// The runbook's table, written down a second time: first row that fits.
std::size_t row_of(Classification const& it) {
    if (it.data_risk == true) return 1;
    if (it.impact == Impact::critical || it.users == Users::all) return 2;
    if (it.impact == Impact::high || it.users == Users::many) return 3;
    if (it.impact == Impact::medium || it.users == Users::some) return 4;
    if (it.impact == Impact::low || it.users == Users::none) return 5;
    return 6;
}

}  // namespace

TEST_CASE("the shipped matrix answers every classification as the runbook's table does") {
    auto const matrix = default_matrix();
    struct Row {
        Severity severity;
        ResponseKind kind;
        std::vector<std::string> roles;
    };
    std::vector<Row> const table{
        {Severity::P0, ResponseKind::ladder, {"code-rollback", "restore"}},
        {Severity::P0, ResponseKind::ladder, {"code-rollback", "safe-mode"}},
        {Severity::P1, ResponseKind::ladder, {"code-rollback"}},
        {Severity::P2, ResponseKind::ladder, {"flag-off"}},
        {Severity::P3, ResponseKind::alert, {}},
        {Severity::P2, ResponseKind::alert, {}},
    };
    for (auto const& impact : impacts()) {
        for (auto const& users : all_users()) {
            for (auto const data :
                 {std::optional<bool>(), std::optional(false), std::optional(true)}) {
                auto const it = what(impact, users, data);
                auto const choice = choose(matrix, it);
                REQUIRE(choice.row == row_of(it));
                auto const& expected = table[choice.row - 1];
                CHECK(choice.severity == expected.severity);
                CHECK(choice.response.kind == expected.kind);
                CHECK(roles(choice) == expected.roles);
            }
        }
    }
    CHECK(unreachable_rows(matrix).empty());
}

TEST_CASE("the first row that fits wins, and no row at all is row 0 and an alert") {
    MatrixRow first;
    first.when.impact = {Impact::critical};
    first.severity = Severity::P0;
    MatrixRow second;
    second.when.impact = {Impact::critical, Impact::high};
    second.severity = Severity::P1;
    std::vector<MatrixRow> const matrix{first, second};
    CHECK(choose(matrix, what(Impact::critical, {}, {})).row == 1);
    CHECK(choose(matrix, what(Impact::high, {}, {})).row == 2);
    auto const none = choose(matrix, what(Impact::low, {}, {}));
    CHECK(none.row == 0);
    CHECK(none.severity == Severity::P2);
    CHECK(none.response == Response{});
    CHECK(choose({}, {}).row == 0);
}

TEST_CASE("every listed member must fit, or with any one of them") {
    MatrixWhen when;
    CHECK(fits(when, {}));
    when.impact = {Impact::high};
    when.users = {Users::many, Users::all};
    when.cause = {"deploy"};
    Classification it = what(Impact::high, Users::all, {});
    CHECK_FALSE(fits(when, it));
    it.cause = "deploy";
    CHECK(fits(when, it));
    it.users = Users::some;
    CHECK_FALSE(fits(when, it));
    when.any = true;
    CHECK(fits(when, it));
    CHECK_FALSE(fits(when, what(Impact::low, Users::none, true)));
}

TEST_CASE("data risk that nobody mentioned is no data risk") {
    MatrixWhen safe;
    safe.data_risk = false;
    CHECK(fits(safe, {}));
    safe.data_risk = true;
    CHECK_FALSE(fits(safe, {}));
}

TEST_CASE("rows that can never match are found, causes included") {
    MatrixRow all;
    MatrixRow low;
    low.when.impact = {Impact::low};
    MatrixRow disk;
    disk.when.cause = {"disk"};
    MatrixRow low_disk;
    low_disk.when.impact = {Impact::low};
    low_disk.when.cause = {"disk"};
    CHECK(unreachable_rows({low, disk, low_disk, all}) == std::vector<std::size_t>{3});
    CHECK(unreachable_rows({all, low, disk}) == std::vector<std::size_t>{2, 3});
    MatrixRow risky;
    risky.when.data_risk = true;
    MatrixRow safe;
    safe.when.data_risk = false;
    CHECK(unreachable_rows({risky, safe, all}) == std::vector<std::size_t>{3});
    CHECK(unreachable_rows({}).empty());
}
