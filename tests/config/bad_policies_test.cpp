// Every policy in bad/ is wrong in one way (or five), and each message about it stands, with its
// place, in the .expected file beside it. UPDATE_EXPECTED=1 writes these anew, to be read in the
// diff.
#include "config/catalogue.hpp"
#include "config/load.hpp"
#include "tests/catch.hpp"
#include "tests/config/support/types.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace rollbackd;
namespace fs = std::filesystem;

namespace {

std::vector<fs::path> bad_policies(std::string const& folder) {
    std::vector<fs::path> files;
    for (auto const& entry : fs::directory_iterator(ROLLBACKD_SOURCE_DIR "/" + folder)) {
        if (entry.path().extension() == ".yaml") files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    return files;
}

std::string messages(LoadResult const& result) {
    std::string out;
    for (auto const& problem : result.problems) out += to_string(problem) + "\n";
    return out;
}

/// Each policy of the folder says what stands beside it, and is refused unless it only warns.
void check_all(std::string const& folder, Catalogue const& types, std::size_t files_min) {
    auto const files = bad_policies(folder);
    REQUIRE(files.size() >= files_min);
    bool const update = std::getenv("UPDATE_EXPECTED") != nullptr;
    for (auto const& file : files) {
        auto const name = file.filename().string();
        auto const text = testing::source_file(folder + name);
        auto const result = parse_policy(text, name, types);
        auto const expected_name = fs::path(name).replace_extension(".expected").string();
        if (update) std::ofstream(file.parent_path() / expected_name) << messages(result);
        INFO(name);
        CHECK(messages(result) == testing::source_file(folder + expected_name));
        bool const warns_only = name.starts_with("warn-");
        CHECK(result.ok() == warns_only);
        CHECK_FALSE(result.problems.empty());
    }
}

}  // namespace

TEST_CASE("each mistake is reported at its place, in the words its golden file has") {
    check_all("tests/config/bad/", testing::small_types(), 40);
}

TEST_CASE("what is wrong with a signal of a real type is reported at its place") {
    check_all("tests/config/bad/types/", known_types(), 3);
}
