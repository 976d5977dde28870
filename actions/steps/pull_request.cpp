// pull_request: a branch with a good release's content is asked for on a forge, and waited for.
#include "actions/steps/descriptor.hpp"
#include "actions/steps/forge.hpp"
#include "actions/steps/git_script.hpp"
#include "actions/steps/pull_request_text.hpp"
#include "actions/steps/words.hpp"
#include "core/io/deadline.hpp"
#include "core/io/task_group.hpp"
#include "core/percent.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

using namespace std::chrono_literals;

constexpr Duration every_standard = 10s;
constexpr int listed_max = 20;

TypeInfo pull_request_info() {
    TypeInfo info;
    info.name = "pull_request";
    info.doc =
        "Asks a forge (GitHub's REST API) to merge a branch whose tree equals a good commit's, and "
        "waits until it is merged; `timeout` is the deadline. One that is open already is taken. "
        "Its address is what `save` keeps.";
    info.fields = {
        {.name = "repo",
         .type = FieldType::path,
         .doc = "A work tree with the good commit, where `remote` is the forge.",
         .required = true},
        {.name = "remote",
         .type = FieldType::text,
         .doc = "The forge's name in it.",
         .otherwise = "origin"},
        {.name = "project",
         .type = FieldType::text,
         .doc = "OWNER/NAME on the forge.",
         .required = true},
        {.name = "head",
         .type = FieldType::text,
         .doc = "The branch to be merged, which stands on the forge.",
         .required = true},
        {.name = "base",
         .type = FieldType::text,
         .doc = "The branch it is merged into.",
         .otherwise = "main"},
        {.name = "good",
         .type = FieldType::text,
         .doc = "The commit whose tree the branch must have: \"{{ known_good.version }}\".",
         .required = true},
        {.name = "title", .type = FieldType::text, .doc = "Its title.", .required = true},
        {.name = "body", .type = FieldType::text, .doc = "What else people are told in it."},
        {.name = "api",
         .type = FieldType::url,
         .doc = "The API's address; GitHub Enterprise's ends in /api/v3.",
         .otherwise = "https://api.github.com"},
        {.name = "token_file",
         .type = FieldType::path,
         .doc = "File here with a token that may write pull requests."},
        {.name = "token",
         .type = FieldType::text,
         .doc = "The token itself; ${ENV} is filled in at the last moment.",
         .secret = true},
        {.name = "merge",
         .type = FieldType::choice,
         .doc = "Who merges it: people, or this step in that way as soon as the forge lets it.",
         .otherwise = "people",
         .choices = {"people", "merge", "squash", "rebase"}},
        {.name = "until",
         .type = FieldType::choice,
         .doc = "What is waited for.",
         .otherwise = "merged",
         .choices = {"merged", "opened"}},
        {.name = "every",
         .type = FieldType::duration,
         .doc = "How often the forge is asked.",
         .otherwise = every_standard.count(),
         .min = double(Duration(100ms).count()),
         .max = double(Duration(10min).count())},
        {.name = "ca",
         .type = FieldType::path,
         .doc = "Trust this PEM file instead of the system's."},
    };
    info.one_of = {{"token_file", "token"}};
    info.idempotent = true;
    info.runs_process = true;
    return info;
}

// After git_prelude; $2 remote, $3 branch, $4 good commit. Prints where the branch stands.
constexpr char const* branch_script = R"sh(
good=$(resolve "$4") || exit 10
found=$(g ls-remote --exit-code -- "$2" "refs/heads/$3")
case $? in
0) head=${found%%[!0-9a-f]*} ;;
2) echo "$2 has no branch $3; push it first" >&2; exit 10 ;;
*) exit 11 ;;
esac
g cat-file -e "$head^{commit}" 2>/dev/null || { echo "$3 stands at $head, which $repo does not have; fetch it first" >&2; exit 10; }
if [ "$(g rev-parse "$head^{tree}")" != "$(g rev-parse "$good^{tree}")" ]; then
    echo "$3 ($head) does not have the content of $4; they differ in:" >&2
    g diff --name-only "$good" "$head" -- | head -n 20 >&2
    exit 10
fi
printf '%s\n' "$head"
)sh";

// The branch may be an earlier step's to make.
constexpr char const* preflight_script = R"sh(
resolve "$4" >/dev/null || exit 10
g remote get-url -- "$2" >/dev/null || exit 10
)sh";

Command branch_command(StepJob const& job, char const* script) {
    Command out;
    auto const whole = one_text(git_prelude, script);
    auto remote = job.text("remote");
    if (remote.empty()) remote = "origin";
    out.argv = script_argv(
        "pull_request", whole.c_str(),
        {job.text("repo"), remote, job.text("head"), job.text("good")}
    );
    return out;
}

std::string list_path(StepJob const& job) {
    auto const owner = job.text("project").substr(0, job.text("project").find('/'));
    auto base = job.text("base");
    if (base.empty()) base = "main";
    return "/pulls?state=all&sort=created&direction=desc&per_page=" + std::to_string(listed_max) +
           "&head=" + percent_encode(owner + ":" + job.text("head")) +
           "&base=" + percent_encode(base);
}

/// What there is, or why nobody knows.
struct Found {
    std::optional<PullRequest> pull;
    Said said;
    bool known = false;
};

asio::awaitable<Found> look(StepJob& job, std::string head) {
    Found out;
    auto const path = list_path(job);
    out.said = co_await ask_forge(job, "GET", path);
    if (!out.said.json) co_return out;
    auto const chosen = choose_pull_request(*out.said.json, job.text("head"), head);
    out.known = chosen.has_value();
    if (chosen) {
        out.pull = *chosen;
    } else {
        out.said.why = to_string(chosen.error());
    }
    co_return out;
}

asio::awaitable<Found> open(StepJob& job) {
    JsonObject body;
    auto base = job.text("base");
    body["title"] = to_json(job.text("title"));
    body["head"] = to_json(job.text("head"));
    body["base"] = to_json(base.empty() ? std::string("main") : base);
    if (job.has("body")) body["body"] = to_json(job.text("body"));
    Found out;
    out.said = co_await ask_forge(job, "POST", "/pulls", std::move(body));
    if (!out.said.json) co_return out;
    auto const made = read_pull_request(*out.said.json);
    out.known = made.has_value();
    if (made) {
        out.pull = *made;
    } else {
        out.said.why = to_string(made.error());
    }
    co_return out;
}

std::string called(StepJob const& job, PullRequest const& pull) {
    auto const number = job.text("project") + "#" + std::to_string(pull.number);
    return pull.url.empty() ? number : number + " (" + pull.url + ")";
}

/// The end of the step, where this is one; nullopt: it is waited for.
std::optional<StepOutcome> end_at(
    StepJob const& job, PullRequest const& pull, std::string const& head
) {
    auto const name = called(job, pull);
    std::optional<StepOutcome> out;
    if (pull.head != head) {
        out = outcome_of(
            OutcomeKind::failed, name + " stands at " + pull.head + ", and what was checked is " +
                                     head + ": somebody has pushed to " + job.text("head")
        );
    } else if (pull.state == PullState::merged) {
        out = outcome_of(OutcomeKind::done, name + " is merged");
    } else if (pull.state == PullState::closed) {
        out = outcome_of(
            OutcomeKind::failed,
            name + " was closed without being merged; reopen it, or push another branch"
        );
    } else if (job.text("until") == "opened") {
        out = outcome_of(OutcomeKind::done, name + " is open");
    }
    if (out) out->text = job.shown(out->text, StepJob::text_bytes_max);
    if (out && out->kind == OutcomeKind::done && !job.step().save.empty()) out->saved = pull.url;
    return out;
}

StepOutcome refused(StepJob const& job, std::string const& why) {
    return outcome_of(OutcomeKind::failed, job.shown(why, StepJob::text_bytes_max));
}

/// What is waited for, as the forge said last, and what has kept it from being asked since.
struct Waiting {
    std::string for_what;
    std::string trouble;

    std::string text() const {
        bool const both = !for_what.empty() && !trouble.empty();
        return for_what + (both ? "; asked last: " : "") + trouble;
    }
};

/// Empty: merged, or it may be soon; `waiting` says what for. Else why it never will be.
asio::awaitable<std::string> merge(
    StepJob& job, PullRequest pull, std::string method, Waiting& waiting
) {
    JsonObject body;
    body["merge_method"] = to_json(method);
    body["sha"] = to_json(pull.head);
    auto const path = "/pulls/" + std::to_string(pull.number) + "/merge";
    auto const said = co_await ask_forge(job, "PUT", path, std::move(body));
    constexpr unsigned not_mergeable = 405;  // its checks or its reviews are not done yet
    bool const held = said.status == not_mergeable;
    if (held) waiting.for_what = called(job, pull) + " is open: " + said.why;
    if (said.passes && !held) waiting.trouble = said.why;
    if (said.json || said.passes || held) co_return std::string();
    co_return said.why;
}

asio::awaitable<void> wait_a_little(StepJob& job) {
    Duration every = every_standard;
    auto const* const given = job.step().params.if_contains("every");
    if (given != nullptr && given->is_int64()) every = Duration(given->get_int64());
    WakeUp woken(job.parts().executor);
    job.on_abort([&] { woken.notify(); });
    (void)co_await woken.wait_for(std::min(every, job.left()));
    job.on_abort({});
}

/// One look at it: its end, or nothing, and in `waiting` what for.
asio::awaitable<std::optional<StepOutcome>> go_on(
    StepJob& job, std::string head, Waiting& waiting
) {
    std::optional<StepOutcome> end;
    auto found = co_await look(job, head);
    if (found.known && !found.pull) found = co_await open(job);
    waiting.trouble = found.known ? std::string() : found.said.why;
    // Refused because somebody opened it meanwhile, or an earlier try of ours did: it is seen next.
    constexpr unsigned refused_as_it_is = 422;
    bool const there = found.said.why.find("already exists") != std::string::npos;
    if (!found.known) {
        bool const again = found.said.passes || (found.said.status == refused_as_it_is && there);
        if (!again) end = refused(job, found.said.why);
        co_return end;
    }
    end = end_at(job, *found.pull, head);
    if (end) co_return end;
    auto const method = job.text("merge");
    bool const by_people = method.empty() || method == "people";
    // Why it could not be merged stays said until the forge says something else.
    if (by_people || waiting.for_what.empty())
        waiting.for_what = called(job, *found.pull) + " is open";
    if (by_people) co_return end;
    auto const never = co_await merge(job, *found.pull, method, waiting);
    if (!never.empty()) end = refused(job, called(job, *found.pull) + ": " + never);
    co_return end;
}

asio::awaitable<StepOutcome> run(StepJob& job) {
    auto const branch = co_await job.process("branch", branch_command(job, branch_script));
    if (!branch.ok()) co_return job.outcome(branch);
    auto const head = lines_in(branch.stdout_text).front();
    Waiting waiting;
    while (true) {
        bool const stopping = co_await is_cancelled();
        if (stopping) co_return outcome_of(OutcomeKind::unknown, "the daemon was stopped");
        if (job.is_aborted())
            co_return outcome_of(
                OutcomeKind::aborted, "nobody waits for it any more; " + waiting.text()
            );
        auto const end = co_await go_on(job, head, waiting);
        if (end && !job.is_aborted()) co_return *end;
        if (job.is_late()) {
            co_return refused(
                job,
                "not merged within " + format_duration(job.step().timeout) + ": " + waiting.text()
            );
        }
        co_await wait_a_little(job);
    }
}

asio::awaitable<std::optional<Objection>> preflight(StepJob& job) {
    auto const branch = co_await job.ask(branch_command(job, preflight_script));
    if (!branch.ok()) co_return objection(job, branch);
    auto const said = co_await ask_forge(job, "GET", "");
    if (said.json || said.passes) co_return std::nullopt;
    Objection found = never(job.shown(said.why, StepJob::text_bytes_max));
    found.needs.services = true;
    co_return found;
}

asio::awaitable<StepOutcome> settle(StepJob& job) {
    auto const branch = co_await job.ask(branch_command(job, branch_script));
    if (!branch.ok()) co_return outcome_of(OutcomeKind::unknown, job.outcome(branch).text);
    auto const head = lines_in(branch.stdout_text).front();
    auto const found = co_await look(job, head);
    if (!found.known)
        co_return outcome_of(
            OutcomeKind::unknown, job.shown(found.said.why, StepJob::text_bytes_max)
        );
    if (!found.pull) co_return outcome_of(OutcomeKind::failed, "there is no pull request of it");
    auto end = end_at(job, *found.pull, head);
    if (end) co_return *end;
    co_return outcome_of(OutcomeKind::failed, called(job, *found.pull) + " is not merged yet");
}

std::string dry_run(Step const& step) {
    Json const params(step.params);
    auto const merge = text_of(params, "merge", "people");
    std::string out = "check that " + text_of(params, "head") + " has the content of " +
                      text_of(params, "good") + ", ask " + text_of(params, "project") +
                      " to merge it into " + text_of(params, "base", "main");
    if (merge != "people") out += ", merge it (" + merge + ")";
    if (text_of(params, "until") == "opened") return out;
    return out + ", and wait until it is merged, at most " + format_duration(step.timeout);
}

}  // namespace

StepType pull_request_step() {
    return {
        .info = pull_request_info(),
        .run = run,
        .dry_run = dry_run,
        .preflight = preflight,
        .settle = settle,
    };
}

}  // namespace rollbackd
