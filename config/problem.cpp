#include "config/problem.hpp"

namespace rollbackd {

std::string to_string(Problem const& problem) {
    std::string out = problem.file;
    if (problem.line > 0) {
        out += ":" + std::to_string(problem.line) + ":" + std::to_string(problem.column);
    }
    return out + (problem.warning ? ": warning: " : ": error: ") + problem.what;
}

}  // namespace rollbackd
