// Moves every Instant inside a described value by the same amount: records and checkpoints of
// another boot are brought onto this boot's timeline with it.
#pragma once

#include "core/json.hpp"

namespace rollbackd {

template <class T>
void shift_instants(T& value, Duration by) {
    if constexpr (std::same_as<T, Instant>) {
        value += by;
    } else if constexpr (json_detail::is_optional<T>::value) {
        if (value) shift_instants(*value, by);
    } else if constexpr (json_detail::is_vector<T>::value) {
        for (auto& item : value) shift_instants(item, by);
    } else if constexpr (json_detail::is_map<T>::value) {
        for (auto& [key, item] : value) shift_instants(item, by);
    } else if constexpr (json_detail::is_shared<T>::value) {
        if (!value) return;
        auto moved = std::make_shared<std::remove_const_t<typename T::element_type>>(*value);
        shift_instants(*moved, by);
        value = std::move(moved);
    } else if constexpr (!std::is_enum_v<T> && boost::describe::has_describe_members<T>::value &&
                         std::is_class_v<T>) {
        using Members = boost::describe::describe_members<T, boost::describe::mod_public>;
        boost::mp11::mp_for_each<Members>([&](auto member) {
            shift_instants(value.*member.pointer, by);
        });
    }
}

}  // namespace rollbackd
