#include "triggers/probes/release.hpp"

#include "core/io/process.hpp"
#include "tests/catch.hpp"
#include "tests/core/io/support/server.hpp"
#include "tests/core/io/support/temp_folder.hpp"
#include "tests/triggers/probes/support.hpp"

#include <unistd.h>

using namespace rollbackd;
using namespace rollbackd::testing;
using namespace std::chrono_literals;

namespace {

ReleasePolicy version_by(std::string type, std::string const& params) {
    ReleasePolicy policy;
    policy.version_type = std::move(type);
    policy.version = parse_json(params)->get_object();
    return policy;
}

Result<std::string> ask(ReleasePolicy const& policy, Duration limit = 10s) {
    ProbeLoop probes;
    return probes.loop.run(read_version(policy, probes.context(), limit));
}

std::string run_git(std::string const& folder, std::vector<std::string> arguments) {
    ProbeLoop probes;
    ProcessSpec spec;
    spec.argv = {
        "git",
        "-c",
        "user.name=t",
        "-c",
        "user.email=t@example.com",
        "-c",
        "init.defaultBranch=main",
        "-c",
        "safe.directory=*"
    };
    spec.argv.insert(spec.argv.end(), arguments.begin(), arguments.end());
    spec.cwd = folder;
    auto const result = probes.loop.run(run_process(spec));
    REQUIRE(result);
    INFO(result->errors);
    REQUIRE(result->ok());
    return result->output.substr(0, result->output.find('\n'));
}

}  // namespace

TEST_CASE("a release's version is read from git, also where somebody else owns the repository") {
    TempFolder const folder;
    run_git(folder.path(), {"init", "-q"});
    run_git(folder.path(), {"commit", "-q", "--allow-empty", "-m", "one"});
    auto const head = run_git(folder.path(), {"rev-parse", "HEAD"});
    if (::geteuid() == 0) {
        REQUIRE(::chown(folder.path().c_str(), 65534, 65534) == 0);
        REQUIRE(::chown(folder.path(".git").c_str(), 65534, 65534) == 0);
    }
    CHECK(ask(version_by("git", R"({"repo":")" + folder.path() + "\"}")) == head);
}

TEST_CASE("a repository without a commit, or none at all, is an error that says so") {
    TempFolder const folder;
    auto const policy = version_by("git", R"({"repo":")" + folder.path() + "\"}");
    auto const none = ask(policy);
    REQUIRE_FALSE(none);
    CHECK(none.error().what.find("not a git repository") != std::string::npos);
}

TEST_CASE("a release's version is read over HTTP, by pointer or as the whole body") {
    TestServer const json(TestServer::answering(R"({"build":{"version":42}})"));
    CHECK(
        ask(version_by("http", R"({"url":")" + json.url() + R"(","json":"/build/version"})")) ==
        "42"
    );
    auto const missing =
        ask(version_by("http", R"({"url":")" + json.url() + R"(","json":"/none"})"));
    CHECK(missing.error().code == Errc::not_found);
    TestServer const text(TestServer::answering("  v1.2.3 \nmore"));
    CHECK(ask(version_by("http", R"({"url":")" + text.url() + "\"}")) == "v1.2.3");
    TestServer const broken(TestServer::answering("v1", "500 Internal Server Error"));
    CHECK(
        ask(version_by("http", R"({"url":")" + broken.url() + "\"}")).error().code ==
        Errc::unavailable
    );
}

TEST_CASE("a release's version is read from a file or a command") {
    TempFolder const folder;
    auto const path = folder.write("VERSION", "\tv7\r\n");
    CHECK(ask(version_by("file", R"({"path":")" + path + "\"}")) == "v7");
    folder.write("EMPTY", "\n");
    auto const empty = R"({"path":")" + folder.path("EMPTY") + "\"}";
    CHECK(ask(version_by("file", empty)).error().code == Errc::not_found);
    CHECK(ask(version_by("command", R"({"argv":["echo","v8"]})")) == "v8");
    auto const failing =
        ask(version_by("command", R"({"argv":["sh","-c","echo no >&2; exit 3"]})"));
    CHECK(failing.error().what == "exit 3: no");
    auto const slow = ask(version_by("command", R"({"argv":["sleep","1000"]})"), 50ms);
    CHECK(slow.error().code == Errc::timeout);
}

TEST_CASE("a whole release is read at once; what cannot be read is told apart") {
    TempFolder const folder;
    ProbeLoop probes;
    auto policy = version_by("command", R"({"argv":["echo","v8"]})");
    policy.schema_type = "file";
    policy.schema["path"] = folder.path("none");
    policy.keep = {folder.write(".env", "abc"), folder.path("gone")};
    auto const reading = probes.loop.run(read_release(policy, probes.context(), 10s));
    CHECK(reading.version == "v8");
    CHECK_FALSE(reading.schema);
    CHECK(reading.schema_error.find(folder.path("none")) != std::string::npos);
    REQUIRE(reading.kept.size() == 1);
    CHECK(
        reading.kept.at(folder.path(".env")) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    CHECK(reading.problems.size() == 1);
}

TEST_CASE("a policy that names nothing reads nothing") {
    ProbeLoop probes;
    CHECK(
        probes.loop.run(read_release(ReleasePolicy{}, probes.context(), 10s)) == ReleaseReading{}
    );
}
