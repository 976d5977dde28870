// docker: containers of a compose project, or one by name, through the engine's socket (Docker's or
// Podman's). A state: all run and are healthy; with `measure` a gauge.
#include "core/io/http_client.hpp"
#include "core/percent.hpp"
#include "triggers/probes/answers.hpp"
#include "triggers/probes/containers.hpp"
#include "triggers/probes/types.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

constexpr std::size_t answer_bytes_max = 4U << 20U;
constexpr unsigned gone_status = 404;

TypeInfo docker_info() {
    TypeInfo info;
    info.name = "docker";
    info.doc =
        "Containers of a compose project, or one container, asked of the engine itself (Docker or "
        "Podman). A state; with measure a gauge.";
    info.is_probe = true;
    info.fields = {
        {.name = "project", .type = FieldType::text, .doc = "Name of the compose project."},
        {.name = "container", .type = FieldType::text, .doc = "Name of one container."},
        {.name = "services",
         .type = FieldType::text_list,
         .doc = "Services of the project that must run; absent: all that are there, but jobs that "
                "ended well."},
        {.name = "socket",
         .type = FieldType::path,
         .doc = "The engine's socket; Podman's is /run/podman/podman.sock.",
         .otherwise = "/var/run/docker.sock"},
        {.name = "measure",
         .type = FieldType::choice,
         .doc = "restarts: how often the engine has restarted them, together; running: how many "
                "run.",
         .choices = {"restarts", "running"}},
    };
    info.one_of = {{"project", "container"}};
    return info;
}

std::vector<std::string> services_of(JsonObject const& params) {
    std::vector<std::string> names;
    auto const* const list = params.if_contains("services");
    if (list == nullptr || !list->is_array()) return names;
    for (auto const& name : list->get_array()) {
        if (name.is_string()) names.emplace_back(std::string_view(name.get_string()));
    }
    return names;
}

std::vector<Error> check_docker(JsonObject const& params) {
    if (!params.contains("container") || services_of(params).empty()) return {};
    return {Error{Errc::invalid, "services are of a project, not of one container", "services"}};
}

class DockerProbe final : public Probe {
public:
    DockerProbe(JsonObject const& params, ProbeContext const& context)
        : http_(context.http), services_(services_of(params)) {
        Json const all(params);
        project_ = text_of(all, "project");
        container_ = text_of(all, "container");
        socket_ = text_of(all, "socket", "/var/run/docker.sock");
        measure_ = text_of(all, "measure");
    }

    asio::awaitable<ProbeAnswer> ask(Duration timeout) override {
        limit_ = timeout;
        auto ids = co_await find_ids();
        if (!ids) co_return unknown_answer(trouble_of(ids.error()));
        std::vector<ContainerFacts> containers;
        for (auto const& id : *ids) {
            auto const inspected = co_await get("/containers/" + percent_encode(id) + "/json");
            // Gone since it was listed, or never there: that is an answer.
            if (!inspected && inspected.error().code == Errc::not_found) continue;
            if (!inspected) co_return unknown_answer(trouble_of(inspected.error()));
            auto facts = parse_container(*inspected);
            if (!facts) co_return unknown_answer("garbage: " + facts.error().what);
            containers.push_back(std::move(*facts));
        }
        co_return measure_.empty() ? judged(containers) : measured(containers);
    }

private:
    asio::awaitable<Result<std::vector<std::string>>> find_ids() {
        if (!container_.empty()) {
            std::vector<std::string> one;
            one.push_back(container_);
            co_return one;
        }
        auto const label = to_text(to_json("com.docker.compose.project=" + project_));
        auto const filters = "{\"label\":[" + label + "]}";
        auto const list = co_await get("/containers/json?all=1&filters=" + percent_encode(filters));
        if (!list) co_return tl::unexpected<Error>(list.error());
        co_return parse_container_ids(*list);
    }

    /// A part of one question: all of them share its limit.
    asio::awaitable<Result<Json>> get(std::string target) {
        HttpRequest request;
        request.url = "http://localhost" + target;
        request.unix_path = socket_;
        request.timeout = limit_;
        request.body_max = answer_bytes_max;
        auto const response = co_await http_.send(std::move(request));
        if (!response) co_return tl::unexpected<Error>(response.error().error(socket_));
        limit_ -= std::min(limit_, response->timings.total);
        if (response->status == gone_status) {
            co_return fail(Errc::not_found, "no such container", socket_);
        }
        if (response->status / 100 != 2) {
            auto text = "the engine answers " + std::to_string(response->status);
            co_return fail(Errc::unavailable, std::move(text), socket_);
        }
        auto body = parse_json(response->body);
        if (!body) co_return fail(Errc::invalid, "the engine's answer is no JSON", socket_);
        co_return body;
    }

    ProbeAnswer judged(std::vector<ContainerFacts> const& containers) const {
        auto const judgement = judge_containers(containers, services_);
        switch (judgement.verdict) {
            case ContainersVerdict::good:
                return good_answer(judgement.reason);
            case ContainersVerdict::failed:
                return failed_answer(judgement.reason);
            case ContainersVerdict::unknown:
                break;
        }
        return unknown_answer(judgement.reason);
    }

    ProbeAnswer measured(std::vector<ContainerFacts> const& containers) const {
        std::uint64_t restarts = 0;
        std::uint64_t running = 0;
        for (auto const& container : containers) {
            restarts += container.restarts;
            if (container.status == "running") ++running;
        }
        if (measure_ == "running") return number_answer(double(running));
        if (containers.empty()) return unknown_answer("missing: there is no container");
        return number_answer(double(restarts));
    }

    HttpClient& http_;
    std::vector<std::string> services_;
    std::string project_;
    std::string container_;
    std::string socket_;
    std::string measure_;
    Duration limit_{};
};

std::unique_ptr<Probe> make_docker(SignalPolicy const& signal, ProbeContext const& context) {
    return std::make_unique<DockerProbe>(signal.params, context);
}

}  // namespace

ProbeType docker_probe() { return ProbeType{docker_info(), &check_docker, &make_docker}; }

}  // namespace rollbackd
