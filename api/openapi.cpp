#include "api/openapi.hpp"

#include "api/problem.hpp"
#include "api/routes.hpp"

namespace rollbackd::api {

namespace {

Json reference(std::string_view schema) {
    JsonObject out;
    out["$ref"] = "#/components/schemas/" + std::string(schema);
    return out;
}

/// "[Incident]" is a page of Incidents.
Json schema_of(std::string_view name) {
    if (name.empty() || name.front() != '[') return reference(name);
    JsonObject items;
    items["type"] = "array";
    items["items"] = reference(name.substr(1, name.size() - 2));
    JsonObject next;
    next["type"] = JsonArray{"string", "null"};
    next["description"] = "the cursor of the next page; null at the end";
    JsonObject properties;
    properties["items"] = std::move(items);
    properties["next"] = std::move(next);
    JsonObject out;
    out["type"] = "object";
    out["required"] = JsonArray{"items", "next"};
    out["properties"] = std::move(properties);
    return out;
}

JsonObject content(std::string_view type, Json schema) {
    JsonObject media;
    media["schema"] = std::move(schema);
    JsonObject out;
    out[type] = std::move(media);
    return out;
}

JsonObject parameter(std::string_view name, std::string_view in, bool required) {
    JsonObject out;
    out["name"] = name;
    out["in"] = in;
    out["required"] = required;
    out["schema"] = openapi_parameter_schema(name);
    return out;
}

/// Whether its answer has a tag, so that whoever has it already is told so.
bool is_tagged(Endpoint const& endpoint) {
    return endpoint.method == "GET" && !endpoint.moving && endpoint.id != "events";
}

JsonArray parameters_of(Endpoint const& endpoint) {
    JsonArray out;
    for (std::string_view rest = endpoint.pattern; rest.find('{') != std::string_view::npos;) {
        rest.remove_prefix(rest.find('{') + 1);
        out.push_back(parameter(rest.substr(0, rest.find('}')), "path", true));
    }
    for (std::string_view rest = endpoint.query; !rest.empty();) {
        auto const name = rest.substr(0, rest.find(' '));
        out.push_back(parameter(name, "query", false));
        rest.remove_prefix(std::min(rest.size(), name.size() + 1));
    }
    if (endpoint.effect != Effect::none) {
        out.push_back(parameter("Idempotency-Key", "header", false));
    }
    if (endpoint.id == "events") out.push_back(parameter("Last-Event-ID", "header", false));
    if (is_tagged(endpoint)) out.push_back(parameter("If-None-Match", "header", false));
    return out;
}

Json header_reference(std::string_view name) {
    JsonObject out;
    out["$ref"] = "#/components/headers/" + std::string(name);
    return out;
}

JsonObject header(std::string_view type, std::string_view description) {
    JsonObject schema;
    schema["type"] = type;
    JsonObject out;
    out["description"] = description;
    out["schema"] = std::move(schema);
    return out;
}

JsonObject headers_of_all() {
    JsonObject out;
    out["RequestId"] = header(
        "string", "Names this call in the log and in a problem; the caller's own where it sent one."
    );
    out["RetryAfter"] = header("integer", "Seconds to wait before it is worth asking again.");
    return out;
}

JsonObject response_of(unsigned status, JsonObject body) {
    JsonObject headers;
    headers["X-Request-Id"] = header_reference("RequestId");
    bool const later = status == 429 || status == 503;
    if (later) headers["Retry-After"] = header_reference("RetryAfter");
    JsonObject out;
    out["description"] = title_of(status);
    out["headers"] = std::move(headers);
    if (!body.empty()) out["content"] = std::move(body);
    return out;
}

/// What a success may carry that is no JSON.
std::vector<std::string_view> plain_types(Endpoint const& endpoint) {
    if (endpoint.id == "reportIncident") return {"text/markdown"};
    if (endpoint.answers == "Explanation") return {"text/plain"};
    if (endpoint.id == "metrics") return {"text/plain"};
    if (endpoint.id == "events") return {"text/event-stream"};
    if (endpoint.id == "dashboard") return {"text/html"};
    if (endpoint.id == "dashboardAsset") return {"text/javascript", "text/css", "image/svg+xml"};
    return {};
}

JsonObject success_of(Endpoint const& endpoint) {
    JsonObject out;
    if (!endpoint.answers.empty()) {
        out = content("application/json", schema_of(endpoint.answers));
    }
    JsonObject text;
    text["type"] = "string";
    for (auto const type : plain_types(endpoint)) out.insert(*content(type, text).begin());
    return out;
}

/// Every status the endpoint may answer beside its success.
std::vector<unsigned> refusals_of(Endpoint const& endpoint) {
    std::vector<unsigned> out{400, 403};
    bool const named = endpoint.pattern.find('{') != std::string_view::npos;
    bool const sends = endpoint.body != BodyKind::none;
    bool const records = endpoint.effect == Effect::recorded;
    if (endpoint.access != Access::open) out.insert(out.end(), {401, 429});
    bool const chooses = endpoint.takes == "ServiceChoice" || endpoint.takes == "SilenceChoice" ||
                         endpoint.takes == "NewSilence";
    if (named || chooses) out.push_back(404);
    bool const changes = records || endpoint.effect == Effect::always;
    if (changes) out.push_back(409);
    if (sends) out.insert(out.end(), {413, 415});
    if (sends || endpoint.access != Access::open) out.push_back(422);
    bool const limited = endpoint.id == "readyz" || endpoint.id == "events";
    if (changes || limited) out.push_back(503);
    return out;
}

JsonObject responses_of(Endpoint const& endpoint) {
    JsonObject out;
    out[std::to_string(endpoint.status)] = response_of(endpoint.status, success_of(endpoint));
    if (endpoint.id == "runPlaybook") {
        out["200"] = response_of(200, content("application/json", reference("DryRun")));
    }
    if (is_tagged(endpoint)) out["304"] = response_of(304, {});
    for (auto const status : refusals_of(endpoint)) {
        bool const readiness = endpoint.id == "readyz" && status == 503;
        auto body = readiness ? content("application/json", reference("Readiness"))
                              : content("application/problem+json", reference("Problem"));
        out[std::to_string(status)] = response_of(status, std::move(body));
    }
    return out;
}

JsonObject operation_of(Endpoint const& endpoint) {
    JsonObject out;
    out["operationId"] = endpoint.id;
    out["summary"] = endpoint.summary;
    out["x-role"] = to_string(endpoint.access == Access::push ? Access::ingest : endpoint.access);
    if (auto parameters = parameters_of(endpoint); !parameters.empty()) {
        out["parameters"] = std::move(parameters);
    }
    if (endpoint.body != BodyKind::none) {
        JsonObject body;
        auto media = content("application/json", schema_of(endpoint.takes));
        if (endpoint.body == BodyKind::samples) {
            JsonObject lines;
            lines["type"] = "string";
            lines["description"] = "one PushedSample a line";
            JsonObject line_media;
            line_media["schema"] = std::move(lines);
            line_media["x-line-schema"] = schema_of(endpoint.takes);  // itemSchema, from 3.2 on
            media["application/x-ndjson"] = std::move(line_media);
        }
        body["content"] = std::move(media);
        // Elsewhere no body is as good as {}.
        body["required"] = endpoint.access == Access::push;
        out["requestBody"] = std::move(body);
    }
    out["responses"] = responses_of(endpoint);
    if (endpoint.access == Access::open) out["security"] = JsonArray();
    return out;
}

std::string lower(std::string_view method) {
    std::string out(method);
    for (auto& c : out) c = static_cast<char>(c - 'A' + 'a');
    return out;
}

Json make_document() {
    JsonObject info;
    info["title"] = "rollbackd";
    info["version"] = ROLLBACKD_VERSION;
    info["description"] =
        "Watches services, decides by a written policy, and rolls back. Errors are RFC 9457 "
        "problems; times are RFC 3339 UTC.";
    JsonObject license;
    license["name"] = "Apache-2.0";
    license["identifier"] = "Apache-2.0";
    info["license"] = std::move(license);
    JsonObject paths;
    for (auto const& endpoint : endpoints()) {
        auto& path = paths[endpoint.pattern];
        if (!path.is_object()) path = JsonObject();
        path.as_object()[lower(endpoint.method)] = operation_of(endpoint);
    }
    JsonObject scheme;
    scheme["type"] = "http";
    scheme["scheme"] = "bearer";
    JsonObject schemes;
    schemes["token"] = std::move(scheme);
    JsonObject certificate;
    certificate["type"] = "mutualTLS";
    schemes["certificate"] = std::move(certificate);
    JsonObject components;
    components["schemas"] = openapi_schemas();
    components["headers"] = headers_of_all();
    components["securitySchemes"] = std::move(schemes);
    JsonArray security;
    for (auto const* const way : {"token", "certificate"}) {
        JsonObject one;
        one[way] = JsonArray();
        security.push_back(std::move(one));
    }
    JsonObject server;
    server["url"] = "/";
    server["description"] = "Where this document came from";
    JsonArray servers;
    servers.push_back(std::move(server));
    JsonObject out;
    out["openapi"] = "3.1.0";
    out["info"] = std::move(info);
    out["servers"] = std::move(servers);
    out["paths"] = std::move(paths);
    out["components"] = std::move(components);
    out["security"] = std::move(security);
    return out;
}

}  // namespace

Json const& openapi_document() {
    static Json const document = make_document();
    return document;
}

}  // namespace rollbackd::api
