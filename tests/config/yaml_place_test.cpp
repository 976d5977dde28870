#include "config/yaml_cursor.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;

namespace {

struct Parsed {
    Sources sources;
    YamlRef root;
};

Parsed parse(std::string const& text) {
    Parsed parsed;
    auto const file = parsed.sources.add({"t", text});
    parsed.root = parse_yaml(parsed.sources, file);
    return parsed;
}

/// The byte of the text where byte `offset` of the value of key `a` stands.
char char_at(std::string const& text, std::size_t offset) {
    auto const parsed = parse(text);
    REQUIRE(parsed.root != nullptr);
    auto const& node = *parsed.root->entries.at(0).value;
    auto const place = place_in_scalar(text, node.mark, offset);
    return text.at(position_of(text, place));
}

}  // namespace

TEST_CASE("a byte of a value is found in the text, whatever way the value was written") {
    for (std::string const text :
         {"a: plain word X here\n", "a: \"double \\t \\u00e9 \\x41 \\\" X\"\n", "a: 'it''s X'\n",
          "a: \"folded\n   over\n\n   lines X\"\n", "a: folded\n   plain X\n",
          "a: |\n  one\n    two X\n", "a: >-\n  one\n  two X\n", "a: &anchor !!str \"X marks\"\n",
          "{ a: \"in flow, X\" }\n"}) {
        auto const parsed = parse(text);
        INFO(text);
        REQUIRE(parsed.root != nullptr);
        auto const value = parsed.root->entries.at(0).value->text;
        CHECK(char_at(text, value.find('X')) == 'X');
    }
}

TEST_CASE("marks and positions are each other's inverse") {
    std::string const text = "one\ntwo: 2\n\n  three";
    for (std::size_t at = 0; at < text.size(); ++at) {
        CHECK(position_of(text, mark_at(text, 0, at)) == at);
    }
    CHECK(position_of(text, {0, 99, 1}) == text.size());
    CHECK(position_of(text, {0, 1, 99}) == text.size());
}

TEST_CASE("a place that was not written is where its nearest parent was") {
    Places const places{{"", {0, 1, 1}}, {"a", {0, 2, 1}}, {"a.b", {0, 3, 1}}};
    CHECK(place_of(places, "a.b").line == 3);
    CHECK(place_of(places, "a.b.c.d").line == 3);
    CHECK(place_of(places, "a.x=").line == 2);
    CHECK(place_of(places, "z").line == 1);
}

TEST_CASE("a hidden scalar leaves the rest of the text as it was") {
    std::string const text = "a: \"top secret\" # not this\nb: two\n";
    auto parsed = parse(text);
    auto const& node = *parsed.root->entries.at(0).value;
    parsed.sources.hide(node.mark, node.text.size(), std::string(hidden_secret));
    CHECK(parsed.sources.shown_text(0) == "a: \"***\" # not this\nb: two\n");
}
