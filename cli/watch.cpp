// watch: what happens, as it happens, in plain words; goes on after a lost connection where it was.
#include "cli/handlers.hpp"
#include "cli/narrator.hpp"
#include "cli/text.hpp"
#include "cli/view.hpp"

#include <algorithm>
#include <charconv>
#include <ostream>

namespace rollbackd::cli {

namespace {

constexpr std::chrono::milliseconds pause_first{200};
constexpr std::chrono::milliseconds pause_longest{10'000};
constexpr std::size_t time_width = 20;

/// The record's own body, sent as an object or as the text that was hashed.
Json body_of(Json const& record) {
    auto const* const body = find(record, "body");
    if (body == nullptr) return record;
    if (!body->is_string()) return *body;
    auto parsed = parse_json(body->get_string());
    return parsed ? std::move(*parsed) : Json(nullptr);
}

class Teller {
public:
    Teller(Context const& context, std::size_t count) : context_(context), left_(count) {}

    /// False: enough was told, or nobody reads any more.
    bool take(ServerEvent const& event) {
        auto const record = parse_json(event.data);
        auto const json = record ? *record : Json(nullptr);
        if (context_.json) {
            auto const line =
                to_text(JsonObject{{"id", event.id}, {"event", event.event}, {"data", json}});
            context_.terminal.out << line << std::endl;
        } else if (!tell(event, json, record.has_value())) {
            return true;
        }
        if (!context_.terminal.out) return false;
        return left_ == 0 || --left_ > 0;
    }

private:
    bool tell(ServerEvent const& event, Json const& record, bool readable) {
        auto const& terminal = context_.terminal;
        auto const line = readable ? narrator_.tell(event.event, body_of(record))
                                   : clean(event.event) + ": its record cannot be read";
        if (line.empty()) return false;
        auto const at = moment(text_of(record, "at"));
        auto const room = std::max<std::size_t>(terminal.width, time_width + 22) - time_width - 2;
        bool first = true;
        for (auto const& part : wrap(line, room)) {
            terminal.out << (first ? terminal.paint(padded(at, time_width), Colour::dim)
                                   : std::string(time_width, ' '))
                         << "  " << part << '\n';
            first = false;
        }
        terminal.out.flush();
        return true;
    }

    Context const& context_;
    std::size_t left_;
    Narrator narrator_;
};

Outcome<std::size_t> count_of(Arguments const& given) {
    auto const text = given.text("--count");
    std::size_t count = 0;
    if (text.empty()) return count;
    auto const [end, problem] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (problem != std::errc() || end != text.data() + text.size() || count == 0) {
        return misuse("--count '" + clean(text) + "': expected a number of 1 or more");
    }
    return count;
}

/// Where to begin: after the record named, else after the newest one there is. Known beforehand, so
/// that nothing is missed when the very first connection is lost before it brought an event.
Outcome<std::string> beginning(Client const& client, Arguments const& given) {
    auto const from = given.text("--from");
    if (from.find_first_not_of("0123456789") != std::string::npos) {
        return misuse(
            "--from '" + clean(from) + "': expected a journal sequence; 0 is the beginning"
        );
    }
    if (!from.empty()) return from;
    auto const status = client.call("GET", "/v1/status");
    if (!status) return tl::unexpected(status.error());
    auto const* const journal = find(status->json, "journal");
    return journal == nullptr ? std::string() : shown(*journal, "seq");
}

}  // namespace

Outcome<Exit> watch(Context& context, Arguments const& given) {
    auto const count = count_of(given);
    if (!count) return tl::unexpected(count.error());
    auto const client = context.client();
    std::string target = "/v1/events";
    if (auto const service = given.maybe("SERVICE")) target += "?service=" + url_segment(*service);
    auto begin = beginning(client, given);
    if (!begin) return tl::unexpected(begin.error());
    auto& last_id = *begin;
    Teller teller(context, *count);
    auto wait = pause_first;
    bool opened_once = false;
    while (true) {
        auto const stopped = client.follow(
            target, last_id, [&](ServerEvent const& event) { return teller.take(event); },
            [&] {
                if (opened_once) context.terminal.err << "rollbackctl: connected again\n";
                opened_once = true;
                wait = pause_first;
            }
        );
        if (stopped && *stopped) return Exit::done;
        // What was refused stays refused; what was never reached is the user's to mend. Only a
        // stream that worked once is worth waiting for.
        if (!stopped && (!opened_once || stopped.error().exit != Exit::unreachable)) {
            return tl::unexpected(stopped.error());
        }
        if (wait == pause_first) {
            context.terminal.err
                << "rollbackctl: the connection is lost; trying again until it is back\n";
        }
        pause_for(wait);
        wait = std::min(wait * 2, pause_longest);
    }
}

}  // namespace rollbackd::cli
