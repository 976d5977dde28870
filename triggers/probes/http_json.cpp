// http_json: numbers out of a JSON API by pointer. What cannot be had or read is unknown, never 0.
#include "core/io/clock.hpp"
#include "core/io/secrets.hpp"
#include "triggers/probes/answers.hpp"
#include "triggers/probes/http_ask.hpp"
#include "triggers/probes/json_pages.hpp"
#include "triggers/probes/json_rules.hpp"
#include "triggers/probes/types.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

Field cursor_field() {
    Field field;
    field.name = "cursor";
    field.type = FieldType::object;
    field.doc = "Of items in pages: how the next one is asked for by the last member of this one.";
    field.fields = {
        {.name = "parameter",
         .type = FieldType::text,
         .doc = "The address' parameter that names it: starting_after.",
         .required = true},
        {.name = "item",
         .type = FieldType::text,
         .doc = "Pointer, inside a member, to what it names: /id.",
         .required = true},
        {.name = "more",
         .type = FieldType::text,
         .doc = "Pointer to whether there is more, true or false: /has_more. Absent: until a page "
                "is empty."},
    };
    return field;
}

std::vector<Field> pointer_fields() {
    return {
        {.name = "value", .type = FieldType::text, .doc = "Pointer to the number."},
        {.name = "items",
         .type = FieldType::text,
         .doc = "Pointer to a list or a map: how many members it has is the number, or each is an "
                "outcome (`fail`), or has counts of its own (`success`, `failure`)."},
        {.name = "next",
         .type = FieldType::text,
         .doc = "Of items in pages: pointer to the address of the next page; there is none on the "
                "last. All pages, 20 at most, are one answer within the timeout."},
        cursor_field(),
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
        {.name = "affected",
         .type = FieldType::text,
         .doc = "Of items: pointer, inside a member, to what affected() counts, each once: the "
                "customer, the endpoint."},
        {.name = "success",
         .type = FieldType::text,
         .doc = "Pointer to a count of successes; beside items, inside each member."},
        {.name = "failure", .type = FieldType::text, .doc = "The same of failures."},
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
    bool const several = has("value") && (has("items") || counts);
    if (several || !(has("value") || has("items") || counts)) {
        add("expected one of value, items, or success and failure", "value");
    }
    for (auto const* const key : {"oldest", "fail"}) {
        if (counts && has("items") && has(key)) {
            add("each member has its counts (success, failure), or is an outcome itself", key);
        }
    }
    for (auto const* const key :
         {"where", "oldest", "fail", "neutral", "id", "at", "affected", "next", "cursor"}) {
        if (has(key) && !has("items")) {
            problems.push_back(wrong_field(std::string(key) + " is of items", key));
        }
    }
    for (auto const* const key : {"neutral", "id", "at", "affected"}) {
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
    if (has("next") && has("cursor")) add("next and cursor are two ways; keep one", "cursor");
    auto const rules = JsonRules::make(params, "");
    if (!rules) problems.push_back(rules.error());
    auto const pages = JsonPages::make(params);
    if (!pages) problems.push_back(pages.error());
    return problems;
}

class HttpJsonProbe final : public Probe {
public:
    HttpJsonProbe(
        SignalPolicy const& signal, JsonRules rules, JsonPages pages, ProbeContext const& context
    )
        : params_(signal.params),
          rules_(std::move(rules)),
          pages_(std::move(pages)),
          totals_(rules_.identity(), signal.stale_after.value_or(std::chrono::minutes(1))),
          context_(context) {}

    asio::awaitable<ProbeAnswer> ask(Duration timeout) override {
        auto request = make_http_request(params_, context_.secrets, timeout);
        if (!request) co_return unknown_answer(to_string(request.error()));
        request->headers.emplace_back("Accept", "application/json");
        request->body_max = source_body_max;
        auto const begun = context_.clock.now();
        auto const pages = co_await all_pages(std::move(*request), begun.boot + timeout);
        if (!pages) co_return unknown_answer(context_.secrets.redact(pages.error().what));
        auto answer = rules_.read(*pages, begun.wall, totals_);
        if (!answer) co_return unknown_answer(context_.secrets.redact(answer.error().what));
        co_return *std::move(answer);
    }

    Json save() const override { return rules_.grows() ? totals_.save() : Json(nullptr); }
    void resume(Json const& saved) override { totals_.resume(saved); }

private:
    asio::awaitable<Result<std::vector<Json>>> all_pages(HttpRequest request, Instant until) {
        std::vector<Json> pages;
        auto const first = request.url;
        for (auto url = std::optional(first); url;) {
            if (pages.size() == json_pages_max) {
                auto what = "too_large: more than " + std::to_string(json_pages_max) + " pages";
                co_return fail(Errc::too_large, std::move(what));
            }
            auto page = request;
            page.url = *url;
            Duration const left = until - context_.clock.now().boot;
            page.timeout = std::max<Duration>(left, std::chrono::milliseconds(1));
            auto const response = co_await fetch(context_, std::move(page));
            if (!response) co_return tl::unexpected<Error>(response.error());
            auto body = parse_json(response->body);
            if (!body) {
                auto what = "garbage: the answer is not JSON: " + body.error().what;
                co_return fail(Errc::invalid, std::move(what));
            }
            auto next = pages_.next(first, *url, *body);
            if (!next) co_return tl::unexpected<Error>(next.error());
            pages.push_back(*std::move(body));
            url = *std::move(next);
        }
        co_return pages;
    }

    JsonObject params_;
    JsonRules rules_;
    JsonPages pages_;
    Totals totals_;
    ProbeContext context_;
};

std::unique_ptr<Probe> make_http_json(SignalPolicy const& signal, ProbeContext const& context) {
    auto rules = JsonRules::make(signal.params, signal.by);  // checked before
    auto pages = JsonPages::make(signal.params);
    return std::make_unique<HttpJsonProbe>(signal, *std::move(rules), *std::move(pages), context);
}

}  // namespace

ProbeType http_json_probe() {
    return ProbeType{http_json_info(), &check_http_json, &make_http_json, &http_json_nature};
}

}  // namespace rollbackd
