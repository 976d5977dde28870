// Small words the key tables are written with.
#pragma once

#include "core/descriptor.hpp"
#include "core/time.hpp"

namespace rollbackd::keys {

inline Field key(std::string name, FieldType type, std::string doc) {
    Field field;
    field.name = std::move(name);
    field.type = type;
    field.doc = std::move(doc);
    return field;
}

inline Field needed(Field field) {
    field.required = true;
    return field;
}

inline Field bounded(Field field, double min, double max) {
    field.min = min;
    field.max = max;
    return field;
}

/// A duration between two others, both allowed.
inline Field lasting(std::string name, Duration min, Duration max, std::string doc) {
    return bounded(
        key(std::move(name), FieldType::duration, std::move(doc)), double(min.count()),
        double(max.count())
    );
}

inline Field one_of(std::string name, std::vector<std::string> choices, std::string doc) {
    auto field = key(std::move(name), FieldType::choice, std::move(doc));
    field.choices = std::move(choices);
    return field;
}

inline Field secret(Field field) {
    field.secret = true;
    return field;
}

/// Says the default; the reader's own struct holds it too.
inline Field otherwise(Field field, Json value) {
    field.otherwise = std::move(value);
    return field;
}

inline Field otherwise(Field field, Duration value) {
    return otherwise(std::move(field), Json(value.count()));
}

}  // namespace rollbackd::keys
