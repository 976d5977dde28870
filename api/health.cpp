// What machines ask: alive, ready, metrics, and what the API is.
#include "api/handlers.hpp"
#include "api/openapi.hpp"

namespace rollbackd::api {

Response get_healthz(Context&) {
    JsonObject body;
    body["status"] = "ok";
    return answer(body);
}

Response get_readyz(Context& context) {
    JsonArray checks;
    bool ready = true;
    for (auto const& check : context.host.readiness()) {
        JsonObject item;
        item["name"] = check.name;
        item["ok"] = check.ok;
        item["text"] = check.text;
        checks.push_back(std::move(item));
        ready = ready && check.ok;
    }
    JsonObject body;
    body["ready"] = ready;
    body["checks"] = std::move(checks);
    return answer(body, ready ? 200 : 503);
}

Response get_metrics(Context& context) {
    return answer_text(context.host.metrics(), "text/plain; version=0.0.4; charset=utf-8");
}

Response get_openapi(Context&) {
    static auto const document = answer(openapi_document()).body;
    return answer_text(document, "application/json");
}

}  // namespace rollbackd::api
