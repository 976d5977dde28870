#include "actions/steps/forge.hpp"

#include "actions/steps/pull_request_text.hpp"
#include "core/io/deadline.hpp"
#include "core/io/http_client.hpp"
#include "core/io/net_failure.hpp"
#include "core/io/secrets.hpp"
#include "core/io/task_group.hpp"
#include "core/percent.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

constexpr Duration answer_max = std::chrono::seconds(20);
constexpr std::size_t answer_bytes_max = 4 * 1024 * 1024;  // a forge tells much of each

std::string hint(unsigned status) {
    switch (status) {
        case 401:
            return ": the forge does not accept the token";
        case 403:
            return ": the token may not do that";
        case 404:
            return ": no such project, or the token may not see it";
        default:
            return "";
    }
}

bool is_rate_limited(HttpResponse const& answer) {
    return answer.status == 403 &&
           (!answer.header("Retry-After").empty() || answer.header("X-RateLimit-Remaining") == "0");
}

Said judge(std::string const& asked, NetResult<HttpResponse> const& answer) {
    Said out;
    if (!answer) {
        out.why = asked + ": " + answer.error().reason();
        out.passes = answer.error().fault != NetFault::invalid;
        return out;
    }
    out.status = answer->status;
    if (answer->status / 100 == 2) {
        auto json = parse_json(answer->body);
        if (json) {
            out.json = std::move(*json);
        } else {
            out.why = asked + ": the answer is no JSON";
        }
        return out;
    }
    auto const message = forge_message(answer->body);
    out.why = asked + ": status " + std::to_string(answer->status) + hint(answer->status) +
              (message.empty() ? "" : ": " + message);
    out.passes = is_passing_status(answer->status) || is_rate_limited(*answer);
    return out;
}

std::string api_of(StepJob const& job) {
    auto api = job.text("api");
    if (api.empty()) api = "https://api.github.com";
    while (api.ends_with('/')) api.pop_back();
    auto const project = job.text("project");
    auto const slash = project.find('/');
    if (slash == std::string::npos) return api + "/repos/" + percent_encode(project);
    return api + "/repos/" + percent_encode(project.substr(0, slash)) + "/" +
           percent_encode(project.substr(slash + 1));
}

asio::awaitable<void> send(
    HttpClient& http, HttpRequest request, NetResult<HttpResponse>& answer, WakeUp& done
) {
    answer = co_await http.send(std::move(request));
    done.notify();
}

}  // namespace

asio::awaitable<Said> ask_forge(
    StepJob& job, std::string method, std::string path, JsonObject body
) {
    auto const token = job.parts().secrets.text(job.step().params, "token");
    if (!token) {
        Said unreadable;
        unreadable.why = to_string(token.error());
        co_return unreadable;
    }
    HttpRequest request;
    request.method = method;
    request.url = api_of(job) + path;
    request.headers = {
        {"Authorization", "Bearer " + *token},
        {"Accept", "application/vnd.github+json"},
        {"X-GitHub-Api-Version", "2022-11-28"},
    };
    if (!body.empty()) {
        request.headers.emplace_back("Content-Type", "application/json");
        request.body = to_text(Json(std::move(body)));
    }
    request.tls.ca_file = job.text("ca");
    request.timeout = std::min(job.left(), answer_max);
    request.body_max = answer_bytes_max;
    NetResult<HttpResponse> answer = net_fail(NetFault::cancelled, "given up");
    auto const& parts = job.parts();
    WakeUp done(parts.executor);
    TaskGroup group(parts.executor);
    group.spawn("pull request", send(parts.http, std::move(request), answer, done));
    job.on_abort([&] {
        group.cancel();
        done.notify();
    });
    co_await done.wait();
    if (group.size() > 0) group.cancel();
    co_await group.join();
    job.on_abort({});
    co_return judge(method + " " + path.substr(0, path.find('?')), answer);
}

}  // namespace rollbackd
