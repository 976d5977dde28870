#include "core/io/file.hpp"

#include "tests/catch.hpp"
#include "tests/core/io/support/temp_folder.hpp"

#include <sys/stat.h>
#include <unistd.h>

using namespace rollbackd;
using rollbackd::testing::TempFolder;

namespace {

mode_t mode_of(std::string const& path) {
    struct stat status{};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777;
}

std::size_t entries(TempFolder const& folder) {
    auto const all = std::filesystem::directory_iterator(folder.path());
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

}  // namespace

TEST_CASE("reading is bounded and says what is wrong") {
    TempFolder const folder;
    auto const path = folder.write("a", "12345");
    CHECK(read_file(path, 5) == "12345");
    CHECK(read_file(path, 4).error().code == Errc::too_large);
    CHECK(read_file(folder.path("b"), 4).error().code == Errc::not_found);
    CHECK(read_file(folder.path(), 4).error().code == Errc::io);
}

TEST_CASE("an atomic write replaces the content and keeps the mode, through links too") {
    TempFolder const folder;
    auto const path = folder.write("a", "old");
    ::chmod(path.c_str(), 0640);
    std::filesystem::create_symlink("a", folder.path("link"));
    REQUIRE(write_file_atomically(folder.path("link"), "new"));
    CHECK(folder.read("a") == "new");
    CHECK(mode_of(path) == 0640);
    CHECK(std::filesystem::is_symlink(folder.path("link")));
    REQUIRE(write_file_atomically(folder.path("b"), "made", 0600));
    CHECK(mode_of(folder.path("b")) == 0600);
    CHECK(entries(folder) == 3);
}

TEST_CASE("an atomic write keeps the owner") {
    if (::geteuid() != 0) {
        WARN("skipped: only root can give files away");
        return;
    }
    TempFolder const folder;
    auto const path = folder.write("a", "old");
    REQUIRE(::chown(path.c_str(), 65534, 65534) == 0);
    REQUIRE(write_file_atomically(path, "new"));
    struct stat status{};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK(status.st_uid == 65534);
    CHECK(status.st_gid == 65534);
}

TEST_CASE("a failed write leaves no trace") {
    TempFolder const folder;
    CHECK(write_file_atomically(folder.path("no/such"), "x").error().code == Errc::not_found);
    std::filesystem::create_directory(folder.path("taken"));
    CHECK_FALSE(write_file_atomically(folder.path("taken"), "x"));
    CHECK(entries(folder) == 1);
}

TEST_CASE("a claim can be made once") {
    TempFolder const folder;
    REQUIRE(create_file_exclusively(folder.path("claim"), "me"));
    CHECK(create_file_exclusively(folder.path("claim"), "you").error().code == Errc::conflict);
    CHECK(folder.read("claim") == "me");
}

TEST_CASE("a file's hash is that of its content") {
    TempFolder const folder;
    CHECK(
        sha256_of_file(folder.write("a", "abc")) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    CHECK(sha256_of_file(folder.path("b")).error().code == Errc::not_found);
}
