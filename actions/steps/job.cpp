#include "actions/steps/job.hpp"

#include "actions/steps/ssh.hpp"
#include "actions/steps/supervisor/step_files.hpp"
#include "core/io/clock.hpp"
#include "core/io/secrets.hpp"
#include "core/names.hpp"

#include <charconv>
#include <filesystem>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

constexpr Duration timeout_default = std::chrono::seconds(60);
constexpr Duration limit_min = std::chrono::milliseconds(100);

bool is_variable_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blank = " \t\r\n";
    auto const first = text.find_first_not_of(blank);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

/// Of "…/RUN-3.1.settle4": the folder of the newest attempt, "…/RUN-3.1.2"; empty: there is none.
std::string newest_attempt(std::string const& directory) {
    auto const folder = std::filesystem::path(directory).parent_path();
    auto const name = std::filesystem::path(directory).filename().string();
    auto const step = name.substr(0, name.rfind('.') + 1);
    std::string newest;
    unsigned long newest_number = 0;
    std::error_code ignored;
    for (auto const& entry : std::filesystem::directory_iterator(folder, ignored)) {
        auto const other = entry.path().filename().string();
        if (!other.starts_with(step) || other.size() == step.size()) continue;
        unsigned long number = 0;
        auto const* const end = other.data() + other.size();
        auto const read = std::from_chars(other.data() + step.size(), end, number);
        bool const is_attempt = read.ec == std::errc() && read.ptr == end;
        if (!is_attempt || (!newest.empty() && number < newest_number)) continue;
        newest = entry.path().string();
        newest_number = number;
    }
    return newest;
}

std::string as_text(Json const& value) {
    if (auto const* const text = value.if_string()) return std::string(*text);
    return value.is_null() ? std::string() : to_text(value);
}

}  // namespace

std::vector<std::string> script_argv(
    std::string const& name, char const* script, std::vector<std::string> const& values
) {
    std::vector<std::string> argv{"/bin/sh", "-c", script, "rollbackd-" + name};
    argv.insert(argv.end(), values.begin(), values.end());
    return argv;
}

std::string one_text(
    std::string_view first, std::string_view second, std::string_view third, std::string_view fourth
) {
    std::string out;
    for (auto const part : {first, second, third, fourth}) out.append(part);
    return out;
}

StepOutcome outcome_of(OutcomeKind kind, std::string text) {
    StepOutcome outcome;
    outcome.kind = kind;
    outcome.text = std::move(text);
    return outcome;
}

Result<StepJob> StepJob::create(
    JobParts const& parts, Step step, std::optional<HostPolicy> host, std::string directory
) {
    StepJob job(parts, std::move(step), std::move(host), std::move(directory));
    auto filled = job.filled_in(Json(job.step_.params));
    if (!filled) return tl::unexpected<Error>(filled.error());
    job.step_.params = std::move(filled->as_object());
    for (auto& argument : job.step_.check) {
        auto expanded = parts.secrets.expand(argument);
        if (!expanded) return tl::unexpected<Error>(expanded.error());
        argument = std::move(*expanded);
    }
    return job;
}

StepJob::StepJob(
    JobParts const& parts, Step step, std::optional<HostPolicy> host, std::string directory
)
    : parts_(parts),
      step_(std::move(step)),
      host_(std::move(host)),
      directory_(std::move(directory)),
      deadline_(
          parts.clock.now().boot +
          (step_.timeout > Duration::zero() ? step_.timeout : timeout_default)
      ),
      late_at_(deadline_) {}

Result<Json> StepJob::filled_in(Json const& value) {
    if (auto const* const text = value.if_string()) {
        auto expanded = parts_.secrets.expand(std::string_view(*text));
        if (!expanded) return tl::unexpected<Error>(expanded.error());
        return to_json(*expanded);
    }
    if (auto const* const array = value.if_array()) {
        JsonArray out;
        for (auto const& item : *array) {
            auto filled = filled_in(item);
            if (!filled) return filled;
            out.push_back(std::move(*filled));
        }
        return Json(std::move(out));
    }
    if (auto const* const object = value.if_object()) {
        JsonObject out;
        for (auto const& [key, item] : *object) {
            if (key == "shell" && item.is_string()) {
                // The shell fills it in itself, from its environment: a secret that is put into
                // the line would be code.
                note_shell_variables(std::string_view(item.get_string()));
                out[key] = item;
                continue;
            }
            auto filled = filled_in(item);
            if (!filled) return filled;
            out[key] = std::move(*filled);
        }
        return Json(std::move(out));
    }
    return value;
}

void StepJob::note_shell_variables(std::string_view line) {
    constexpr std::string_view opening = "${";
    for (auto at = line.find(opening); at != std::string_view::npos;
         at = line.find(opening, at + 1)) {
        auto const begin = at + opening.size();
        auto end = begin;
        while (end < line.size() && is_variable_char(line[end])) ++end;
        auto const name = std::string(line.substr(begin, end - begin));
        // One that is not set here is the line's own affair: ${x:-default}, a variable it sets.
        auto value = parts_.secrets.expand("${" + name + "}");
        if (!name.empty() && value) shell_env_[name] = std::move(*value);
    }
}

Duration StepJob::left() const { return std::max(deadline_ - parts_.clock.now().boot, limit_min); }

bool StepJob::is_late() const { return late_at_ <= parts_.clock.now().boot; }

bool StepJob::is_aborted() const {
    return aborted_ || std::filesystem::exists(directory_ + "/" + step_files::abort_name);
}

bool StepJob::has_begun(std::string const& name) const {
    return std::filesystem::exists(directory_ + "/" + name + "/" + step_files::claim_name);
}

std::string StepJob::id() const {
    constexpr std::size_t id_max = 20;
    auto name = directory_.substr(directory_.rfind('/') + 1);
    name = name.substr(0, name.rfind('.'));
    for (char& c : name) {
        bool const plain = is_variable_char(c);
        if (!plain) c = '_';
    }
    return name.substr(0, id_max);
}

bool StepJob::has(std::string_view key) const {
    auto const* const value = step_.params.if_contains(key);
    return value != nullptr && !value->is_null();
}

std::string StepJob::text(std::string_view key) const {
    auto const* const value = step_.params.if_contains(key);
    return value == nullptr ? std::string() : as_text(*value);
}

std::vector<std::string> StepJob::list(std::string_view key) const {
    std::vector<std::string> out;
    auto const* const value = step_.params.if_contains(key);
    if (value == nullptr || !value->is_array()) return out;
    for (auto const& item : value->get_array()) out.push_back(as_text(item));
    return out;
}

std::map<std::string, std::string> StepJob::map(std::string_view key) const {
    std::map<std::string, std::string> out;
    auto const* const value = step_.params.if_contains(key);
    if (value == nullptr || !value->is_object()) return out;
    for (auto const& [name, item] : value->get_object()) out[std::string(name)] = as_text(item);
    return out;
}

SupervisedSpec StepJob::spec(std::optional<HostPolicy> const& host, Command command) const {
    SupervisedSpec spec;
    spec.timeout = command.limit ? std::min(*command.limit, left()) : left();
    spec.input = std::move(command.input);
    spec.output_max = command.output_max;
    if (host) {
        spec.argv = ssh_argv(*host, command.argv, command.cwd, command.env);
    } else {
        spec.argv = std::move(command.argv);
        spec.cwd = std::move(command.cwd);
        spec.env = std::move(command.env);
    }
    return spec;
}

asio::awaitable<SupervisedEnd> StepJob::process(std::string name, Command command) {
    auto directory = directory_ + "/" + name;
    auto made = spec(host_, std::move(command));
    SupervisedEnd aborted;
    aborted.kind = EndKind::aborted;
    if (is_aborted() && !has_begun(name)) co_return aborted;
    co_return co_await run_supervised(parts_.launcher, std::move(directory), std::move(made));
}

asio::awaitable<SupervisedEnd> StepJob::ask(Command command) {
    auto made = spec(host_, std::move(command));
    co_return co_await ask(std::move(made));
}

asio::awaitable<std::optional<SupervisedEnd>> StepJob::recall(std::string name) {
    std::optional<SupervisedEnd> out;
    auto const attempt = newest_attempt(directory_);
    if (attempt.empty()) co_return out;
    out.emplace();
    out->kind = EndKind::not_started;
    auto directory = attempt + "/" + name;
    if (!std::filesystem::exists(directory + "/" + step_files::claim_name)) co_return out;
    // Claimed already: it is asked for its end, and nothing is started.
    SupervisedSpec nothing;
    out = co_await run_supervised(parts_.launcher, std::move(directory), std::move(nothing));
    co_return out;
}

asio::awaitable<SupervisedEnd> StepJob::ask_from(std::string host, Command command) {
    std::optional<HostPolicy> machine;
    for (auto const& known : parts_.hosts) {
        if (known.name == host) machine = known;
    }
    if (!host.empty() && !machine) {
        SupervisedEnd end;
        end.kind = EndKind::not_started;
        end.why = host + ": no such host in `hosts`";
        co_return end;
    }
    auto made = spec(machine, std::move(command));
    co_return co_await ask(std::move(made));
}

asio::awaitable<SupervisedEnd> StepJob::ask(SupervisedSpec spec) {
    auto const directory = directory_ + "/ask-" + std::to_string(++asked_);
    std::error_code ignored;  // an earlier life's question, if any; it is asked anew
    std::filesystem::remove_all(directory, ignored);
    auto end = co_await run_supervised(parts_.launcher, directory, std::move(spec));
    if (end.kind != EndKind::cancelled) std::filesystem::remove_all(directory, ignored);
    co_return end;
}

StepOutcome StepJob::outcome(SupervisedEnd const& end) const {
    StepOutcome out;
    out.exit = end.exit;
    auto const output = shown(end.output, text_bytes_max);
    out.text = end.ok() ? output : end.describe() + (output.empty() ? "" : ": " + output);
    // A process of ours that was ended half-way is known not to have worked; where doing it again
    // is safe that is all anybody needs to know. What runs on another machine may still be going
    // on.
    auto const half_way = step_.idempotent && !host_ ? OutcomeKind::failed : OutcomeKind::unknown;
    switch (end.kind) {
        case EndKind::exited:
            out.kind = end.exit == 0              ? OutcomeKind::done
                       : end.exit == unknown_exit ? OutcomeKind::unknown
                                                  : OutcomeKind::failed;
            if (host_ && end.exit == ssh_failed_exit) {
                out.kind = OutcomeKind::unknown;
                out.text = "ssh to " + host_->name + " failed: " + output;
            }
            break;
        case EndKind::signalled:
        case EndKind::terminated:
        case EndKind::timed_out:
            out.kind = half_way;
            break;
        case EndKind::aborted:
            out.kind = OutcomeKind::aborted;
            break;
        case EndKind::not_started:
            out.kind = OutcomeKind::failed;
            break;
        case EndKind::lost:
        case EndKind::cancelled:
            out.kind = OutcomeKind::unknown;
            break;
    }
    bool const left_there =
        host_ && (end.kind == EndKind::aborted || end.kind == EndKind::timed_out);
    if (left_there) out.text += "; what it started on " + host_->name + " may still be running";
    if (out.kind == OutcomeKind::done && !step_.save.empty()) {
        out.saved = shown(trimmed(end.stdout_text), text_bytes_max);
    }
    return out;
}

std::string StepJob::shown(std::string_view text, std::size_t bytes_max) const {
    auto const redacted = parts_.secrets.redact(text);
    std::string_view rest = trimmed(redacted);
    std::string cut;
    if (rest.size() > bytes_max) {
        rest.remove_prefix(rest.size() - bytes_max);
        // From the next whole line on: no half character, no half word.
        if (auto const line = rest.find('\n'); line < rest.size() / 2) rest.remove_prefix(line + 1);
        cut = "[…] ";
    }
    return cut + printable(rest, rest.size());
}

}  // namespace rollbackd
