#include "actions/steps/words.hpp"

#include "actions/steps/restoring.hpp"
#include "actions/steps/ssh.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace rollbackd {

std::string command_line(std::vector<std::string> const& argv) {
    auto const is_plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("_-./:=@%+,").find(c) != std::string_view::npos;
    };
    std::string out;
    for (auto const& word : argv) {
        bool const plain = !word.empty() && std::all_of(word.begin(), word.end(), is_plain);
        out += (out.empty() ? "" : " ") + (plain ? word : shell_quote(word));
    }
    return out;
}

std::string shell_function(std::string const& name, std::vector<std::string> const& argv) {
    std::string text = name + "() {";
    if (argv.empty()) text += " :";
    for (auto const& word : argv) text += " " + shell_quote(word);
    return text + " \"$@\"; }\n";
}

std::vector<std::string> lines_in(std::string_view printed) {
    std::vector<std::string> lines;
    while (!printed.empty()) {
        auto const end = std::min(printed.find('\n'), printed.size());
        if (end > 0) lines.emplace_back(printed.substr(0, end));
        printed.remove_prefix(std::min(end + 1, printed.size()));
    }
    return lines;
}

namespace {

void collect_paths(Json const& value, std::vector<std::string>& out) {
    if (auto const* const text = value.if_string()) {
        if (text->starts_with('/')) out.emplace_back(*text);
    } else if (auto const* const array = value.if_array()) {
        for (auto const& item : *array) collect_paths(item, out);
    } else if (auto const* const object = value.if_object()) {
        for (auto const& [key, item] : *object) collect_paths(item, out);
    }
}

/// What a program is told that could not be begun: errno's own words, after what they are about.
bool is_missing(std::string_view why) {
    auto const errors = {ENOENT, EACCES, ENOTDIR, ENOEXEC};
    return std::any_of(errors.begin(), errors.end(), [&](int code) {
        return why.ends_with(std::strerror(code));
    });
}

/// A shell says by these that the command it was to run was killed.
bool says_killed(int exit) { return exit == 128 + SIGKILL || exit == 128 + SIGTERM; }

bool says_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
    return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
        return text.find(word) != std::string_view::npos;
    });
}

/// Words of a machine or a service that is there and too busy to answer, or just coming up: a
/// moment later it may. What they stop is what a rescue is for.
bool says_busy(std::string_view text) {
    auto const errors = {EAGAIN, ENOMEM, EMFILE, ENFILE, ETIMEDOUT, ECONNRESET, EINTR};
    bool const of_the_system = std::any_of(errors.begin(), errors.end(), [&](int code) {
        return text.find(std::strerror(code)) != std::string_view::npos;
    });
    return of_the_system ||
           says_one_of(
               text, {"annot fork", "timed out", "i/o timeout", "handshake timeout",
                      "deadline exceeded", "Temporary failure in name resolution",
                      "too many clients", "remaining connection slots", "the database system is",
                      "LOADING Redis", "max number of clients reached",
                      "server closed the connection", "Connection closed by", "returned error: 5"}
           );
}

/// What ssh says where there is nobody to let us in. Any other of its failures (a full sshd drops
/// whom it has no room for) may be gone with the next connection.
bool says_no_way_in(std::string_view text) {
    return says_one_of(
        text, {"Permission denied", "Host key verification failed", "Connection refused",
               "No route to host", "Name or service not known"}
    );
}

bool is_unanswered(StepJob const& job, SupervisedEnd const& end) {
    auto const exit = end.exit.value_or(0);
    switch (end.kind) {
        case EndKind::exited:
            if (says_killed(exit) || exit == unknown_exit || says_busy(end.output)) return true;
            return job.is_remote() && exit == ssh_failed_exit && !says_no_way_in(end.output);
        case EndKind::not_started:  // our own machinery may be what failed: no memory, a full disk
            return !is_missing(end.why);
        default:
            return true;
    }
}

Objection not_begun(StepJob const& job, SupervisedEnd const& end) {
    auto found = about_files(job, job.outcome(end).text);
    bool const folder = end.why.starts_with("folder ");
    bool const by_path = end.why.substr(0, end.why.find(':')).find('/') != std::string::npos;
    if (!folder && !by_path) found.needs = {.tools = true};
    return found;
}

}  // namespace

Objection about_files(StepJob const& job, std::string text) {
    Objection out;
    out.needs.files = true;
    std::vector<std::string> all;
    collect_paths(Json(job.step().params), all);
    for (auto const& path : all) {
        if (text.find(path) != std::string::npos) out.paths.push_back(path);
    }
    if (out.paths.empty()) out.paths = std::move(all);
    out.text = std::move(text);
    return out;
}

Objection never(std::string text) {
    Objection out;
    out.text = std::move(text);
    return out;
}

std::optional<Objection> objection(StepJob const& job, SupervisedEnd const& end) {
    if (end.ok()) return std::nullopt;
    auto found = about_files(job, job.outcome(end).text);
    found.unanswered = is_unanswered(job, end);
    if (found.unanswered) return found;
    if (end.kind == EndKind::not_started) return not_begun(job, end);
    switch (end.exit.value_or(0)) {
        case no_target_exit:
            found.needs = {};
            break;
        case no_image_exit:
            found.needs = {.images = true};
            break;
        case no_space_exit:
            found.needs = {.space = true};
            break;
        case no_service_exit:
        case ssh_failed_exit:
            found.needs = {.services = true};
            break;
        case no_tool_exit:
        case 126:  // the shell's own words for: not executable, not found
        case 127:
            found.needs = {.tools = true};
            break;
        case no_file_exit:
        case useless_exit:
            break;
        default:  // a tool's own: why it failed is in its words only
            found.needs.services = true;
            break;
    }
    return found;
}

std::optional<Objection> program_objection(
    StepJob const& job, SupervisedEnd const& end, std::string const& program,
    std::string const& folder
) {
    auto found = objection(job, end);
    bool const looked = found && !found->unanswered && end.kind == EndKind::exited;
    if (!looked || end.exit == ssh_failed_exit) return found;
    bool const by_path = program.find('/') != std::string::npos;
    auto const path = program.starts_with('/') ? program : folder + "/" + program;
    found->needs = {.files = true};
    if (end.exit != no_tool_exit) {
        found->text = "no such folder: " + folder;
        found->paths = {folder};
    } else if (by_path) {
        found->text = "no such program: " + path;
        found->paths = {path};
    } else {
        found->text = "no such program: " + program + "; install it, or name it by its path";
        found->needs = {.tools = true};
    }
    return found;
}

StepOutcome settled(SupervisedEnd const& end) {
    auto out = outcome_of(OutcomeKind::unknown, "could not be settled: " + end.describe());
    out.exit = end.exit;
    if (end.kind != EndKind::exited) return out;
    if (end.exit == 0) {
        out.kind = OutcomeKind::done;
        out.text = "it took effect";
    } else if (end.exit == 1) {
        out.kind = OutcomeKind::failed;
        out.text = "it did not take effect";
    }
    return out;
}

}  // namespace rollbackd
