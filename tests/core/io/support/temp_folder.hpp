// A folder that is gone when the test is.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace rollbackd::testing {

class TempFolder {
public:
    TempFolder() {
        auto name = (std::filesystem::temp_directory_path() / "rollbackd-test-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
        path_ = name;
    }
    ~TempFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TempFolder(TempFolder const&) = delete;

    std::string path(std::string const& name = {}) const {
        return name.empty() ? path_ : path_ + "/" + name;
    }
    std::string write(std::string const& name, std::string const& content) const {
        std::ofstream(path(name)) << content;
        return path(name);
    }
    std::string read(std::string const& name) const {
        std::ifstream file(path(name));
        return std::string(std::istreambuf_iterator<char>(file), {});
    }

private:
    std::string path_;
};

}  // namespace rollbackd::testing
