// disk, memory, load, file and process, on this very machine.
#include "tests/catch.hpp"
#include "tests/core/io/support/temp_folder.hpp"
#include "tests/triggers/probes/support.hpp"
#include "triggers/probes/place.hpp"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <future>

using namespace rollbackd;
using namespace rollbackd::testing;

namespace {

std::string with_path(std::string const& path, std::string const& more = {}) {
    return "{\"path\":\"" + path + "\"" + more + "}";
}

}  // namespace

TEST_CASE("a disk's share, bytes and inodes are those of its file system") {
    ProbeLoop probes;
    TempFolder const folder;
    struct statvfs facts{};
    REQUIRE(::statvfs(folder.path().c_str(), &facts) == 0);
    auto const used = number_of(probes.ask("disk", with_path(folder.path())));
    CHECK(used > 0);
    CHECK(used < 1);
    auto const free =
        number_of(probes.ask("disk", with_path(folder.path(), R"(,"measure":"free")")));
    auto const expected = double(facts.f_bavail) * double(facts.f_frsize);
    CHECK(free == Approx(expected).epsilon(0.05));
    if (facts.f_files == 0) return;
    auto const inodes = with_path(folder.path(), R"(,"measure":"inodes_used")");
    CHECK(number_of(probes.ask("disk", inodes)) <= 1);
}

TEST_CASE("a disk that is not there, or not mounted, has no number") {
    ProbeLoop probes;
    TempFolder const folder;
    CHECK(unknown_of(probes.ask("disk", with_path("/no/such/place"))).starts_with("missing: "));
    auto const must = R"(,"mounted":true)";
    auto const there = probes.ask("disk", with_path(folder.path(), must));
    CHECK(unknown_of(there).starts_with("not_mounted: "));
    CHECK(number_of(probes.ask("disk", with_path("/", must))) > 0);
}

TEST_CASE("a disk without room of its own has no share") {
    ProbeLoop probes;
    CHECK(unknown_of(probes.ask("disk", with_path("/proc"))).starts_with("no_space: "));
}

TEST_CASE("memory is what programs could still get") {
    ProbeLoop probes;
    auto const used = number_of(probes.ask("memory", "{}"));
    CHECK(used > 0);
    CHECK(used < 1);
    CHECK(number_of(probes.ask("memory", R"({"measure":"available"})")) > 1e6);
    CHECK(number_of(probes.ask("memory", R"({"measure":"swap_used"})")) <= 1);
}

TEST_CASE("load is an average, a share of the processors' time, or pressure") {
    ProbeLoop probes;
    CHECK(number_of(probes.ask("load", R"({"measure":"load5"})")) >= 0);
    auto const one = number_of(probes.ask("load", R"({"measure":"load1"})"));
    auto const each = number_of(probes.ask("load", R"({"measure":"load1","per_cpu":true})"));
    CHECK(each <= one + 0.5);
    auto const cpu = probes.make("load", R"({"measure":"cpu"})");
    CHECK(unknown_of(probes.ask(*cpu)).starts_with("first_look: "));
    auto const pressure = probes.ask("load", R"({"measure":"memory_full","window":"300s"})");
    if (::access("/proc/pressure/memory", R_OK) == 0) {
        CHECK(number_of(pressure) <= 1);
    } else {
        CHECK(unknown_of(pressure).starts_with("no_pressure: "));
    }
    auto const mistakes = mistakes_in("load", R"({"measure":"cpu","per_cpu":true})");
    CHECK(
        mistakes ==
        std::vector<std::string>{"per_cpu: per_cpu is of load averages; cpu is a share already"}
    );
}

TEST_CASE("a file is as it should be, or fails with the one thing that is not") {
    ProbeLoop probes;
    TempFolder const folder;
    auto const path = folder.write("app.env", "A=1\n");
    REQUIRE(::chmod(path.c_str(), 0640) == 0);
    auto const ask = [&](std::string const& expect) {
        return state_of(probes.ask("file", with_path(path, ",\"expect\":{" + expect + "}")));
    };
    CHECK(state_of(probes.ask("file", with_path(path))).ok);
    CHECK(ask(R"("mode":"0640","min_size":4,"max_size":4,"max_age":60000000000)").ok);
    CHECK(ask(R"("mode":"600")").reason == "mode: 0640, expected 0600");
    CHECK(ask(R"("owner":"nobody-of-that-name")").reason.starts_with("owner: "));
    CHECK(ask(R"("group":"nobody-of-that-name")").reason.starts_with("group: "));
    CHECK(ask(R"("min_size":5)").reason == "small: 4 B, expected at least 5 B");
    CHECK(ask(R"("max_size":3)").reason == "large: 4 B, expected at most 3 B");
    CHECK(ask(R"("exists":false)").reason.starts_with("present: "));
    auto const zeros = std::string(64, '0');
    CHECK(ask("\"sha256\":\"" + zeros + "\"").reason.starts_with("hash: "));
    CHECK(ask("\"sha256\":\"91d6a3d55e9fea7911c537afae6607c77fa8bc0f3a76c375e104ac5a8cfa84db\"").ok
    );
    probes.clock.advance(std::chrono::hours(1));
    CHECK(ask(R"("max_age":60000000000)").reason.starts_with("old: changed "));
    auto const missing = state_of(probes.ask("file", with_path(folder.path("gone"))));
    CHECK(missing.reason.starts_with("missing: "));
    auto const absent = with_path(folder.path("gone"), R"(,"expect":{"exists":false})");
    CHECK(state_of(probes.ask("file", absent)).ok);
}

TEST_CASE("a file is measured, and a folder's entries and bytes are counted") {
    ProbeLoop probes;
    TempFolder const folder;
    folder.write("one", "12345");
    std::filesystem::create_directory(folder.path("below"));
    folder.write("below/two", "123");
    auto const measure = [&](std::string const& path, std::string const& what) {
        return probes.ask("file", with_path(path, ",\"measure\":\"" + what + "\""));
    };
    CHECK(number_of(measure(folder.path("one"), "size")) == 5);
    probes.clock.advance(std::chrono::minutes(10));
    auto const age = number_of(measure(folder.path("one"), "age"));
    CHECK(age > 590);
    CHECK(age < 700);
    CHECK(number_of(measure(folder.path(), "entries")) == 2);
    CHECK(number_of(measure(folder.path(), "bytes")) == 8);
    CHECK(unknown_of(measure(folder.path("one"), "bytes")).starts_with("no_folder: "));
    CHECK(unknown_of(measure(folder.path("gone"), "size")).starts_with("missing: "));
}

TEST_CASE("what is wrong with a file signal is found before it is asked") {
    CHECK(mistakes_in("file", R"({"path":"/a","expect":{"mode":"rw-"}})").size() == 1);
    CHECK(mistakes_in("file", R"({"path":"/a","expect":{"sha256":"abc"}})").size() == 1);
    CHECK(
        mistakes_in("file", R"({"path":"/a","measure":"age","expect":{"mode":"600"}})").size() == 1
    );
    CHECK(mistakes_in("file", R"({"path":"/a"})").empty());
}

TEST_CASE("processes are counted by their command line, and none of it is shown") {
    ProbeLoop probes;
    auto const mark = "rb-test-" + std::to_string(::getpid());
    ProcessSpec spec;
    spec.argv = {"sh", "-c", "sleep 60; true", mark};
    auto child = Child::start(probes.loop.executor(), spec);
    REQUIRE(child);
    auto const ask = [&](std::string const& more) {
        return probes.ask("process", "{\"match\":\"" + mark + "\"" + more + "}");
    };
    auto const one = state_of(ask(""));
    CHECK(one.ok);
    CHECK(one.reason == "1 process");
    CHECK(state_of(ask(R"(,"min":2)")).reason == "few: 1 process, expected at least 2");
    CHECK(state_of(ask(R"(,"min":0,"max":0)")).reason == "many: 1 process, expected at most 0");
    CHECK(number_of(ask(R"(,"measure":"count")")) == 1);
    CHECK(number_of(ask(R"(,"measure":"memory")")) > 0);
    CHECK(state_of(ask(R"(,"user":"nobody-of-that-name")")).reason == "absent: no such process");
    TempFolder const folder;
    auto const file = folder.write("pid", std::to_string(child->pid()) + "\n");
    CHECK(state_of(probes.ask("process", "{\"pidfile\":\"" + file + "\"}")).ok);
    child->signal_group(SIGKILL);
    REQUIRE(probes.loop.run(child->wait(std::chrono::seconds(10))));
    CHECK_FALSE(state_of(probes.ask("process", "{\"pidfile\":\"" + file + "\"}")).ok);
    CHECK_FALSE(state_of(ask("")).ok);
    folder.write("pid", "garbage");
    auto const garbage = probes.ask("process", "{\"pidfile\":\"" + file + "\"}");
    CHECK(unknown_of(garbage).starts_with("garbage: "));
    auto const gone = probes.ask("process", "{\"pidfile\":\"" + folder.path("none") + "\"}");
    CHECK(state_of(gone).reason.starts_with("absent: "));
}

TEST_CASE("what is wrong with a process signal is found before it is asked") {
    CHECK(mistakes_in("process", R"({"match":"("})").size() == 1);
    CHECK(mistakes_in("process", R"({"match":"a","min":3,"max":2})").size() == 1);
}

TEST_CASE("a second look never waits behind one that hangs") {
    ProbeLoop probes;
    Place place(probes.context());
    auto const release = std::make_shared<std::promise<void>>();
    auto const released = std::make_shared<std::future<void>>(release->get_future());
    auto hanging = [released]() -> Result<int> {
        released->wait();
        return 1;
    };
    auto const first = probes.loop.run(place.look(hanging, std::chrono::milliseconds(20)));
    REQUIRE_FALSE(first);
    CHECK(first.error().code == Errc::timeout);
    auto quick = []() -> Result<int> { return 2; };
    auto const second = probes.loop.run(place.look(quick, std::chrono::hours(1)));
    REQUIRE_FALSE(second);
    CHECK(trouble_of(second.error()).starts_with("timeout: "));
    release->set_value();
}
