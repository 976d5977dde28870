#include "tests/config/support/tree_text.hpp"

#include "config/scalars.hpp"
#include "core/ensure.hpp"

#include <set>

namespace rollbackd::testing {

namespace {

/// Copies what parse_yaml shares, so that a test may change one place only.
std::shared_ptr<YamlNode> own(YamlNode const& node) {
    auto copy = std::make_shared<YamlNode>(node);
    for (auto& entry : copy->entries) entry.value = own(*entry.value);
    for (auto& item : copy->items) item = own(*item);
    return copy;
}

Json plain_word(YamlNode const& node) {
    if (!node.quoted) {
        if (auto const flag = parse_boolean(node.text)) return Json(*flag);
        if (auto const whole = parse_integer(node.text)) return Json(*whole);
        if (auto const real = parse_number(node.text)) return Json(*real);
    }
    return to_json(node.text);
}

void collect(YamlNode& node, std::string const& path, bool names, std::vector<KeyPlace>& out) {
    static std::set<std::string> const named{"services", "notify",   "hosts",  "vars",
                                             "signals",  "triggers", "inputs", "playbooks",
                                             "headers",  "env",      "json"};
    for (std::size_t i = 0; i < node.entries.size(); ++i) {
        auto const& key = node.entries[i].key;
        auto const below = path.empty() ? key : path + "." + key;
        out.push_back({&node, i, below, names});
        // `notify` of a service and of a trigger is a list, `notify` as a step has fixed keys.
        bool const free = named.contains(key) && path.find("steps") == std::string::npos;
        auto& value = const_cast<YamlNode&>(*node.entries[i].value);
        collect(value, below, free || key == "headers" || key == "json", out);
    }
    for (std::size_t i = 0; i < node.items.size(); ++i) {
        auto& item = const_cast<YamlNode&>(*node.items[i]);
        collect(item, path + "." + std::to_string(i), false, out);
    }
}

}  // namespace

std::shared_ptr<YamlNode> tree_of(std::string const& text) {
    Sources sources;
    auto const root = parse_yaml(sources, sources.add({"tree", text}));
    ensure(root != nullptr && sources.errors() == 0, "the test's text is good YAML");
    return own(*root);
}

std::string text_of_tree(YamlNode const& node) {
    switch (node.kind) {
        case YamlKind::null:
            return "null";
        case YamlKind::scalar:
            return to_text(plain_word(node));
        case YamlKind::list: {
            std::string out;
            for (auto const& item : node.items)
                out += (out.empty() ? "" : ",") + text_of_tree(*item);
            return "[" + out + "]";
        }
        case YamlKind::map: {
            std::string out;
            for (auto const& entry : node.entries) {
                out += (out.empty() ? "" : ",\n") + to_text(to_json(entry.key)) + ": " +
                       text_of_tree(*entry.value);
            }
            return "{" + out + "}";
        }
    }
    return "";
}

Json json_of_tree(YamlNode const& node) {
    switch (node.kind) {
        case YamlKind::null:
            return nullptr;
        case YamlKind::scalar:
            return plain_word(node);
        case YamlKind::list: {
            JsonArray out;
            for (auto const& item : node.items) out.push_back(json_of_tree(*item));
            return Json(std::move(out));
        }
        case YamlKind::map: {
            JsonObject out;
            for (auto const& entry : node.entries) out[entry.key] = json_of_tree(*entry.value);
            return Json(std::move(out));
        }
    }
    return nullptr;
}

std::vector<KeyPlace> keys_of_tree(YamlNode& root) {
    std::vector<KeyPlace> out;
    collect(root, "", false, out);
    return out;
}

}  // namespace rollbackd::testing
