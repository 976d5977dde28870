// A call of the API: finds the daemon, sends one request, brings the answer or says in one line why
// there is none and how to mend it.
#pragma once

#include "cli/connection.hpp"
#include "cli/http.hpp"
#include "cli/outcome.hpp"
#include "core/json.hpp"

namespace rollbackd::cli {

struct Settings {
    Address address;
    std::string token;  // empty: none
    TlsFiles tls;
    std::string idempotency_key;  // of changing calls; empty: none
    std::chrono::milliseconds connect_timeout{5'000};
    std::chrono::milliseconds answer_timeout{30'000};
};

struct Answer {
    int status = 0;
    std::string type;  // media type without parameters
    std::string body;
    Json json;  // parsed body where the type is JSON, else null
};

class Client {
public:
    explicit Client(Settings settings) : settings_(std::move(settings)) {}

    /// The answer whatever its status; Refused with exit 3 where there is none.
    Outcome<Answer> ask(
        std::string const& method, std::string const& target, std::optional<Json> const& body = {},
        std::string const& accept = "application/json"
    ) const;
    /// The answer of a call that worked (2xx); anything else is Refused with the problem's text.
    Outcome<Answer> call(
        std::string const& method, std::string const& target, std::optional<Json> const& body = {},
        std::string const& accept = "application/json"
    ) const;

    /// Follows /v1/events once, from after `last_id` (empty: from now), until the connection ends.
    /// `on_event` answers false to stop. Whether it stopped; `last_id` moves on with each event.
    Outcome<bool> follow(
        std::string const& target, std::string& last_id,
        std::function<bool(ServerEvent const&)> const& on_event,
        std::function<void()> const& on_open
    ) const;

    Settings const& settings() const { return settings_; }

private:
    Request request_for(std::string const& method, std::string const& target) const;
    Refused unreachable(Error const& error, bool sent) const;

    Settings settings_;
};

/// The one line for an answer that refuses: "what (status); how to mend".
Refused refusal_of(Answer const& answer);

}  // namespace rollbackd::cli
