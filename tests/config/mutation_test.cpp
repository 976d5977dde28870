// A good policy broken in every place, one at a time and many at once: nothing that matters is
// accepted in silence, and nothing is thrown.
#include "config/catalogue.hpp"
#include "config/load.hpp"
#include "tests/catch.hpp"
#include "tests/config/support/tree_text.hpp"
#include "tests/config/support/types.hpp"

#include <random>

using namespace rollbackd;
using rollbackd::testing::KeyPlace;

namespace {

std::shared_ptr<YamlNode> shop() {
    return testing::tree_of(testing::source_file("config/examples/shop.yaml"));
}

LoadResult check(YamlNode const& root) {
    return parse_policy(testing::text_of_tree(root), "p.yaml", known_types());
}

std::string messages(LoadResult const& result) {
    std::string out;
    for (auto const& problem : result.problems) out += to_string(problem) + "\n";
    return out;
}

bool says(LoadResult const& result, std::string const& part) {
    return messages(result).find(part) != std::string::npos;
}

YamlRef scalar(std::string text) {
    auto node = std::make_shared<YamlNode>();
    node->kind = YamlKind::scalar;
    node->text = std::move(text);
    return node;
}

/// Other shapes and values a key may be given by mistake.
std::vector<YamlRef> strange_values() {
    auto null = std::make_shared<YamlNode>();
    auto list = std::make_shared<YamlNode>();
    list->kind = YamlKind::list;
    list->items = {scalar("x"), null};
    auto map = std::make_shared<YamlNode>();
    map->kind = YamlKind::map;
    map->entries = {{"x", {}, scalar("y")}};
    return {null, list, map, scalar("-1"), scalar("{{ nothing }}"), scalar(std::string(2000, 'a'))};
}

}  // namespace

TEST_CASE("the shop written as JSON is the same policy") {
    auto const result = check(*shop());
    INFO(messages(result));
    REQUIRE(result.ok());
    auto const original =
        parse_policy(testing::source_file("config/examples/shop.yaml"), "s", known_types());
    CHECK(result.policy->services == original.policy->services);
    CHECK(result.policy->daemon == original.policy->daemon);
}

TEST_CASE("every key written twice is refused") {
    auto const count = testing::keys_of_tree(*shop()).size();
    REQUIRE(count > 150);
    for (std::size_t i = 0; i < count; ++i) {
        auto const root = shop();
        auto const place = testing::keys_of_tree(*root)[i];
        auto const copy = place.map->entries[place.index];
        place.map->entries.push_back(copy);
        auto const result = check(*root);
        INFO(place.path);
        CHECK_FALSE(result.ok());
        CHECK(says(result, "duplicate key \"" + copy.key + "\""));
    }
}

TEST_CASE("every key of the grammar misspelt is refused with the right one") {
    auto const count = testing::keys_of_tree(*shop()).size();
    for (std::size_t i = 0; i < count; ++i) {
        auto const root = shop();
        auto const place = testing::keys_of_tree(*root)[i];
        if (place.is_name) continue;
        auto& key = place.map->entries[place.index].key;
        auto const right = key;
        key += "x";
        auto const result = check(*root);
        INFO(place.path << "\n" << messages(result));
        CHECK_FALSE(result.ok());
        CHECK(says(result, "unknown key \"" + right + "x\""));
        // A short word may be as near to another one.
        if (right.size() > 3) CHECK(says(result, "did you mean \"" + right + "\"?"));
    }
}

TEST_CASE("every key left out is fine or has its reason, never a crash") {
    auto const count = testing::keys_of_tree(*shop()).size();
    std::size_t refused = 0;
    for (std::size_t i = 0; i < count; ++i) {
        auto const root = shop();
        auto const place = testing::keys_of_tree(*root)[i];
        place.map->entries.erase(place.map->entries.begin() + long(place.index));
        auto const result = check(*root);
        if (!result.ok()) ++refused;
        INFO(place.path);
        CHECK(result.ok() == (messages(result).find("error: ") == std::string::npos));
    }
    CHECK(refused > 30);
}

TEST_CASE("no value of another shape is taken in silence") {
    auto const count = testing::keys_of_tree(*shop()).size();
    for (std::size_t i = 0; i < count; ++i) {
        for (auto const& strange : strange_values()) {
            auto const root = shop();
            auto const place = testing::keys_of_tree(*root)[i];
            auto const before = place.map->entries[place.index].value->kind;
            place.map->entries[place.index].value = strange;
            auto const result = check(*root);
            bool const other_shape = before != strange->kind && strange->kind != YamlKind::null;
            INFO(place.path << " = " << testing::text_of_tree(*strange));
            // A list may stand where one of its values may, and the other way round.
            bool const either = place.path.find(".status") != std::string::npos ||
                                place.path.find("matrix.") == 0 ||
                                place.path.find(".response") != std::string::npos;
            if (other_shape && !either && !place.is_name) CHECK_FALSE(result.ok());
        }
    }
}

TEST_CASE("several changes at once and torn texts are refused or read, never thrown at") {
    std::mt19937 random(20260131);
    auto const text = testing::source_file("config/examples/shop.yaml");
    for (int round = 0; round < 400; ++round) {
        auto torn = text;
        for (int change = 0; change < 1 + round % 5; ++change) {
            auto const at = random() % torn.size();
            switch (random() % 4) {
                case 0:
                    torn[at] = char(random() % 256);
                    break;
                case 1:
                    torn.erase(at, 1 + random() % 40);
                    break;
                case 2:
                    torn.insert(at, torn.substr(random() % torn.size(), random() % 60));
                    break;
                default:
                    torn.insert(at, 1, "{}[]:,&*!|>'\"%@`#-\t\n"[random() % 21]);
                    break;
            }
        }
        auto const result = parse_policy(torn, "torn.yaml", known_types());
        CHECK(result.ok() == (messages(result).find("error: ") == std::string::npos));
        for (auto const& problem : result.problems) {
            CHECK(problem.file == "torn.yaml");
            CHECK(problem.line >= 0);
        }
    }
}
