// Reloading and checking the configuration.
#include "api/body.hpp"
#include "api/handlers.hpp"
#include "api/problem.hpp"

namespace rollbackd::api {

namespace {

bool is_ok(Json const& report) {
    auto const* const ok = find(report, "ok");
    return ok != nullptr && ok->is_bool() && ok->get_bool();
}

/// "file:line:column: text" of each problem.
std::vector<Mistake> mistakes_of(Json const& report) {
    std::vector<Mistake> mistakes;
    auto const* const problems = find(report, "problems");
    if (problems == nullptr || !problems->is_array()) return mistakes;
    for (auto const& problem : problems->get_array()) {
        std::string place = text_of(problem, "file");
        for (auto const* const key : {"line", "column"}) {
            auto const* const number = find(problem, key);
            if (number != nullptr && number->is_number()) place += ":" + to_text(*number);
        }
        mistakes.push_back(Mistake{place + ": " + text_of(problem, "text"), ""});
    }
    return mistakes;
}

}  // namespace

Awaitable<Response> reload_config(Context& context) {
    auto const report = co_await context.host.reload(context.request.actor);
    if (is_ok(report)) co_return answer(report);
    co_return refuse(
        422, "the configuration is wrong, so nothing was changed", mistakes_of(report)
    );
}

Awaitable<Response> check_config(Context& context) {
    auto text = Members(context.request).text("text");
    co_return answer(co_await context.host.check_config(std::move(text)));
}

}  // namespace rollbackd::api
