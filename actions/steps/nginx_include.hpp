// What safe_mode and route share: an include file of nginx, its new content, and a look at the
// effect by a request.
#pragma once

#include "actions/preflight.hpp"
#include "actions/steps/job.hpp"
#include "core/descriptor.hpp"

namespace rollbackd {

/// file, nginx, url, status.
std::vector<Field> nginx_fields(char const* file, char const* url);

/// Nothing that ends a directive or a block may come out of a value.
bool is_nginx_word(std::string_view word);

boost::asio::awaitable<StepOutcome> put_nginx_include(
    StepJob& job, std::string content, bool expects_status
);
boost::asio::awaitable<std::optional<Objection>> look_at_nginx(StepJob& job);
boost::asio::awaitable<StepOutcome> settle_nginx_include(StepJob& job, std::string content);

}  // namespace rollbackd
