// Triggers: a condition with its rules, and what answers it.
#include "config/reader.hpp"
#include "config/scalars.hpp"
#include "core/names.hpp"

namespace rollbackd {

namespace {

constexpr double confidence_min = 0.5;
constexpr double confidence_max = 0.9999;
constexpr std::int64_t resolve_samples_max = 10'000;

/// A number of good samples, or a duration.
void read_resolve_after(MapReader& map, ResolveAfter& into) {
    auto const cursor = map.take("resolve_after");
    if (!cursor) return;
    auto const text = cursor->text("a number of good samples, or a duration like 5m");
    if (!text) return;
    if (auto const samples = parse_integer(*text)) {
        if (*samples < 1 || *samples > resolve_samples_max) {
            cursor->error("resolve_after needs from 1 to 10000 good samples");
            return;
        }
        into.samples = std::uint32_t(*samples);
        return;
    }
    auto const duration = parse_duration(*text);
    if (!duration || *duration <= Duration::zero()) {
        cursor->error(
            "\"" + printable(*text, 80) +
            "\" is neither a number of good samples nor a duration; write one like 3 or 5m"
        );
        return;
    }
    into.duration = *duration;
}

void read_confidence(MapReader& map, JudgeRules& rules) {
    auto const cursor = map.take("confidence");
    if (!cursor) return;
    auto const text = cursor->text("a share like 95%");
    if (!text) return;
    auto const share = parse_share(*text);
    if (!share) {
        cursor->error(share.error().what);
    } else if (*share < confidence_min || *share > confidence_max) {
        cursor->error("confidence must lie from 50% to 99.99%");
    } else {
        rules.confidence = *share;
    }
}

void read_classify(YamlCursor const& cursor, Classification& into) {
    MapReader map(cursor, keys::classify());
    Impact impact{};
    Users users{};
    bool data_risk = false;
    std::string cause;
    if (read(map, "impact", impact)) into.impact = impact;
    if (read(map, "users", users)) into.users = users;
    if (read(map, "data_risk", data_risk)) into.data_risk = data_risk;
    if (read(map, "cause", cause)) into.cause = cause;
    map.finish();
}

void read_answer(MapReader& map, TriggerPolicy& trigger) {
    Severity severity{};
    if (read(map, "severity", severity)) trigger.severity = severity;
    if (auto const classify = map.take("classify")) read_classify(*classify, trigger.classify);
    if (auto const response = map.take("response")) trigger.response = read_response(*response);
    Duration within{};
    if (!read(map, "within", within)) return;
    if (trigger.response && trigger.response->kind != ResponseKind::ladder) {
        map.take("within")->error(
            "within is of a ladder's rungs; give this trigger a response of playbooks"
        );
        return;
    }
    trigger.within = within;
}

void read_trigger(ServiceReading& service, std::string const& name, YamlCursor const& cursor) {
    MapReader map(cursor, keys::trigger());
    TriggerPolicy trigger;
    trigger.name = name;
    std::uint64_t min_count = 0;
    if (read(map, "min_count", min_count)) trigger.rules.min_count = min_count;
    read_confidence(map, trigger.rules);
    if (auto const when = map.take("when")) {
        if (auto const text = when->text("a condition like ok(health)")) {
            CheckRules const rules{trigger.rules};
            if (auto parsed = service.condition(*when, *text, rules)) trigger.when = *parsed;
        }
    }
    read(map, "for", trigger.for_);
    read_resolve_after(map, trigger.resolve_after);
    read_answer(map, trigger);
    read(map, "approval", trigger.approval);
    read(map, "autonomy", trigger.autonomy);
    trigger.notify = read_names(map, "notify", "a channel");
    read(map, "only_after_deploy", trigger.only_after_deploy);
    read(map, "blame", trigger.blame);
    Duration deadline{};
    if (read(map, "deadline", deadline)) trigger.deadline = deadline;
    map.finish();
    service.service.triggers.push_back(std::move(trigger));
}

}  // namespace

void read_triggers(ServiceReading& service, YamlCursor const& cursor) {
    for (auto const& [name, entry] : cursor.named("a trigger")) read_trigger(service, name, entry);
}

}  // namespace rollbackd
