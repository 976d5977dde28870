// A public page of what is broken: pure, so that its words and its escaping have their own tests.
// It is made of incidents' states alone; no text of a person, a program or a log reaches it.
#pragma once

#include "core/json.hpp"

namespace rollbackd {

/// One incident as the public is told of it.
struct StatusEntry {
    std::string incident;
    std::string affected;  // what people call the service
    std::string state;     // investigating, mending, checking, monitoring, people, resolved
    std::string text;      // the same as a sentence
    WallTime since{};
    WallTime updated_at{};
    std::optional<WallTime> next_update;
    std::optional<WallTime> resolved_at;

    friend bool operator==(StatusEntry const&, StatusEntry const&) = default;
};
BOOST_DESCRIBE_STRUCT(
    StatusEntry, (), (incident, affected, state, text, since, updated_at, next_update, resolved_at)
)

struct StatusPage {
    std::string title;
    std::string status = "operational";  // or disrupted
    WallTime updated_at{};
    std::vector<StatusEntry> incidents;  // the newest first

    friend bool operator==(StatusPage const&, StatusPage const&) = default;
};
BOOST_DESCRIBE_STRUCT(StatusPage, (), (title, status, updated_at, incidents))

/// How the incident, as the API shows it, stands for the public; nullopt: it is none.
std::optional<StatusEntry> status_entry(
    Json const& incident, std::string const& affected, WallTime at, Duration next_update
);

/// The page with this entry in the place of the incident's older one. What was resolved long ago,
/// or is one of too many, goes.
StatusPage with_entry(StatusPage page, StatusEntry entry);

/// The page as it was written; an empty one where the text is none of ours.
StatusPage read_status_page(std::string_view text);

/// A whole page that needs nothing else: every text in it is escaped.
std::string status_html(StatusPage const& page);

}  // namespace rollbackd
