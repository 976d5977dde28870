// rollbackd --selftest: everything a start needs, tried without starting.
#include "actions/steps/runner.hpp"
#include "core/io/http_client.hpp"
#include "core/io/secrets.hpp"
#include "core/io/stream.hpp"
#include "core/io/task_group.hpp"
#include "daemon/app.hpp"
#include "daemon/loading.hpp"
#include "daemon/store/journal.hpp"

#include <boost/asio/io_context.hpp>
#include <cstdio>

namespace rollbackd {

namespace {

bool say(bool good, char const* what, std::string const& text) {
    std::printf("%s %s: %s\n", good ? "ok  " : "FAIL", what, text.c_str());
    return good;
}

boost::asio::awaitable<void> ask_where(StepRunner& runner, std::string& where) {
    where = co_await runner.where_steps_run();
}

bool test_journal(DaemonPolicy const& daemon) {
    auto journal = open_journal(daemon.store, OpenMode::read_only, store_options_of(daemon));
    if (!journal) {
        bool const fresh = journal.error().code == Errc::not_found;
        return say(
            fresh, "journal",
            fresh ? store_name(daemon.store) + " will be created" : to_string(journal.error())
        );
    }
    auto report = verify_journal(**journal);
    if (!report) return say(false, "journal", to_string(report.error()));
    if (report->problem) {
        return say(
            false, "journal",
            "record " + std::to_string(report->problem->seq) + ": " + report->problem->what
        );
    }
    return say(true, "journal", std::to_string(report->records) + " records, chain intact");
}

bool test_steps(Policy const& policy) {
    RealClock const clock;
    boost::asio::io_context context(1);
    Secrets secrets;
    Dialer dialer(context.get_executor());
    HttpClient http(dialer);
    RunnerOptions options;
    options.run_dir = run_dir_of(policy.daemon);
    options.hosts = policy.hosts;
    auto runner =
        create_step_runner({context.get_executor(), http, secrets, clock}, std::move(options));
    bool const in_use = !runner && runner.error().code == Errc::conflict;
    if (in_use) return say(true, "steps", "a running rollbackd keeps its steps there");
    if (!runner) return say(false, "steps", to_string(runner.error()));
    std::string where;
    TaskGroup group(context.get_executor());
    group.spawn("where", ask_where(**runner, where));
    context.run();
    dialer.stop();
    return say(!where.empty(), "steps", where);
}

}  // namespace

int self_test(std::string const& path) {
    auto const loaded = load_for_start(path);
    print_problems(loaded);
    if (!say(loaded.ok(), "configuration", loaded.ok() ? path : first_error(loaded))) return 1;
    bool good = test_journal(loaded.policy->daemon);
    good = test_steps(*loaded.policy) && good;
    return good ? 0 : 1;
}

}  // namespace rollbackd
