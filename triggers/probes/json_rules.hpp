// What an `http_json` signal takes out of a JSON answer: one number, how many or how old the
// members of a list are, or outcomes. Pure and fuzzed.
#pragma once

#include "triggers/probes/probe.hpp"
#include "triggers/probes/totals.hpp"

namespace rollbackd {

class JsonRules {
public:
    /// Errors name the field.
    static Result<JsonRules> make(JsonObject const& params, std::string by);

    SignalKind kind() const;
    bool grows() const { return grows_; }
    std::string identity() const;
    /// Errors begin with a slug: garbage (no JSON), missing (a member), content (no number). No
    /// value and no Error: the first look at counts that only grow.
    Result<ProbeAnswer> read(std::string_view body, WallTime now, Totals& totals) const;
    /// The same of a list that came in pages, of which there is at least one.
    Result<ProbeAnswer> read(std::vector<Json> const& pages, WallTime now, Totals& totals) const;

private:
    /// Pointers into a member, and the values that must stand there.
    using Wanted = std::vector<std::pair<std::string, Json>>;

    /// A member of a list, or of a map with its name there.
    struct Item {
        Json const* value;
        std::string_view name;
    };

    static Result<Wanted> wanted_of(Json const& params, std::string const& key);
    static Result<bool> fits(Wanted const& wanted, Json const& item);
    void read_by(std::string by);
    Result<void> add_items(Json const& body, std::vector<Item>& items) const;
    Result<ProbeAnswer> listed(std::vector<Item> const& items, WallTime now) const;
    Result<ProbeAnswer> aged(std::vector<Item> const& items, WallTime now) const;
    Result<std::string> by_of(Item const& item) const;
    Result<Measured> outcome(Item const& item) const;
    Result<OutcomesValue> counts_in(Json const& body) const;
    Result<ProbeAnswer> counted(Json const& body, WallTime now, Totals& totals) const;
    Result<ProbeAnswer> counted_apart(std::vector<Item> const& items, WallTime now, Totals& totals)
        const;
    void grow(OutcomesValue& counts, std::string const& of, Totals& totals) const;

    std::string url_;
    bool by_name_ = false;  // a map's own name for the member
    std::string by_;        // pointer into a member; empty: nothing is kept apart
    std::string by_query_;  // the parameter of the address that stands there
    std::optional<std::string> value_, items_, oldest_, success_, failure_, id_, at_, affected_;
    Wanted where_, fail_, neutral_;
    bool grows_ = false;
};

}  // namespace rollbackd
