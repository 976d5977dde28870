#include "tests/config/support/json_schema.hpp"

#include <re2/re2.h>
#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace rollbackd::testing {

namespace {

using Problems = std::vector<std::string>;

bool has_type(Json const& value, std::string_view type) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "boolean") return value.is_bool();
    if (type == "null") return value.is_null();
    if (type == "number") return value.is_number();
    if (type == "integer") return value.is_int64() || value.is_uint64();
    throw std::runtime_error("unknown type " + std::string(type));
}

class Validator {
public:
    explicit Validator(Json const& root) : root_(root) {}

    Problems check(Json const& schema, Json const& value, std::string const& path) const {
        Problems out;
        if (schema.is_bool()) {
            if (!schema.get_bool()) out.push_back(path + ": not allowed");
            return out;
        }
        for (auto const& [key, rule] : schema.get_object()) {
            auto found = keyword(key, rule, schema.get_object(), value, path);
            out.insert(out.end(), found.begin(), found.end());
        }
        return out;
    }

private:
    Problems keyword(
        std::string_view key, Json const& rule, JsonObject const& schema, Json const& value,
        std::string const& path
    ) const {
        static std::vector<std::string> const said{
            "$schema", "title", "description", "default", "$defs"
        };
        if (std::find(said.begin(), said.end(), key) != said.end()) return {};
        if (key == "$ref") {
            auto const pointer = std::string(rule.get_string()).substr(1);
            auto const* const target = find_pointer(root_, pointer);
            if (target == nullptr) throw std::runtime_error("no " + pointer);
            return check(*target, value, path);
        }
        if (key == "type") return type(rule, value, path);
        if (key == "enum") {
            auto const& all = rule.get_array();
            if (std::find(all.begin(), all.end(), value) != all.end()) return {};
            return {path + ": none of the words"};
        }
        if (key == "pattern") return pattern(rule, value, path);
        if (key == "minimum" || key == "maximum") return bound(key, rule, value, path);
        if (key == "anyOf" || key == "oneOf" || key == "allOf") {
            return combined(key, rule.get_array(), value, path);
        }
        if (key == "items" || key == "minItems") return items(key, rule, value, path);
        return object(key, rule, schema, value, path);
    }

    static Problems type(Json const& rule, Json const& value, std::string const& path) {
        auto const& one = rule;
        if (one.is_string() && has_type(value, one.get_string())) return {};
        if (one.is_array()) {
            for (auto const& type : one.get_array()) {
                if (has_type(value, type.get_string())) return {};
            }
        }
        return {path + ": not of type " + to_text(rule)};
    }

    static Problems pattern(Json const& rule, Json const& value, std::string const& path) {
        if (!value.is_string()) return {};
        re2::RE2 const expression{std::string(rule.get_string())};
        if (re2::RE2::PartialMatch(std::string(value.get_string()), expression)) return {};
        return {path + ": does not match " + std::string(rule.get_string())};
    }

    static Problems bound(
        std::string_view key, Json const& rule, Json const& value, std::string const& path
    ) {
        if (!value.is_number()) return {};
        double const number = value.to_number<double>();
        double const limit = rule.to_number<double>();
        bool const fine = key == "minimum" ? number >= limit : number <= limit;
        return fine ? Problems{} : Problems{path + ": beyond its " + std::string(key)};
    }

    Problems combined(
        std::string_view key, JsonArray const& parts, Json const& value, std::string const& path
    ) const {
        std::size_t fitting = 0;
        Problems why;
        for (auto const& part : parts) {
            auto const problems = check(part, value, path);
            if (problems.empty()) ++fitting;
            why.insert(why.end(), problems.begin(), problems.end());
        }
        bool const fine = key == "anyOf"   ? fitting > 0
                          : key == "oneOf" ? fitting == 1
                                           : fitting == parts.size();
        if (fine) return {};
        why.push_back(
            path + ": " + std::string(key) + " of which " + std::to_string(fitting) + " fit"
        );
        return why;
    }

    Problems items(
        std::string_view key, Json const& rule, Json const& value, std::string const& path
    ) const {
        Problems out;
        if (!value.is_array()) return out;
        auto const& list = value.get_array();
        if (key == "minItems") {
            if (list.size() < rule.to_number<std::size_t>()) out.push_back(path + ": too short");
            return out;
        }
        for (std::size_t i = 0; i < list.size(); ++i) {
            auto const problems = check(rule, list[i], path + "/" + std::to_string(i));
            out.insert(out.end(), problems.begin(), problems.end());
        }
        return out;
    }

    Problems object(
        std::string_view key, Json const& rule, JsonObject const& schema, Json const& value,
        std::string const& path
    ) const {
        Problems out;
        auto const* const given = value.if_object();
        auto const add = [&](Problems const& problems) {
            out.insert(out.end(), problems.begin(), problems.end());
        };
        if (key == "required") {
            for (auto const& name : rule.get_array()) {
                if (given == nullptr || given->contains(name.get_string())) continue;
                out.push_back(path + ": without " + std::string(name.get_string()));
            }
        } else if (key == "properties") {
            for (auto const& [name, part] : rule.get_object()) {
                if (given == nullptr || !given->contains(name)) continue;
                add(check(part, given->at(name), path + "/" + std::string(name)));
            }
        } else if (key == "additionalProperties" || key == "propertyNames") {
            if (given == nullptr) return out;
            auto const* const known = schema.if_contains("properties");
            for (auto const& [name, part] : *given) {
                bool const is_known = known != nullptr && known->get_object().contains(name);
                auto const at = path + "/" + std::string(name);
                if (key == "propertyNames") {
                    add(check(rule, Json(name), at));
                } else if (!is_known) {
                    add(check(rule, part, at));
                }
            }
        } else {
            throw std::runtime_error("unknown keyword " + std::string(key));
        }
        return out;
    }

    Json const& root_;
};

}  // namespace

std::vector<std::string> schema_problems(Json const& schema, Json const& value) {
    return Validator(schema).check(schema, value, "");
}

}  // namespace rollbackd::testing
