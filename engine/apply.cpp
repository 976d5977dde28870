#include "engine/apply.hpp"

#include "engine/head.hpp"

namespace rollbackd {

namespace {

constexpr std::size_t timeline_max = 1000;

// The incident a record belongs to; empty: none.
template <class T>
std::string incident_of(State const& state, T const& body) {
    if constexpr (requires { body.incident.id; }) {
        return body.incident.id;
    } else if constexpr (requires { body.run.incident; }) {
        return body.run.incident;
    } else if constexpr (requires { body.message.incident; }) {
        return body.message.incident;
    } else if constexpr (requires { body.run.size(); body.n; } || requires { body.run.size(); }) {
        auto const [incident, run] = state.run(body.run);
        if (incident != nullptr) return incident->id;
        return "";
    } else if constexpr (requires { body.id.size(); }) {
        return state.incident(body.id) != nullptr ? body.id : std::string();
    } else if constexpr (requires { body.service.size(); }) {
        return state.service(body.service).incident;
    } else {
        return "";
    }
}

template <class... Ts>
Result<RecordBody> read_as(Record const& record, Json const& json, std::variant<Ts...> const*) {
    std::optional<Result<RecordBody>> out;
    auto const attempt = [&]<class T>(T const*) {
        if (out || kind_of<T>() != record.kind) return;
        auto body = read_json<T>(json);
        if (body) {
            out = RecordBody(std::move(*body));
        } else {
            out = fail(Errc::corrupt, body.error().what, "record " + std::to_string(record.seq));
        }
    };
    (attempt(static_cast<Ts const*>(nullptr)), ...);
    if (out) return std::move(*out);
    return fail(
        Errc::corrupt, "unknown kind \"" + record.kind + "\"; it was written by a newer version",
        "record " + std::to_string(record.seq)
    );
}

}  // namespace

Result<RecordBody> read_body(Record const& record) {
    auto json = parse_json(record.body);
    if (!json) return tl::unexpected(json.error());
    return read_as(record, *json, static_cast<RecordBody const*>(nullptr));
}

void apply_body(State& state, RecordBody const& body, Stamp const& stamp) {
    std::visit([&](auto const& typed) { applying::apply(state, typed, stamp); }, body);
    state.seq = stamp.seq;
    state.last_at = stamp.at;
    auto const id = std::visit([&](auto const& typed) { return incident_of(state, typed); }, body);
    if (id.empty()) return;
    auto text = tell(body, state);
    if (text.empty()) return;
    auto const* const about = state.incident(id);
    if (about != nullptr && ShortHashes::any_in(text)) {
        text = short_versions(state.service(about->service))(text);
    }
    auto kind = std::visit([]<class T>(T const&) { return kind_of<T>(); }, body);
    applying::change_incident(state, id, [&](Incident& incident) {
        if (incident.timeline.size() >= timeline_max) return;
        incident.timeline.push_back({stamp.seq, stamp.at.wall, std::move(kind), std::move(text)});
    });
}

}  // namespace rollbackd
