// backup_prune: backups older than their time, never the newest good ones.
#include "actions/steps/backup_choice.hpp"
#include "actions/steps/descriptor.hpp"
#include "actions/steps/space_script.hpp"
#include "actions/steps/words.hpp"

#include <algorithm>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

using Words = std::vector<std::string>;

constexpr std::size_t listing_max = 2 * 1024 * 1024;
constexpr std::size_t looked_at_max = 1000;

std::vector<Error> problems(JsonObject const& params) {
    auto const* const list = params.if_contains("endings");
    auto const endings = list ? read_json<Words>(*list).value_or(Words{}) : Words{};
    bool const plain = std::all_of(endings.begin(), endings.end(), [](std::string const& ending) {
        return ending.size() > 1 && ending[0] == '.' && ending.find('/') == std::string::npos;
    });
    if (plain && !endings.empty()) return {};
    return {Error{Errc::invalid, "endings: .dump, .sql.gz", "endings"}};
}

TypeInfo backup_prune_info() {
    TypeInfo info;
    info.name = "backup_prune";
    info.doc =
        "Deletes backups that are older than they need to be, by the time in their names. Of each "
        "ending the newest that can be read through stay, whatever their age; if there are fewer, "
        "none of that ending is deleted. One without a time in its name is never touched.";
    info.fields = {
        {.name = "folder",
         .type = FieldType::path,
         .doc = "Where they are, in folders by month too.",
         .required = true},
        {.name = "name",
         .type = FieldType::text,
         .doc = "How their names begin; then comes _ - or ., and the time.",
         .required = true},
        {.name = "older_than",
         .type = FieldType::duration,
         .doc = "Younger ones stay.",
         .required = true,
         .min = 3600e9},
        {.name = "keep_newest",
         .type = FieldType::integer,
         .doc = "So many good ones of each ending stay.",
         .otherwise = 7,
         .min = 1,
         .max = 1000},
        {.name = "endings",
         .type = FieldType::text_list,
         .doc = "What the names end with.",
         .otherwise = JsonArray{".dump", ".sql.gz", ".sql", ".tar.gz", ".tgz"}},
        {.name = "emergency",
         .type = FieldType::boolean,
         .doc = "Also those that say emergency, broken, forensic or rollback; they never count as "
                "good.",
         .otherwise = false},
    };
    info.destructive = true;
    info.problems = problems;
    info.idempotent = true;
    info.runs_process = true;
    return info;
}

std::size_t newest(StepJob const& job) { return std::stoul(job.text("keep_newest")); }

Command list_command(StepJob const& job) {
    Command list;
    list.argv = script_argv("backups", list_backups_script, {job.text("folder"), "now"});
    list.output_max = listing_max;
    return list;
}

Result<Retention> sorted(StepJob const& job, SupervisedEnd const& end) {
    if (end.cut) return fail(Errc::too_large, job.text("folder") + ": more files than can be read");
    RetentionRule rule;
    rule.folder = job.text("folder");
    rule.name = job.text("name");
    rule.endings = job.list("endings");
    auto const older = Duration(std::stoll(job.text("older_than")));
    rule.older_than_s = std::chrono::ceil<std::chrono::seconds>(older).count();
    rule.emergency = job.text("emergency") == "true";
    return sort_backups(end.stdout_text, rule);
}

/// Which of one kind may go; an end that is not ok is the step's.
struct Sifted {
    std::vector<StoredBackup> gone;
    std::string told;
    std::optional<StepOutcome> end;
};

asio::awaitable<Sifted> sift(
    StepJob& job, std::size_t kind, std::vector<StoredBackup> good, std::int64_t before
) {
    Sifted out;
    if (good.empty() || good.back().at >= before) co_return out;
    Words values{std::to_string(newest(job))};
    for (auto const& backup : good) {
        if (values.size() <= looked_at_max) values.push_back(backup.path);
    }
    Command look;
    look.argv = script_argv("backups", backup_readable, values);
    auto const name = "readable-" + std::to_string(kind);
    auto const end = co_await job.process(name, std::move(look));
    if (!end.ok()) out.end = job.outcome(end);
    if (!end.ok()) co_return out;
    auto const readable = lines_in(end.stdout_text);
    out.gone = old_backups(good, readable, newest(job), before);
    if (readable.size() < newest(job)) {
        out.told = "only " + std::to_string(readable.size()) + " good " +
                   job.list("endings")[kind] + ", none is deleted; ";
    }
    co_return out;
}

asio::awaitable<StepOutcome> run(StepJob& job) {
    auto const listed = co_await job.process("list", list_command(job));
    if (!listed.ok()) co_return job.outcome(listed);
    auto all = sorted(job, listed);
    if (!all) co_return outcome_of(OutcomeKind::failed, to_string(all.error()));
    std::string paths;
    std::string told;
    for (std::size_t i = 0; i < all->good.size(); ++i) {
        auto sifted = co_await sift(job, i, std::move(all->good[i]), all->before);
        if (sifted.end) co_return std::move(*sifted.end);
        for (auto const& backup : sifted.gone) paths += backup.path + "\n";
        told += sifted.told;
    }
    for (auto const& backup : all->apart) paths += backup.path + "\n";
    Command remove;
    remove.argv = script_argv("backups", backup_remove, Words());
    remove.input = std::move(paths);
    auto const end = co_await job.process("remove", std::move(remove));
    auto outcome = job.outcome(end);
    outcome.text = told + outcome.text;
    co_return outcome;
}

asio::awaitable<std::optional<Objection>> preflight(StepJob& job) {
    auto const end = co_await job.ask(list_command(job));
    auto said = objection(job, end);
    if (said || !end.ok()) co_return said;
    auto const all = sorted(job, end);
    if (!all) co_return about_files(job, to_string(all.error()));
    co_return std::nullopt;
}

asio::awaitable<StepOutcome> settle(StepJob&) {
    co_return outcome_of(OutcomeKind::failed, "what is left is looked at anew");
}

std::string dry_run(Step const& step) {
    Json const params(step.params);
    auto const days = [&] {
        auto const* const value = find(params, "older_than");
        auto const age = Duration(value && value->is_int64() ? value->get_int64() : 0);
        return std::to_string(std::chrono::duration_cast<std::chrono::hours>(age).count()) + "h";
    };
    auto const* const count = find(params, "keep_newest");
    return "delete backups " + text_of(params, "name") + "… in " + text_of(params, "folder") +
           " that are older than " + days() + ", but never the newest " +
           (count ? to_text(*count) : "") + " of each ending that can be read through";
}

}  // namespace

StepType backup_prune_step() {
    return {
        .info = backup_prune_info(),
        .run = run,
        .dry_run = dry_run,
        .preflight = preflight,
        .settle = settle,
        .effect = brings_space,
    };
}

}  // namespace rollbackd
