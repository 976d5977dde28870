// release: the version that is in effect, as a text signal. A version that changes without anybody
// having announced it is recorded as a deployment by the daemon (daemon/release_watch), so that it
// opens a watch window.
#include "core/io/http_client.hpp"
#include "core/io/secrets.hpp"
#include "core/percent.hpp"
#include "triggers/probes/containers.hpp"
#include "triggers/probes/place.hpp"
#include "triggers/probes/release.hpp"
#include "triggers/probes/types.hpp"

#include <array>
#include <filesystem>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

constexpr std::size_t answer_bytes_max = 4U << 20U;
constexpr std::array<char const*, 6> forms{"git", "url", "file", "symlink", "container", "argv"};

TypeInfo release_info() {
    TypeInfo info;
    info.name = "release";
    info.doc =
        "The version in effect. When it changes and nobody has announced that, the new one is "
        "recorded as a deployment and opens a watch window.";
    info.kind = "text";
    info.is_probe = true;
    info.fields = {
        {.name = "git", .type = FieldType::path, .doc = "Work tree: the commit it stands at."},
        {.name = "url", .type = FieldType::url, .doc = "Asked with GET: what the service says."},
        {.name = "json",
         .type = FieldType::text,
         .doc = "With url: JSON pointer to the version; absent: the answer's first line."},
        {.name = "headers", .type = FieldType::text_map, .doc = "With url: sent with the request."},
        {.name = "ca",
         .type = FieldType::path,
         .doc = "With url: trust the CA certificates of this PEM file instead of the system's."},
        {.name = "file", .type = FieldType::path, .doc = "File: its first line."},
        {.name = "symlink", .type = FieldType::path, .doc = "Link: the last part of where it leads."
        },
        {.name = "container",
         .type = FieldType::text,
         .doc = "Container: the digest of the image it runs."},
        {.name = "socket",
         .type = FieldType::path,
         .doc = "With container: the engine's socket.",
         .otherwise = "/var/run/docker.sock"},
        {.name = "argv", .type = FieldType::argv, .doc = "Command: the first line it prints."},
        {.name = "announce",
         .type = FieldType::boolean,
         .doc = "false: a change is only a new text, and no deployment.",
         .otherwise = true},
    };
    info.one_of = {{forms.begin(), forms.end()}};
    return info;
}

std::vector<Error> check_release(JsonObject const& params) {
    for (auto const* const key : {"json", "headers", "ca"}) {
        if (!params.contains(key) || params.contains("url")) continue;
        return {Error{Errc::invalid, std::string(key) + " goes with url", key}};
    }
    auto const pointer = text_of(Json(params), "json");
    if (pointer.empty() || pointer.starts_with('/')) return {};
    return {Error{
        Errc::invalid, "a JSON pointer begins with a slash; did you mean /" + pointer + "?", "json"
    }};
}

/// What release.version of a service would read, where it is one of its types.
std::optional<ReleasePolicy> policy_of(JsonObject const& params) {
    ReleasePolicy policy;
    auto const take = [&](char const* key, char const* type, char const* field) {
        auto const* const found = params.if_contains(key);
        if (found == nullptr) return false;
        policy.version_type = type;
        policy.version[field] = *found;
        return true;
    };
    if (take("git", "git", "repo") || take("file", "file", "path")) return policy;
    if (take("argv", "command", "argv")) return policy;
    if (!take("url", "http", "url")) return std::nullopt;
    for (auto const* const key : {"json", "headers", "ca"}) {
        if (auto const* const found = params.if_contains(key)) policy.version[key] = *found;
    }
    return policy;
}

class ReleaseProbe final : public Probe {
public:
    ReleaseProbe(JsonObject const& params, ProbeContext const& context)
        : context_(context), place_(context), policy_(policy_of(params)) {
        Json const all(params);
        symlink_ = text_of(all, "symlink");
        container_ = text_of(all, "container");
        socket_ = text_of(all, "socket", "/var/run/docker.sock");
    }

    asio::awaitable<ProbeAnswer> ask(Duration timeout) override {
        Result<std::string> version = fail(Errc::internal, "nothing to ask");
        if (policy_) {
            auto policy = *policy_;
            version = co_await read_version(std::move(policy), context_, place_, timeout);
        } else if (!symlink_.empty()) {
            auto job = [path = symlink_]() -> Result<std::string> { return target_of(path); };
            version = co_await place_.look(std::move(job), timeout);
        } else {
            version = co_await image(timeout);
        }
        if (!version) {
            auto const why = context_.secrets.redact(trouble_of(version.error()));
            co_return unknown_answer(why);
        }
        TextValue text;
        text.text = printable(*version, 200);
        co_return answer_with(std::move(text));
    }

private:
    static Result<std::string> target_of(std::string const& path) {
        std::error_code code;
        auto const target = std::filesystem::read_symlink(path, code);
        if (code == std::errc::no_such_file_or_directory) {
            return fail(Errc::not_found, "there is no such link", path);
        }
        if (code) return fail(Errc::io, code.message(), path);
        auto const text = target.string();
        auto const end = text.find_last_not_of('/');
        if (end == std::string::npos) return fail(Errc::invalid, "leads to no name", path);
        auto const begin = text.find_last_of('/', end);
        return text.substr(begin == std::string::npos ? 0 : begin + 1, end - begin);
    }

    asio::awaitable<Result<std::string>> image(Duration timeout) {
        HttpRequest request;
        request.url = "http://localhost/containers/" + percent_encode(container_) + "/json";
        request.unix_path = socket_;
        request.timeout = timeout;
        request.body_max = answer_bytes_max;
        auto const response = co_await context_.http.send(std::move(request));
        if (!response) co_return tl::unexpected<Error>(response.error().error(socket_));
        if (response->status == 404) {
            co_return fail(Errc::not_found, "there is no such container", container_);
        }
        auto const body = parse_json(response->body);
        auto const digest = body ? text_of(*body, "Image") : std::string();
        if (response->status / 100 != 2 || digest.empty()) {
            co_return fail(Errc::invalid, "the engine tells no image", socket_);
        }
        co_return digest;
    }

    ProbeContext context_;
    Place place_;
    std::optional<ReleasePolicy> policy_;
    std::string symlink_;
    std::string container_;
    std::string socket_;
};

std::unique_ptr<Probe> make_release(SignalPolicy const& signal, ProbeContext const& context) {
    return std::make_unique<ReleaseProbe>(signal.params, context);
}

}  // namespace

ProbeType release_probe() { return ProbeType{release_info(), &check_release, &make_release}; }

}  // namespace rollbackd
