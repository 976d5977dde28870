// A folder of one test's own, gone at its end.
#pragma once

#include "tests/catch.hpp"

#include <unistd.h>
#include <filesystem>
#include <fstream>

namespace rollbackd::cli::test {

struct Folder {
    std::filesystem::path path;
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "rollbackctl-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    Folder(Folder const&) = delete;
    Folder& operator=(Folder const&) = delete;

    std::string write(std::string const& name, std::string const& text) const {
        std::ofstream(path / name) << text;
        return (path / name).string();
    }
};

}  // namespace rollbackd::cli::test
