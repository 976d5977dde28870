// Hidden: `store_test "[measure]"` prints what one append with its sync costs on this disk.
#include "tests/catch.hpp"
#include "tests/daemon/store/support/store.hpp"

#include <cstdio>

using namespace rollbackd;
using namespace rollbackd::store_test;

TEST_CASE("what an append with its sync costs", "[.][measure]") {
    TempFolder const folder;
    auto const journal = open(folder.url());
    using Clock = std::chrono::steady_clock;
    constexpr int appends = 1000;
    std::vector<double> micros;
    for (int i = 0; i < appends; ++i) {
        auto const begun = Clock::now();
        REQUIRE(journal->append(drafts(3, i), at(i), boot_id));
        micros.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begun).count());
    }
    std::sort(micros.begin(), micros.end());
    std::printf(
        "append of 3 records with sync: p50 %.0f us, p99 %.0f us, max %.0f us\n",
        micros[appends / 2], micros[appends * 99 / 100], micros.back()
    );
    auto const begun = Clock::now();
    auto const report = verify_journal(*journal);
    REQUIRE(report.has_value());
    std::printf(
        "verify of %llu records: %.0f ms\n", static_cast<unsigned long long>(report->records),
        std::chrono::duration<double, std::milli>(Clock::now() - begun).count()
    );
    CHECK(report->records == 3 * appends);
}
