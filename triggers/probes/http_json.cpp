// http_json: numbers out of a JSON API by pointer. What cannot be had or read is unknown, never 0.
#include "core/io/clock.hpp"
#include "core/io/secrets.hpp"
#include "triggers/probes/answers.hpp"
#include "triggers/probes/http_ask.hpp"
#include "triggers/probes/json_rules.hpp"
#include "triggers/probes/types.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

std::vector<Field> pointer_fields() {
    return {
        {.name = "value", .type = FieldType::text, .doc = "Pointer to the number."},
        {.name = "items",
         .type = FieldType::text,
         .doc = "Pointer to a list: how many members it has is the number, or each is an outcome "
                "(`fail`)."},
        {.name = "where",
         .type = FieldType::any_map,
         .doc = "Of items: only members that have these values at these pointers."},
        {.name = "oldest",
         .type = FieldType::text,
         .doc =
             "Of items: pointer, inside a member, to its time; the age of the oldest, in seconds, "
             "is the number (0 where there is none)."},
        {.name = "fail",
         .type = FieldType::any_map,
         .doc = "Of items: members with these values at these pointers have failed, others have "
                "succeeded."},
        {.name = "neutral",
         .type = FieldType::any_map,
         .doc = "Of items: members with these values are neither."},
        {.name = "id",
         .type = FieldType::text,
         .doc = "Of items: pointer, inside a member, to its id, which is counted once in 72 h."},
        {.name = "at",
         .type = FieldType::text,
         .doc = "Of items: pointer, inside a member, to when it happened: RFC 3339, or seconds or "
                "milliseconds since 1970."},
        {.name = "success", .type = FieldType::text, .doc = "Pointer to a count of successes."},
        {.name = "failure", .type = FieldType::text, .doc = "Pointer to a count of failures."},
        {.name = "totals",
         .type = FieldType::boolean,
         .doc = "The counts only grow: what was added since the last answer counts.",
         .otherwise = false},
    };
}

TypeInfo http_json_info() {
    TypeInfo info;
    info.name = "http_json";
    info.doc =
        "Asks a JSON API and takes a number, or outcomes, out of its answer by JSON pointer.";
    info.is_probe = true;
    info.fields = http_request_fields("Asked with GET; ${ENV} is filled in when asked.");
    for (auto& field : pointer_fields()) info.fields.push_back(std::move(field));
    return info;
}

std::optional<SignalNature> http_json_nature(JsonObject const& params) {
    bool const counts = params.contains("success") || params.contains("failure");
    bool const outcomes = counts || params.contains("fail");
    return SignalNature{outcomes ? "outcomes" : "gauge", true};
}

std::vector<Error> check_http_json(JsonObject const& params) {
    auto problems = check_http_request(params);
    auto const has = [&](char const* key) { return params.contains(key); };
    auto const add = [&](char const* what, char const* where) {
        problems.push_back(wrong_field(what, where));
    };
    bool const counts = has("success") || has("failure");
    if (int(has("value")) + int(has("items")) + int(counts) != 1) {
        add("expected one of value, items, or success and failure", "value");
    }
    for (auto const* const key : {"where", "oldest", "fail", "neutral", "id", "at"}) {
        if (has(key) && !has("items")) {
            problems.push_back(wrong_field(std::string(key) + " is of items", key));
        }
    }
    for (auto const* const key : {"neutral", "id", "at"}) {
        if (has(key) && has("items") && !has("fail")) {
            problems.push_back(
                wrong_field(std::string(key) + " is of outcomes: write fail, too", key)
            );
        }
    }
    if (has("oldest") && has("fail")) add("oldest is a number and fail makes outcomes", "oldest");
    auto const* const fail = params.if_contains("fail");
    if (fail && fail->is_object() && fail->get_object().empty()) {
        add("expected pointers and the values that mean a failure, { /status: failed }", "fail");
    }
    auto const* const totals = params.if_contains("totals");
    if (totals && totals->is_bool() && totals->get_bool() && !counts) {
        add("totals is of success and failure", "totals");
    }
    auto const rules = JsonRules::make(params, "");
    if (!rules) problems.push_back(rules.error());
    return problems;
}

class HttpJsonProbe final : public Probe {
public:
    HttpJsonProbe(SignalPolicy const& signal, JsonRules rules, ProbeContext const& context)
        : params_(signal.params),
          rules_(std::move(rules)),
          totals_(rules_.identity(), signal.stale_after.value_or(std::chrono::minutes(1))),
          context_(context) {}

    asio::awaitable<ProbeAnswer> ask(Duration timeout) override {
        auto request = make_http_request(params_, context_.secrets, timeout);
        if (!request) co_return unknown_answer(to_string(request.error()));
        request->headers.emplace_back("Accept", "application/json");
        request->body_max = source_body_max;
        auto const begun = context_.clock.now();
        auto const response = co_await fetch(context_, std::move(*request));
        if (!response) co_return unknown_answer(response.error().what);
        auto answer = rules_.read(response->body, begun.wall, totals_);
        if (!answer) co_return unknown_answer(context_.secrets.redact(answer.error().what));
        co_return *std::move(answer);
    }

    Json save() const override { return rules_.grows() ? totals_.save() : Json(nullptr); }
    void resume(Json const& saved) override { totals_.resume(saved); }

private:
    JsonObject params_;
    JsonRules rules_;
    Totals totals_;
    ProbeContext context_;
};

std::unique_ptr<Probe> make_http_json(SignalPolicy const& signal, ProbeContext const& context) {
    auto rules = JsonRules::make(signal.params, signal.by);  // checked before
    return std::make_unique<HttpJsonProbe>(signal, *std::move(rules), context);
}

}  // namespace

ProbeType http_json_probe() {
    return ProbeType{http_json_info(), &check_http_json, &make_http_json, &http_json_nature};
}

}  // namespace rollbackd
