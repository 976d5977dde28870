// What is wrong in a policy file, and exactly where: the line an editor can jump to.
// All problems of all files are collected; nothing stops at the first.
#pragma once

#include <string>
#include <vector>

namespace rollbackd {

struct Problem {
    std::string file;      // as given by the caller; of conf.d: its path beside the main file
    int line = 0;          // 1-based; 0: the problem is about the file as a whole
    int column = 0;        // 1-based, in bytes
    bool warning = false;  // unwise, but accepted
    std::string what;      // what is wrong and what was expected or meant

    friend bool operator==(Problem const&, Problem const&) = default;
};

/// "file:line:col: error: what", or "file: error: what" where there is no line.
std::string to_string(Problem const& problem);

}  // namespace rollbackd
