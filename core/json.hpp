// JSON values and the one way our own structs become JSON and come back.
// A struct is described once with BOOST_DESCRIBE_STRUCT; reading is lenient about absent members
// (they keep their default, so older records stay readable) and strict about wrong types.
#pragma once

#include "core/error.hpp"
#include "core/time.hpp"

#include <boost/describe.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>
#include <concepts>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace rollbackd {

using Json = boost::json::value;
using JsonObject = boost::json::object;
using JsonArray = boost::json::array;

/// Parses one JSON text; the Error names the offset. Nesting is limited to 32 levels.
Result<Json> parse_json(std::string_view text);
std::string to_text(Json const& value);
/// Indented by two spaces, for people.
std::string to_pretty_text(Json const& value);

/// Looks `key` up in `value` where it is an object; nullptr otherwise.
Json const* find(Json const& value, std::string_view key);
/// The member's text, or `otherwise` where it is absent or no string.
std::string text_of(Json const& value, std::string_view key, std::string_view otherwise = {});
/// RFC 6901 lookup; nullptr where the path leads nowhere.
Json const* find_pointer(Json const& value, std::string_view pointer);

/// Enumerators are written with `-` for `_` where this is specialised to true (standings:
/// known-good).
template <class E>
inline constexpr bool dashed_enum = false;

template <class E>
    requires std::is_enum_v<E> && boost::describe::has_describe_enumerators<E>::value
std::string to_string(E value) {
    std::string name = boost::describe::enum_to_string(value, "?");
    if (!name.empty() && name.back() == '_') name.pop_back();  // for names that are C++ keywords
    if constexpr (dashed_enum<E>) {
        for (auto& c : name) c = c == '_' ? '-' : c;
    }
    return name;
}

/// Every enumerator's name as to_string writes it, in order of declaration.
template <class E>
std::vector<std::string> enum_names() {
    std::vector<std::string> names;
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<E>>([&](auto entry) {
        names.push_back(to_string(static_cast<E>(entry.value)));
    });
    return names;
}

template <class E>
std::optional<E> enum_from(std::string_view name) {
    std::optional<E> found;
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<E>>([&](auto entry) {
        if (to_string(static_cast<E>(entry.value)) == name) found = static_cast<E>(entry.value);
    });
    return found;
}

template <class T>
Json to_json(T const& value);
/// Throws std::invalid_argument with the member's name on a wrong type; use read_json outside.
template <class T>
void from_json(Json const& json, T& value);

namespace json_detail {

[[noreturn]] void wrong_type(std::string_view expected);

template <class T>
struct is_optional : std::false_type {};
template <class T>
struct is_optional<std::optional<T>> : std::true_type {};
template <class T>
struct is_vector : std::false_type {};
template <class T>
struct is_vector<std::vector<T>> : std::true_type {};
template <class T>
struct is_set : std::false_type {};
template <class T>
struct is_set<std::set<T>> : std::true_type {};
template <class T>
struct is_map : std::false_type {};
template <class T, class C>
struct is_map<std::map<std::string, T, C>> : std::true_type {};
template <class T>
struct is_shared : std::false_type {};
template <class T>
struct is_shared<std::shared_ptr<T const>> : std::true_type {};

double as_double(Json const& json);
std::int64_t as_int(Json const& json);
std::uint64_t as_uint(Json const& json);
std::string as_string(Json const& json);
bool as_bool(Json const& json);
[[noreturn]] void rethrow_at(std::string_view member);

template <class T>
JsonObject described_to_json(T const& value) {
    JsonObject out;
    using Members = boost::describe::describe_members<T, boost::describe::mod_public>;
    boost::mp11::mp_for_each<Members>([&](auto member) {
        auto const& field = value.*member.pointer;
        using Field = std::remove_cvref_t<decltype(field)>;
        if constexpr (is_optional<Field>::value) {
            if (field) out[member.name] = to_json(*field);
        } else {
            out[member.name] = to_json(field);
        }
    });
    return out;
}

template <class T>
void described_from_json(Json const& json, T& value) {
    if (!json.is_object()) wrong_type("an object");
    using Members = boost::describe::describe_members<T, boost::describe::mod_public>;
    boost::mp11::mp_for_each<Members>([&](auto member) {
        auto const* const found = json.get_object().if_contains(member.name);
        if (found == nullptr) return;
        try {
            from_json(*found, value.*member.pointer);
        } catch (std::exception const&) {
            rethrow_at(member.name);
        }
    });
}

}  // namespace json_detail

template <class T>
Json to_json(T const& value) {
    using namespace json_detail;
    if constexpr (std::same_as<T, Json> || std::same_as<T, bool>) {
        return Json(value);
    } else if constexpr (std::same_as<T, JsonObject> || std::same_as<T, JsonArray>) {
        return Json(value);
    } else if constexpr (std::same_as<T, std::string>) {
        return Json(boost::json::string(value));
    } else if constexpr (std::same_as<T, WallTime>) {
        return to_json(format_rfc3339(value));
    } else if constexpr (std::same_as<T, Instant>) {
        return Json(value.time_since_epoch().count());
    } else if constexpr (std::same_as<T, Duration>) {
        return Json(value.count());
    } else if constexpr (std::is_enum_v<T>) {
        return to_json(to_string(value));
    } else if constexpr (std::is_arithmetic_v<T>) {
        return Json(value);
    } else if constexpr (is_optional<T>::value) {
        return value ? to_json(*value) : Json(nullptr);
    } else if constexpr (is_shared<T>::value) {
        return value ? to_json(*value) : Json(nullptr);
    } else if constexpr (is_vector<T>::value || is_set<T>::value) {
        JsonArray out;
        for (auto const& item : value) out.push_back(to_json(item));
        return out;
    } else if constexpr (is_map<T>::value) {
        JsonObject out;
        for (auto const& [key, item] : value) out[key] = to_json(item);
        return out;
    } else {
        return described_to_json(value);
    }
}

template <class T>
void from_json(Json const& json, T& value) {
    using namespace json_detail;
    if constexpr (std::same_as<T, Json>) {
        value = json;
    } else if constexpr (std::same_as<T, bool>) {
        value = as_bool(json);
    } else if constexpr (std::same_as<T, JsonObject>) {
        if (!json.is_object()) wrong_type("an object");
        value = json.get_object();
    } else if constexpr (std::same_as<T, JsonArray>) {
        if (!json.is_array()) wrong_type("an array");
        value = json.get_array();
    } else if constexpr (std::same_as<T, std::string>) {
        value = as_string(json);
    } else if constexpr (std::same_as<T, WallTime>) {
        auto parsed = parse_rfc3339(as_string(json));
        if (!parsed) wrong_type("an RFC 3339 time");
        value = *parsed;
    } else if constexpr (std::same_as<T, Instant>) {
        value = Instant(Duration(as_int(json)));
    } else if constexpr (std::same_as<T, Duration>) {
        value = Duration(as_int(json));
    } else if constexpr (std::is_enum_v<T>) {
        auto const found = enum_from<T>(as_string(json));
        if (!found) wrong_type("a known name");
        value = *found;
    } else if constexpr (std::is_floating_point_v<T>) {
        value = static_cast<T>(as_double(json));
    } else if constexpr (std::is_unsigned_v<T>) {
        value = static_cast<T>(as_uint(json));
    } else if constexpr (std::is_integral_v<T>) {
        value = static_cast<T>(as_int(json));
    } else if constexpr (is_optional<T>::value) {
        if (json.is_null()) {
            value.reset();
        } else {
            from_json(json, value.emplace());
        }
    } else if constexpr (is_shared<T>::value) {
        auto made = std::make_shared<std::remove_const_t<typename T::element_type>>();
        from_json(json, *made);
        value = std::move(made);
    } else if constexpr (is_vector<T>::value) {
        if (!json.is_array()) wrong_type("an array");
        value.clear();
        for (auto const& item : json.get_array()) from_json(item, value.emplace_back());
    } else if constexpr (is_set<T>::value) {
        if (!json.is_array()) wrong_type("an array");
        value.clear();
        for (auto const& item : json.get_array()) {
            typename T::value_type made{};
            from_json(item, made);
            value.insert(std::move(made));
        }
    } else if constexpr (is_map<T>::value) {
        if (!json.is_object()) wrong_type("an object");
        value.clear();
        for (auto const& [key, item] : json.get_object()) {
            from_json(item, value[std::string(key)]);
        }
    } else {
        described_from_json(json, value);
    }
}

/// from_json with the failure as a value: "member.path: expected …".
template <class T>
Result<T> read_json(Json const& json) {
    T value{};
    try {
        from_json(json, value);
    } catch (std::exception const& problem) {
        return fail(Errc::invalid, problem.what());
    }
    return value;
}

}  // namespace rollbackd
