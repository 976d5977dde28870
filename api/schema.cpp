#include "api/schema.hpp"

#include <re2/re2.h>

namespace rollbackd::api {

namespace {

constexpr std::string_view to_components = "#/components/schemas/";

unsigned kind_named(std::string_view name) {
    if (name == "null") return Schemas::null;
    if (name == "boolean") return Schemas::boolean;
    if (name == "integer") return Schemas::integer;
    if (name == "number") return Schemas::number;
    if (name == "string") return Schemas::string;
    if (name == "array") return Schemas::array;
    return name == "object" ? unsigned(Schemas::object) : 0U;
}

Result<unsigned> kinds_named(Json const& type, std::string const& at) {
    JsonArray const names = type.is_array() ? type.get_array() : JsonArray{type};
    unsigned kinds = 0;
    for (auto const& name : names) {
        auto const kind = kind_named(name.as_string());
        if (kind == 0) return fail(Errc::invalid, "unknown type " + to_text(name), at);
        kinds |= kind;
    }
    return kinds;
}

}  // namespace

std::string pointer_to(std::string_view name) {
    std::string out = "/";
    for (char const c : name) {
        if (c == '~') {
            out += "~0";
        } else if (c == '/') {
            out += "~1";
        } else {
            out.push_back(c);
        }
    }
    return out;
}

Result<Schemas> Schemas::of(JsonObject const& named) {
    Schemas out;
    for (auto const& [name, schema] : named) out.names_.emplace(name, out.names_.size());
    out.nodes_.resize(named.size());
    for (auto const& [name, schema] : named) {
        auto node = out.compile(schema, "#/components/schemas" + pointer_to(name));
        if (!node) return tl::unexpected<Error>(std::move(node.error()));
        out.nodes_[out.names_.at(std::string(name))] = *std::move(node);
    }
    return out;
}

Result<Schemas::Id> Schemas::add(Json const& schema, std::string const& where) {
    auto node = compile(schema, where);
    if (!node) return tl::unexpected<Error>(std::move(node.error()));
    nodes_.push_back(*std::move(node));
    return nodes_.size() - 1;
}

bool Schemas::is_integer(Id id) const {
    auto const& at = node(id);
    return at.same_as ? is_integer(*at.same_as) : at.kinds == integer;
}

Result<Schemas::Node> Schemas::compile(Json const& schema, std::string const& where) {
    Node node;
    if (!schema.is_object()) return fail(Errc::invalid, "a schema is an object", where);
    for (auto const& [key, value] : schema.get_object()) {
        auto const at = where + pointer_to(key);
        Result<void> done;
        try {
            done = read(node, key, value, at);
        } catch (std::exception const&) {
            done = fail(Errc::invalid, "this is no value of " + std::string(key), at);
        }
        if (!done) return tl::unexpected<Error>(std::move(done.error()));
    }
    return node;
}

Result<void> Schemas::read(
    Node& node, std::string_view key, Json const& value, std::string const& at
) {
    if (key == "title" || key == "examples") return {};
    if (key == "description") {
        node.expected = value.as_string();
    } else if (key == "type") {
        auto const kinds = kinds_named(value, at);
        if (!kinds) return tl::unexpected<Error>(kinds.error());
        node.kinds = *kinds;
    } else if (key == "enum") {
        node.choices.assign(value.as_array().begin(), value.as_array().end());
    } else if (key == "minLength") {
        node.length_min = value.to_number<std::size_t>();
    } else if (key == "maxLength") {
        node.length_max = value.to_number<std::size_t>();
    } else if (key == "minimum") {
        node.minimum = value.to_number<double>();
    } else if (key == "maximum") {
        node.maximum = value.to_number<double>();
    } else if (key == "pattern") {
        auto made = std::make_shared<re2::RE2 const>(std::string(value.as_string()), RE2::Quiet);
        if (!made->ok()) return fail(Errc::invalid, "no pattern: " + made->error(), at);
        node.pattern = std::move(made);
    } else if (key == "format") {
        node.is_time = value.as_string() == "date-time";
        if (!node.is_time) return fail(Errc::invalid, "unknown format " + to_text(value), at);
    } else {
        return read_parts(node, key, value, at);
    }
    return {};
}

Result<void> Schemas::read_parts(
    Node& node, std::string_view key, Json const& value, std::string const& at
) {
    auto const part = [&](Json const& schema, std::string const& where, auto keep) -> Result<void> {
        auto const id = add(schema, where);
        if (!id) return tl::unexpected<Error>(id.error());
        keep(*id);
        return {};
    };
    if (key == "items") return part(value, at, [&](Id id) { node.items = id; });
    if (key == "additionalProperties" && value.is_bool()) {
        node.closed = !value.get_bool();
        return {};
    }
    if (key == "additionalProperties") return part(value, at, [&](Id id) { node.others = id; });
    Result<void> done;
    if (key == "$ref") {
        std::string_view const to = value.as_string();
        auto const found = to.starts_with(to_components)
                               ? names_.find(to.substr(to_components.size()))
                               : names_.end();
        if (found == names_.end()) return fail(Errc::invalid, "this leads nowhere", at);
        node.same_as = found->second;
    } else if (key == "required") {
        for (auto const& name : value.as_array()) node.required.emplace_back(name.as_string());
    } else if (key == "anyOf") {
        for (auto const& one : value.as_array()) {
            if (done) done = part(one, at, [&](Id id) { node.any_of.push_back(id); });
        }
    } else if (key == "properties") {
        for (auto const& [name, schema] : value.as_object()) {
            auto const keep = [&](Id id) { node.members.emplace_back(name, id); };
            if (done) done = part(schema, at + pointer_to(name), keep);
        }
    } else {
        return fail(Errc::invalid, "unknown keyword " + std::string(key), at);
    }
    return done;
}

}  // namespace rollbackd::api
