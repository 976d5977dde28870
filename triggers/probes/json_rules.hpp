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

private:
    /// Pointers into a member, and the values that must stand there.
    using Wanted = std::vector<std::pair<std::string, Json>>;

    static Result<Wanted> wanted_of(Json const& params, std::string const& key);
    static Result<bool> fits(Wanted const& wanted, Json const& item);
    Result<std::vector<Json const*>> items_in(Json const& body) const;
    Result<ProbeAnswer> listed(std::vector<Json const*> const& items, WallTime now) const;
    Result<Measured> outcome(Json const& item) const;
    Result<ProbeAnswer> counted(Json const& body, WallTime now, Totals& totals) const;

    std::string url_, by_;
    std::optional<std::string> value_, items_, oldest_, success_, failure_, id_, at_;
    Wanted where_, fail_, neutral_;
    bool grows_ = false;
};

}  // namespace rollbackd
