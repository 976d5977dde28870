#include "actions/steps/words.hpp"

#include "actions/steps/ssh.hpp"

#include <algorithm>

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

std::optional<std::string> objection(StepJob const& job, SupervisedEnd const& end) {
    bool const unanswered = end.kind == EndKind::timed_out || end.kind == EndKind::lost ||
                            end.kind == EndKind::terminated;
    if (end.ok() || unanswered) return std::nullopt;
    return job.outcome(end).text;
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
