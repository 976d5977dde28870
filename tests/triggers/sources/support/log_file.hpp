// A log as a server writes and rotates it: in a temp folder of its own, with lines told apart by
// their number.
#pragma once

#include "tests/catch.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace rollbackd::source_test {

class LogFile {
public:
    LogFile() {
        std::string name =
            (std::filesystem::temp_directory_path() / "rollbackd-log-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        folder_ = name;
    }
    ~LogFile() {
        std::error_code ignored;  // a leftover folder must not turn a passing test into a crash
        std::filesystem::remove_all(folder_, ignored);
    }
    LogFile(LogFile const&) = delete;
    LogFile& operator=(LogFile const&) = delete;

    std::string path(std::string const& ending = "") const {
        return (folder_ / ("access.log" + ending)).string();
    }
    std::filesystem::path const& folder() const { return folder_; }

    void append(std::string const& text, std::string const& ending = "") const {
        std::ofstream file(path(ending), std::ios::app | std::ios::binary);
        file << text;
        REQUIRE(file.flush());
    }
    /// The name's file becomes .1, .1 becomes .2, and so on.
    void shift() const {
        int last = 0;
        while (std::filesystem::exists(path("." + std::to_string(last + 1)))) ++last;
        for (; last > 0; --last) {
            std::filesystem::rename(
                path("." + std::to_string(last)), path("." + std::to_string(last + 1))
            );
        }
    }
    void rotate_by_rename() const {
        shift();
        std::filesystem::rename(path(), path(".1"));
        append("");
    }
    void rotate_by_copy() const {
        shift();
        std::filesystem::copy_file(path(), path(".1"));
        truncate();
    }
    void truncate() const { REQUIRE(::truncate(path().c_str(), 0) == 0); }

private:
    std::filesystem::path folder_;
};

/// Begins with what tells it apart, as real lines do with client and time: by their first bytes a
/// truncated and rewritten file is told from a longer one.
inline std::string numbered(int number) {
    auto const digits = std::to_string(number);
    return std::string(6 - digits.size(), '0') + digits + " is the number of this line";
}

}  // namespace rollbackd::source_test
