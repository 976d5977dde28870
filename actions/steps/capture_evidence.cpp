// capture_evidence: what the next steps might destroy, kept in the incident.
#include "actions/steps/descriptor.hpp"
#include "actions/steps/words.hpp"
#include "core/io/clock.hpp"
#include "core/record.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

TypeInfo capture_evidence_info() {
    TypeInfo info;
    info.name = "capture_evidence";
    info.doc =
        "Keeps the output of commands and the ends of files in the incident, hashed, secrets "
        "removed. A command that fails is recorded as such and stops nothing.";
    info.fields = {
        {.name = "commands", .type = FieldType::argv_list, .doc = "Commands whose output is kept."},
        {.name = "files", .type = FieldType::text_list, .doc = "Files whose last 64 KiB are kept."},
    };
    info.idempotent = true;
    info.evidence = true;
    info.runs_process = true;
    return info;
}

constexpr std::size_t item_bytes_max = 64 * 1024;

/// No single item may eat the time of those after it.
Duration share(StepJob const& job, std::size_t items_left) {
    return std::max<Duration>(
        job.left() / static_cast<std::int64_t>(items_left), std::chrono::seconds(1)
    );
}

struct Item {
    std::string name;
    std::vector<std::string> argv;
};

std::vector<Item> items_of(StepJob const& job) {
    std::vector<Item> items;
    auto const* const commands = job.step().params.if_contains("commands");
    if (commands != nullptr && commands->is_array()) {
        for (auto const& command : commands->get_array()) {
            auto argv = read_json<std::vector<std::string>>(command);
            if (argv && !argv->empty()) items.push_back({command_line(*argv), *argv});
        }
    }
    for (auto const& file : job.list("files")) {
        items.push_back({file, {"tail", "-c", std::to_string(item_bytes_max), "--", file}});
    }
    return items;
}

Evidence evidence(StepJob const& job, Item const& item, SupervisedEnd const& end) {
    Evidence out;
    out.at = job.parts().clock.now().wall;
    out.name = job.shown(item.name, item_bytes_max);
    out.text = job.shown(end.output, item_bytes_max);
    if (!end.ok()) out.text += (out.text.empty() ? "[" : "\n[") + end.describe() + "]";
    out.sha256 = sha256_hex(out.text);
    return out;
}

asio::awaitable<StepOutcome> run(StepJob& job) {
    StepOutcome outcome = outcome_of(OutcomeKind::done, "");
    auto const items = items_of(job);
    std::string problems;
    for (std::size_t i = 0; i < items.size(); ++i) {
        Command command;
        command.argv = items[i].argv;
        command.output_max = item_bytes_max;
        command.limit = share(job, items.size() - i);
        // A question, not a process of record: after a restart it is asked anew.
        auto const end = co_await job.ask(std::move(command));
        if (end.kind == EndKind::aborted || end.kind == EndKind::cancelled) {
            outcome.kind = job.outcome(end).kind;
            break;
        }
        if (!end.ok()) problems += "; " + items[i].name + ": " + end.describe();
        outcome.evidence.push_back(evidence(job, items[i], end));
    }
    outcome.text = job.shown(
        std::to_string(outcome.evidence.size()) + " of " + std::to_string(items.size()) + " kept" +
            problems,
        StepJob::text_bytes_max
    );
    co_return outcome;
}

std::string dry_run(Step const& step) {
    auto const count = [&](char const* key, std::string const& one) -> std::string {
        auto const* const list = step.params.if_contains(key);
        auto const size = list != nullptr && list->is_array() ? list->get_array().size() : 0;
        if (size == 0) return {};
        return std::to_string(size) + " " + one + (size == 1 ? "" : "s");
    };
    auto const commands = count("commands", "command");
    auto const files = count("files", "file");
    if (commands.empty() && files.empty()) return "keep nothing: it names no command and no file";
    return "keep " + (commands.empty() ? "" : "the output of " + commands) +
           (commands.empty() || files.empty() ? "" : " and ") +
           (files.empty() ? "" : "the end of " + files) + " as evidence";
}

}  // namespace

StepType capture_evidence_step() {
    return {.info = capture_evidence_info(), .run = run, .dry_run = dry_run};
}

}  // namespace rollbackd
