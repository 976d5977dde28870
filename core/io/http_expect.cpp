#include "core/io/http_expect.hpp"

#include "core/names.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

constexpr std::size_t shown_max = 80;  // of a value from outside, for people

bool matches_status(Json const& wanted, unsigned status) {
    if (wanted.is_array()) {
        auto const& list = wanted.get_array();
        auto const one = [status](Json const& item) { return matches_status(item, status); };
        return std::any_of(list.begin(), list.end(), one);
    }
    if (wanted.is_number()) return wanted.to_number<double>() == status;
    if (!wanted.is_string()) return false;
    auto const shown = std::to_string(status);
    std::string_view const text = wanted.get_string();
    auto const same = [](char a, char b) { return a == b || a == 'x' || a == 'X'; };
    return std::equal(text.begin(), text.end(), shown.begin(), shown.end(), same);
}

std::string status_text(Json const& wanted) {
    if (wanted.is_string()) return std::string(std::string_view(wanted.get_string()));
    return to_text(wanted);
}

/// 1 and 1.0 are the same number; a number is never a text, nor a boolean.
bool same_value(Json const& wanted, Json const& found) {
    if (wanted.is_number() && found.is_number()) {
        return wanted.to_number<double>() == found.to_number<double>();
    }
    return wanted == found;
}

std::string shown(Json const& value) { return printable(to_text(value), shown_max); }

HttpVerdict failed(std::string reason) { return {HttpJudgement::failed, std::move(reason)}; }

HttpVerdict judge_json(JsonObject const& wanted, HttpResponse const& response) {
    auto const body = parse_json(response.body);
    if (!body) return failed("content: the body is not JSON: " + body.error().what);
    HttpVerdict verdict;
    for (auto const& [pointer, value] : wanted) {
        std::string const path(pointer);
        auto const* const found = find_pointer(*body, path);
        if (found == nullptr) {
            verdict = {HttpJudgement::unknown, "missing: the answer has no " + path};
        } else if (!same_value(value, *found)) {
            return failed(
                "content: " + path + " is " + shown(*found) + ", expected " + shown(value)
            );
        }
    }
    return verdict;
}

JsonObject const* json_of(Json const& expect) {
    auto const* const wanted = find(expect, "json");
    bool const given = wanted != nullptr && wanted->is_object() && !wanted->get_object().empty();
    return given ? &wanted->get_object() : nullptr;
}

}  // namespace

HttpVerdict judge(Json const& expect, HttpResponse const& response) {
    static Json const success("2xx");
    auto const* const given = find(expect, "status");
    auto const& status = given == nullptr || given->is_null() ? success : *given;
    if (!matches_status(status, response.status)) {
        auto const seen = std::to_string(response.status);
        return failed("status: " + seen + ", expected " + status_text(status));
    }
    auto const text = text_of(expect, "body");
    if (response.body.find(text) == std::string::npos) {
        return failed("content: the body does not contain \"" + printable(text, shown_max) + "\"");
    }
    auto const* const json = json_of(expect);
    return json == nullptr ? HttpVerdict{} : judge_json(*json, response);
}

std::vector<std::string> problems_of_expect(Json const& expect) {
    std::vector<std::string> problems;
    auto const* const json = json_of(expect);
    if (json == nullptr) return problems;
    for (auto const& [key, value] : *json) {
        std::string const pointer(key);
        if (!pointer.empty() && pointer.front() != '/') {
            problems.push_back(
                "\"" + pointer + "\" is no JSON pointer (RFC 6901); did you mean \"/" + pointer +
                "\"?"
            );
        }
    }
    return problems;
}

bool needs_body(Json const& expect) {
    return json_of(expect) != nullptr || !text_of(expect, "body").empty();
}

}  // namespace rollbackd
