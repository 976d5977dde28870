// The App as its own files see it: app.cpp builds it, app_life.cpp runs and stops it, app_host.cpp
// answers the API. Nobody else includes this.
#pragma once

#include "actions/steps/runner.hpp"
#include "api/api.hpp"
#include "api/auth.hpp"
#include "core/io/http_client.hpp"
#include "core/io/secrets.hpp"
#include "core/io/stream.hpp"
#include "daemon/certificates.hpp"
#include "daemon/checkpoints.hpp"
#include "daemon/hands.hpp"
#include "daemon/loading.hpp"
#include "daemon/log.hpp"
#include "daemon/metrics.hpp"
#include "daemon/outbox.hpp"
#include "daemon/prober.hpp"
#include "daemon/readiness.hpp"
#include "daemon/record_log.hpp"
#include "daemon/release_watch.hpp"
#include "daemon/self_watch.hpp"
#include "daemon/service_manager.hpp"

#include <boost/asio/io_context.hpp>

namespace rollbackd {

namespace asio = boost::asio;

/// The fence of every task: one line in the log.
void report_task(std::string_view name, std::string_view what);
/// A log that cannot be read, or (no reason) can be again.
void report_source(std::string const& key, std::string const& why);

class App final : public api::Host {
public:
    App(std::string config_path, LoadResult const& loaded, std::unique_ptr<Journal> journal,
        std::shared_ptr<StepFolder const> folder, ServiceManager manager);

    /// Everything that can refuse to start; nothing runs yet.
    Result<void> prepare();
    int run();

    Engine const& engine() const override { return engine_; }
    Now now() const override { return clock_.now(); }
    api::Awaitable<Reply> submit(Event event) override { return decider_.submit(std::move(event)); }
    Result<void> ingest(std::vector<Sample> samples) override { return decider_.ingest(samples); }
    Result<std::uint64_t> alerts(AlertNotice const& notice, bool trusted) override;
    api::Awaitable<Answer> ask(AskFresh question) override {
        return asker_->ask(std::move(question));
    }
    api::Awaitable<ReleaseFacts> facts(std::string service) override {
        return asker_->facts(std::move(service));
    }
    api::Awaitable<Result<std::vector<Record>>> read_journal(std::uint64_t from, std::size_t limit)
        override;
    Json dry_run(Plan const& plan) const override;
    std::string step_output(std::string const& run, std::uint32_t n) const override {
        return runner_->output(run, n);
    }
    bool journal_writable() const override { return decider_.writable(); }
    std::vector<api::ReadyCheck> readiness() const override;
    api::DaemonFacts facts_of_daemon() const override;
    std::string metrics() const override {
        metrics_.certificate(certificates_->not_after());
        return metrics_.render(engine_, decider_, reader_, clock_.now());
    }
    api::Awaitable<Json> reload(Actor actor) override;
    api::Awaitable<Json> check_config(std::optional<std::string> yaml) override;
    void seen(api::RequestSeen const& request) override {
        metrics_.requested(request.method, request.route, request.status, request.took);
        log_request(request);
    }
    void throttled(std::string_view from) override {
        log(LogLevel::warning, "tokens.throttled",
            {{"from", std::string(from)},
             {"why", "more than " + std::to_string(api::Throttle::wrong_max) +
                         " wrong tokens in a minute; they are answered 429 without a word here"}});
    }
    void surprised(std::string_view where, std::string_view what, std::string_view request)
        override {
        log(LogLevel::error, "request.failed",
            {{"where", std::string(where)},
             {"what", std::string(what)},
             {"request", std::string(request)}});
    }

private:
    api::Awaitable<LoadResult> read_own_file();
    DeciderCallbacks callbacks();
    void on_applied(std::vector<Record> const& records, std::string const& request);
    void forget_what_ended(Record const& record);
    std::set<std::string> unfinished_runs() const;
    asio::awaitable<void> follow_policy();
    void follow_hosts();
    asio::awaitable<void> watch_releases();
    asio::awaitable<void> watch_readiness();
    Json offsets_now() const;
    std::string config_note() const;
    api::Awaitable<LoadResult> load_again();
    api::Awaitable<void> learn_secrets(LoadResult loaded);
    Json refuse_reload(Actor const& actor, LoadResult const& loaded);
    asio::awaitable<void> life();
    asio::awaitable<void> start();
    asio::awaitable<void> stop();
    asio::awaitable<void> handle_signals();
    asio::awaitable<void> feed_watchdog();
    asio::awaitable<void> watch_blindness();
    asio::awaitable<void> verify_in_background();
    asio::awaitable<void> keep_lease();

    std::string config_path_;
    RealClock clock_;
    asio::io_context context_{1};
    asio::any_io_executor executor_ = context_.get_executor();
    ServiceManager manager_;
    BlockingPool journal_thread_{1};
    BlockingPool pool_;
    BlockingPool queries_;  // of signals
    // Threads come when there is work for them; each mount that hangs keeps one.
    BlockingPool files_{16, 16'384};
    std::shared_ptr<StepFolder const> step_folder_;
    std::unique_ptr<Journal> journal_;
    Engine engine_;
    Secrets secrets_;
    Dialer dialer_{executor_};
    HttpClient http_{dialer_};
    SshHosts ssh_hosts_;  // of the policy in effect, for signals from elsewhere
    ProbeContext probe_context_{dialer_, http_,    pool_,  queries_,
                                files_,  secrets_, clock_, &ssh_hosts_};
    mutable Metrics metrics_;
    Decider decider_;
    Reader reader_{
        SourceContext{executor_, dialer_, http_, pool_, secrets_, clock_}, decider_, report_task,
        report_source
    };
    Prober prober_{executor_, probe_context_, engine_, decider_, report_task};
    ReleaseWatch release_watch_{engine_, decider_, clock_};
    ReadinessWatch readiness_watch_{engine_, decider_, clock_};
    SelfWatch self_watch_{executor_, engine_, decider_, clock_, http_, secrets_, metrics_};
    Notifier notifier_{http_, secrets_};
    std::unique_ptr<StepRunner> runner_;
    std::unique_ptr<Asker> asker_;
    std::unique_ptr<Hands> hands_;
    std::unique_ptr<Outbox> outbox_;
    std::unique_ptr<Checkpoints> checkpoints_;
    std::unique_ptr<api::Api> api_;
    std::unique_ptr<Certificates> certificates_;
    TaskGroup tasks_{executor_, report_task};  // ended first
    TaskGroup core_{executor_, report_task};   // the decider: ended last
    WakeUp stop_asked_{executor_};
    WakeUp blind_{executor_};
    Json offsets_;
    WallTime started_at_;
    WallTime loaded_at_;
    std::string reload_problem_;
    std::string reload_note_;    // what the file says and only a restart brings about
    DaemonPolicy started_with_;  // what that is compared with
    std::uint64_t reloads_begun_ = 0;
    std::uint64_t reload_taken_ = 0;
    std::string chain_problem_;
    int exit_status_ = 0;
};

}  // namespace rollbackd
