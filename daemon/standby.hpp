// A daemon whose shared store another one holds: it follows the journal and answers what can be
// read, refuses what changes something, asks nobody how they are and does nothing, until the lease
// is free. Then run_daemon() starts the App as after any restart.
#pragma once

#include "api/api.hpp"
#include "core/io/blocking.hpp"
#include "core/io/deadline.hpp"
#include "core/io/task_group.hpp"
#include "daemon/certificates.hpp"
#include "daemon/loading.hpp"
#include "daemon/metrics.hpp"
#include "daemon/record_log.hpp"
#include "daemon/service_manager.hpp"

#include <boost/asio/io_context.hpp>

namespace rollbackd {

/// Whether a refused opening of the store means to wait for the lease.
bool stands_by(DaemonPolicy const& daemon, Error const& refusal);

class Standby final : public api::Host {
public:
    Standby(
        std::string config_path, LoadResult const& loaded, StoreOptions store, std::string holder,
        ServiceManager const& manager
    );

    Result<void> prepare();
    /// The journal with the lease of it, once the other daemon has stopped or its lease ran out.
    /// Errc::cancelled: we were told to stop; others: the store must be mended.
    Result<std::unique_ptr<Journal>> wait();

    Engine const& engine() const override { return engine_; }
    Now now() const override { return clock_.now(); }
    api::Awaitable<Reply> submit(Event event) override;
    Result<void> ingest(std::vector<Sample> samples) override;
    Result<std::uint64_t> alerts(AlertNotice const& notice, bool trusted) override;
    api::Awaitable<Answer> ask(AskFresh question) override;
    api::Awaitable<ReleaseFacts> facts(std::string service) override;
    api::Awaitable<Result<std::vector<Record>>> read_journal(std::uint64_t from, std::size_t limit)
        override;
    Json dry_run(Plan const&) const override { return JsonArray{}; }
    /// What a step writes lies on the machine where it runs.
    std::string step_output(std::string const&, std::uint32_t) const override { return {}; }
    bool journal_writable() const override { return false; }
    std::string why_standing_by() const override;
    std::vector<api::ReadyCheck> readiness() const override;
    api::DaemonFacts facts_of_daemon() const override;
    std::string metrics() const override {
        metrics_.certificate(certificates_->not_after());
        return metrics_.render_standby(engine_);
    }
    api::Awaitable<Json> reload(Actor actor) override;
    api::Awaitable<Json> check_config(std::optional<std::string> yaml) override;
    void seen(api::RequestSeen const& request) override {
        metrics_.requested(request.method, request.route, request.status, request.took);
        log_request(request);
    }

    static constexpr Duration looked_every = std::chrono::seconds(1);

private:
    struct Seen {
        std::vector<Record> records;
        bool free = false;  // nobody holds the lease any more
        std::string holder;
    };

    boost::asio::awaitable<void> life();
    boost::asio::awaitable<void> follow();
    boost::asio::awaitable<void> handle_signals();
    boost::asio::awaitable<void> feed_watchdog();
    Result<Seen> look(std::uint64_t from) const;
    boost::asio::awaitable<void> look_once();
    boost::asio::awaitable<void> try_to_take();
    void finish(Result<std::unique_ptr<Journal>> result);

    std::string config_path_;
    std::shared_ptr<Policy const> policy_;
    StoreOptions store_;
    std::string holder_;
    std::string store_problem_;
    RealClock clock_;
    boost::asio::io_context context_{1};
    boost::asio::any_io_executor executor_{context_.get_executor()};
    ServiceManager const& manager_;
    std::unique_ptr<Journal> journal_;  // to read
    BlockingPool journal_thread_{1};
    BlockingPool files_{1};  // a database that hangs holds no certificate up
    Engine engine_;
    mutable Metrics metrics_;
    std::unique_ptr<api::Api> api_;
    std::unique_ptr<Certificates> certificates_;
    TaskGroup tasks_;
    TaskGroup core_;
    WakeUp over_{executor_};
    bool finished_ = false;
    WallTime started_at_;
    Result<std::unique_ptr<Journal>> taken_ = fail(Errc::cancelled, "not taken");
};

}  // namespace rollbackd
