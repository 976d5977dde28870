#include "daemon/standby.hpp"

#include "core/io/secrets.hpp"
#include "daemon/log.hpp"
#include "daemon/store/restore.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

constexpr std::size_t read_batch = 500;

void report_failed(std::string_view name, std::string_view what) {
    log(LogLevel::error, "task.failed", {{"task", std::string(name)}, {"what", std::string(what)}});
}

}  // namespace

bool stands_by(DaemonPolicy const& daemon, Error const& refusal) {
    return is_shared_store(daemon.store) && refusal.code == Errc::conflict;
}

Standby::Standby(
    std::string config_path, LoadResult const& loaded, StoreOptions store, std::string holder,
    ServiceManager const& manager
)
    : config_path_(std::move(config_path)),
      policy_(loaded.policy),
      store_(std::move(store)),
      holder_(std::move(holder)),
      manager_(manager),
      engine_(policy_, clock_.now(), clock_.boot_id()),
      tasks_(executor_, report_failed),
      core_(executor_, report_failed),
      started_at_(clock_.now().wall) {}

Result<void> Standby::prepare() {
    auto journal = open_journal(policy_->daemon.store, OpenMode::read_only, store_);
    if (!journal) return tl::unexpected<Error>(journal.error());
    journal_ = *std::move(journal);
    std::string problem;
    restore(engine_, *journal_, clock_.now(), problem);
    if (!problem.empty()) {
        return fail(Errc::corrupt, problem + "; the journal is left as it is", "store");
    }
    api::ServerOptions server;
    server.listen = policy_->daemon.listen;
    server.tls = policy_->daemon.tls;
    auto opened = api::Api::open(executor_, std::move(server), *this);
    if (!opened) return tl::unexpected<Error>(opened.error());
    api_ = *std::move(opened);
    certificates_ = std::make_unique<Certificates>(
        policy_->daemon.tls, files_,
        [this](std::shared_ptr<api::TlsContext const> tls) { api_->use(std::move(tls)); }
    );
    return {};
}

Result<std::unique_ptr<Journal>> Standby::wait() {
    core_.spawn("life", life());
    context_.run();
    return std::move(taken_);
}

asio::awaitable<void> Standby::life() {
    log(LogLevel::info, "standby", {{"why", holder_}});
    metrics_.reloaded(true, clock_.now());
    tasks_.spawn("signals", handle_signals());
    tasks_.spawn("follow", follow());
    tasks_.spawn("watchdog", feed_watchdog());
    tasks_.spawn("certificates", certificates_->watch());
    api_->start();
    manager_.ready("standing by: " + holder_);
    while (!finished_) co_await over_.wait();
    co_await api_->stop();
    tasks_.cancel();
    co_await tasks_.join();
    files_.stop();
    journal_thread_.stop(std::chrono::seconds(15));
}

asio::awaitable<void> Standby::follow() {
    while (!finished_) {
        co_await look_once();
        bool const slept = co_await sleep_for(looked_every);
        if (!slept) co_return;
    }
}

Result<Standby::Seen> Standby::look(std::uint64_t from) const {
    Seen seen;
    auto records = journal_->read(from, read_batch);
    if (!records) return tl::unexpected<Error>(records.error());
    seen.records = *std::move(records);
    auto holder = journal_->holder();
    if (!holder) return tl::unexpected<Error>(holder.error());
    seen.free = !*holder;
    if (*holder) seen.holder = (*holder)->name;
    return seen;
}

asio::awaitable<void> Standby::look_once() {
    auto job = [this, from = engine_.state().seq + 1] { return look(from); };
    auto const seen = co_await run_blocking(journal_thread_, std::move(job));
    if (co_await is_cancelled()) co_return;
    if (!seen) {
        if (store_problem_.empty()) {
            log(LogLevel::error, "journal.unreadable", {{"why", to_string(seen.error())}});
        }
        store_problem_ = seen.error().what;
        co_return;
    }
    store_problem_.clear();
    if (!seen->holder.empty())
        holder_ = "rollbackd on " + seen->holder + " holds the lease of this store";
    for (auto const& record : seen->records) {
        if (auto const replayed = engine_.replay(record); !replayed) {
            finish(fail(Errc::corrupt, replayed.error().what, "store"));
            co_return;
        }
    }
    if (!seen->records.empty()) api_->records_applied();
    if (seen->free) co_await try_to_take();
}

asio::awaitable<void> Standby::try_to_take() {
    auto job = [url = policy_->daemon.store, store = store_] {
        return open_journal(url, OpenMode::read_write, store);
    };
    auto taken = co_await run_blocking(journal_thread_, std::move(job));
    if (co_await is_cancelled()) co_return;
    bool const again =
        !taken && (taken.error().code == Errc::conflict || taken.error().code == Errc::unavailable);
    if (again) co_return;
    if (taken) {
        log(LogLevel::info, "standby.takes_over",
            {{"epoch", std::to_string((*taken)->lease()->epoch())}});
    }
    finish(std::move(taken));
}

void Standby::finish(Result<std::unique_ptr<Journal>> result) {
    if (finished_) return;
    taken_ = std::move(result);
    finished_ = true;
    over_.notify();
}

asio::awaitable<void> Standby::handle_signals() {
    asio::signal_set signals(executor_, SIGTERM, SIGINT, SIGHUP);
    while (!co_await is_cancelled()) {
        auto const [code, number] =
            co_await signals.async_wait(asio::as_tuple(asio::use_awaitable));
        if (code) co_return;
        if (number == SIGHUP) {
            log(LogLevel::info, "config.later",
                {{"why", "standing by: the file is read again when this one takes over"}});
            // A renewal's hook reloads whoever shows the certificate, and this one does.
            auto tls = policy_->daemon.tls;
            (void)co_await certificates_->look(std::move(tls));
        } else {
            log(LogLevel::info, "stopping");
            manager_.stopping("stopping");
            finish(fail(Errc::cancelled, "told to stop"));
        }
    }
}

asio::awaitable<void> Standby::feed_watchdog() {
    auto const every = manager_.watchdog().value_or(std::chrono::seconds(1));
    while (true) {
        if (!co_await sleep_for(every)) co_return;
        manager_.alive();
    }
}

std::string Standby::why_standing_by() const {
    return "this rollbackd stands by: " + holder_ + "; ask that one";
}

api::Awaitable<Reply> Standby::submit(Event) {
    Reply refused;
    refused.error = Error{Errc::unavailable, why_standing_by(), {}};
    co_return refused;
}

Result<void> Standby::ingest(std::vector<Sample>) {
    return fail(Errc::unavailable, why_standing_by());
}

Result<std::uint64_t> Standby::alerts(AlertNotice const&, bool) {
    return fail(Errc::unavailable, why_standing_by());
}

api::Awaitable<Answer> Standby::ask(AskFresh) { co_return Answer{}; }

api::Awaitable<ReleaseFacts> Standby::facts(std::string) { co_return ReleaseFacts{}; }

api::Awaitable<Result<std::vector<Record>>> Standby::read_journal(
    std::uint64_t from, std::size_t limit
) {
    auto job = [this, from, limit] { return journal_->read(from, limit); };
    co_return co_await run_blocking(journal_thread_, std::move(job));
}

std::vector<api::ReadyCheck> Standby::readiness() const {
    std::vector<api::ReadyCheck> out;
    out.push_back({"store", store_problem_.empty(), store_problem_});
    out.push_back({"configuration", true, ""});
    out.push_back({"role", false, "standby: " + holder_});
    return out;
}

api::DaemonFacts Standby::facts_of_daemon() const {
    api::DaemonFacts out;
    out.role = "standby";
    out.started_at = started_at_;
    out.config_file = config_path_;
    out.config_loaded_at = started_at_;
    out.config_note = "standing by: " + holder_;
    auto const& refused = certificates_->problem();
    if (!refused.empty()) out.config_note += "; " + refused;
    return out;
}

api::Awaitable<Json> Standby::reload(Actor) { co_return JsonObject{{"ok", false}}; }

api::Awaitable<Json> Standby::check_config(std::optional<std::string> yaml) {
    auto job = [text = std::move(yaml), path = config_path_]() -> Result<Json> {
        return text ? check_policy_text(*text) : problems_to_json(load_for_start(path));
    };
    auto report = co_await run_blocking(journal_thread_, std::move(job));
    if (report) co_return *std::move(report);
    co_return JsonObject{{"ok", false}};
}

}  // namespace rollbackd
