// An explanation as a person at a terminal reads it.
#include "api/escape.hpp"
#include "api/explain.hpp"
#include "api/proof.hpp"
#include "core/names.hpp"
#include "engine/flapping.hpp"

#include <algorithm>

namespace rollbackd::api {

namespace {

void append_line(std::string& out, std::string_view text) {
    out += printable_line(text, shown_text_max);
    out += '\n';
}

std::string matrix_text(Json const& trigger) {
    auto const* const row = find(trigger, "matrix_row");
    bool const own = row == nullptr || !row->is_number() || row->to_number<std::uint64_t>() == 0;
    std::string const from = own ? "set on the trigger" : "matrix row " + to_text(*row);
    return "  severity " + text_of(trigger, "severity") + " and its response: " + from;
}

void append_triggers(std::string& out, JsonArray const& triggers) {
    for (auto const& trigger : triggers) {
        append_line(out, "trigger " + text_of(trigger, "name") + ": " + text_of(trigger, "when"));
        append_line(out, "  " + text_of(trigger, "verdict") + ": " + text_of(trigger, "why"));
        append_line(out, matrix_text(trigger));
        auto const* const unstable = find(trigger, "unstable");
        auto const* const changes = find(trigger, "changes");
        if (unstable != nullptr && changes != nullptr && *unstable == true) {
            append_line(
                out, "  unstable: it changed " + to_text(*changes) + " times in " +
                         format_duration(Flapping::window) + " by itself; a person must approve"
            );
        }
        auto const* const proof = find(trigger, "proof");
        if (proof == nullptr) continue;
        for (auto const& line : proof_lines(*proof)) {
            append_line(out, "  " + line.signal + ", " + line.subject + ": " + line.text);
        }
    }
}

void append_guards(std::string& out, JsonArray const& guards) {
    for (auto const& guard : guards) {
        auto const* const passed = find(guard, "passed");
        bool const good = passed != nullptr && passed->is_bool() && passed->get_bool();
        auto const letter = text_of(guard, "letter");
        append_line(
            out, std::string(good ? "  passed  " : "  refused ") +
                     (letter.empty() ? "    " : "(" + letter + ") ") + text_of(guard, "guard") +
                     ": " + text_of(guard, "text")
        );
    }
}

/// A refusal of the rung judged last stands among its guards already.
JsonArray others(JsonArray const& refusals, JsonArray const& guards) {
    JsonArray out;
    for (auto const& refusal : refusals) {
        bool const said = std::any_of(guards.begin(), guards.end(), [&](Json const& guard) {
            auto const* const passed = find(guard, "passed");
            return passed != nullptr && *passed == false &&
                   text_of(guard, "guard") == text_of(refusal, "guard") &&
                   text_of(guard, "text") == text_of(refusal, "text");
        });
        if (!said) out.push_back(refusal);
    }
    return out;
}

JsonArray const* array_of(Json const& value, std::string_view key) {
    auto const* const member = find(value, key);
    return member == nullptr ? nullptr : member->if_array();
}

}  // namespace

std::string explanation_text(Json const& explanation) {
    std::string out;
    append_line(out, text_of(explanation, "subject"));
    if (auto const* const head = find(explanation, "head")) {
        append_line(out, text_of(*head, "broken"));
        append_line(out, text_of(*head, "did"));
        append_line(out, "next: " + text_of(*head, "next"));
        append_line(out, "you: " + text_of(*head, "must"));
    }
    if (auto const* const triggers = array_of(explanation, "triggers")) {
        append_triggers(out, *triggers);
    }
    if (auto const* const ladder = array_of(explanation, "ladder")) {
        for (auto const& rung : *ladder) {
            auto const why = text_of(rung, "why");
            append_line(
                out, "rung " + text_of(rung, "playbook") + ": " + text_of(rung, "state") +
                         (why.empty() ? "" : ", " + why)
            );
        }
    }
    auto const* const guards = array_of(explanation, "guards");
    if (guards != nullptr && !guards->empty()) {
        append_line(out, "guards, as judged last:");
        append_guards(out, *guards);
    }
    if (auto const* const refusals = array_of(explanation, "refusals")) {
        append_guards(out, others(*refusals, guards == nullptr ? JsonArray{} : *guards));
    }
    for (auto const* const key : {"prevented_by", "would_act_with"}) {
        auto const* const changes = array_of(explanation, key);
        if (changes == nullptr || changes->empty()) continue;
        bool const acted = std::string_view(key) == "prevented_by";
        append_line(out, acted ? "it would not have acted if:" : "it would have acted with:");
        for (auto const& change : *changes) {
            if (change.is_string()) append_line(out, "  " + std::string(change.get_string()));
        }
    }
    return out;
}

bool wants_text(Request const& request, std::string_view mime, std::string_view format) {
    auto const asked = request.query_value("format");
    if (!asked.empty()) return asked == format || asked == "text";
    return request.header("accept").find(mime) != std::string::npos;
}

Response answer_explanation(Request const& request, Json const& explanation) {
    if (wants_text(request, "text/plain", "text")) {
        return answer_text(explanation_text(explanation), "text/plain; charset=utf-8");
    }
    return answer(explanation);
}

}  // namespace rollbackd::api
