// The access_log source: follows its files (log_files.hpp), reads lines (access_log_match.hpp) and
// waits for more (file_watch.hpp). Made by make_source() in registry.hpp.
#pragma once

#include "triggers/sources/source.hpp"

namespace rollbackd {

Result<std::unique_ptr<Source>> make_access_log_source(
    std::string const& service, SignalPolicy const& signal, boost::asio::any_io_executor executor,
    Clock const& clock, Json const& saved
);

}  // namespace rollbackd
