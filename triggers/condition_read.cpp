// What every function's answer needs: the right range, enough data, and the record of what was
// seen.
#include "triggers/condition_read.hpp"
#include "core/names.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

constexpr std::size_t reason_bytes_max = 200;

Json sample_json(Sample const& sample) {
    JsonObject out{{"at", sample.at.time_since_epoch().count()}};
    auto const text = [&](std::string_view key, std::string const& value) {
        if (!value.empty()) out[key] = printable(value, reason_bytes_max);
    };
    if (auto const* const state = std::get_if<StateValue>(&sample.value)) {
        out["ok"] = state->ok;
        out["latency"] = std::chrono::duration<double>(state->latency).count();
        text("reason", state->reason);
    } else if (auto const* const outcomes = std::get_if<OutcomesValue>(&sample.value)) {
        if (outcomes->success > 0) out["success"] = outcomes->success;
        if (outcomes->failure > 0) out["failure"] = outcomes->failure;
        if (outcomes->neutral > 0) out["neutral"] = outcomes->neutral;
        text("reason", outcomes->reason);
    } else if (auto const* const gauge = std::get_if<GaugeValue>(&sample.value)) {
        out["value"] = gauge->value;
        text("reason", gauge->reason);
    } else if (auto const* const value = std::get_if<TextValue>(&sample.value)) {
        out["text"] = printable(value->text, reason_bytes_max);
    } else {
        out["unknown"] = printable(std::get<UnknownValue>(sample.value).reason, reason_bytes_max);
    }
    text("id", sample.id);
    text("by", sample.by);
    if (sample.late) out["late"] = true;
    return out;
}

}  // namespace

SignalWindow const* ConditionReader::window(Expr const& call) {
    auto const name = signal_of(call);
    if (name.empty() || !context_.signal) return nullptr;
    return context_.signal(name);
}

Unit ConditionReader::unit(Expr const& call) const {
    auto const fixed = unit_of(call);
    auto const name = signal_of(call);
    if (fixed != Unit::any || name.empty() || !context_.signal) return fixed;
    auto const* const signal = context_.signal(name);
    if (signal == nullptr) return fixed;
    auto const kind = signal->rules().kind;
    if (call.function->fn == Fn::baseline && kind != SignalKind::gauge) {
        bool const latency = kind == SignalKind::state && measures_latency(root_, name);
        return latency ? Unit::seconds : Unit::ratio;
    }
    return kind == SignalKind::state ? Unit::seconds : Unit::any;
}

ConditionReader::Read& ConditionReader::read(Expr const& call) {
    auto const name = signal_of(call);
    for (auto& known : reads_) {
        if (known.name == name) return known;
    }
    return reads_.emplace_back(Read{name, 0, {}});
}

void ConditionReader::saw(Expr const& call, std::uint64_t successes) {
    auto& known = read(call);
    known.successes = std::max(known.successes, successes);
}

std::uint64_t ConditionReader::successes() const {
    std::uint64_t sum = 0;
    for (auto const& known : reads_) sum += known.successes;
    return sum;
}

void ConditionReader::may_change(std::optional<Instant> at) {
    if (at && *at > context_.now && (!changes_at_ || *at < *changes_at_)) changes_at_ = at;
}

void ConditionReader::ages(Instant at) {
    if (!ages_at_ || at < *ages_at_) ages_at_ = at;
}

std::optional<Instant> ConditionReader::changes_at(Verdict verdict) const {
    if (verdict != Verdict::true_ || !ages_at_) return changes_at_;
    return changes_at_ ? std::min(*changes_at_, *ages_at_) : *ages_at_;
}

Range ConditionReader::range(Expr const& call, Duration length, bool widens) {
    if (widens && context_.widen) length = std::max(length, *context_.widen);
    Range const out{std::max(context_.now - length, floor()), context_.now};
    if (auto const* const signal = window(call)) {
        auto const oldest = signal->oldest_in(out);
        if (oldest) ages(*oldest + length);
    }
    return out;
}

bool ConditionReader::covered(SignalWindow const& signal, Duration length) const {
    auto const from = context_.now - length;
    auto const known = signal.covered_from();
    return known && *known <= from && from >= floor();
}

std::uint64_t ConditionReader::needed(bool share) const {
    if (context_.widen) return 0;
    return std::max<std::uint64_t>(1, context_.rules.min_count.value_or(share ? 20 : 1));
}

// Empty: the signal can be asked. Otherwise why it says nothing now.
std::string ConditionReader::usable(Expr const& call, SignalWindow const* signal) {
    std::string const name(signal_of(call));
    if (signal == nullptr) return "there is no signal " + name;
    auto const known = signal->known_at(context_.now);
    // Where silence counts as 0, only a signal that should have spoken is asked whether it did.
    bool const quiet = context_.quiet_is_zero && (known || !signal->rules().stale_after);
    if (!quiet && (!known || !exists(*known))) return name + " has no sample yet";
    // A log that cannot be read is silent, too: that is no quiet.
    if (context_.quiet_is_zero && signal->silent_at(context_.now)) {
        return name + ": the newest sample could not say";
    }
    if (!known) return {};
    if (auto const limit = signal->rules().stale_after) {
        if (signal->stale(context_.now)) {
            return name + " is stale: its last sample is " + format_human(context_.now - *known) +
                   " old";
        }
        may_change(signal->fresh_at(context_.now).value_or(*known) + *limit + Duration(1));
    }
    return {};
}

Number ConditionReader::gap(std::string_view what) const {
    Number out;
    if (explain_) out.gap = what;
    return out;
}

Number ConditionReader::gap(Expr const& call, std::string_view what) const {
    Number out;
    if (explain_) out.gap = call_text(call) + ": " + std::string(what);
    return out;
}

Truth ConditionReader::unsure(std::string why) const {
    Truth out;
    if (explain_) out.why = std::move(why);
    return out;
}

void ConditionReader::note(Expr const& call, JsonObject entry) {
    if (explain_ && !context_.without_proof) read(call).calls[call_text(call)] = std::move(entry);
}

void ConditionReader::note_fact(Expr const& call, JsonObject entry) {
    if (!context_.without_proof) facts_[call_text(call)] = std::move(entry);
}

void ConditionReader::note(Expr const& call, Number const& number, JsonObject entry) {
    if (!explain_ || context_.without_proof) return;
    if (number.known) {
        entry["value"] = number.value;
    } else {
        entry["unknown"] = number.gap;
    }
    note(call, std::move(entry));
}

Json ConditionReader::proof() const {
    JsonObject signals;
    for (auto const& known : reads_) {
        JsonArray samples;
        auto const* const signal = context_.signal ? context_.signal(known.name) : nullptr;
        if (signal != nullptr) {
            for (auto const& sample :
                 signal->recent(Evaluation::samples_max, {floor(), context_.now})) {
                samples.push_back(sample_json(sample));
            }
        }
        signals[known.name] = JsonObject{{"calls", known.calls}, {"samples", std::move(samples)}};
    }
    JsonObject out{
        {"now", context_.now.time_since_epoch().count()}, {"signals", std::move(signals)}
    };
    if (!facts_.empty()) out["facts"] = facts_;
    return out;
}

}  // namespace rollbackd
