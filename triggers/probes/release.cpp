#include "triggers/probes/release.hpp"

#include "core/io/deadline.hpp"
#include "core/io/file.hpp"
#include "core/io/http_client.hpp"
#include "core/io/postgres.hpp"
#include "core/io/secrets.hpp"
#include "core/io/task_group.hpp"
#include "core/names.hpp"
#include "core/scalar.hpp"
#include "triggers/probes/place.hpp"

#include <filesystem>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

constexpr std::size_t answer_bytes_max = 4096;  // a version is a line
constexpr std::size_t version_length_max = 256;
constexpr std::size_t body_bytes_max = 1024 * 1024;

/// The first line without the blanks around it; an Error where nothing is left of it.
Result<std::string> one_line(std::string_view text, std::string const& where) {
    auto const line = text.substr(0, text.find('\n'));
    auto const from = line.find_first_not_of(" \t\r");
    if (from == std::string_view::npos) return fail(Errc::not_found, "the answer is empty", where);
    auto const to = line.find_last_not_of(" \t\r");
    return printable(line.substr(from, to - from + 1), version_length_max);
}

std::vector<std::string> list_of(JsonObject const& params, std::string_view key) {
    std::vector<std::string> out;
    auto const* const list = params.if_contains(key);
    if (list == nullptr || !list->is_array()) return out;
    for (auto const& item : list->get_array()) {
        if (item.is_string()) out.emplace_back(std::string_view(item.get_string()));
    }
    return out;
}

// `place` is the caller's, who waits: it lets no second look pile up behind one that hangs.
asio::awaitable<Result<std::string>> by_command(
    std::vector<std::string> argv, Place& place, Duration limit
) {
    ProcessSpec spec;
    auto const where = argv.empty() ? std::string() : argv.front();
    spec.argv = std::move(argv);
    spec.timeout = limit;
    spec.output_max = answer_bytes_max;
    auto const result = co_await place.run(std::move(spec));
    if (!result) co_return tl::unexpected<Error>(result.error());
    if (result->ok()) co_return one_line(result->output, where);
    auto text = result->describe();
    if (auto const said = one_line(result->errors, where)) text += ": " + *said;
    co_return fail(Errc::unavailable, std::move(text), where);
}

/// The repository may belong to somebody else: git is told so for this one call.
asio::awaitable<Result<std::string>> by_git(std::string repo, Place& place, Duration limit) {
    auto find_real = [repo]() -> Result<std::string> {
        std::error_code code;
        auto const real = std::filesystem::weakly_canonical(repo, code).string();
        return code ? repo : real;
    };
    auto const real = co_await place.look(std::move(find_real), limit);
    if (!real) co_return real;
    std::vector<std::string> argv{
        "git",
        "-c",
        "safe.directory=" + repo,
        "-c",
        "safe.directory=" + *real,
        "-C",
        repo,
        "rev-parse",
        "--verify",
        "HEAD"
    };
    co_return co_await by_command(std::move(argv), place, limit);
}

asio::awaitable<Result<std::string>> by_http(
    JsonObject params, ProbeContext context, Duration limit
) {
    Json const all(params);
    auto url = context.secrets.expand(text_of(all, "url"));
    if (!url) co_return url;
    HttpRequest request;
    request.url = std::move(*url);
    request.timeout = limit;
    request.tls.ca_file = text_of(all, "ca");
    request.body_max = body_bytes_max;
    if (auto const* const headers = find(all, "headers"); headers && headers->is_object()) {
        for (auto const& [name, value] : headers->get_object()) {
            auto filled = context.secrets.expand(text_of(*headers, name));
            if (!filled) co_return filled;
            request.headers.emplace_back(std::string(name), std::move(*filled));
        }
    }
    auto const where = context.secrets.redact(request.url);
    auto const response = co_await context.http.send(std::move(request));
    if (!response) co_return tl::unexpected<Error>(response.error().error(where));
    if (response->status / 100 != 2) {
        co_return fail(Errc::unavailable, "status " + std::to_string(response->status), where);
    }
    auto const pointer = text_of(all, "json");
    if (pointer.empty()) co_return one_line(response->body, where);
    auto const body = parse_json(response->body);
    if (!body) co_return fail(Errc::invalid, "the answer is not JSON", where);
    auto const* const found = find_pointer(*body, pointer);
    if (found == nullptr || found->is_null()) {
        co_return fail(Errc::not_found, "the answer has no " + pointer, where);
    }
    auto const text = scalar_text(*found);
    co_return one_line(text, where);
}

asio::awaitable<Result<std::string>> by_file(std::string path, Place& place, Duration limit) {
    auto job = [path]() -> Result<std::string> { return read_file(path, answer_bytes_max); };
    auto const content = co_await place.look(std::move(job), limit);
    if (!content) co_return content;
    co_return one_line(*content, path);
}

asio::awaitable<Result<std::string>> by_sql(
    JsonObject params, ProbeContext context, Duration limit
) {
    auto dsn = context.secrets.text(params, "dsn");
    if (!dsn) co_return dsn;
    auto query = text_of(Json(params), "query");
    auto answer = co_await query_text(context.pool, std::move(*dsn), std::move(query), limit);
    if (!answer) {
        answer.error().what = context.secrets.redact(answer.error().what);
        co_return answer;
    }
    co_return one_line(*answer, "release.schema");
}

asio::awaitable<Result<std::string>> read_by(
    std::string type, JsonObject params, ProbeContext context, Place& place, Duration limit
) {
    Json const all(params);
    if (type == "git") co_return co_await by_git(text_of(all, "repo"), place, limit);
    if (type == "http") co_return co_await by_http(std::move(params), context, limit);
    if (type == "file") co_return co_await by_file(text_of(all, "path"), place, limit);
    if (type == "command") co_return co_await by_command(list_of(params, "argv"), place, limit);
    if (type == "sql") co_return co_await by_sql(std::move(params), context, limit);
    co_return fail(Errc::not_found, "the policy does not say where to read it");
}

asio::awaitable<void> read_version_into(
    ReleasePolicy policy, ProbeContext context, Duration limit, ReleaseReading& reading
) {
    auto version = co_await read_version(std::move(policy), context, limit);
    if (version) {
        reading.version = std::move(*version);
    } else {
        reading.problems.push_back("release.version: " + to_string(version.error()));
    }
}

asio::awaitable<void> read_schema_into(
    ReleasePolicy policy, ProbeContext context, Duration limit, ReleaseReading& reading
) {
    auto schema = co_await read_schema(std::move(policy), context, limit);
    if (schema) {
        reading.schema = std::move(*schema);
    } else {
        reading.schema_error = to_string(schema.error());
    }
}

struct KeptFile {
    std::string path;
    Result<std::string> sha256;
};

std::vector<KeptFile> hash_all(std::vector<std::string> const& paths) {
    std::vector<KeptFile> files;
    for (auto const& path : paths) files.push_back(KeptFile{path, sha256_of_file(path)});
    return files;
}

asio::awaitable<void> hash_kept_into(
    std::vector<std::string> paths, ProbeContext context, Duration limit, ReleaseReading& reading
) {
    auto job = [paths]() -> Result<std::vector<KeptFile>> { return hash_all(paths); };
    auto const files = co_await run_blocking(context.pool, std::move(job), limit);
    if (!files) {
        reading.problems.push_back("release.keep: " + to_string(files.error()));
        co_return;
    }
    for (auto const& file : *files) {
        if (file.sha256) {
            reading.kept[file.path] = *file.sha256;
        } else {
            reading.problems.push_back("release.keep: " + to_string(file.sha256.error()));
        }
    }
}

}  // namespace

asio::awaitable<Result<std::string>> read_version(
    ReleasePolicy policy, ProbeContext context, Duration limit
) {
    Place place(context);
    co_return co_await read_version(std::move(policy), context, place, limit);
}

asio::awaitable<Result<std::string>> read_version(
    ReleasePolicy policy, ProbeContext context, Place& place, Duration limit
) {
    co_return co_await read_by(
        policy.version_type, std::move(policy.version), context, place, limit
    );
}

asio::awaitable<Result<std::string>> read_schema(
    ReleasePolicy policy, ProbeContext context, Duration limit
) {
    Place place(context);
    co_return co_await read_by(policy.schema_type, std::move(policy.schema), context, place, limit);
}

asio::awaitable<ReleaseReading> read_release(
    ReleasePolicy policy, ProbeContext context, Duration limit
) {
    ReleaseReading reading;
    auto const executor = co_await asio::this_coro::executor;
    auto report = [&reading](std::string_view name, std::string_view what) {
        reading.problems.push_back(std::string(name) + ": " + std::string(what));
    };
    TaskGroup asking(executor, std::move(report));  // joined below: they write into this frame
    if (!policy.version_type.empty()) {
        asking.spawn("release.version", read_version_into(policy, context, limit, reading));
    }
    if (!policy.schema_type.empty()) {
        asking.spawn("release.schema", read_schema_into(policy, context, limit, reading));
    }
    if (!policy.keep.empty()) {
        asking.spawn("release.keep", hash_kept_into(policy.keep, context, limit, reading));
    }
    co_await asking.join();
    co_return reading;
}

}  // namespace rollbackd
