// The daemon's life: start, signals, watchdog, stop.
#include "daemon/app_impl.hpp"

#include <boost/asio/signal_set.hpp>

namespace rollbackd {

asio::awaitable<void> App::life() {
    co_await start();
    bool asked = false;
    while (!asked) asked = co_await stop_asked_.wait_for(std::chrono::hours(1));
    co_await stop();
}

asio::awaitable<void> App::start() {
    core_.spawn("decider", decider_.run());
    tasks_.spawn("signals", handle_signals());
    auto const where = co_await runner_->where_steps_run();
    log(LogLevel::info, "steps.run", {{"where", where}});
    auto const recovered = co_await decider_.begin(step_folder_->id);
    if (recovered.error) log(LogLevel::error, "start.unrecorded", {{"why", recovered.error->what}});
    co_await reader_.follow(engine_.policy_ptr(), offsets_);
    follow_hosts();
    co_await prober_.follow(engine_.policy_ptr(), offsets_);
    co_await checkpoints_->save_perceived();
    tasks_.spawn("outbox", outbox_->run());
    tasks_.spawn("checkpoints", checkpoints_->run());
    tasks_.spawn("watchdog", feed_watchdog());
    tasks_.spawn("heartbeat", self_watch_.beat());
    tasks_.spawn("blindness", watch_blindness());
    tasks_.spawn("verify", verify_in_background());
    tasks_.spawn("sources", reader_.watch());
    tasks_.spawn("releases", watch_releases());
    tasks_.spawn("readiness", watch_readiness());
    tasks_.spawn("certificates", certificates_->watch());
    if (journal_->lease()->expires()) tasks_.spawn("lease", keep_lease());
    metrics_.reloaded(true, clock_.now());
    api_->start();
    std::string addresses;
    for (auto const& address : api_->addresses())
        addresses += (addresses.empty() ? "" : " ") + address;
    auto const took = std::chrono::duration_cast<Duration>(clock_.now().wall - started_at_);
    log(LogLevel::info, "ready",
        {{"listen", addresses},
         {"services", std::to_string(engine_.policy().services.size())},
         {"records", std::to_string(engine_.state().seq)},
         {"took", format_human(took)}});
    manager_.ready("watching " + std::to_string(engine_.policy().services.size()) + " services");
}

asio::awaitable<void> App::stop() {
    auto const steps = hands_->under_way();
    std::string const text = steps == 0 ? std::string("stopping")
                                        : "stopping; " + std::to_string(steps) +
                                              " running step is left to its supervisor";
    log(LogLevel::info, "stopping", {{"steps_left_running", std::to_string(steps)}});
    manager_.stopping(text);
    co_await api_->stop();
    co_await prober_.stop();
    co_await reader_.stop();
    tasks_.cancel();
    co_await outbox_->stop();
    co_await hands_->stop();
    co_await tasks_.join();
    decider_.close();
    while (core_.size() > 1) co_await sleep_for(std::chrono::milliseconds(1));
    co_await checkpoints_->save_all();
    // A database that does not answer is waited for longer than any of its calls waits.
    journal_thread_.stop(std::chrono::seconds(15));
    pool_.stop();
    queries_.stop();
    files_.stop(std::chrono::seconds(1));
    dialer_.stop();
    log(LogLevel::info, "stopped");
}

asio::awaitable<void> App::handle_signals() {
    asio::signal_set signals(executor_, SIGTERM, SIGINT, SIGHUP);
    while (!co_await is_cancelled()) {
        auto const [code, number] =
            co_await signals.async_wait(asio::as_tuple(asio::use_awaitable));
        if (code) co_return;
        if (number == SIGHUP) {
            Actor actor;
            actor.name = "SIGHUP";
            actor.role = "admin";
            (void)co_await reload(std::move(actor));
        } else {
            stop_asked_.notify();
        }
    }
}

asio::awaitable<void> App::feed_watchdog() {
    auto const every = manager_.watchdog().value_or(std::chrono::seconds(1));
    while (true) {
        auto const due = clock_.now().boot + every;
        if (!co_await sleep_for(every)) co_return;
        auto const now = clock_.now();
        self_watch_.loop_lag(std::max(now.boot - due, Duration::zero()));
        // A loop that turns but cannot write for a minute is as stuck as one that does not turn.
        if (manager_.watchdog() && !decider_.stuck(now)) manager_.alive();
    }
}

asio::awaitable<void> App::watch_releases() {
    ReleaseWatch::Facts facts = [this](std::string service) {
        return asker_->facts(std::move(service));
    };
    ReleaseWatch::Told told = [](std::string const& service, std::string const& version) {
        log(LogLevel::info, "release.changed",
            {{"service", service},
             {"version", version},
             {"note", "nobody announced it; recorded as a deployment"}});
    };
    co_await release_watch_.watch(std::move(facts), std::move(told));
}

asio::awaitable<void> App::watch_readiness() {
    ReadinessWatch::Ask ask = [this](AskFresh question) {
        return asker_->ask(std::move(question));
    };
    co_await readiness_watch_.watch(std::move(ask));
}

asio::awaitable<void> App::watch_blindness() {
    while (!co_await is_cancelled()) {
        co_await blind_.wait();
        if (co_await is_cancelled()) co_return;
        std::string blind;
        for (auto const& [name, service] : engine_.state().services) {
            auto const* const incident = engine_.state().incident(service.incident);
            if (incident == nullptr) continue;
            for (auto const& refusal : incident->refusals) {
                if (refusal.guard == Guard::blind) blind = name;
            }
        }
        if (blind.empty()) continue;
        if (!co_await sleep_for(std::chrono::seconds(2))) co_return;
        if (co_await asker_->sees(blind)) {
            decider_.post(BlindEnded{});
        } else {
            blind_.notify();
        }
    }
}

// Of a store that several share. A renewal that fails says what a failed append would say.
asio::awaitable<void> App::keep_lease() {
    while (co_await sleep_for(lease_renewed_every)) {
        auto* const lease = journal_->lease();
        auto const now = clock_.now();
        auto job = [lease, now] { return lease->renew(now); };
        auto const renewed = co_await run_blocking(journal_thread_, std::move(job));
        if (co_await is_cancelled()) co_return;
        if (renewed) {
            decider_.note_journal(true, "");
        } else if (renewed.error().code == Errc::conflict) {
            decider_.lose(renewed.error().what);
        } else {
            decider_.note_journal(false, renewed.error().what);
        }
    }
}

asio::awaitable<void> App::verify_in_background() {
    auto const store = started_with_.store;
    auto const options = store_options_of(started_with_);
    auto job = [store, options]() -> Result<VerifyReport> {
        auto journal = open_journal(store, OpenMode::read_only, options);
        if (!journal) return tl::unexpected(journal.error());
        return verify_journal(**journal);
    };
    auto report = co_await run_blocking(pool_, std::move(job));
    if (co_await is_cancelled()) co_return;
    if (!report) {
        log(LogLevel::warning, "journal.not_verified", {{"why", to_string(report.error())}});
    } else if (report->problem) {
        chain_problem_ =
            "record " + std::to_string(report->problem->seq) + ": " + report->problem->what;
        log(LogLevel::error, "journal.broken", {{"what", chain_problem_}});
    } else {
        log(LogLevel::info, "journal.verified", {{"records", std::to_string(report->records)}});
    }
}

}  // namespace rollbackd
