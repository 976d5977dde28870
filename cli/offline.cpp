// check, runbook, journal verify: what needs no daemon.
#include "cli/offline.hpp"
#include "cli/handlers.hpp"
#include "cli/runbook.hpp"
#include "cli/text.hpp"
#include "cli/view.hpp"
#include "config/catalogue.hpp"
#include "config/load.hpp"
#include "core/names.hpp"
#include "daemon/store/journal.hpp"

#include <ostream>

namespace rollbackd::cli {

namespace {

Json problem_json(Problem const& problem) {
    return JsonObject{
        {"severity", problem.warning ? "warning" : "error"},
        {"file", problem.file},
        {"line", problem.line},
        {"column", problem.column},
        {"text", problem.what},
    };
}

std::size_t errors_in(LoadResult const& result) {
    std::size_t count = 0;
    for (auto const& problem : result.problems) count += problem.warning ? 0 : 1;
    return count;
}

struct Store {
    std::string url;
    StoreOptions options;
};

Outcome<Store> store_of(Arguments const& given) {
    if (given.has("--store") == given.has("--config")) {
        return misuse("name the journal by either --config FILE or --store URL");
    }
    Store store;
    if (given.has("--store")) {
        store.url = given.text("--store");
        return store;
    }
    auto const policy = load_for_use(given.text("--config"));
    if (!policy) return tl::unexpected(policy.error());
    store.url = (*policy)->daemon.store;
    store.options.password_file = (*policy)->daemon.store_password_file;
    return store;
}

}  // namespace

Outcome<std::shared_ptr<Policy const>> load_for_use(std::string const& path) {
    auto const result = load_policy(path, known_types());
    if (result.ok()) return result.policy;
    for (auto const& problem : result.problems) {
        if (problem.warning) continue;
        return refuse(
            clean(to_string(problem)) + "; see all of them with: rollbackctl check " +
            shell_word(clean(path))
        );
    }
    return refuse(clean(path) + ": no policy can be read from it");
}

Outcome<Exit> check(Context& context, Arguments const& given) {
    auto const path = given.text("FILE");
    auto const result = load_policy(path, known_types());
    auto const errors = errors_in(result);
    auto const& terminal = context.terminal;
    if (context.json) {
        JsonArray problems;
        for (auto const& problem : result.problems) problems.push_back(problem_json(problem));
        terminal.out << to_text(JsonObject{{"ok", result.ok()}, {"problems", std::move(problems)}})
                     << '\n';
    } else {
        for (auto const& problem : result.problems) {
            terminal.out << terminal.paint(
                                clean(to_string(problem)),
                                problem.warning ? Colour::yellow : Colour::red
                            )
                         << '\n';
        }
    }
    if (!result.ok()) {
        return refuse(
            clean(path) + ": " + counted(errors, "error") + "; the daemon would not take it"
        );
    }
    if (!context.json) {
        auto const warnings = result.problems.size();
        terminal.out << clean(path) << ": fine"
                     << (warnings == 0 ? "" : ", with " + counted(warnings, "warning")) << ": "
                     << counted(result.policy->services.size(), "service") << '\n';
    }
    return Exit::done;
}

Outcome<Exit> runbook(Context& context, Arguments const& given) {
    auto const policy = load_for_use(given.text("FILE"));
    if (!policy) return tl::unexpected(policy.error());
    auto const text = clean_block(runbook_markdown(**policy));
    if (context.json) {
        context.terminal.out << to_text(JsonObject{{"markdown", text}}) << '\n';
    } else {
        context.terminal.out << text;
    }
    return Exit::done;
}

Outcome<Exit> journal_verify(Context& context, Arguments const& given) {
    auto const store = store_of(given);
    if (!store) return tl::unexpected(store.error());
    auto const journal = open_journal(store->url, OpenMode::read_only, store->options);
    if (!journal) return refuse(clean(to_string(journal.error())));
    auto const report = verify_journal(**journal);
    if (!report) return refuse(clean(to_string(report.error())));
    auto& out = context.terminal.out;
    if (context.json) {
        JsonObject json{
            {"ok", !report->problem}, {"records", report->records}, {"last_hash", report->last_hash}
        };
        if (report->problem) {
            json["problem"] =
                JsonObject{{"seq", report->problem->seq}, {"what", report->problem->what}};
        }
        out << to_text(json) << '\n';
    } else {
        out << counted(report->records, "record")
            << " intact; hash of the last: " << report->last_hash << '\n';
    }
    if (report->problem) {
        return refuse(
            clean(store_name(store->url)) + ": record " + std::to_string(report->problem->seq) +
            ": " + clean(report->problem->what) +
            "; restore the store from a copy, or keep it as evidence "
            "and begin a new one"
        );
    }
    return Exit::done;
}

}  // namespace rollbackd::cli
