#include "daemon/app.hpp"

#include "actions/steps/runner.hpp"
#include "api/api.hpp"
#include "config/catalogue.hpp"
#include "config/load.hpp"
#include "core/io/http_client.hpp"
#include "core/io/secrets.hpp"
#include "core/io/stream.hpp"
#include "daemon/checkpoints.hpp"
#include "daemon/hands.hpp"
#include "daemon/loading.hpp"
#include "daemon/log.hpp"
#include "daemon/metrics.hpp"
#include "daemon/outbox.hpp"
#include "daemon/prober.hpp"
#include "daemon/service_manager.hpp"

#include <boost/asio/signal_set.hpp>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

void report_task(std::string_view name, std::string_view what) {
    log(LogLevel::error, "task.failed", {{"task", std::string(name)}, {"what", std::string(what)}});
}

std::string kind_name(DeliveryKind kind) {
    switch (kind) {
        case DeliveryKind::delivered:
            return "delivered";
        case DeliveryKind::retry:
            return "retry";
        case DeliveryKind::give_up:
            return "given_up";
    }
    return "";
}

class App final : public api::Host {
public:
    App(std::string config_path, std::shared_ptr<Policy const> policy,
        std::unique_ptr<Journal> journal);

    /// Everything that can refuse to start; nothing runs yet.
    Result<void> prepare();
    int run();

    Engine const& engine() const override { return engine_; }
    Now now() const override { return clock_.now(); }
    api::Awaitable<Reply> submit(Event event) override { return decider_.submit(std::move(event)); }
    Result<void> ingest(std::vector<Sample> samples) override { return decider_.ingest(samples); }
    api::Awaitable<Answer> ask(AskFresh question) override {
        return asker_->ask(std::move(question));
    }
    api::Awaitable<ReleaseFacts> facts(std::string service) override {
        return asker_->facts(std::move(service));
    }
    api::Awaitable<Result<std::vector<Record>>> read_journal(std::uint64_t from, std::size_t limit)
        override;
    Json dry_run(Plan const& plan) const override;
    bool journal_writable() const override { return decider_.writable(); }
    std::vector<api::ReadyCheck> readiness() const override;
    api::DaemonFacts facts_of_daemon() const override;
    std::string metrics() const override {
        return metrics_.render(engine_, decider_, reader_, clock_.now());
    }
    api::Awaitable<Json> reload(Actor actor) override;
    Json check_config(std::string_view yaml) const override { return check_policy_text(yaml); }
    void seen(api::RequestSeen const& request) override {
        metrics_.requested(request.method, request.route, request.status, request.took);
    }
    void surprised(std::string_view where, std::string_view what) override {
        log(LogLevel::error, "request.failed",
            {{"where", std::string(where)}, {"what", std::string(what)}});
    }

private:
    DeciderCallbacks callbacks();
    void on_applied(std::vector<Record> const& records);
    asio::awaitable<void> life();
    asio::awaitable<void> start();
    asio::awaitable<void> stop();
    asio::awaitable<void> handle_signals();
    asio::awaitable<void> feed_watchdog();
    asio::awaitable<void> watch_blindness();
    asio::awaitable<void> verify_in_background();

    std::string config_path_;
    RealClock clock_;
    asio::io_context context_{1};
    asio::any_io_executor executor_ = context_.get_executor();
    ServiceManager manager_;
    BlockingPool journal_thread_{1};
    BlockingPool pool_;
    std::unique_ptr<Journal> journal_;
    Engine engine_;
    Secrets secrets_;
    Dialer dialer_{executor_};
    HttpClient http_{dialer_};
    ProbeContext probe_context_{dialer_, http_, pool_, secrets_, clock_};
    mutable Metrics metrics_;
    Decider decider_;
    Reader reader_{executor_, decider_, clock_, report_task};
    Prober prober_{executor_, probe_context_, engine_, decider_, report_task};
    Notifier notifier_{http_, secrets_};
    std::unique_ptr<StepRunner> runner_;
    std::unique_ptr<Asker> asker_;
    std::unique_ptr<Hands> hands_;
    std::unique_ptr<Outbox> outbox_;
    std::unique_ptr<Checkpoints> checkpoints_;
    std::unique_ptr<api::Api> api_;
    TaskGroup tasks_{executor_, report_task};  // ended first
    TaskGroup core_{executor_, report_task};   // the decider: ended last
    WakeUp stop_asked_{executor_};
    WakeUp blind_{executor_};
    Json offsets_;
    WallTime started_at_;
    WallTime loaded_at_;
    std::string reload_problem_;
    std::string chain_problem_;
    int exit_status_ = 0;
};

App::App(
    std::string config_path, std::shared_ptr<Policy const> policy, std::unique_ptr<Journal> journal
)
    : config_path_(std::move(config_path)),
      journal_(std::move(journal)),
      engine_(std::move(policy), clock_.now(), clock_.boot_id()),
      decider_(executor_, engine_, *journal_, journal_thread_, clock_, callbacks()),
      started_at_(clock_.now().wall),
      loaded_at_(started_at_) {}

DeciderCallbacks App::callbacks() {
    DeciderCallbacks out;
    out.command = [this](Command command) { hands_->carry_out(std::move(command)); };
    out.applied = [this](std::vector<Record> const& records) { on_applied(records); };
    out.unrecorded = [this](std::vector<Message> const& messages, std::string const& why) {
        outbox_->send_unrecorded(messages, why);
    };
    out.journal = [](bool writable, std::string const& why) {
        if (writable) {
            log(LogLevel::info, "journal.writable");
        } else {
            log(LogLevel::error, "journal.unwritable",
                {{"why", why}, {"effect", "no step starts; alerts go out unrecorded"}});
        }
    };
    out.appended = [this](Duration took) { metrics_.appended(took); };
    out.lost_lease = [this](std::string const& why) {
        log(LogLevel::error, "lease.lost", {{"why", why}});
        exit_status_ = 1;
        stop_asked_.notify();
    };
    return out;
}

void App::on_applied(std::vector<Record> const& records) {
    metrics_.applied(records, engine_.state());
    bool messages = false;
    std::set<std::string> hurried;
    for (auto const& record : records) {
        if (record.kind == "message.queued") messages = true;
        if (record.kind == "incident.state" || record.kind == "run.verifying") {
            for (auto const& service : engine_.policy().services) {
                if (!engine_.state().service(service.name).incident.empty())
                    hurried.insert(service.name);
            }
        }
        if (record.kind == "incident.judged") blind_.notify();
        if (record.kind == "run.ended" && runner_) {
            auto const json = parse_json(record.body);
            bool const settled = json && text_of(*json, "state") != "interrupted";
            if (settled) runner_->forget(text_of(*json, "run"));
        }
        log_record(record, engine_.state());
    }
    for (auto const& service : hurried) prober_.hurry(service);
    if (messages && outbox_) outbox_->wake();
    if (api_) api_->records_applied();
}

Result<void> App::prepare() {
    std::string problem;
    offsets_ = Checkpoints::restore(engine_, *journal_, clock_.now(), problem);
    if (!problem.empty()) {
        return fail(Errc::corrupt, problem + "; the journal is left as it is", "store");
    }
    auto const& daemon = engine_.policy().daemon;
    RunnerOptions options;
    options.run_dir = run_dir_of(daemon);
    options.hosts = engine_.policy().hosts;
    auto runner = create_step_runner({executor_, http_, secrets_, clock_}, std::move(options));
    if (!runner) return tl::unexpected(runner.error());
    runner_ = std::move(*runner);
    asker_ = std::make_unique<Asker>(
        executor_, probe_context_, engine_, decider_, *runner_, report_task
    );
    hands_ = std::make_unique<Hands>(executor_, decider_, *runner_, *asker_, report_task);
    outbox_ = std::make_unique<Outbox>(
        executor_, engine_, decider_, notifier_, clock_, report_task,
        [this](std::string const& channel, DeliveryKind kind, std::string const& text) {
            metrics_.delivered(channel, kind_name(kind));
            if (kind == DeliveryKind::delivered) return;
            log(LogLevel::warning, "message." + kind_name(kind),
                {{"channel", channel}, {"why", text}});
        }
    );
    checkpoints_ = std::make_unique<Checkpoints>(
        engine_, decider_, *journal_, journal_thread_, reader_, clock_
    );
    prober_.on_seen([this](SignalPolicy const& signal, Duration took, Duration late) {
        metrics_.probed(signal, took, late);
    });
    api::ServerOptions server;
    server.listen = daemon.listen;
    server.tls = daemon.tls;
    auto opened = api::Api::open(executor_, std::move(server), *this);
    if (!opened) return tl::unexpected(opened.error());
    api_ = std::move(*opened);
    return {};
}

int App::run() {
    core_.spawn("life", life());
    context_.run();
    return exit_status_;
}

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
    Actor nobody;
    PolicyLoaded loaded;
    loaded.actor = nobody;
    Event first = std::move(loaded);
    (void)co_await decider_.submit(std::move(first));
    Event again = Recovered{};
    auto recovered = co_await decider_.submit(std::move(again));
    if (recovered.error) log(LogLevel::error, "start.unrecorded", {{"why", recovered.error->what}});
    co_await reader_.follow(engine_.policy_ptr(), offsets_);
    co_await prober_.follow(engine_.policy_ptr());
    tasks_.spawn("outbox", outbox_->run());
    tasks_.spawn("checkpoints", checkpoints_->run());
    tasks_.spawn("watchdog", feed_watchdog());
    tasks_.spawn("blindness", watch_blindness());
    tasks_.spawn("verify", verify_in_background());
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
    journal_thread_.stop();
    pool_.stop();
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
        metrics_.loop_lag(std::max(now.boot - due, Duration::zero()));
        // A loop that turns but cannot write for a minute is as stuck as one that does not turn.
        if (manager_.watchdog() && !decider_.stuck(now)) manager_.alive();
    }
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

asio::awaitable<void> App::verify_in_background() {
    auto const store = engine_.policy().daemon.store;
    auto job = [store]() -> Result<VerifyReport> {
        auto journal = open_journal(store, OpenMode::read_only);
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

api::Awaitable<Json> App::reload(Actor actor) {
    manager_.reloading();
    auto const path = config_path_;
    auto job = [path]() -> Result<LoadResult> { return load_for_start(path); };
    auto loaded = co_await run_blocking(pool_, std::move(job));
    if (!loaded) {
        LoadResult nothing;
        Problem problem;
        problem.file = path;
        problem.what = loaded.error().what;
        nothing.problems.push_back(std::move(problem));
        loaded = std::move(nothing);
    }
    auto answer = problems_to_json(*loaded);
    auto const now = clock_.now();
    metrics_.reloaded(loaded->ok(), now);
    if (!loaded->ok()) {
        reload_problem_ = first_error(*loaded);
        log(LogLevel::error, "config.refused", {{"by", actor.name}, {"what", reload_problem_}});
        manager_.ready("the new configuration was refused; the old one stays");
        co_return answer;
    }
    auto const& before = engine_.policy().daemon;
    auto const& after = loaded->policy->daemon;
    bool const restart =
        before.listen != after.listen || before.store != after.store || before.tls != after.tls;
    engine_.set_policy(loaded->policy, now);
    PolicyLoaded taken;
    taken.actor = actor;
    Event event = std::move(taken);
    (void)co_await decider_.submit(std::move(event));
    runner_->set_hosts(engine_.policy().hosts);
    auto offsets = reader_.save();
    co_await reader_.follow(engine_.policy_ptr(), offsets);
    co_await prober_.follow(engine_.policy_ptr());
    reload_problem_ = restart ? "listen, tls and store take effect at the next start" : "";
    loaded_at_ = now.wall;
    log(LogLevel::info, "config.loaded",
        {{"by", actor.name},
         {"hash", engine_.policy().hash.substr(0, 12)},
         {"note", reload_problem_}});
    manager_.ready("watching " + std::to_string(engine_.policy().services.size()) + " services");
    co_return answer;
}

}  // namespace

int run_daemon(AppOptions const& options) {
    auto loaded = load_for_start(options.config_path);
    print_problems(loaded);
    if (!loaded.ok()) return 1;
    open_log(loaded.policy->daemon.log_level);
    auto journal = open_journal(loaded.policy->daemon.store, OpenMode::read_write);
    if (!journal) {
        log(LogLevel::error, "start.refused", {{"what", to_string(journal.error())}});
        return 1;
    }
    App app(options.config_path, loaded.policy, std::move(*journal));
    if (auto prepared = app.prepare(); !prepared) {
        log(LogLevel::error, "start.refused", {{"what", to_string(prepared.error())}});
        return 1;
    }
    return app.run();
}

}  // namespace rollbackd
