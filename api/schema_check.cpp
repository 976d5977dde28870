// A value against a compiled schema: every mistake, in words for whoever sent it.
#include "api/schema.hpp"
#include "core/names.hpp"

#include <re2/re2.h>
#include <algorithm>
#include <cmath>

namespace rollbackd::api {

namespace {

using Node = Schemas::Node;

struct KindWords {
    unsigned kind;
    std::string_view words;
};

constexpr KindWords kind_words[] = {
    {Schemas::null, "null"},        {Schemas::boolean, "true or false"},
    {Schemas::string, "a string"},  {Schemas::integer, "a whole number"},
    {Schemas::number, "a number"},  {Schemas::array, "a list"},
    {Schemas::object, "an object"},
};

unsigned kinds_of(Json const& value) {
    if (value.is_null()) return Schemas::null;
    if (value.is_bool()) return Schemas::boolean;
    if (value.is_string()) return Schemas::string;
    if (value.is_array()) return Schemas::array;
    if (value.is_object()) return Schemas::object;
    bool const fraction = value.is_double() && std::trunc(value.get_double()) != value.get_double();
    return fraction ? unsigned(Schemas::number) : Schemas::number | Schemas::integer;
}

std::size_t characters_of(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
    }));
}

std::string plain(double value) { return to_text(Json(static_cast<std::int64_t>(value))); }

/// "a whole number from 1 to 1000".
std::string words_of(Node const& node) {
    if (!node.expected.empty()) return node.expected;
    std::string out;
    for (auto const& [kind, words] : kind_words) {
        if ((node.kinds & kind) != 0) out += (out.empty() ? "" : " or ") + std::string(words);
    }
    if (node.minimum) out += " from " + plain(*node.minimum);
    if (node.maximum) out += " to " + plain(*node.maximum);
    return out;
}

std::string list_of(std::vector<Json> const& choices) {
    std::string out;
    for (auto const& choice : choices) {
        out += (out.empty() ? "" : ", ");
        out += choice.is_string() ? std::string(choice.get_string()) : to_text(choice);
    }
    return out;
}

class Look {
public:
    Look(Schemas const& schemas, std::vector<Mistake>& found) : schemas_(schemas), found_(found) {}

    void at(Schemas::Id id, Json const& value, std::string const& pointer) {
        auto const& node = schemas_.node(id);
        if (node.same_as) at(*node.same_as, value, pointer);
        if (!node.any_of.empty()) at_any(node, value, pointer);
        if (node.kinds != 0 && (node.kinds & kinds_of(value)) == 0) {
            return mistake("expected " + words_of(node), pointer);
        }
        auto const& choices = node.choices;
        if (!choices.empty() && std::find(choices.begin(), choices.end(), value) == choices.end()) {
            return mistake("expected one of " + list_of(choices), pointer);
        }
        if (value.is_string()) at_text(node, value.get_string(), pointer);
        if (value.is_number()) at_number(node, value.to_number<double>(), pointer);
        if (value.is_array()) at_list(node, value.get_array(), pointer);
        if (value.is_object()) at_object(node, value.get_object(), pointer);
    }

private:
    void mistake(std::string detail, std::string const& pointer) {
        if (full()) return;
        found_.push_back(Mistake{std::move(detail), pointer});
    }

    bool full() const { return found_.size() >= Schemas::mistakes_max; }

    /// Where it fits none, the first one tells why: the others are mostly null.
    void at_any(Node const& node, Json const& value, std::string const& pointer) {
        std::vector<Mistake> first;
        for (auto const id : node.any_of) {
            std::vector<Mistake> tried;
            Look(schemas_, tried).at(id, value, pointer);
            if (tried.empty()) return;
            if (first.empty()) first = std::move(tried);
        }
        for (auto& one : first) mistake(std::move(one.detail), one.pointer);
    }

    void at_text(Node const& node, std::string_view text, std::string const& pointer) {
        bool const counted = node.length_min || node.length_max;
        auto const length = counted ? characters_of(text) : 0;
        if (node.length_min && length < *node.length_min) {
            mistake("shorter than " + std::to_string(*node.length_min) + " characters", pointer);
        } else if (node.length_max && length > *node.length_max) {
            mistake("longer than " + std::to_string(*node.length_max) + " characters", pointer);
        } else if (node.is_time && !parse_rfc3339(text)) {
            mistake("expected an RFC 3339 time like 2026-01-31T12:00:00Z", pointer);
        } else if (node.pattern && !fits(*node.pattern, text)) {
            auto const named = node.expected.empty() ? node.pattern->pattern() : node.expected;
            mistake("expected " + named, pointer);
        }
    }

    static bool fits(re2::RE2 const& pattern, std::string_view text) {
        return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), pattern);
    }

    void at_number(Node const& node, double number, std::string const& pointer) {
        bool const below = node.minimum && number < *node.minimum;
        bool const above = node.maximum && number > *node.maximum;
        if (below || above) mistake("expected " + words_of(node), pointer);
    }

    void at_list(Node const& node, JsonArray const& list, std::string const& pointer) {
        if (!node.items) return;
        for (std::size_t i = 0; i < list.size() && !full(); ++i) {
            at(*node.items, list[i], pointer + "/" + std::to_string(i));
        }
    }

    void at_object(Node const& node, JsonObject const& object, std::string const& pointer) {
        for (auto const& [name, id] : node.members) {
            if (auto const* const found = object.if_contains(name)) {
                at(id, *found, pointer + pointer_to(name));
            } else if (is_required(node, name)) {
                mistake(name + " is required", pointer + pointer_to(name));
            }
        }
        if (!node.closed && !node.others) return;
        for (auto const& [key, value] : object) {
            if (full()) return;
            std::string const name(key);
            if (is_member(node, name)) continue;
            if (node.others) {
                at(*node.others, value, pointer + pointer_to(name));
            } else {
                mistake(unknown(node, name), pointer + pointer_to(name));
            }
        }
    }

    static bool is_required(Node const& node, std::string const& name) {
        return std::find(node.required.begin(), node.required.end(), name) != node.required.end();
    }

    static bool is_member(Node const& node, std::string const& name) {
        return std::any_of(node.members.begin(), node.members.end(), [&](auto const& member) {
            return member.first == name;
        });
    }

    static std::string unknown(Node const& node, std::string const& name) {
        std::vector<std::string> names;
        for (auto const& [known, id] : node.members) names.push_back(known);
        auto const meant = nearest_name(name, names);
        return "unknown member" + (meant.empty() ? "" : "; did you mean " + meant + "?");
    }

    Schemas const& schemas_;
    std::vector<Mistake>& found_;
};

}  // namespace

std::vector<Mistake> Schemas::mistakes(Id id, Json const& value) const {
    std::vector<Mistake> found;
    Look(*this, found).at(id, value, "");
    return found;
}

}  // namespace rollbackd::api
