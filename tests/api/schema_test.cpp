#include "api/schema.hpp"

#include "tests/catch.hpp"

using namespace rollbackd;
using namespace rollbackd::api;

namespace {

constexpr char const* named = R"({
    "Text": {"type": "string", "pattern": "\\S", "maxLength": 4, "description": "a text"},
    "Limit": {"type": "integer", "minimum": 1, "maximum": 10},
    "Tree": {"type": "object", "required": ["name"], "additionalProperties": false, "properties": {
        "name": {"$ref": "#/components/schemas/Text"},
        "reason": {"anyOf": [{"$ref": "#/components/schemas/Text"}, {"type": "null"}]},
        "at": {"type": "string", "format": "date-time"},
        "kind": {"type": "string", "enum": ["oak", "elm"]},
        "age": {"$ref": "#/components/schemas/Limit"},
        "id": {"type": ["string", "number"]},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "branches": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}}}
})";

Schemas forest() { return Schemas::of(parse_json(named)->as_object()).value(); }

/// "pointer: detail" of each.
std::vector<std::string> told(std::string_view value) {
    auto schemas = forest();
    auto const reference = parse_json(R"({"$ref": "#/components/schemas/Tree"})").value();
    auto const id = schemas.add(reference, "#").value();
    std::vector<std::string> out;
    for (auto const& one : schemas.mistakes(id, parse_json(value).value())) {
        out.push_back(one.pointer + ": " + one.detail);
    }
    return out;
}

using Told = std::vector<std::string>;

Error no_document(std::string_view schemas) {
    auto const made = Schemas::of(parse_json(schemas)->as_object());
    REQUIRE_FALSE(made);
    return made.error();
}

}  // namespace

TEST_CASE("a value that fits has no mistakes") {
    CHECK(told(R"({"name":"a","reason":null,"at":"2026-01-31T12:00:00Z","kind":"elm","age":10.0,
                  "id":7,"labels":{"x":"y"},"branches":[{"name":"b"}]})")
              .empty());
}

TEST_CASE("every mistake is told at once, with its place and what was expected") {
    CHECK(
        told(R"({"name":" ","reason":7,"at":"noon","kind":"ash","age":11,"id":true,
                 "labels":{"a/b":1},"branches":[{"name":"b"},{"nam":"c"},7],"nmae":1})") ==
        Told{
            "/name: expected a text", "/reason: expected a text",
            "/at: expected an RFC 3339 time like 2026-01-31T12:00:00Z",
            "/kind: expected one of oak, elm", "/age: expected a whole number from 1 to 10",
            "/id: expected a string or a number", "/labels/a~1b: expected a string",
            "/branches/1/name: name is required",
            "/branches/1/nam: unknown member; did you mean name?",
            "/branches/2: expected an object", "/nmae: unknown member; did you mean name?"
        }
    );
}

TEST_CASE("what is no object, and a number that is none, are told as that") {
    CHECK(told("[]") == Told{": expected an object"});
    CHECK(told("null") == Told{": expected an object"});
    for (auto const* const age :
         {"0", "-1", "1.5", "1e400", "\"3\"", "null", "18446744073709551616"}) {
        CAPTURE(age);
        CHECK(
            told(R"({"name":"a","age":)" + std::string(age) + "}") ==
            Told{"/age: expected a whole number from 1 to 10"}
        );
    }
}

TEST_CASE("a length counts characters, not bytes") {
    CHECK(told("{\"name\":\"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\"}").empty());
    CHECK(told(R"({"name":"abcde"})") == Told{"/name: longer than 4 characters"});
}

TEST_CASE("a value with countless mistakes is told the first hundred") {
    std::string many = R"({"name":"a")";
    for (int i = 0; i < 5000; ++i) many += ",\"x" + std::to_string(i) + "\":1";
    CHECK(told(many + "}").size() == Schemas::mistakes_max);
}

TEST_CASE("a document that says what nobody here knows does not compile, and says where") {
    auto const keyword = no_document(R"({"A":{"type":"object","properties":{"b":{"not":{}}}}})");
    CHECK(keyword.what == "unknown keyword not");
    CHECK(keyword.where == "#/components/schemas/A/properties/b/not");
    CHECK(no_document(R"({"A":{"multipleOf":2}})").what == "unknown keyword multipleOf");
    CHECK(no_document(R"({"A":{"type":"text"}})").what == "unknown type \"text\"");
    CHECK(no_document(R"({"A":{"format":"email"}})").what == "unknown format \"email\"");
    CHECK(no_document(R"({"A":{"$ref":"#/components/schemas/B"}})").what == "this leads nowhere");
    CHECK(no_document(R"({"A":{"pattern":"("}})").what.starts_with("no pattern"));
    CHECK(no_document(R"({"A":{"minLength":"x"}})").what == "this is no value of minLength");
    CHECK(no_document(R"({"A":true})").what == "a schema is an object");
}
