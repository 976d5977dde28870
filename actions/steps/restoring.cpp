#include "actions/steps/restoring.hpp"

#include "actions/steps/words.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

constexpr std::size_t zone_width = 5;  // "+0100"
constexpr std::size_t listing_max = 2 * 1024 * 1024;

Command list_command(StepJob const& job) {
    Command list;
    list.argv =
        script_argv("choose", list_backups_script, {job.text("folder"), job.text("before")});
    list.output_max = listing_max;
    return list;
}

/// The one that is named: only its name says of what moment it is, in its machine's zone.
asio::awaitable<std::optional<BackupTime>> time_of_file(StepJob& job) {
    Command zone;
    zone.argv = {"date", "+%z"};
    auto const end = co_await job.ask(std::move(zone));
    co_return time_of(job.text("file"), std::string_view(end.stdout_text).substr(0, zone_width));
}

/// Of `place` among the chosen; of a named file there is one.
asio::awaitable<void> note_backup(
    StepJob& job, std::vector<StoredBackup> const& chosen, std::size_t place
) {
    if (job.has("file")) {
        auto const time = co_await time_of_file(job);
        job.note_backup(time);
    } else {
        job.note_backup(time_of(chosen[place]));
    }
}

std::string name_of(std::string const& path) { return path.substr(path.rfind('/') + 1); }

Result<std::vector<StoredBackup>> chosen(
    StepJob const& job, SupervisedEnd const& end, std::vector<std::string> const& endings
) {
    if (end.cut) return fail(Errc::too_large, job.text("folder") + ": more files than can be read");
    BackupRule rule;
    rule.name = job.text("name");
    rule.endings = endings;
    rule.most = std::stoul(job.text("tries"));
    return choose_backups(end.stdout_text, rule);
}

}  // namespace

std::vector<Field> restoring_fields(std::string const& what) {
    return {
        {.name = "file", .type = FieldType::path, .doc = "The one that is restored."},
        {.name = "folder",
         .type = FieldType::path,
         .doc = "Instead of file: where " + what +
                " are, in folders by month too. The newest one from before is taken, and where it "
                "cannot be used, the next older one; none that says emergency, broken, forensic or "
                "rollback."},
        {.name = "name",
         .type = FieldType::text,
         .doc = "With folder: how their names begin; then comes _ - or ., and the time."},
        {.name = "before",
         .type = FieldType::text,
         .doc = "With folder: a time, \"{{ bad.started_at }}\"; any that `date -d` reads."},
        {.name = "tries",
         .type = FieldType::integer,
         .doc = "With folder: how many are tried.",
         .otherwise = 3,
         .min = 1,
         .max = 20},
    };
}

std::vector<std::string> restoring_alternatives() { return {"file", "folder"}; }

std::vector<Error> restoring_problems(JsonObject const& params) {
    bool const by_rule = params.contains("folder");
    for (auto const* const key : {"name", "before"}) {
        if (by_rule == params.contains(key)) continue;
        auto what = one_text(key, " goes with folder, not with file");
        if (by_rule) what = "a folder needs name and before: which of those in it";
        return {Error{Errc::invalid, std::move(what), key}};
    }
    return {};
}

std::string restoring_words(JsonObject const& params) {
    Json const all(params);
    auto file = text_of(all, "file");
    if (!file.empty()) return file;
    return "the newest " + text_of(all, "name") + "… from before " + text_of(all, "before") +
           " in " + text_of(all, "folder");
}

asio::awaitable<Restored> restore_first_usable(
    StepJob& job, std::vector<std::string> endings,
    std::function<Command(std::string const& path)> restore
) {
    Restored out;
    std::vector<StoredBackup> backups(1);
    if (job.has("file")) {
        backups[0].path = job.text("file");
    } else {
        auto const listed = co_await job.process("choose", list_command(job));
        out.end = job.outcome(listed);
        if (!listed.ok()) co_return out;
        auto found = chosen(job, listed, endings);
        if (!found) out.end = outcome_of(OutcomeKind::failed, to_string(found.error()));
        if (!found) co_return out;
        backups = std::move(*found);
    }
    for (std::size_t i = 0; i < backups.size(); ++i) {
        auto command = restore(backups[i].path);
        auto const end = co_await job.process("restore-" + std::to_string(i), std::move(command));
        out.end = job.outcome(end);
        out.told += out.told.empty() ? "" : "; ";
        if (!end.ok()) out.told += name_of(backups[i].path) + ": ";
        out.told += out.end->text;
        out.end->text = out.told;
        if (end.ok()) {
            out.end.reset();
            co_await note_backup(job, backups, i);
            co_return out;
        }
        bool const useless = end.kind == EndKind::exited && end.exit == useless_exit;
        // What is there has not been touched, however this one ended here.
        bool const here = !job.is_remote() && end.kind != EndKind::cancelled;
        if (here && out.end->kind == OutcomeKind::unknown) out.end->kind = OutcomeKind::failed;
        if (!useless) co_return out;
    }
    out.end->text = job.shown(out.told + "; what is there is as it was", StepJob::text_bytes_max);
    co_return out;
}

asio::awaitable<std::optional<Objection>> look_for_backup(
    StepJob& job, std::vector<std::string> endings,
    std::function<Command(std::string const& path)> look
) {
    std::vector<StoredBackup> backups(1);
    if (job.has("file")) {
        backups[0].path = job.text("file");
    } else {
        auto const listed = co_await job.ask(list_command(job));
        if (!listed.ok()) co_return objection(job, listed);
        auto found = chosen(job, listed, endings);
        if (!found) co_return about_files(job, to_string(found.error()));
        backups = std::move(*found);
    }
    // Where nothing can be asked of it yet, it is the first one that would be taken.
    co_await note_backup(job, backups, 0);
    std::optional<Objection> said;
    for (std::size_t i = 0; i < backups.size(); ++i) {
        auto command = look(backups[i].path);
        auto const end = co_await job.ask(std::move(command));
        if (end.ok()) {
            co_await note_backup(job, backups, i);
            co_return std::nullopt;
        }
        said = objection(job, end);
        bool const useless = end.kind == EndKind::exited && end.exit == useless_exit;
        if (!useless) co_return said;
    }
    co_return said;
}

asio::awaitable<void> recall_backup(StepJob& job, std::vector<std::string> endings) {
    std::vector<StoredBackup> backups(1);
    if (!job.has("file")) {
        auto const listed = co_await job.recall("choose");
        if (!listed || !listed->ok()) co_return;
        auto found = chosen(job, *listed, endings);
        if (!found) co_return;
        backups = std::move(*found);
    }
    for (std::size_t i = 0; i < backups.size(); ++i) {
        auto const end = co_await job.recall("restore-" + std::to_string(i));
        if (!end || !end->ok()) continue;
        co_await note_backup(job, backups, i);
        co_return;
    }
}

}  // namespace rollbackd
