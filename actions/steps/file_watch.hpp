// Waiting for a file to appear, without asking again and again.
#pragma once

#include "core/error.hpp"
#include "core/time.hpp"

#include <boost/asio/awaitable.hpp>

namespace rollbackd {

/// Until `directory`/`name` exists. Errc::timeout, cancelled, or io where it cannot be watched.
boost::asio::awaitable<Result<bool>> wait_for_file(
    std::string directory, std::string name, Duration limit
);

}  // namespace rollbackd
