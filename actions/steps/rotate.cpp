// rotate: a new random secret in an env file, which nobody is shown.
#include "actions/steps/descriptor.hpp"
#include "actions/steps/file_edit_text.hpp"
#include "actions/steps/file_script.hpp"
#include "actions/steps/words.hpp"
#include "core/io/base64.hpp"
#include "core/io/secrets.hpp"
#include "core/record.hpp"

#include <charconv>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

constexpr std::size_t bytes_standard = 32;
constexpr std::size_t bytes_min = 16;  // 128 bits: less can be guessed
constexpr std::size_t bytes_max = 1024;

TypeInfo rotate_info() {
    TypeInfo info;
    info.name = "rotate";
    info.doc =
        "Makes a new random secret and writes it under a key of an env file, as file_edit does. "
        "Nobody is shown it. Who uses it must be restarted afterwards.";
    info.fields = {
        {.name = "file",
         .type = FieldType::path,
         .doc = "The env file; it must exist.",
         .required = true},
        {.name = "key",
         .type = FieldType::text,
         .doc = "Name of the variable. One that is not there is appended.",
         .required = true},
        {.name = "bytes",
         .type = FieldType::integer,
         .doc = "How many random bytes it is made of.",
         .otherwise = bytes_standard,
         .min = double(bytes_min),
         .max = double(bytes_max)},
        {.name = "encoding",
         .type = FieldType::choice,
         .doc = "How they are written; base64url without padding.",
         .otherwise = "hex",
         .choices = {"hex", "base64", "base64url"}},
    };
    info.edits = true;
    info.runs_process = true;
    return info;
}

// $1 how many. Its output stays in the step's own folder until the outcome is durable, so that
// every life of the daemon writes the same secret, and can tell later whether it was written.
constexpr char const* secret_script = R"sh(
LC_ALL=C head -c "$1" /dev/urandom | od -An -v -tx1 | tr -d ' \n'
)sh";

std::size_t bytes_of(StepJob const& job) {
    std::size_t bytes = bytes_standard;
    auto const text = job.text("bytes");
    std::from_chars(text.data(), text.data() + text.size(), bytes);
    return bytes;
}

std::string encoded(std::string const& hex, std::string const& encoding) {
    if (encoding != "base64" && encoding != "base64url") return hex;
    std::string bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        unsigned byte = 0;
        std::from_chars(hex.data() + i, hex.data() + i + 2, byte, 16);
        bytes += static_cast<char>(byte);
    }
    auto out = base64(bytes);
    if (encoding == "base64") return out;
    std::erase(out, '=');
    for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
    return out;
}

/// The value to be written, known as a secret from here on; nullopt: what was made is none.
std::optional<std::string> value_of(StepJob const& job, SupervisedEnd const& made) {
    if (!made.ok() || made.stdout_text.size() != 2 * bytes_of(job)) return std::nullopt;
    if (made.stdout_text.find_first_not_of("0123456789abcdef") != std::string::npos) {
        return std::nullopt;
    }
    auto value = encoded(made.stdout_text, job.text("encoding"));
    job.parts().secrets.remember(made.stdout_text);
    job.parts().secrets.remember(value);
    return value;
}

asio::awaitable<SupervisedEnd> read(StepJob& job) {
    auto command = read_file_command("rotate", job.text("file"));
    co_return co_await job.ask(std::move(command));
}

std::string subject(StepJob const& job) { return job.text("file") + ": " + job.text("key"); }

/// Why the key cannot be set, whatever its value will be.
std::optional<std::string> obstacle(StepJob const& job, std::string_view text) {
    auto const wanted = set_env_key(text, job.text("key"), std::string(bytes_min, 'x'));
    if (wanted) return std::nullopt;
    return job.text("file") + ": " + to_string(wanted.error());
}

asio::awaitable<StepOutcome> run(StepJob& job) {
    auto const now = co_await read(job);
    if (!now.ok()) co_return job.outcome(now);
    if (auto const why = obstacle(job, now.stdout_text)) {
        co_return outcome_of(OutcomeKind::failed, job.shown(*why, StepJob::text_bytes_max));
    }
    Command make;
    make.argv = script_argv("rotate", secret_script, {std::to_string(bytes_of(job))});
    auto const made = co_await job.process("secret", std::move(make));
    auto const value = value_of(job, made);
    if (!value) {
        // What it has printed may be half of a secret.
        auto outcome = job.outcome(made);
        if (made.ok()) outcome.kind = OutcomeKind::failed;
        outcome.text = "no random bytes could be had there: " + made.describe();
        co_return outcome;
    }
    auto const wanted = set_env_key(now.stdout_text, job.text("key"), *value);
    if (!wanted) {
        auto const why = job.text("file") + ": " + to_string(wanted.error());
        co_return outcome_of(OutcomeKind::failed, job.shown(why, StepJob::text_bytes_max));
    }
    auto write = write_file_command("rotate", job.text("file"), now.stdout_text, wanted->text);
    auto const end = co_await job.process("write", std::move(write));
    auto outcome = job.outcome(end);
    if (end.ok()) {
        outcome.text = subject(job) + " holds a new secret of " + std::to_string(bytes_of(job)) +
                       " random bytes";
    }
    co_return outcome;
}

asio::awaitable<std::optional<Objection>> preflight(StepJob& job) {
    auto command = look_at_file_command("rotate", job.text("file"));
    auto const now = co_await job.ask(std::move(command));
    if (!now.ok()) co_return objection(job, now);
    auto against = obstacle(job, now.stdout_text);
    if (!against) co_return std::nullopt;
    co_return about_files(job, std::move(*against));
}

// Written, it stands in the file; made and not there, it was not written; none made: nor was any.
asio::awaitable<StepOutcome> settle(StepJob& job) {
    auto const made = co_await job.recall("secret");
    if (!made) {
        co_return outcome_of(OutcomeKind::unknown, "what the step has made is not known any more");
    }
    auto const value = value_of(job, *made);
    if (!value) co_return outcome_of(OutcomeKind::failed, subject(job) + " is as it was");
    auto const now = co_await read(job);
    if (!now.ok()) co_return outcome_of(OutcomeKind::unknown, job.outcome(now).text);
    auto const wanted = set_env_key(now.stdout_text, job.text("key"), *value);
    if (!wanted) co_return outcome_of(OutcomeKind::unknown, to_string(wanted.error()));
    if (wanted->changed) {
        co_return outcome_of(OutcomeKind::failed, subject(job) + " does not hold the new secret");
    }
    co_return outcome_of(OutcomeKind::done, subject(job) + " holds the new secret");
}

std::string dry_run(Step const& step) {
    auto const params = Json(step.params);
    return "write a new random secret as " + text_of(params, "key") + " into " +
           text_of(params, "file") + "; nobody is shown it";
}

Effect effect(Step const& step) { return brings_files(step, {"file"}); }

}  // namespace

StepType rotate_step() {
    return {
        .info = rotate_info(),
        .run = run,
        .dry_run = dry_run,
        .preflight = preflight,
        .settle = settle,
        .effect = effect,
    };
}

}  // namespace rollbackd
