#include "daemon/app.hpp"

#include "daemon/app_impl.hpp"
#include "daemon/standby.hpp"
#include "daemon/store/restore.hpp"
#include "engine/records.hpp"

namespace rollbackd {

namespace {

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

}  // namespace

void report_task(std::string_view name, std::string_view what) {
    log(LogLevel::error, "task.failed", {{"task", std::string(name)}, {"what", std::string(what)}});
}

void report_source(std::string const& key, std::string const& why) {
    if (why.empty()) {
        log(LogLevel::info, "source.reading", {{"signal", key}});
    } else {
        log(LogLevel::warning, "source.unread", {{"signal", key}, {"why", why}});
    }
}

App::App(
    std::string config_path, LoadResult const& loaded, std::unique_ptr<Journal> journal,
    std::shared_ptr<StepFolder const> folder, ServiceManager manager
)
    : config_path_(std::move(config_path)),
      manager_(std::move(manager)),
      step_folder_(std::move(folder)),
      journal_(std::move(journal)),
      engine_(loaded.policy, clock_.now(), clock_.boot_id()),
      decider_(executor_, engine_, *journal_, journal_thread_, clock_, callbacks()),
      started_at_(clock_.now().wall),
      loaded_at_(started_at_),
      started_with_(engine_.policy().daemon) {
    for (auto const& value : read_secrets(loaded)) secrets_.learn(value);
}

DeciderCallbacks App::callbacks() {
    DeciderCallbacks out;
    out.command = [this](Command command) { hands_->carry_out(std::move(command)); };
    out.applied = [this](std::vector<Record> const& records, Event const& cause) {
        on_applied(records, request_of(cause));
    };
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
    out.appended = [this](Duration took) { self_watch_.append_took(took); };
    out.lost_lease = [this](std::string const& why) {
        log(LogLevel::error, "lease.lost", {{"why", why}});
        exit_status_ = 1;
        stop_asked_.notify();
    };
    return out;
}

void App::on_applied(std::vector<Record> const& records, std::string const& request) {
    metrics_.applied(records, engine_.state());
    bool messages = false;
    std::set<std::string> hurried;
    for (auto const& record : records) {
        if (record.kind == "message.queued") messages = true;
        bool const paced = record.kind == "incident.state" || record.kind == "run.verifying" ||
                           record.kind == "step.intent" || record.kind == "step.ended";
        if (paced) {
            for (auto const& service : engine_.policy().services) {
                if (!engine_.state().service(service.name).incident.empty())
                    hurried.insert(service.name);
            }
        }
        // A hold for blindness may be older than this process.
        bool const look = record.kind == "incident.judged" || record.kind == "daemon.started";
        if (look) blind_.notify();
        if (runner_) forget_what_ended(record);
        log_record(record, engine_.state(), request);
    }
    for (auto const& service : hurried) prober_.hurry(service);
    if (messages && outbox_) outbox_->wake();
    if (api_) api_->records_applied();
}

// What a step's programs wrote is kept, raw, only until what became of it is durable.
void App::forget_what_ended(Record const& record) {
    auto const body = read_body(record);
    if (!body) return;
    if (auto const* const step = std::get_if<StepEndedRecord>(&*body)) {
        if (step->state != StepState::unknown) runner_->forget_step(step->run, step->n);
    } else if (auto const* const run = std::get_if<RunEnded>(&*body)) {
        if (run->state != RunState::interrupted) runner_->forget(run->run);
    } else if (auto const* const resolved = std::get_if<IncidentResolved>(&*body)) {
        auto const* const incident = engine_.state().incident(resolved->id);
        if (incident == nullptr) return;
        for (auto const& over : incident->runs) runner_->forget(over.id);
    }
}

/// Runs that may still ask for what their steps left behind.
std::set<std::string> App::unfinished_runs() const {
    std::set<std::string> runs;
    for (auto const& [id, incident] : engine_.state().incidents) {
        if (incident->state == IncidentState::resolved) continue;
        for (auto const& run : incident->runs) runs.insert(run.id);
    }
    return runs;
}

Result<void> App::prepare() {
    std::string problem;
    offsets_ = restore(engine_, *journal_, clock_.now(), problem);
    if (!problem.empty()) {
        return fail(Errc::corrupt, problem + "; the journal is left as it is", "store");
    }
    auto const& daemon = engine_.policy().daemon;
    RunnerOptions options;
    options.folder = step_folder_;
    options.hosts = engine_.policy().hosts;
    auto runner = create_step_runner({executor_, http_, secrets_, clock_}, std::move(options));
    if (!runner) return tl::unexpected(runner.error());
    runner_ = std::move(*runner);
    runner_->forget_all_but(unfinished_runs());
    asker_ = std::make_unique<Asker>(
        executor_, probe_context_, engine_, decider_, *runner_, report_task
    );
    hands_ = std::make_unique<Hands>(executor_, decider_, *runner_, *asker_, clock_, report_task);
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
        engine_, decider_, *journal_, journal_thread_, [this] { return offsets_now(); },
        [this](Json const& offsets) { reader_.saved(offsets); }, clock_
    );
    prober_.on_seen([this](SignalPolicy const& signal, Duration took, Duration late) {
        metrics_.probed(signal, took, late);
        self_watch_.probe_lag(signal, late);
    });
    api::ServerOptions server;
    server.listen = daemon.listen;
    server.tls = daemon.tls;
    auto opened = api::Api::open(executor_, std::move(server), *this);
    if (!opened) return tl::unexpected(opened.error());
    api_ = std::move(*opened);
    certificates_ = std::make_unique<Certificates>(
        daemon.tls, pool_,
        [this](std::shared_ptr<api::TlsContext const> tls) { api_->use(std::move(tls)); }
    );
    return {};
}

int App::run() {
    core_.spawn("life", life());
    context_.run();
    return exit_status_;
}

int run_daemon(AppOptions const& options) {
    auto loaded = load_for_start(options.config_path);
    print_problems(loaded);
    if (!loaded.ok()) return 1;
    open_log(loaded.policy->daemon.log_level);
    auto const refuse = [](Error const& why) {
        log(LogLevel::error, "start.refused", {{"what", to_string(why)}});
        return 1;
    };
    ServiceManager manager;
    auto store = store_options_of(loaded.policy->daemon);
    auto const steps = run_dir_of(loaded.policy->daemon);
    std::shared_ptr<StepFolder const> folder;
    // Before a journal that others may hold: who has this folder knows that a former life of this
    // daemon is over.
    if (is_shared_store(loaded.policy->daemon.store)) {
        auto opened = open_step_folder(steps);
        if (!opened) return refuse(opened.error());
        folder = *std::move(opened);
        store.node = folder->id;
    }
    auto journal = open_journal(loaded.policy->daemon.store, OpenMode::read_write, store);
    if (!journal && stands_by(loaded.policy->daemon, journal.error())) {
        Standby standby(options.config_path, loaded, store, journal.error().what, manager);
        if (auto prepared = standby.prepare(); !prepared) return refuse(prepared.error());
        journal = standby.wait();
        if (!journal && journal.error().code == Errc::cancelled) return 0;
        // What the file says now: a node that stands by for weeks must not act by an old policy.
        if (auto now = load_for_start(options.config_path); journal && now.ok()) {
            loaded = std::move(now);
        } else if (journal) {
            log(LogLevel::error, "config.refused", {{"what", first_error(now)}});
        }
    }
    if (!journal) return refuse(journal.error());
    if (!folder) {
        auto opened = open_step_folder(steps);
        if (!opened) return refuse(opened.error());
        folder = *std::move(opened);
    }
    App app(
        options.config_path, loaded, *std::move(journal), std::move(folder), std::move(manager)
    );
    if (auto prepared = app.prepare(); !prepared) return refuse(prepared.error());
    return app.run();
}

}  // namespace rollbackd
