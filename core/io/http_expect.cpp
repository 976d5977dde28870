#include "core/io/http_expect.hpp"

#include "core/names.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

constexpr std::size_t shown_max = 80;  // of a value from outside, for people

using Wanted = std::vector<std::pair<std::string, Json const*>>;

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

/// What is wrong with a member that is to be there and to have this value; nullptr: any.
HttpVerdict judge_member(Json const& body, std::string const& path, Json const* value) {
    auto const* const found = find_pointer(body, path);
    if (found == nullptr && value == nullptr) return failed("content: the answer has no " + path);
    if (found == nullptr) {
        return {HttpJudgement::unknown, "missing: the answer has no " + path};
    }
    if (value == nullptr || same_value(*value, *found)) return {};
    return failed("content: " + path + " is " + shown(*found) + ", expected " + shown(*value));
}

HttpVerdict judge_members(Wanted const& wanted, HttpResponse const& response) {
    auto const body = parse_json(response.body);
    if (!body) return failed("content: the body is not JSON: " + body.error().what);
    HttpVerdict verdict;
    for (auto const& [pointer, value] : wanted) {
        auto one = judge_member(*body, pointer, value);
        if (one.judgement == HttpJudgement::failed) return one;
        if (one.judgement == HttpJudgement::unknown) verdict = std::move(one);
    }
    return verdict;
}

/// The pointers of `json` with their values, and those of `has` without.
Wanted members_of(Json const& expect) {
    Wanted out;
    auto const* const json = find(expect, "json");
    if (json != nullptr && json->is_object()) {
        for (auto const& [pointer, value] : json->get_object()) out.emplace_back(pointer, &value);
    }
    auto const* const has = find(expect, "has");
    if (has != nullptr && has->is_array()) {
        for (auto const& pointer : has->get_array())
            out.emplace_back(pointer.get_string(), nullptr);
    }
    return out;
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
    auto const wanted = members_of(expect);
    return wanted.empty() ? HttpVerdict{} : judge_members(wanted, response);
}

std::vector<Field> expect_fields() {
    return {
        {.name = "status",
         .type = FieldType::status,
         .doc = "200, 2xx, or a list of those; absent: 2xx."},
        {.name = "body", .type = FieldType::text, .doc = "Text the body must contain."},
        {.name = "json",
         .type = FieldType::any_map,
         .doc = "JSON pointers (RFC 6901) and the value, type included, that must stand there. A "
                "member that is not there is unknown."},
        {.name = "has",
         .type = FieldType::text_list,
         .doc = "JSON pointers of members that must be there, whatever they hold."},
    };
}

std::vector<Error> problems_of_expect(Json const& expect) {
    std::vector<Error> problems;
    for (auto const& [pointer, value] : members_of(expect)) {
        if (pointer.empty() || pointer.front() == '/') continue;
        problems.push_back(
            {Errc::invalid,
             "\"" + pointer + "\" is no JSON pointer (RFC 6901); did you mean \"/" + pointer +
                 "\"?",
             value == nullptr ? "expect.has" : "expect.json"}
        );
    }
    return problems;
}

bool needs_body(Json const& expect) {
    return !members_of(expect).empty() || !text_of(expect, "body").empty();
}

}  // namespace rollbackd
