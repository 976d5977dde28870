// Secrets a policy names: files and variables are looked for, never read.
#include "config/load.hpp"
#include "tests/catch.hpp"
#include "tests/config/support/types.hpp"

#include <unistd.h>
#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace rollbackd;
namespace fs = std::filesystem;

namespace {

LoadResult parse(std::string_view text) {
    return parse_policy(text, "p.yaml", testing::small_types());
}

LoadResult at_start(std::string_view text) {
    LoadOptions options;
    options.secrets_required = true;
    return parse_policy(text, "p.yaml", testing::small_types(), options);
}

std::string first(LoadResult const& result) {
    return result.problems.empty() ? "" : to_string(result.problems.front());
}

bool says(LoadResult const& result, std::string_view part) {
    return first(result).find(part) != std::string::npos;
}

std::string with_file(std::string const& name) {
    return "version: 1\nnotify: { ops: { webhook: { url_file: \"" + name +
           "\" } } }\nservices: { a: {} }\n";
}

/// A folder that is gone when the test is.
class Folder {
public:
    Folder() : path_(fs::temp_directory_path() / ("rollbackd-secret-" + std::to_string(getpid()))) {
        fs::create_directories(path_);
    }
    ~Folder() { fs::remove_all(path_); }
    Folder(Folder const&) = delete;
    Folder& operator=(Folder const&) = delete;

    std::string path() const { return path_.string(); }
    std::string write(std::string const& name, unsigned mode) const {
        std::ofstream(path_ / name) << "https://hooks.example.com/T0\n";
        fs::permissions(path_ / name, fs::perms(mode));
        return (path_ / name).string();
    }

private:
    fs::path path_;
};

}  // namespace

TEST_CASE("a secret that every user can read is warned of") {
    Folder const folder;
    CHECK(parse(with_file(folder.write("hook", 0640))).problems.empty());
    auto const hook = folder.write("hook", 0644);
    auto const result = parse(with_file(hook));
    CHECK(result.ok());
    CHECK(
        first(result) ==
        "p.yaml:2:39: warning: the file " + hook +
            " can be read by every user of this machine, and what it holds is secret; chmod o= " +
            hook
    );
    CHECK(says(at_start(with_file(folder.path())), "is a directory, not a file"));
}

TEST_CASE("the bare name of a secret's file is a systemd credential") {
    Folder const folder;
    unsetenv("CREDENTIALS_DIRECTORY");
    // Whether systemd gives it, only the daemon knows.
    CHECK(parse(with_file("hook")).problems.empty());
    CHECK(says(at_start(with_file("hook")), "add LoadCredential= for hook"));
    setenv("CREDENTIALS_DIRECTORY", folder.path().c_str(), 1);
    CHECK(says(at_start(with_file("hook")), "error: there is no file " + folder.path() + "/hook"));
    folder.write("hook", 0600);
    CHECK(at_start(with_file("hook")).problems.empty());
    unsetenv("CREDENTIALS_DIRECTORY");
    for (auto const* const wrong : {"a/hook", "./hook", "${CREDENTIALS_DIRECTORY}/hook", ""}) {
        CHECK(says(parse(with_file(wrong)), "is no secret's file"));
    }
}

TEST_CASE("the names of what holds secrets come with the policy, for whoever redacts") {
    Folder const folder;
    auto const file = folder.write("hook", 0600);
    auto const result = parse(
        "version: 1\nnotify: { ops: { webhook: { url_file: \"" + file +
        "\" } } }\nservices: { a: { signals: { b: { http: { url: \"http://127.0.0.1/${RB_TOKEN}\" "
        "} } } } }\n"
    );
    CHECK(result.secret_files == std::set<std::string>{file});
    CHECK(result.secret_variables == std::set<std::string>{"RB_TOKEN"});
}

TEST_CASE("a variable that is not set warns, at the daemon's start too") {
    std::string const text =
        "version: 1\n"
        "services:\n"
        "  shop:\n"
        "    signals:\n"
        "      a: { http: { url: \"http://127.0.0.1/${RB_UNSET}/x\" } }\n"
        "      b: { access_log: { path: /a, match: { path: \"^/${2}\" } } }\n"
        "    playbooks: { c: { steps: [{ exec: { shell: \"echo ${x:-y}\" } }] } }\n";
    unsetenv("RB_UNSET");
    for (auto const& result : {parse(text), at_start(text)}) {
        CHECK(result.ok());
        CHECK(result.problems.size() == 1);
        CHECK(says(result, "p.yaml:5:43: warning: ${RB_UNSET} is not set here"));
    }
    setenv("RB_UNSET", "1", 1);
    CHECK(at_start(text).problems.empty());
    unsetenv("RB_UNSET");
    CHECK(says(
        parse("version: 1\nservices: { a: { playbooks: { b: { steps: [{ exec: { argv: [sh, -c, "
              "\"echo ${x:-y}\"] } }] } } } }\n"),
        "error: ${x:-y} names no variable"
    ));
}
