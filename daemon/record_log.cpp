#include "daemon/record_log.hpp"

#include "daemon/log.hpp"
#include "engine/records.hpp"

namespace rollbackd {

namespace {

/// The incident a record is about, or else the service, the silence, …
std::string subject_of(RecordBody const& body, State const& state) {
    return std::visit(
        [&](auto const& typed) -> std::string {
            if constexpr (requires { typed.incident.id; }) {
                return typed.incident.id;
            } else if constexpr (requires { typed.run.incident; }) {
                return typed.run.incident;
            } else if constexpr (requires { typed.run.size(); }) {
                auto const* const found = state.run(typed.run).first;
                return found != nullptr ? found->id : std::string();
            } else if constexpr (requires { typed.id.size(); }) {
                return typed.id;
            } else if constexpr (requires { typed.service.size(); }) {
                return typed.service;
            } else {
                return {};
            }
        },
        body
    );
}

}  // namespace

std::string request_of(Event const& event) {
    return std::visit(
        [](auto const& typed) -> std::string {
            if constexpr (requires { typed.actor.request; }) {
                return typed.actor.request;
            } else {
                return {};
            }
        },
        event
    );
}

void log_record(Record const& record, State const& state, std::string const& request) {
    auto const body = read_body(record);
    if (!body) return;
    auto const text = tell(*body, state);
    if (text.empty()) return;
    auto const subject = subject_of(*body, state);
    bool const incident = state.incident(subject) != nullptr;
    log(LogLevel::info, record.kind,
        {{incident ? "incident" : "about", subject},
         {"text", text},
         {"seq", std::to_string(record.seq)},
         {"request", request}});
}

void log_request(api::RequestSeen const& request) {
    auto const level = request.told ? LogLevel::info : LogLevel::debug;
    if (!logs(level)) return;
    log(level, "request",
        {{"method", std::string(request.method)},
         {"path", std::string(request.path)},
         {"status", std::to_string(request.status)},
         {"by", std::string(request.by)},
         {"from", std::string(request.from)},
         {"took", format_human(request.took)},
         {"request", std::string(request.id)}});
}

}  // namespace rollbackd
