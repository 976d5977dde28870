// What the API asks of the daemon.
#include "daemon/app_impl.hpp"

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
                {"would", runner_->dry_run(step)}
            });
        }
    }
    return out;
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
    out.limits =
        JsonObject{{"events_queue", Decider::queue_max}, {"events_queued", decider_.queued()}};
    return out;
}

api::Awaitable<LoadResult> App::load_own_file() {
    auto const path = config_path_;
    auto job = [path]() -> Result<LoadResult> { return load_for_start(path); };
    auto loaded = co_await run_blocking(pool_, std::move(job));
    if (!loaded) co_return refused_load(path, loaded.error().what);
    co_return *std::move(loaded);
}

api::Awaitable<Json> App::check_config(std::optional<std::string> yaml) {
    if (yaml) co_return check_policy_text(*yaml);
    auto const loaded = co_await load_own_file();
    co_return problems_to_json(loaded);
}

api::Awaitable<Json> App::reload(Actor actor) {
    manager_.reloading();
    auto loaded = co_await load_own_file();
    if (loaded.ok()) {
        auto const before = engine_.policy_ptr();
        engine_.set_policy(loaded.policy, clock_.now());
        PolicyLoaded taken;
        taken.actor = actor;
        Event event = std::move(taken);
        auto const reply = co_await decider_.submit(std::move(event));
        if (reply.error) {
            // What cannot be written down is not in force.
            engine_.set_policy(before, clock_.now());
            loaded = refused_load(config_path_, "not taken: " + reply.error->what);
        } else {
            co_await follow_policy(*before);
        }
    }
    auto const now = clock_.now();
    metrics_.reloaded(loaded.ok(), now);
    if (!loaded.ok()) {
        reload_problem_ = "not loaded, the one before stays in effect: " + first_error(loaded);
        log(LogLevel::error, "config.refused", {{"by", actor.name}, {"what", reload_problem_}});
        manager_.ready("the new configuration was refused; the old one stays");
    } else {
        loaded_at_ = now.wall;
        log(LogLevel::info, "config.loaded",
            {{"by", actor.name},
             {"hash", engine_.policy().hash.substr(0, 12)},
             {"note", reload_problem_}});
        manager_.ready(
            "watching " + std::to_string(engine_.policy().services.size()) + " services"
        );
    }
    co_return problems_to_json(loaded);
}

/// Everybody who works by the policy takes the new one.
asio::awaitable<void> App::follow_policy(Policy const& before) {
    auto const& after = engine_.policy().daemon;
    bool const restart = before.daemon.listen != after.listen ||
                         before.daemon.store != after.store || before.daemon.tls != after.tls;
    runner_->set_hosts(engine_.policy().hosts);
    auto offsets = reader_.save();
    co_await reader_.follow(engine_.policy_ptr(), offsets);
    co_await prober_.follow(engine_.policy_ptr());
    checkpoints_->soon();
    reload_problem_ = restart ? "listen, tls and store take effect at the next start" : "";
}

}  // namespace rollbackd
