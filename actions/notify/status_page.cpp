#include "actions/notify/status_page.hpp"

#include "core/names.hpp"

#include <algorithm>
#include <tuple>

namespace rollbackd {

namespace {

constexpr auto resolved_kept = std::chrono::hours(24);
constexpr std::size_t entries_max = 100;
constexpr std::size_t word_max = 200;

struct Words {
    char const* state;
    char const* text;
};

Words words_for(std::string const& state, bool recovered) {
    if (state == "resolved") return {"resolved", "It works again."};
    if (state == "acting") return {"mending", "It is being mended."};
    if (state == "verifying" || state == "unverified") {
        if (recovered) return {"monitoring", "It works again, and is watched."};
        return {"checking", "What was done is being checked."};
    }
    if (state == "frozen") return {"people", "People are working on it."};
    return {"investigating", "It is being looked into."};
}

std::string html(std::string_view text) {
    std::string out;
    for (char const c : printable_line(text, word_max)) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            case '\'':
                out += "&#39;";
                break;
            default:
                out += c;
        }
    }
    return out;
}

// People read minutes; programs find the rest in the attribute.
std::string time_element(WallTime at) {
    auto const text = format_rfc3339(at);
    return "<time datetime=\"" + html(text) + "\">" + html(text.substr(0, 10)) + " " +
           html(text.substr(11, 5)) + " UTC</time>";
}

std::string article(StatusEntry const& entry) {
    std::string out = "<article class=\"" + html(entry.state) + "\">\n<h2>" + html(entry.affected) +
                      "</h2>\n<p><strong>" + html(entry.state) + "</strong>: " + html(entry.text) +
                      "</p>\n<p>Since " + time_element(entry.since);
    if (entry.resolved_at) out += ", until " + time_element(*entry.resolved_at);
    out += ". Updated " + time_element(entry.updated_at) + ".";
    if (entry.next_update) out += " Next update by " + time_element(*entry.next_update) + ".";
    return out + "</p>\n</article>\n";
}

constexpr char const* style =
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem;"
    "color:#1b1b1b;background:#fff}article{border-left:.4rem solid #b3261e;padding:0 1rem;"
    "margin:1rem 0}article.resolved,article.monitoring{border-color:#2e7d32}"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#111}}";

}  // namespace

std::optional<StatusEntry> status_entry(
    Json const& incident, std::string const& affected, WallTime at, Duration next_update
) {
    auto const opened = parse_rfc3339(text_of(incident, "opened_at"));
    if (!opened || text_of(incident, "id").empty()) return std::nullopt;
    auto const state = text_of(incident, "state");
    auto const words = words_for(state, !text_of(incident, "recovered_at").empty());
    StatusEntry out;
    out.incident = text_of(incident, "id");
    out.affected = affected;
    out.state = words.state;
    out.text = words.text;
    out.since = *opened;
    out.updated_at = at;
    if (state == "resolved") {
        auto const resolved = parse_rfc3339(text_of(incident, "resolved_at"));
        out.resolved_at = resolved ? *resolved : at;
    } else {
        out.next_update = at + std::chrono::duration_cast<WallTime::duration>(next_update);
    }
    return out;
}

StatusPage with_entry(StatusPage page, StatusEntry entry) {
    page.updated_at = std::max(page.updated_at, entry.updated_at);
    auto const now = entry.updated_at;
    std::erase_if(page.incidents, [&](StatusEntry const& old) {
        bool const gone = old.resolved_at && now - *old.resolved_at > resolved_kept;
        return gone || old.incident == entry.incident;
    });
    page.incidents.push_back(std::move(entry));
    // What still lasts stays, whatever was resolved meanwhile.
    std::stable_sort(
        page.incidents.begin(), page.incidents.end(),
        [](StatusEntry const& a, StatusEntry const& b) {
            if (a.resolved_at.has_value() != b.resolved_at.has_value()) return !a.resolved_at;
            return std::tie(a.since, a.incident) > std::tie(b.since, b.incident);
        }
    );
    if (page.incidents.size() > entries_max) page.incidents.resize(entries_max);
    bool const well =
        std::all_of(page.incidents.begin(), page.incidents.end(), [](StatusEntry const& one) {
            return one.resolved_at.has_value();
        });
    page.status = well ? "operational" : "disrupted";
    return page;
}

StatusPage read_status_page(std::string_view text) {
    auto const json = parse_json(text);
    if (!json) return {};
    return read_json<StatusPage>(*json).value_or(StatusPage{});
}

std::string status_html(StatusPage const& page) {
    bool const well = page.status == "operational";
    std::string out =
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta http-equiv=\"refresh\" content=\"60\">\n<title>" +
        html(page.title) + "</title>\n<style>" + style + "</style>\n</head>\n<body>\n<h1>" +
        html(page.title) + "</h1>\n<p role=\"status\">" +
        (well ? "Everything works." : "Something does not work as it should.") + " Written " +
        time_element(page.updated_at) + ".</p>\n";
    for (auto const& entry : page.incidents) out += article(entry);
    return out + "</body>\n</html>\n";
}

}  // namespace rollbackd
