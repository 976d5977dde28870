#include "config/schema.hpp"

#include "config/catalogue.hpp"
#include "tests/catch.hpp"
#include "tests/config/support/json_schema.hpp"
#include "tests/config/support/tree_text.hpp"
#include "tests/config/support/types.hpp"

#include <cstdlib>
#include <fstream>

using namespace rollbackd;

namespace {

Json example(std::string const& name) {
    return testing::json_of_tree(*testing::tree_of(testing::source_file("config/examples/" + name))
    );
}

std::string joined(std::vector<std::string> const& lines) {
    std::string out;
    for (auto const& line : lines) out += line + "\n";
    return out;
}

constexpr std::string_view generated_line = "<!-- generated from the program's own tables -->\n";

}  // namespace

TEST_CASE("the JSON schema takes the shipped examples") {
    auto const schema = policy_schema(known_types());
    CHECK(text_of(schema, "$schema") == "https://json-schema.org/draft/2020-12/schema");
    for (auto const* const name :
         {"first.yaml", "shop.yaml", "pm2-postgres.yaml", "compose-flags.yaml",
          "compose-nginx.yaml", "compose-alembic.yaml", "compose-cutover.yaml"}) {
        auto const problems = testing::schema_problems(schema, example(name));
        INFO(name << "\n" << joined(problems));
        CHECK(problems.empty());
    }
}

TEST_CASE("the JSON schema refuses what the reader refuses") {
    auto const schema = policy_schema(testing::small_types());
    std::vector<std::string> const wrong{
        "{}",
        "{version: 1, servises: {}}",
        "{version: 1, services: {shop: {bake: soon}}}",
        "{version: 1, services: {9shop: {}}}",
        "{version: 1, services: {shop: {signals: {a: {every: 5s}}}}}",
        "{version: 1, services: {shop: {signals: {a: {htp: {}}}}}}",
        "{version: 1, services: {shop: {signals: {a: {push: {kind: gauges}}}}}}",
        "{version: 1, services: {shop: {triggers: {a: {response: alert}}}}}",
        "{version: 1, services: {shop: {playbooks: {a: {steps: [{exec: {argv: a}}]}}}}}",
        "{version: 1, services: {shop: {playbooks: {a: {steps: [{exec: {}}]}}}}}",
        "{version: 1, notify: {a: {webhook: {}}}}",
        "{version: 1, daemon: {autonomy: full}}",
    };
    for (auto const& text : wrong) {
        auto const value = testing::json_of_tree(*testing::tree_of(text));
        INFO(text);
        CHECK_FALSE(testing::schema_problems(schema, value).empty());
    }
}

TEST_CASE("the reference names every type and key, with its bounds and default") {
    auto const text = reference_markdown(testing::small_types());
    for (auto const* const part :
         {"## Trigger", "| `when` | condition | required |", "### Signal types: `http`",
          "| `expect.status` |", "| `cooldown` | duration, from 1ms to 7d | `10m` |",
          "Exactly one of `argv` or `shell`.",
          "Of later versions, and refused by this one: `alerts`, "
          "`sql`."}) {
        INFO(part);
        CHECK(text.find(part) != std::string::npos);
    }
}

TEST_CASE("docs/configuration.md ends with the reference as the program would write it") {
    auto const path = std::string("docs/configuration.md");
    auto text = testing::source_file(path);
    auto const at = text.find(generated_line);
    REQUIRE(at != std::string::npos);
    auto const start = at + generated_line.size();
    auto const fresh = "\n" + reference_markdown(known_types());
    if (std::getenv("UPDATE_EXPECTED") != nullptr) {
        text = text.substr(0, start) + fresh;
        std::ofstream(ROLLBACKD_SOURCE_DIR "/" + path) << text;
    }
    INFO("UPDATE_EXPECTED=1 config_test writes it anew");
    CHECK(text.substr(start) == fresh);
}
