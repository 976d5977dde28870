// A YAML tree changed in one place and written out again, for tests that break good policies.
#pragma once

#include "config/yaml_tree.hpp"
#include "core/json.hpp"

namespace rollbackd::testing {

/// The tree of a text that is known to be good YAML.
std::shared_ptr<YamlNode> tree_of(std::string const& text);

/// As flow YAML; duplicate keys stay.
std::string text_of_tree(YamlNode const& node);

/// As JSON: plain words keep their YAML type.
Json json_of_tree(YamlNode const& node);

/// One key of a map somewhere in the tree.
struct KeyPlace {
    YamlNode* map = nullptr;
    std::size_t index = 0;
    std::string path;      // services.shop.triggers.down.when
    bool is_name = false;  // the user's own word, not a key of the grammar
};

/// Every key of the tree, in order.
std::vector<KeyPlace> keys_of_tree(YamlNode& root);

}  // namespace rollbackd::testing
