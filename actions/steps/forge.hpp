// One question to a forge's REST API, in the form of GitHub's: the step's project, its token, and
// what the answer means.
#pragma once

#include "actions/steps/job.hpp"

namespace rollbackd {

/// One answer of the forge, judged.
struct Said {
    std::optional<Json> json;  // of an answer that is as it should be
    std::string why;           // it is not
    unsigned status = 0;       // 0: no answer
    bool passes = false;       // the same may be asked again
};

/// `path` below the project's address. Nothing of it is in the way of an abort or a stop: it is for
/// what may be asked again.
boost::asio::awaitable<Said> ask_forge(
    StepJob& job, std::string method, std::string path, JsonObject body = {}
);

}  // namespace rollbackd
