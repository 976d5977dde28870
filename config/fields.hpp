// Reads one value as its Field says: typed, bounded, with the choices named. The params of every
// signal, step and notifier, and the fixed keys of the policy, pass through here.
#pragma once

#include "config/yaml_cursor.hpp"
#include "core/time.hpp"

namespace rollbackd {

/// What a place in the policy does with text beyond its type.
struct ValueHooks {
    /// Looks at each text before its type does: puts vars in (signals), or checks the names of a
    /// template (playbooks). Nothing: already reported.
    std::function<std::optional<std::string>(YamlCursor const&, std::string)> text;
    /// Checks a condition against the service's signals.
    std::function<void(YamlCursor const&, std::string const&)> condition;
    /// A file that holds a secret: looks whether it can be read.
    std::function<void(YamlCursor const&, std::string const&)> secret_file;
    /// A text with ${NAME}: looks whether the environment has it.
    std::function<void(YamlCursor const&, std::string const&)> environment;
};

/// The value as it stands in params: durations in nanoseconds, sizes in bytes, the rest as JSON.
/// Nothing: reported.
std::optional<Json> read_value(
    YamlCursor const& cursor, Field const& field, ValueHooks const& hooks
);

/// Every field of a type: unknown keys, missing ones, alternatives. Defaults are filled in.
/// `beside`: the keys that stand beside the type, for who writes one of them inside.
JsonObject read_params(
    YamlCursor const& cursor, TypeInfo const& type, ValueHooks const& hooks,
    Section const* beside = nullptr
);

/// Reads `key` of a section into a typed place; an absent or wrong one leaves it as it is.
template <class T>
bool read(MapReader& map, std::string_view key, T& into, ValueHooks const& hooks = {});

/// "at least 1", "from 1s to 1d": a field's bounds for people; empty where it has none.
std::string describe_bounds(Field const& field);

/// The JSON behind read<T>.
std::optional<Json> read_key(MapReader& map, std::string_view key, ValueHooks const& hooks);
/// Reports that a value could not become its type, which the section's table must exclude.
void report_conversion(MapReader const& map, std::string_view key, std::string const& what);

template <class T>
bool read(MapReader& map, std::string_view key, T& into, ValueHooks const& hooks) {
    auto const value = read_key(map, key, hooks);
    if (!value) return false;
    auto made = read_json<T>(*value);
    if (!made) {
        report_conversion(map, key, made.error().what);
        return false;
    }
    into = std::move(*made);
    return true;
}

}  // namespace rollbackd
