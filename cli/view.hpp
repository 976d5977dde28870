// Reading the API's JSON for people: leniently (a member that is not there shows nothing), cleaned,
// in the units a person reads.
#pragma once

#include "cli/command.hpp"
#include "cli/table.hpp"

namespace rollbackd::cli {

/// The `items` of a list, or of the member `name`; empty where there are none.
JsonArray const& items_of(Json const& value, std::string_view name = "items");
/// Cleaned text of a member: strings as they are, numbers and booleans written out, else empty.
std::string shown(Json const& value, std::string_view name);
/// The text of a list's item that is a plain string, or of its member `name`.
std::string name_of(Json const& item, std::string_view name = "name");
bool is_true(Json const& value, std::string_view name);
std::optional<std::int64_t> number_of(Json const& value, std::string_view name);

/// "2026-01-31 12:00:05Z" from RFC 3339; other text cleaned, as it is.
std::string moment(std::string_view rfc3339);
/// The time between two members, for people; empty where one is missing.
std::string between(Json const& value, std::string_view from, std::string_view to);

Colour colour_of_state(std::string_view state);
Colour colour_of_severity(std::string_view severity);
Colour colour_of_verdict(std::string_view verdict);
Colour colour_of_standing(std::string_view standing);

/// "label: text", wrapped with the continuation under the text. Nothing where there is no text.
void print_field(
    Terminal const& terminal, std::string_view label, std::string_view text, std::size_t indent = 2,
    Colour colour = Colour::none
);

/// The answer's body as the API sent it, ended by one newline.
/// What a plan or a run may lose, for people: "DATA WILL BE LOST: since …"; empty: nothing.
std::string loss_of(Json const& plan);

Exit pass_through(Terminal const& terminal, Answer const& answer);

/// A call whose answer is one sentence: the JSON with --json, else what `sentence` makes of it.
Outcome<Exit> call_and_say(
    Context& context, std::string const& method, std::string const& target,
    std::optional<Json> const& body, std::function<std::string(Json const&)> const& sentence
);

/// {"reason": …} where a reason was given.
JsonObject reason_body(Arguments const& given);

}  // namespace rollbackd::cli
