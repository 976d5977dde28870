// The shipped examples, against the types the program really has.
#include "config/catalogue.hpp"
#include "config/load.hpp"
#include "tests/catch.hpp"
#include "tests/config/support/types.hpp"

#include <cstdlib>

using namespace rollbackd;

namespace {

std::string messages(LoadResult const& result) {
    std::string out;
    for (auto const& problem : result.problems) out += to_string(problem) + "\n";
    return out;
}

LoadResult example(std::string const& name) {
    return load_policy(
        std::string(ROLLBACKD_SOURCE_DIR) + "/config/examples/" + name, known_types()
    );
}

}  // namespace

TEST_CASE("the shipped examples pass their check without a word") {
    setenv("OPS_WEBHOOK_URL", "https://hooks.example.com/T0", 1);
    setenv("SHOP_ADMIN_TOKEN", "x", 1);
    setenv("SHOP_DSN", "host=db.example.com", 1);
    for (auto const* const name : {"first.yaml", "shop.yaml"}) {
        auto const result = example(name);
        INFO(messages(result));
        CHECK(result.ok());
        CHECK(result.problems.empty());
    }
}

TEST_CASE("the policies of the runbooks pass their check, but for secrets that are not there") {
    LoadOptions options;
    options.look_at_files = false;
    for (auto const* const name :
         {"pm2-postgres.yaml", "compose-flags.yaml", "compose-nginx.yaml", "compose-alembic.yaml",
          "compose-cutover.yaml"}) {
        auto const path = std::string(ROLLBACKD_SOURCE_DIR) + "/config/examples/" + name;
        auto const result = load_policy(path, known_types(), options);
        INFO(messages(result));
        CHECK(result.ok());
        CHECK(result.problems.empty());
    }
}

TEST_CASE("the shop's matrix is the one that is used where a policy has none") {
    auto const shop = example("shop.yaml");
    REQUIRE(shop.ok());
    CHECK(shop.policy->matrix == default_matrix());
    auto const first = example("first.yaml");
    REQUIRE(first.ok());
    CHECK(first.policy->matrix == default_matrix());
}
