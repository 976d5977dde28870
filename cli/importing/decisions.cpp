#include "cli/importing/decisions.hpp"

#include <algorithm>
#include <array>

namespace rollbackd::cli {

namespace {

/// "P0 critical" and "critical" are P0; empty: none.
std::string severity_of(std::string const& cell) {
    bool const level = cell.size() >= 2 && cell[0] == 'P' && cell[1] >= '0' && cell[1] <= '3' &&
                       (cell.size() == 2 || cell[2] == ' ' || cell[2] == ':' || cell[2] == ',');
    if (level) return cell.substr(0, 2);
    constexpr std::array<std::pair<std::string_view, std::string_view>, 4> words{
        {{"critical", "P0"}, {"high", "P1"}, {"medium", "P2"}, {"low", "P3"}}
    };
    auto const cell_word = slug_of(cell, "");
    for (auto const& [word, severity] : words) {
        if (cell_word == word) return std::string(severity);
    }
    return "";
}

/// The playbook that the row names; or the one that does what it says.
std::string response_of(Runbook const& runbook, std::string const& words) {
    std::string response = "alert";
    for (auto const& playbook : runbook.playbooks) {
        auto plain = playbook;
        std::replace(plain.begin(), plain.end(), '-', ' ');
        if (mentions(words, {playbook, plain})) response = playbook;
    }
    if (response != "alert") return response;
    bool const restore = mentions(words, {"restore"});
    bool const back = mentions(words, {"rollback", "roll back", "revert"});
    for (auto const& playbook : runbook.playbooks) {
        auto const undoes = harm_of(runbook, playbook).undoes;
        bool const fits = restore ? undoes == Undoes::data : back && undoes == Undoes::release;
        if (fits) return playbook;
    }
    return response;
}

/// Where the table has no levels.
std::string severity_by(std::optional<Symptom> const& symptom, std::string const& words) {
    if (mentions(words, {"at once", "immediate"})) return "P0";
    return symptom && symptom->pressing ? "P1" : "P2";
}

Decision decision_of(Runbook const& runbook, MarkdownLine const& row) {
    Decision out;
    out.row = &row;
    std::string words;
    for (auto const& cell : row.cells) {
        auto severity = severity_of(cell);
        if (severity.empty()) words += (words.empty() ? "" : " ") + cell;
        if (out.severity.empty()) out.severity = std::move(severity);
    }
    // The symptom stands in one cell, and another one's numbers are not its own.
    for (auto const& cell : row.cells) {
        if (!out.symptom) out.symptom = symptom_in(cell, runbook.url);
    }
    if (out.severity.empty() && out.symptom) out.severity = severity_by(out.symptom, words);
    out.response = response_of(runbook, words);
    return out;
}

std::string title_of(Decision const& decision) {
    auto title = decision.severity;
    for (auto const& cell : decision.row->cells) {
        if (cell.empty() || !severity_of(cell).empty()) continue;
        return title.append(" ").append(cell);
    }
    return title;
}

}  // namespace

std::vector<Decision> decisions_of(
    Runbook const& runbook, std::set<std::string>& used, std::set<int> const& by_person
) {
    std::vector<Decision> out;
    for (auto const& line : runbook.lines) {
        if (line.kind != MarkdownLine::Kind::row) continue;
        // What check objects to once is a person's: its severity, if it had none, was the
        // symptom's.
        auto decision = decision_of(runbook, line);
        if (decision.severity.empty()) continue;
        if (by_person.contains(line.number)) decision.symptom.reset();
        decision.name = unique_name(slug_of(title_of(decision), "symptom"), used);
        out.push_back(std::move(decision));
    }
    return out;
}

}  // namespace rollbackd::cli
