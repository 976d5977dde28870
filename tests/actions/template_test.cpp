#include "actions/template.hpp"

#include "tests/catch.hpp"

#include <map>

using namespace rollbackd;

namespace {

TemplateValues values(std::map<std::string, std::string> known) {
    return [known = std::move(known)](std::string_view name) -> std::optional<std::string> {
        auto const found = known.find(std::string(name));
        if (found == known.end()) return std::nullopt;
        return found->second;
    };
}

Json json(std::string_view text) { return parse_json(text).value(); }

}  // namespace

TEST_CASE("names of a template are listed in order, with and without spaces") {
    auto const names = template_names("a {{ url }}/{{known_good.version}}?{{ inputs.tables }}");
    REQUIRE(names);
    CHECK(*names == std::vector<std::string>{"url", "known_good.version", "inputs.tables"});
    CHECK(template_names("plain }} text")->empty());
}

TEST_CASE("a malformed template is an error that quotes it") {
    for (auto const* wrong : {"{{ a", "{{ }}", "{{ a b }}", "{{.Names}}", "{{ a. }}", "{{ -a }}"}) {
        CAPTURE(wrong);
        CHECK_FALSE(template_names(wrong));
        CHECK_FALSE(render(wrong, values({{"a", "1"}})));
    }
}

TEST_CASE("values are put in as they are and never rendered again") {
    CHECK(
        *render("{{ a }}/{{ b }}", values({{"a", "x"}, {"b", "{{ a }} $(id) '\""}})) ==
        "x/{{ a }} $(id) '\""
    );
    CHECK(*render("${TOKEN} {{{{.Names}}", values({})) == "${TOKEN} {{.Names}}");
}

TEST_CASE("a name without a value is an error that names it") {
    auto const rendered = render("{{ known_good.version }}", values({}));
    REQUIRE_FALSE(rendered);
    CHECK(rendered.error().what.find("known_good.version") != std::string::npos);
}

TEST_CASE("a value that begins with a dash never becomes an option") {
    auto const evil = values({{"v", "--upload-pack=touch /tmp/x"}, {"empty", ""}});
    CHECK_FALSE(render_all(json(R"(["git","checkout","{{ v }}"])"), evil));
    CHECK_FALSE(render_all(json(R"(["git","{{ empty }}{{ v }}"])"), evil));
    CHECK_FALSE(render_all(json(R"({"repo":"/srv","to":"{{ v }}"})"), evil));
    // A dash the policy wrote itself is the policy's will; a value after text is no option.
    CHECK(render_all(json(R"(["-x{{ v }}","to={{ v }}","-v"])"), evil));
    CHECK(render_all(json(R"(["{{ v }}"])"), evil, false));
}

TEST_CASE("a value never becomes a second argument") {
    auto const rendered = render_all(
        json(R"(["git","checkout","{{ v }}"])"), values({{"v", "main; rm -rf / \n two 'x'"}})
    );
    REQUIRE(rendered);
    REQUIRE(rendered->as_array().size() == 3);
    CHECK(rendered->as_array()[2].as_string() == "main; rm -rf / \n two 'x'");
    CHECK_FALSE(render_all(json(R"(["{{ v }}"])"), values({{"v", std::string("a\0b", 3)}})));
}

TEST_CASE("a value inside a shell line must be plain, guard or not") {
    auto const shell = json(R"({"shell":"deploy '{{ v }}' && echo done"})");
    for (auto const* plain : {"v1.2.3", "feature/x_y", "a@b:c+d=e,f%20"}) {
        CAPTURE(plain);
        CHECK(render_all(shell, values({{"v", plain}}), false));
    }
    for (auto const* code : {"", "-x", "a b", "a'b", "$(id)", "a;b", "a\nb", "a*", "`id`", "~"}) {
        CAPTURE(code);
        CHECK_FALSE(render_all(shell, values({{"v", code}}), false));
        CHECK_FALSE(render_all(shell, values({{"v", code}})));
    }
}

TEST_CASE("rendering reaches every nested string, keeps keys and other values") {
    auto const rendered = render_all(
        json(R"({"{{ k }}":[{"a":"{{ x }}","n":5,"b":true,"z":null}]})"), values({{"x", "1"}})
    );
    REQUIRE(rendered);
    CHECK(to_text(*rendered) == R"({"{{ k }}":[{"a":"1","n":5,"b":true,"z":null}]})");
}
