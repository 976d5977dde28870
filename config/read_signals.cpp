// Signals and references: a form, and the times beside it with their defaults.
#include "config/reader.hpp"

#include <algorithm>
#include <array>

namespace rollbackd {

namespace {

using namespace std::chrono_literals;

constexpr Duration timeout_standard = 5s;
constexpr Duration confirm_standard = 1s;
constexpr Duration reference_timeout = 2s;
constexpr int stale_periods = 3;

bool is_word_of_conditions(std::string_view name) {
    constexpr std::array<std::string_view, 5> words{"and", "or", "not", "true", "false"};
    return std::find(words.begin(), words.end(), name) != words.end();
}

/// What its type says, or else its params do: by name (push, sql), or by a number that is to be
/// measured, without which it is a state.
/// Whether samples say whom they are about, for affected().
bool tells_clients(SignalPolicy const& signal) {
    if (signal.type == "scrape" || signal.type == "http_json") {
        return signal.params.contains("affected");
    }
    if (signal.type == "log" || signal.type == "alerts") return false;
    return !signal.is_probe || signal.type == "sql";
}

SignalNature nature_of(
    PolicyReading const& reading, TypeInfo const& type, JsonObject const& params
) {
    SignalNature nature{type.kind, type.is_probe};
    if (!type.kind.empty()) return nature;
    auto const& asked = reading.catalogue.signal_nature;
    auto told = asked ? asked(type.name, params) : std::nullopt;
    if (told) return *std::move(told);
    auto const chooses = [](Field const& field) { return field.name == "kind"; };
    if (std::any_of(type.fields.begin(), type.fields.end(), chooses)) {
        nature.kind = text_of(params, "kind");
    } else {
        nature.kind = params.contains("measure") ? "gauge" : "state";
    }
    return nature;
}

void read_probe_times(MapReader& map, SignalPolicy& signal) {
    read(map, "every", signal.every);
    signal.timeout = std::min(timeout_standard, signal.every);
    read(map, "timeout", signal.timeout);
    signal.confirm_every = std::min(confirm_standard, signal.every);
    read(map, "confirm_every", signal.confirm_every);
    signal.stale_after = stale_periods * signal.every + signal.timeout;
}

void refuse_probe_times(MapReader& map, SignalPolicy const& signal) {
    for (auto const* const key : {"every", "timeout", "confirm_every"}) {
        if (auto const cursor = map.take(key)) {
            cursor->error(
                std::string(key) + " is of probes; " + signal.type +
                " is not asked, its samples arrive by themselves"
            );
        }
    }
}

/// The type sees `by` among the params: a group of an expression may be called so.
void check_with_type(
    PolicyReading const& reading, YamlCursor const& params, SignalPolicy const& signal
) {
    if (!reading.catalogue.check_signal) return;
    auto whole = signal.params;
    if (!signal.by.empty()) whole["by"] = signal.by;
    report_problems(params, reading.catalogue.check_signal(signal.type, whole));
}

void read_signal(ServiceReading& service, std::string const& name, YamlCursor const& cursor) {
    auto const& catalogue = service.reading.catalogue;
    FormTypes const types{catalogue.signals, catalogue.later_signals, "a signal"};
    auto map = open_form(cursor, keys::signal(), types);
    auto const form = find_form(map, types);
    SignalPolicy signal;
    std::optional<SignalKind> kind;
    signal.name = name;
    if (name.starts_with("ref-")) {
        cursor.error("names that begin with ref- are kept for references; take another");
    } else if (is_word_of_conditions(name)) {
        cursor.error("\"" + name + "\" is a word of the condition language; take another name");
    }
    read(map, "by", signal.by);
    if (form) {
        signal.type = form->type->name;
        signal.is_probe = form->type->is_probe;
        auto const errors_before = cursor.sources().errors();
        auto hooks = service.rendering_hooks();
        if (!signal.is_probe) hooks.environment = {};  // in an expression ${ is no variable
        signal.params = read_form(*form, hooks, false, &keys::signal());
        if (cursor.sources().errors() == errors_before) {
            check_with_type(service.reading, form->params, signal);
        }
        auto const nature = nature_of(service.reading, *form->type, signal.params);
        kind = enum_from<SignalKind>(nature.kind);
        signal.is_probe = nature.is_probe;
    }
    if (signal.is_probe || !form) {
        read(map, "from", signal.from);
    } else if (auto const from = map.take("from")) {
        from->error("from is of probes; " + signal.type + " is not asked, its samples arrive here");
    }
    if (form && !signal.is_probe) {
        refuse_probe_times(map, signal);
    } else {
        read_probe_times(map, signal);
    }
    // A heartbeat says itself how long it may stay away.
    auto const* const within = signal.is_probe ? nullptr : signal.params.if_contains("within");
    if (within != nullptr && within->is_int64()) signal.stale_after = Duration(within->get_int64());
    Duration stale_after{};
    if (read(map, "stale_after", stale_after)) signal.stale_after = stale_after;

    if (kind) {
        signal.kind = *kind;
        SignalTraits traits;
        traits.kind = *kind;
        traits.type = signal.type;
        if (signal.is_probe) traits.every = signal.every;
        if (signal.is_probe) traits.fastest = std::min(signal.every, signal.confirm_every);
        traits.stale_after = signal.stale_after;
        traits.tells_clients = tells_clients(signal);
        service.table[name] = traits;
    } else {
        service.unclear.insert(name);
    }
    if (kind && !signal.by.empty() && *kind != SignalKind::outcomes) {
        map.take("by")->error("by keeps streaks of outcomes apart; this signal has none");
    }
    service.service.signals.push_back(std::move(signal));
}

}  // namespace

void read_signals(ServiceReading& service, YamlCursor const& cursor) {
    for (auto const& [name, entry] : cursor.named("a signal")) read_signal(service, name, entry);
    // Names that are no names are still what conditions mean.
    if (cursor.kind() != YamlKind::map) return;
    for (auto const& entry : cursor.node().entries) {
        if (!service.table.contains(entry.key)) service.unclear.insert(entry.key);
    }
}

std::vector<SignalPolicy> read_references(
    PolicyReading const& reading, YamlCursor const& cursor, ValueHooks const& hooks
) {
    auto const& catalogue = reading.catalogue;
    FormTypes const types{catalogue.signals, catalogue.later_signals, "a reference"};
    std::vector<SignalPolicy> references;
    for (auto const& item : cursor.items("a list of probes, [{ tcp: { address: … } }]")) {
        auto map = open_form(item, keys::reference(), types);
        auto const form = find_form(map, types);
        if (!form) continue;
        if (!form->type->is_probe) {
            item.error(
                "a reference is asked, so it must be a probe; " + form->type->name + " is none"
            );
            continue;
        }
        SignalPolicy reference;
        reference.name = "ref-" + std::to_string(references.size() + 1);
        reference.type = form->type->name;
        reference.is_probe = true;
        reference.timeout = reference_timeout;
        read(map, "timeout", reference.timeout);
        reference.params = read_form(*form, hooks, false, &keys::reference());
        auto const nature = nature_of(reading, *form->type, reference.params);
        reference.kind = enum_from<SignalKind>(nature.kind).value_or(SignalKind::state);
        reference.stale_after = stale_periods * reference.every + reference.timeout;
        check_with_type(reading, form->params, reference);
        references.push_back(std::move(reference));
    }
    return references;
}

}  // namespace rollbackd
