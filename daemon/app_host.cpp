// What the API asks of the daemon.
#include "daemon/app_impl.hpp"

#include "actions/steps/ssh.hpp"

namespace rollbackd {

namespace {

LoadResult refused_load(std::string const& path, std::string what) {
    LoadResult out;
    Problem problem;
    problem.file = path;
    problem.what = std::move(what);
    out.problems.push_back(std::move(problem));
    return out;
}

}  // namespace

api::Awaitable<Result<std::vector<Record>>> App::read_journal(
    std::uint64_t from, std::size_t limit
) {
    auto* const journal = journal_.get();
    auto job = [journal, from, limit] { return journal->read(from, limit); };
    co_return co_await run_blocking(journal_thread_, std::move(job));
}

Json App::dry_run(Plan const& plan) const {
    JsonArray out;
    std::uint32_t n = 0;
    for (auto const* const list : {&plan.steps, &plan.always}) {
        for (auto const& step : *list) {
            out.push_back(JsonObject{
                {"n", ++n},
                {"name", step.name},
                {"type", step.type},
                {"would",
                 (step.when.empty() ? "" : "only if " + step.when + ": ") + runner_->dry_run(step)}
            });
        }
    }
    return out;
}

Result<std::uint64_t> App::alerts(AlertNotice const& notice, bool trusted) {
    auto const taken = reader_.take(notice, trusted);
    if (!taken) return tl::unexpected<Error>(taken.error());
    if (notice.truncated > 0) {
        log(LogLevel::warning, "alerts.truncated",
            {{"left_out", std::to_string(notice.truncated)},
             {"why", "max_alerts of Alertmanager's webhook_config; alerts left out are not seen"}});
    }
    return taken->unmatched;
}

std::vector<api::ReadyCheck> App::readiness() const {
    std::vector<api::ReadyCheck> out;
    bool const store = decider_.writable() && chain_problem_.empty();
    out.push_back(
        {"store", store,
         store                    ? ""
         : chain_problem_.empty() ? "the journal cannot be written"
                                  : chain_problem_}
    );
    out.push_back({"configuration", true, reload_problem_});
    out.push_back({"role", true, "leader"});
    return out;
}

api::DaemonFacts App::facts_of_daemon() const {
    api::DaemonFacts out;
    out.started_at = started_at_;
    out.config_file = config_path_;
    out.config_loaded_at = loaded_at_;
    out.config_problem = reload_problem_;
    out.config_note = config_note();
    out.limits =
        JsonObject{{"events_queue", Decider::queue_max}, {"events_queued", decider_.queued()}};
    return out;
}

api::Awaitable<LoadResult> App::read_own_file() {
    auto const path = config_path_;
    auto job = [path]() -> Result<LoadResult> { return load_for_start(path); };
    auto read = co_await run_blocking(pool_, std::move(job));
    if (!read) co_return refused_load(path, read.error().what);
    co_return *std::move(read);
}

api::Awaitable<LoadResult> App::load_again() {
    LoadResult loaded;
    // Two reloads at once: what was read first must not take the place of what was read last.
    std::uint64_t mine = 0;
    do {
        mine = ++reloads_begun_;
        loaded = co_await read_own_file();
    } while (mine < reload_taken_);
    reload_taken_ = mine;
    co_return loaded;
}

api::Awaitable<void> App::learn_secrets(LoadResult loaded) {
    auto job = [loaded = std::move(loaded)]() -> Result<std::vector<std::string>> {
        return read_secrets(loaded);
    };
    auto const values = co_await run_blocking(pool_, std::move(job));
    if (!values) co_return;
    for (auto const& value : *values) secrets_.learn(value);
}

api::Awaitable<Json> App::check_config(std::optional<std::string> yaml) {
    if (!yaml) {
        auto const loaded = co_await read_own_file();
        co_return problems_to_json(loaded);
    }
    auto job = [text = *std::move(yaml)]() -> Result<Json> { return check_policy_text(text); };
    auto report = co_await run_blocking(pool_, std::move(job));
    if (report) co_return std::move(*report);
    auto const refused = refused_load("", report.error().what);
    co_return problems_to_json(refused);
}

Json App::refuse_reload(Actor const& actor, LoadResult const& loaded) {
    reload_problem_ = first_error(loaded);
    metrics_.reloaded(false, clock_.now());
    log(LogLevel::error, "config.refused", {{"by", actor.name}, {"what", reload_problem_}});
    manager_.ready("the new configuration was refused; the old one stays");
    return problems_to_json(loaded);
}

api::Awaitable<Json> App::reload(Actor actor) {
    manager_.reloading();
    auto const loaded = co_await load_again();
    if (!loaded.ok()) co_return refuse_reload(actor, loaded);
    co_await learn_secrets(loaded);
    PolicyLoaded taken;
    taken.actor = actor;
    taken.policy = loaded.policy;
    Event event = std::move(taken);
    auto const recorded = co_await decider_.submit(std::move(event));
    if (recorded.error) {
        // What cannot be written down does not come into force.
        co_return refuse_reload(
            actor, refused_load(config_path_, "not taken: " + recorded.error->what)
        );
    }
    engine_.set_policy(loaded.policy, clock_.now());
    decider_.look_again();
    co_await follow_policy();
    auto const now = clock_.now();
    metrics_.reloaded(true, now);
    loaded_at_ = now.wall;
    log(LogLevel::info, "config.loaded",
        {{"by", actor.name}, {"hash", engine_.policy().hash.substr(0, 12)}, {"note", config_note()}}
    );
    manager_.ready("watching " + std::to_string(engine_.policy().services.size()) + " services");
    auto answer = problems_to_json(loaded);
    answer.as_object()["note"] = config_note();
    co_return answer;
}

/// What the file says and is not in effect.
std::string App::config_note() const {
    auto const& refused = certificates_->problem();
    if (refused.empty() || reload_note_.empty()) return refused + reload_note_;
    return refused + "; " + reload_note_;
}

/// Where sources and probes go on from: the keys are signals, so they never meet.
Json App::offsets_now() const {
    Json offsets = reader_.save();
    auto const probes = prober_.save();
    for (auto const& [key, saved] : probes) offsets.as_object()[key] = saved;
    return offsets;
}

/// Everybody who works by the policy takes the new one.
asio::awaitable<void> App::follow_policy() {
    auto const& daemon = engine_.policy().daemon;
    reload_problem_.clear();
    reload_note_ = restart_note(started_with_, daemon);
    set_log_level(daemon.log_level);
    runner_->set_hosts(engine_.policy().hosts);
    follow_hosts();
    auto const offsets = offsets_now();
    co_await reader_.follow(engine_.policy_ptr(), offsets);
    co_await prober_.follow(engine_.policy_ptr(), offsets);
    self_watch_.follow();
    checkpoints_->soon();
    auto tls = engine_.policy().daemon.tls;
    (void)co_await certificates_->look(std::move(tls));
}

void App::follow_hosts() {
    ssh_hosts_.clear();
    for (auto const& host : engine_.policy().hosts) ssh_hosts_[host.name] = target_of(host);
}

}  // namespace rollbackd
