#include "triggers/probes/place.hpp"

#include "core/io/file.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

/// Between asking a tool to end and ending it: a probe's answer must not be late by much.
constexpr Duration tool_grace = std::chrono::milliseconds(500);

}  // namespace

std::string trouble_of(Error const& error) {
    auto const* slug = "cannot_look: ";
    if (error.code == Errc::timeout) slug = "timeout: ";
    if (error.code == Errc::forbidden) slug = "denied: ";
    if (error.code == Errc::not_found) slug = "missing: ";
    if (error.code == Errc::invalid) slug = "garbage: ";
    if (error.code == Errc::too_large) slug = "too_large: ";
    return slug + to_string(error);
}

asio::awaitable<Result<ProcessResult>> Place::run(ProcessSpec spec) {
    spec.grace = tool_grace;
    auto const name = spec.argv.empty() ? std::string() : spec.argv.front();
    if (stray_ != 0 && is_stray(stray_)) {
        auto what = stray_ < 0 ? std::string("an earlier question still hangs in being started")
                               : "process " + std::to_string(stray_) +
                                     " of an earlier question still hangs";
        co_return fail(Errc::timeout, std::move(what), name);
    }
    auto result = co_await run_process(std::move(spec));
    if (!result) co_return result;
    stray_ = result->stray;
    if (result->timed_out) co_return fail(Errc::timeout, result->describe(), name);
    co_return result;
}

asio::awaitable<Result<ProcessResult>> Place::run(std::vector<std::string> argv, Duration limit) {
    ProcessSpec spec;
    spec.argv = std::move(argv);
    spec.timeout = limit;
    spec.output_max = tool_output_max;
    spec.env["LC_ALL"] = "C";
    spec.env["TZ"] = "UTC";
    co_return co_await run(std::move(spec));
}

asio::awaitable<Result<std::string>> Place::output_of(
    std::vector<std::string> argv, Duration limit
) {
    auto const name = argv.empty() ? std::string() : argv.front();
    auto result = co_await run(std::move(argv), limit);
    if (!result) co_return tl::unexpected<Error>(std::move(result.error()));
    if (!result->ok()) {
        auto const said = std::string_view(result->errors).substr(0, reason_bytes_max);
        auto text = result->describe();
        if (!said.empty()) text += ": " + printable_line(said, reason_bytes_max);
        co_return fail(Errc::unavailable, std::move(text), name);
    }
    if (result->output_cut) co_return fail(Errc::too_large, "it printed more than is read", name);
    co_return std::move(result->output);
}

asio::awaitable<Result<std::string>> Place::read(std::string path, Duration limit) {
    auto job = [path]() -> Result<std::string> { return read_file(path, host_file_max); };
    co_return co_await look(std::move(job), limit);
}

}  // namespace rollbackd
