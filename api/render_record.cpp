#include "api/render_record.hpp"

#include "api/render.hpp"
#include "engine/records.hpp"

namespace rollbackd::api {

namespace {

constexpr std::size_t depth_max = 32;

/// Takes the text out of everything that is evidence: members named `evidence`, one or many.
void hide_evidence(Json& value, std::size_t depth) {
    if (depth > depth_max) return;
    if (auto* const array = value.if_array()) {
        for (auto& item : *array) hide_evidence(item, depth + 1);
        return;
    }
    auto* const object = value.if_object();
    if (object == nullptr) return;
    bool const evidence = object->contains("sha256") && object->contains("text");
    if (evidence) object->erase("text");
    for (auto& [key, item] : *object) hide_evidence(item, depth + 1);
}

/// The person or token a body names: of most kinds `by`, of some inside what was recorded.
std::string who_of(Json const& body) {
    for (auto const* const pointer :
         {"/by", "/deployment/by", "/silence/by", "/run/by", "/actor/name"}) {
        auto const* const found = find_pointer(body, pointer);
        if (found != nullptr && found->is_string() && !found->get_string().empty()) {
            return std::string(found->get_string());
        }
    }
    return "rollbackd";
}

std::string first_text(Json const& body, std::initializer_list<char const*> pointers) {
    for (auto const* const pointer : pointers) {
        auto const* const found = find_pointer(body, pointer);
        if (found != nullptr && found->is_string()) return std::string(found->get_string());
    }
    return {};
}

}  // namespace

Json render_record(Record const& record, bool whole) {
    auto parsed = parse_json(record.body);
    Json body = parsed ? *std::move(parsed) : Json(nullptr);
    JsonObject out;
    out["seq"] = record.seq;
    out["at"] = render_time(record.at);
    out["kind"] = record.kind;
    // The words of the audit trail: who, what, when, hash.
    out["who"] = who_of(body);
    out["what"] = record.kind;
    out["when"] = render_time(record.at);
    if (!whole) {
        hide_evidence(body, 0);
        auto* const request = body.is_object() ? body.as_object().if_contains("request") : nullptr;
        if (request != nullptr && request->is_object()) request->as_object().erase("answer");
        if (record.kind == kind_of<PolicyLoadedRecord>()) body.as_object().erase("text");
    }
    out["body"] = std::move(body);
    out["epoch"] = record.epoch;
    out["prev"] = record.prev;
    out["hash"] = record.hash;
    return out;
}

Subject subject_of(Record const& record, State const& state) {
    auto const body = parse_json(record.body);
    Subject subject;
    if (!body) return subject;
    subject.service = first_text(
        *body, {"/service", "/incident/service", "/run/plan/service", "/silence/service"}
    );
    subject.incident = first_text(*body, {"/incident/id", "/run/incident", "/message/incident"});
    bool const names_incident =
        record.kind.starts_with("incident.") || record.kind.starts_with("duty.");
    if (subject.incident.empty() && names_incident) subject.incident = first_text(*body, {"/id"});
    if (auto const run_id = first_text(*body, {"/run"}); !run_id.empty()) {
        auto const [incident, run] = state.run(run_id);
        if (incident != nullptr) subject.incident = incident->id;
    }
    if (subject.service.empty() && !subject.incident.empty()) {
        auto const* const incident = state.incident(subject.incident);
        if (incident != nullptr) subject.service = incident->service;
    }
    return subject;
}

}  // namespace rollbackd::api
