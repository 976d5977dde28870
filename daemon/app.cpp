#include "daemon/app.hpp"

#include "daemon/app_impl.hpp"

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
