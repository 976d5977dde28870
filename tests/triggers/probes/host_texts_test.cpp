#include "triggers/probes/host_texts.hpp"

#include "tests/catch.hpp"

using namespace rollbackd;

TEST_CASE("meminfo is read by its names, and refused where one is missing or absurd") {
    auto const memory = parse_meminfo(
        "MemTotal: 1000 kB\nMemFree: 10 kB\nMemAvailable:  250 kB\nSwapTotal: 8 kB\nSwapFree: 2 "
        "kB\n"
    );
    REQUIRE(memory);
    CHECK(memory->total == 1024'000);
    CHECK(memory->available == 256'000);
    CHECK(memory->swap_free == 2048);
    CHECK_FALSE(parse_meminfo("MemTotal: 1000 kB\nMemFree: 10 kB\n"));
    CHECK_FALSE(
        parse_meminfo("MemTotal: 1 kB\nMemAvailable: 2 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n")
    );
    CHECK_FALSE(parse_meminfo(""));
}

TEST_CASE("load averages are the first three numbers") {
    CHECK(parse_loadavg("0.50 1.25 2.00 1/100 42\n") == std::vector<double>{0.5, 1.25, 2});
    CHECK_FALSE(parse_loadavg("0.50 1.25"));
    CHECK_FALSE(parse_loadavg("a b c"));
    CHECK_FALSE(parse_loadavg("nan 1 1"));
}

TEST_CASE("of the processors' time, idle and waiting for a disk are not busy") {
    auto const time = parse_proc_stat("cpu  10 5 15 60 10 0 0 0 3 0\ncpu0 1 2 3 4\ncpu1 1 2 3 4\n");
    REQUIRE(time);
    CHECK(time->busy == 30);
    CHECK(time->all == 100);
    CHECK(time->processors == 2);
    CHECK_FALSE(parse_proc_stat("cpu  10 5\n"));
    CHECK_FALSE(parse_proc_stat("intr 1 2 3\n"));
}

TEST_CASE("pressure is a share of time, by who waited and over which window") {
    auto const text =
        "some avg10=47.21 avg60=58.81 avg300=60.93 total=1\nfull avg10=0.00 avg60=1.50 total=0\n";
    CHECK(parse_pressure(text, "some", "avg10") == Approx(0.4721));
    CHECK(parse_pressure(text, "full", "avg60") == Approx(0.015));
    CHECK_FALSE(parse_pressure(text, "full", "avg300"));
    CHECK_FALSE(parse_pressure("some avg10=400 avg60", "some", "avg10"));
}

TEST_CASE("processes are lines of ps, and other lines are left out") {
    auto const found = parse_processes(
        "      1 root        1234  9012 /sbin/init splash\nnonsense\n 2 www-data 5 0 "
        "[kworker/0:1]\n"
        " 3 a b c d\n 4 a 1 2\n"
    );
    REQUIRE(found.size() == 2);
    CHECK(found[0].pid == 1);
    CHECK(found[0].user == "root");
    CHECK(found[0].age_seconds == 1234);
    CHECK(found[0].memory == 9012 * 1024);
    CHECK(found[0].command == "/sbin/init splash");
    CHECK(found[1].command == "[kworker/0:1]");
}
