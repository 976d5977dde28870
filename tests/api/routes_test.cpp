#include "api/routes.hpp"

#include "api/openapi.hpp"
#include "tests/catch.hpp"

#include <set>

using namespace rollbackd;
using namespace rollbackd::api;

namespace {

Route route_of(std::string const& method, std::string const& target) {
    Request request;
    request.method = method;
    REQUIRE(set_target(request, target));
    return find_route(request);
}

}  // namespace

TEST_CASE("a path leads to its endpoint with its names decoded") {
    auto const route = route_of("GET", "/v1/services/shop/versions/registry%2Fapp%3A1.2");
    REQUIRE(route.endpoint != nullptr);
    CHECK(route.endpoint->id == "getVersion");
    CHECK(route.params.at("s") == "shop");
    CHECK(route.params.at("v") == "registry/app:1.2");
}

TEST_CASE("an encoded slash stays inside its segment") {
    CHECK(route_of("GET", "/v1%2Fstatus").endpoint == nullptr);
    CHECK(route_of("GET", "/v1/status/").endpoint == nullptr);
    CHECK(route_of("GET", "/v1/services//signals/x").endpoint == nullptr);
}

TEST_CASE("a method that does not fit names those that do") {
    auto const route = route_of("PUT", "/v1/silences");
    CHECK(route.endpoint == nullptr);
    CHECK(route.allow == "GET, HEAD, POST, DELETE");
    CHECK(route_of("PUT", "/v1/nothing").allow.empty());
}

TEST_CASE("a target that is no path is refused") {
    for (auto const* const target :
         {"", "*", "http://evil.example.com/", "/%", "/%4", "/%00", "/a?b=%"}) {
        Request request;
        CAPTURE(target);
        CHECK(!set_target(request, target));
    }
}

TEST_CASE("a query is decoded") {
    Request request;
    REQUIRE(set_target(request, "/v1/incidents?service=a%26b&state=open+x&flag&limit=2"));
    CHECK(request.query_value("service") == "a&b");
    CHECK(request.query_value("state") == "open x");
    CHECK(request.query.count("flag") == 1);
    CHECK(request.query_value("limit") == "2");
}

TEST_CASE("every endpoint is in the OpenAPI document, and every schema it names exists") {
    auto const document = openapi_document();
    CHECK(text_of(document, "openapi") == "3.1.0");
    auto const& schemas = document.at("components").at("schemas").as_object();
    std::set<std::string> ids;
    for (auto const& endpoint : endpoints()) {
        CAPTURE(endpoint.method, endpoint.pattern);
        auto const& path = document.at("paths").as_object().at(endpoint.pattern).as_object();
        std::string method(endpoint.method);
        for (auto& c : method) c = static_cast<char>(std::tolower(c));
        auto const& operation = path.at(method);
        CHECK(ids.insert(text_of(operation, "operationId")).second);
        CHECK(operation.at("responses").as_object().contains(std::to_string(endpoint.status)));
    }
    auto const text = to_text(document);
    std::string const marker = "#/components/schemas/";
    for (auto at = text.find(marker); at != std::string::npos; at = text.find(marker, at + 1)) {
        auto const start = at + marker.size();
        auto const name = text.substr(start, text.find('"', start) - start);
        CAPTURE(name);
        CHECK(schemas.contains(name));
    }
}

TEST_CASE("enums of the document are the engine's own") {
    auto const document = openapi_document();
    auto const& incident = document.at("components").at("schemas").at("Incident");
    auto const& states = incident.at("properties").at("state").at("enum").as_array();
    CHECK(states.size() == enum_names<IncidentState>().size());
    auto const& version = document.at("components").at("schemas").at("Version");
    CHECK(
        to_text(version.at("properties").at("standing").at("enum")) ==
        R"(["baking","known-good","superseded","bad","unknown"])"
    );
}
