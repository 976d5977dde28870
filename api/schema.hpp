// JSON values held against the schemas of the OpenAPI document, which are compiled once. The
// keywords are those that the document uses, and no other: one that nobody here knows would forbid
// nothing, so a document that has it does not compile. Pure.
#pragma once

#include "api/response.hpp"
#include "core/error.hpp"

namespace re2 {
class RE2;
}

namespace rollbackd::api {

/// The JSON pointer of a member (RFC 6901: ~ and / in its name are escaped).
std::string pointer_to(std::string_view name);

class Schemas {
public:
    using Id = std::size_t;

    /// `named` is components/schemas. Errc::invalid with its place in the document: an unknown
    /// keyword, type or format, a reference that leads nowhere, a pattern that is none.
    static Result<Schemas> of(JsonObject const& named);
    /// One that stands elsewhere in the document, at `where`.
    Result<Id> add(Json const& schema, std::string const& where);

    /// What is wrong with the value, in its own order, up to mistakes_max; empty: it fits.
    std::vector<Mistake> mistakes(Id id, Json const& value) const;
    /// Whether text (of a path or a query) is to be read as a number first.
    bool is_integer(Id id) const;

    static constexpr std::size_t mistakes_max = 100;

    /// As bits: a value may be of several.
    enum Kind : unsigned {
        null = 1U,
        boolean = 2U,
        integer = 4U,
        number = 8U,
        string = 16U,
        array = 32U,
        object = 64U,
    };

    struct Node {
        unsigned kinds = 0;  // of Kind; 0: any
        bool is_time = false;
        bool closed = false;  // no members but those named
        std::string expected;
        std::vector<Json> choices;
        std::optional<std::size_t> length_min;
        std::optional<std::size_t> length_max;
        std::optional<double> minimum;
        std::optional<double> maximum;
        std::shared_ptr<re2::RE2 const> pattern;
        std::optional<Id> same_as;
        std::optional<Id> items;
        std::optional<Id> others;
        std::vector<Id> any_of;
        std::vector<std::string> required;
        std::vector<std::pair<std::string, Id>> members;
    };
    Node const& node(Id id) const { return nodes_.at(id); }

private:
    Result<Node> compile(Json const& schema, std::string const& where);
    Result<void> read(Node& node, std::string_view key, Json const& value, std::string const& at);
    Result<void> read_parts(
        Node& node, std::string_view key, Json const& value, std::string const& at
    );

    std::vector<Node> nodes_;
    std::map<std::string, Id, std::less<>> names_;
};

}  // namespace rollbackd::api
