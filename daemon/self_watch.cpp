#include "daemon/self_watch.hpp"

#include "core/io/task_group.hpp"
#include "daemon/log.hpp"

#include <algorithm>

namespace rollbackd {

namespace asio = boost::asio;

SelfWatch::SelfWatch(
    asio::any_io_executor executor, Engine const& engine, Decider const& decider,
    Clock const& clock, HttpClient& http, Secrets& secrets, Metrics& metrics
)
    : engine_(engine),
      decider_(decider),
      clock_(clock),
      http_(http),
      secrets_(secrets),
      metrics_(metrics),
      wake_(executor) {}

void SelfWatch::loop_lag(Duration late) {
    metrics_.loop_lag(late);
    judge("loop", late, loop_max, "");
}

void SelfWatch::probe_lag(SignalPolicy const& signal, Duration late) {
    judge("probe", late, std::max(signal.every, probe_min), signal.name);
}

void SelfWatch::append_took(Duration took) {
    metrics_.appended(took);
    judge("journal", took, append_max, "");
}

void SelfWatch::judge(
    std::string const& deadline, Duration took, Duration limit, std::string const& of
) {
    if (took <= limit) return;
    metrics_.missed(deadline);
    auto const now = clock_.now().boot;
    auto const said = said_.find(deadline);
    if (said != said_.end() && now - said->second < say_every) return;
    said_[deadline] = now;
    log(LogLevel::warning, "deadline.missed",
        {{"what", deadline},
         {"of", of},
         {"took", format_human(took)},
         {"limit", format_human(limit)},
         {"effect", "breaches are noticed and answered later than the policy says"}});
}

asio::awaitable<void> SelfWatch::beat() {
    while (!co_await is_cancelled()) {
        auto heartbeat = engine_.policy().daemon.heartbeat;
        if (!heartbeat) {
            co_await wake_.wait();
            continue;
        }
        auto const begun = clock_.now();
        auto const every = heartbeat->every;
        if (decider_.writable() && !decider_.stuck(begun)) co_await send(std::move(*heartbeat));
        auto const left = every - (clock_.now().boot - begun.boot);
        if (left > Duration::zero()) co_await wake_.wait_for(left);
    }
}

asio::awaitable<void> SelfWatch::send(HeartbeatPolicy heartbeat) {
    JsonObject params;
    if (!heartbeat.url.empty()) params["url"] = heartbeat.url;
    if (!heartbeat.url_file.empty()) params["url_file"] = heartbeat.url_file;
    auto url = secrets_.text(params, "url");
    if (!url) {
        heard(to_string(url.error()));
        co_return;
    }
    secrets_.remember_url(*url);
    HttpRequest request;
    request.url = std::move(*url);
    request.timeout = std::min<Duration>(answer_max, heartbeat.every);
    request.discard_body = true;
    auto const answer = co_await http_.send(std::move(request));
    if (co_await is_cancelled()) co_return;
    if (!answer) {
        heard(answer.error().reason());
    } else if (answer->status / 100 != 2) {
        heard("status " + std::to_string(answer->status));
    } else {
        heard("");
    }
}

// Said when it changes, not at every beat.
void SelfWatch::heard(std::string const& why) {
    metrics_.beat(why.empty());
    if (why.empty() && !unheard_why_.empty()) log(LogLevel::info, "heartbeat.heard");
    if (!why.empty() && why != unheard_why_) {
        log(LogLevel::warning, "heartbeat.unheard", {{"why", secrets_.redact(why)}});
    }
    unheard_why_ = why;
}

void SelfWatch::follow() { wake_.notify(); }

}  // namespace rollbackd
