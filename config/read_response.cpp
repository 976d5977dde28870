// `response` in all its forms, `classify`'s vocabulary in matrix rows, and the matrix.
#include "config/reader.hpp"
#include "core/names.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

constexpr std::string_view response_forms =
    "alert, propose, a playbook's name, or a list of names and { run: NAME, within: 2m }";

std::optional<Rung> read_rung(YamlCursor const& cursor) {
    Rung rung;
    if (cursor.kind() == YamlKind::map) {
        MapReader map(cursor, keys::rung());
        read(map, "run", rung.run);
        Duration within{};
        if (read(map, "within", within)) rung.within = within;
        map.finish();
    } else {
        auto const name = cursor.text("a playbook's name, or { run: NAME, within: 2m }");
        if (!name) return std::nullopt;
        rung.run = *name;
    }
    if (rung.run.empty()) return std::nullopt;
    if (rung.run == "alert" || rung.run == "propose") {
        cursor.error(rung.run + " stands alone: response: " + rung.run);
        return std::nullopt;
    }
    if (!is_valid_name(rung.run)) {
        cursor.error("\"" + printable(rung.run, 80) + "\" is no name for a playbook");
        return std::nullopt;
    }
    return rung;
}

std::optional<Response> read_rungs(YamlCursor const& cursor, ResponseKind kind) {
    Response response;
    response.kind = kind;
    if (cursor.kind() != YamlKind::list) {
        auto rung = read_rung(cursor);
        if (!rung) return std::nullopt;
        response.rungs.push_back(std::move(*rung));
        return response;
    }
    if (cursor.node().items.empty()) {
        cursor.error("an empty ladder; expected " + std::string(response_forms));
        return std::nullopt;
    }
    for (auto const& item : cursor.items()) {
        auto rung = read_rung(item);
        if (!rung) continue;
        auto const same = [&](Rung const& other) { return other.run == rung->run; };
        if (std::any_of(response.rungs.begin(), response.rungs.end(), same)) {
            item.error(
                "\"" + rung->run +
                "\" stands twice in this ladder; no playbook runs twice in an "
                "incident"
            );
            continue;
        }
        response.rungs.push_back(std::move(*rung));
    }
    return response;
}

/// One value or a list of them, each an enumerator's name.
template <class E>
std::vector<E> read_any_of(MapReader& map, std::string_view key) {
    std::vector<E> values;
    auto const cursor = map.take(key);
    if (!cursor) return values;
    auto const add = [&](YamlCursor const& item) {
        auto const names = enum_names<E>();
        auto const text = item.text("one of its words");
        if (!text) return;
        if (auto const value = enum_from<E>(*text)) {
            values.push_back(*value);
        } else {
            item.error(
                "unknown " + std::string(key) + " \"" + printable(*text, 80) + "\"" +
                suggest(*text, names)
            );
        }
    };
    if (cursor->kind() != YamlKind::list) {
        add(*cursor);
    } else {
        for (auto const& item : cursor->items()) add(item);
    }
    return values;
}

std::vector<std::string> read_causes(MapReader& map) {
    std::vector<std::string> causes;
    auto const cursor = map.take("cause");
    if (!cursor) return causes;
    auto const add = [&](YamlCursor const& item) {
        if (auto text = item.text("a word")) causes.push_back(std::move(*text));
    };
    if (cursor->kind() != YamlKind::list) {
        add(*cursor);
    } else {
        for (auto const& item : cursor->items()) add(item);
    }
    return causes;
}

MatrixWhen read_when(YamlCursor const& cursor) {
    MapReader map(cursor, keys::matrix_when());
    MatrixWhen when;
    when.impact = read_any_of<Impact>(map, "impact");
    when.users = read_any_of<Users>(map, "users");
    when.cause = read_causes(map);
    bool data_risk = false;
    if (read(map, "data_risk", data_risk)) when.data_risk = data_risk;
    read(map, "any", when.any);
    map.finish();
    return when;
}

}  // namespace

std::optional<Response> read_response(YamlCursor const& cursor) {
    if (cursor.kind() == YamlKind::scalar) {
        if (cursor.node().text == "alert") return Response{ResponseKind::alert, {}};
        if (cursor.node().text == "propose") return Response{ResponseKind::propose, {}};
    }
    if (cursor.kind() == YamlKind::null) {
        cursor.wrong_kind(response_forms);
        return std::nullopt;
    }
    if (cursor.kind() == YamlKind::map) {
        auto const entries = cursor.entries();
        if (entries.size() == 1 && entries[0].first == "propose") {
            return read_rungs(entries[0].second, ResponseKind::propose);
        }
    }
    return read_rungs(cursor, ResponseKind::ladder);
}

void read_matrix(PolicyReading const& reading, YamlCursor const& cursor) {
    auto& matrix = reading.policy.matrix;
    for (auto const& item : cursor.items("a list of rows")) {
        MapReader map(item, keys::matrix_row());
        MatrixRow row;
        if (auto const when = map.take("when")) row.when = read_when(*when);
        Severity severity{};
        if (read(map, "severity", severity)) row.severity = severity;
        if (auto const response = map.take("response")) row.response = read_response(*response);
        map.finish();
        if (!map.has("severity") && !map.has("response") && item.kind() == YamlKind::map) {
            item.error("this row decides nothing; give it a severity, a response, or both");
        }
        matrix.push_back(std::move(row));
    }
}

}  // namespace rollbackd
