// backup: the newest backup by name: it is there, young enough, as big as its predecessors, and can
// be read to its end. A state; with `measure` a gauge. A backup is read once: again only when it
// has changed.
#include "core/io/clock.hpp"
#include "triggers/probes/backup_files.hpp"
#include "triggers/probes/measures.hpp"
#include "triggers/probes/place.hpp"
#include "triggers/probes/types.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

Field limit_field(std::string name, FieldType type, std::string doc, Json otherwise) {
    Field field;
    field.name = std::move(name);
    field.type = type;
    field.doc = std::move(doc);
    field.otherwise = std::move(otherwise);
    return field;
}

TypeInfo backup_info() {
    using namespace std::chrono_literals;
    TypeInfo info;
    info.name = "backup";
    info.doc =
        "The newest backup of a kind: there, young, not shrunk, readable. A state; with measure a "
        "gauge.";
    info.is_probe = true;
    auto count =
        limit_field("count", FieldType::integer, "Fewer backups than that have failed.", Json(1));
    count.min = 1;
    auto shrink = limit_field(
        "shrink", FieldType::number,
        "A newest one smaller than this share of its predecessors' middle size has failed.",
        Json(0.5)
    );
    shrink.min = 0;
    shrink.max = 1;
    auto settle = limit_field(
        "settle", FieldType::duration, "Younger ones may still be written and are left out.",
        Json(Duration(5min).count())
    );
    settle.min = 0;
    Field readable = limit_field(
        "readable", FieldType::choice,
        "How the newest is read to its end: gzip --test, tar --list, pg_restore --list, or by its "
        "name (auto); no: not at all.",
        Json("auto")
    );
    readable.choices = {"auto", "gzip", "tar", "pg_restore", "no"};
    info.fields = {
        {.name = "path", .type = FieldType::path, .doc = "The folder.", .required = true},
        {.name = "pattern",
         .type = FieldType::text,
         .doc = "Names in it, with wildcards; */app_*.sql.gz looks one folder down.",
         .required = true},
        {.name = "exclude",
         .type = FieldType::text_list,
         .doc = "Names that are none: of broken states, of emergencies."},
        {.name = "max_age", .type = FieldType::duration, .doc = "An older newest one has failed."},
        {.name = "min_size", .type = FieldType::size, .doc = "A smaller newest one has failed."},
        std::move(shrink),
        std::move(count),
        std::move(settle),
        std::move(readable),
        {.name = "measure",
         .type = FieldType::choice,
         .doc = "age of the newest in seconds, its size in bytes, or count: how many there are.",
         .choices = {"age", "size", "count"}},
    };
    return info;
}

std::vector<Error> check_backup(JsonObject const& params) {
    auto const pattern = text_of(Json(params), "pattern");
    if (pattern.find("**") != std::string::npos) {
        return {Error{Errc::invalid, "** is not known; write */ for each folder down", "pattern"}};
    }
    if (pattern.starts_with('/') || pattern.find("..") != std::string::npos) {
        return {Error{Errc::invalid, "names below path; put the folder into path", "pattern"}};
    }
    return {};
}

/// A backup that was read to its end, and what was wrong with it: big ones are not read twice.
struct SavedReading {
    std::string path;
    std::uint64_t size = 0;
    WallTime modified;
    std::string problem;
    std::string readable;
};
BOOST_DESCRIBE_STRUCT(SavedReading, (), (path, size, modified, problem, readable))

/// gzip begins with an empty one.
std::string first_line(std::string const& text) {
    auto const from = text.find_first_not_of("\r\n ");
    if (from == std::string::npos) return {};
    return text.substr(from, text.find('\n', from) - from);
}

class BackupProbe final : public Probe {
public:
    BackupProbe(JsonObject const& params, ProbeContext const& context)
        : clock_(context.clock), place_(context) {
        Json const all(params);
        pattern_.folder = text_of(all, "path");
        pattern_.pattern = text_of(all, "pattern");
        if (auto const* const exclude = find(all, "exclude"); exclude && exclude->is_array()) {
            for (auto const& name : exclude->get_array()) {
                pattern_.exclude.emplace_back(std::string_view(name.get_string()));
            }
        }
        readable_ = text_of(all, "readable", "auto");
        measure_ = text_of(all, "measure");
        if (auto const age = number(all, "max_age")) rules_.max_age = Duration(*age);
        rules_.min_size = std::uint64_t(number(all, "min_size").value_or(0));
        rules_.count = std::size_t(number(all, "count").value_or(1));
        rules_.settle = Duration(number(all, "settle").value_or(0));
        if (auto const* const shrink = find(all, "shrink")) {
            boost::system::error_code code;
            rules_.shrink = shrink->to_number<double>(code);
        }
    }

    asio::awaitable<ProbeAnswer> ask(Duration timeout) override {
        auto job = [pattern = pattern_]() -> Result<std::vector<BackupFile>> {
            return find_backups(pattern);
        };
        auto const files = co_await place_.look(std::move(job), timeout);
        if (!files) co_return unknown_answer(trouble_of(files.error()));
        auto const judged = judge_backups(*files, rules_, clock_.now().wall);
        if (!measure_.empty()) co_return measured(*files, judged);
        if (!judged.problem.empty()) co_return failed_answer(judged.problem);
        auto const& newest = *judged.newest;
        if (newest != read_) {
            auto const problem = co_await read(newest, timeout);
            if (!problem) co_return unknown_answer(trouble_of(problem.error()));
            read_ = newest;
            read_problem_ = *problem;
        }
        if (!read_problem_.empty()) co_return failed_answer(read_problem_);
        co_return good_answer(
            shown_bytes(newest.size) + ", " + std::to_string(files->size()) + " backups"
        );
    }

    Json save() const override {
        if (!read_) return nullptr;
        return to_json(
            SavedReading{read_->path, read_->size, read_->modified, read_problem_, readable_}
        );
    }
    void resume(Json const& saved) override {
        auto known = read_json<SavedReading>(saved);
        if (!known || known->readable != readable_) return;
        read_ = BackupFile{std::move(known->path), known->size, known->modified};
        read_problem_ = printable_line(known->problem, reason_bytes_max);
    }

private:
    static std::optional<std::int64_t> number(Json const& params, std::string_view key) {
        auto const* const found = find(params, key);
        if (found == nullptr || !found->is_int64()) return std::nullopt;
        return found->get_int64();
    }

    /// What is wrong with its content; an Error where that could not be found out.
    asio::awaitable<Result<std::string>> read(BackupFile file, Duration timeout) {
        auto argv = reading_command(file.path, readable_);
        if (argv.empty()) co_return std::string();
        auto const tool = argv.front();
        auto const result = co_await place_.run(std::move(argv), timeout);
        if (!result) co_return tl::unexpected<Error>(result.error());
        if (result->ok()) co_return std::string();
        auto const said = first_line(result->errors);
        if (!result->exit) co_return fail(Errc::unavailable, result->describe(), tool);
        auto const denied = said.find("ermission denied") != std::string::npos;
        if (denied) co_return fail(Errc::forbidden, said, file.path);
        co_return "unreadable: " + (said.empty() ? tool + ", " + result->describe() : said);
    }

    ProbeAnswer measured(std::vector<BackupFile> const& files, BackupJudgement const& judged)
        const {
        if (measure_ == "count") return number_answer(double(files.size()));
        if (!judged.newest) return unknown_answer(judged.problem);
        if (measure_ == "size") {
            return number_answer(double(judged.newest->size), shown_bytes(judged.newest->size));
        }
        Duration const age = clock_.now().wall - judged.newest->modified;
        auto const seconds = std::chrono::duration<double>(age).count();
        return number_answer(std::max(seconds, 0.0), format_human(age));
    }

    BackupPattern pattern_;
    BackupRules rules_;
    std::string readable_;
    std::string measure_;
    Clock const& clock_;
    Place place_;
    std::optional<BackupFile> read_;  // the one last read, and what was wrong with it
    std::string read_problem_;
};

std::unique_ptr<Probe> make_backup(SignalPolicy const& signal, ProbeContext const& context) {
    return std::make_unique<BackupProbe>(signal.params, context);
}

}  // namespace

ProbeType backup_probe() { return ProbeType{backup_info(), &check_backup, &make_backup}; }

}  // namespace rollbackd
