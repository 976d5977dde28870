#include "core/severity.hpp"

#include "tests/catch.hpp"

using namespace rollbackd;

namespace {

struct Inner {
    std::optional<int> count;
    std::vector<std::string> names;
    friend bool operator==(Inner const&, Inner const&) = default;
};
BOOST_DESCRIBE_STRUCT(Inner, (), (count, names))

struct Outer {
    Severity severity = Severity::P1;
    Duration wait{};
    std::map<std::string, Inner> inner;
    std::shared_ptr<Inner const> shared;
    friend bool operator==(Outer const& a, Outer const& b) {
        return a.severity == b.severity && a.wait == b.wait && a.inner == b.inner;
    }
};
BOOST_DESCRIBE_STRUCT(Outer, (), (severity, wait, inner, shared))

}  // namespace

TEST_CASE("a described struct comes back from its JSON as it was") {
    Outer outer{Severity::P0, std::chrono::seconds(5), {{"a", {3, {"x", "y"}}}}, {}};
    outer.shared = std::make_shared<Inner const>(Inner{7, {}});
    auto const back = read_json<Outer>(to_json(outer));
    REQUIRE(back);
    CHECK(*back == outer);
    CHECK(back->shared->count == 7);
}

TEST_CASE("an absent member keeps its default and a wrong type is named with its path") {
    CHECK(read_json<Outer>(JsonObject{})->severity == Severity::P1);
    auto const wrong = read_json<Outer>(*parse_json(R"({"inner":{"a":{"count":"three"}}})"));
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().what == "inner.count: expected a whole number");
}

TEST_CASE("enumerators that are keywords in C++ lose their underscore") {
    CHECK(to_string(Verdict::true_) == "true");
    CHECK(enum_from<Verdict>("unknown") == Verdict::unknown);
    CHECK_FALSE(enum_from<Verdict>("maybe"));
}

TEST_CASE("JSON text is refused with the byte where it goes wrong") {
    CHECK(parse_json(R"({"a":1})"));
    CHECK_FALSE(parse_json(R"({"a":1}x)"));
    CHECK_FALSE(parse_json(std::string(64, '[')));
    CHECK(parse_json("{bad").error().what.find("at byte 1") != std::string::npos);
}
