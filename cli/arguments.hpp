// What the user typed, by name, after the shape of the command was checked.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace rollbackd::cli {

class Arguments {
public:
    std::map<std::string, std::vector<std::string>> values;  // "INC", "--reason"

    bool has(std::string const& name) const { return values.contains(name); }
    /// Its value, the last one where it was given twice; empty where it was not given.
    std::string text(std::string const& name) const {
        auto const found = values.find(name);
        return found == values.end() || found->second.empty() ? "" : found->second.back();
    }
    std::optional<std::string> maybe(std::string const& name) const {
        if (!has(name)) return std::nullopt;
        return text(name);
    }
    std::vector<std::string> all(std::string const& name) const {
        auto const found = values.find(name);
        return found == values.end() ? std::vector<std::string>() : found->second;
    }
    /// Of a flag: given, and not as "--flag=false".
    bool on(std::string const& name) const { return text(name) == "true"; }
};

}  // namespace rollbackd::cli
