// A folder that is gone when the test is.
#pragma once

#include <string>

namespace rollbackd::test {

class TempDir {
public:
    TempDir();
    ~TempDir();
    TempDir(TempDir const&) = delete;
    TempDir& operator=(TempDir const&) = delete;

    std::string path(std::string const& name = {}) const {
        return name.empty() ? path_ : path_ + "/" + name;
    }
    void write(std::string const& name, std::string const& content) const;
    /// Empty where it is not there.
    std::string read(std::string const& name) const;
    bool has(std::string const& name) const;

private:
    std::string path_;
};

/// A program run to its end, without a shell; its standard output. Fails the test on another exit.
std::string sh(std::string const& script, std::string const& cwd = "/");

/// Returns when `holds` does; fails the test after ten seconds.
template <class Fn>
void wait_until(Fn holds);
/// Lets `ms` pass: only to vary the moment at which something is killed.
void let_pass(int ms);
bool wait_step(int& left);

template <class Fn>
void wait_until(Fn holds) {
    int left = 2000;
    while (!holds() && wait_step(left)) continue;
}

}  // namespace rollbackd::test
