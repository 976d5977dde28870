// The functions that are true or false, or give a text.
#include "core/names.hpp"
#include "triggers/condition_read.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

Verdict verdict(bool value) { return value ? Verdict::true_ : Verdict::false_; }

std::string_view verdict_json(Verdict value) {
    return value == Verdict::true_ ? "true" : value == Verdict::false_ ? "false" : "unknown";
}

}  // namespace

Truth ConditionReader::truth(Expr const& call, Verdict acting) {
    if (call.function == nullptr) return unsure("there is no function " + call.text);
    if (call.function->fn == Fn::drill_due) return drill_due(call);
    if (call.function->fn == Fn::baked || call.function->fn == Fn::ready) return fact(call);
    auto const* const signal = window(call);
    Truth out;
    if (call.function->fn == Fn::stale) {
        out = stale(call, signal);
    } else if (call.function->fn == Fn::absent) {
        out = absent(call, signal);
    } else if (auto problem = usable(call, signal); !problem.empty()) {
        out = unsure(std::move(problem));
    } else if (call.function->fn == Fn::ok || call.function->fn == Fn::failed) {
        out = good(call, *signal);
    } else if (call.function->fn == Fn::changed) {
        out = changed(call, *signal, acting);
    } else {
        out = unsure(call_text(call) + " arrives in a later version");
    }
    if (explain_ && !signal_of(call).empty()) {
        note(call, {{"value", verdict_json(out.verdict)}, {"why", out.why}});
    }
    return out;
}

Truth ConditionReader::fact(Expr const& call) {
    if (call.args.size() != 1) return unsure(call_text(call) + " is not known");
    auto const& name = call.args[0].text;
    Truth out;
    if (call.function->fn == Fn::baked) {
        if (!context_.baked) return unsure(call_text(call) + " is not known");
        out.verdict = verdict(context_.baked(name));
        out.why = name + (out.verdict == Verdict::true_ ? " has baked" : " has not baked");
    } else {
        auto const known = context_.ready ? context_.ready(name) : std::nullopt;
        if (known) out.verdict = verdict(known->ready);
        out.why = !known         ? name + ": nobody has looked yet whether it can be run"
                  : known->ready ? name + " can be run"
                                 : name + " cannot be run: " + printable_line(known->why, 200);
    }
    if (explain_) note_fact(call, {{"value", verdict_json(out.verdict)}, {"why", out.why}});
    return out;
}

// Never drilled is due: nobody has seen it work.
Truth ConditionReader::drill_due(Expr const& call) {
    if (call.args.size() != 2 || !context_.drilled)
        return unsure(call_text(call) + " is not known");
    auto const& name = call.args[0].text;
    auto const last = context_.drilled(name);
    Truth out;
    out.verdict = verdict(!last || *last + window_of(call) < context_.now);
    if (last) may_change(*last + window_of(call) + Duration(1));
    if (explain_) {
        out.why = name + (last ? " was drilled " + format_human(context_.now - *last) + " ago"
                               : " was never drilled with success");
        note_fact(call, {{"value", verdict_json(out.verdict)}, {"why", out.why}});
    }
    return out;
}

Truth ConditionReader::good(Expr const& call, SignalWindow const& signal) {
    std::string const name(signal_of(call));
    if (context_.widen) {
        auto const from = std::max(context_.now - *context_.widen, floor());
        saw(call, signal.counts({from, context_.now}).success);
    }
    if (signal.silent_at(context_.now)) return unsure(name + ": the newest sample could not say");
    auto const judged = signal.judged_at(context_.now);
    if (!judged || !exists(judged->at)) return unsure(name + ": no success and no failure yet");
    if (!context_.widen) saw(call, judged->good ? 1 : 0);
    Truth out;
    out.verdict = verdict(judged->good == (call.function->fn == Fn::ok));
    if (!judged->good) {
        auto const since = std::max(context_.streaks_since.value_or(Instant::min()), floor());
        auto const streak = signal.longest_streak(context_.now, since, explain_);
        out.begun = streak && streak->since ? streak->since : judged->at;
        if (explain_) {
            out.why = name + " failed";
            if (streak && !streak->reason.empty())
                out.why += ": " + printable_line(streak->reason, 120);
        }
    } else if (explain_) {
        out.why = name + " is ok";
    }
    return out;
}

Truth ConditionReader::stale(Expr const& call, SignalWindow const* signal) {
    std::string const name(signal_of(call));
    if (signal == nullptr) return unsure("there is no signal " + name);
    auto const known = signal->spoke_at(context_.now);
    auto const limit = signal->rules().stale_after;
    if (context_.widen) {
        auto const from = std::max(context_.now - *context_.widen, floor());
        saw(call, signal->samples({from, context_.now}));
    } else if (known && exists(*known)) {
        saw(call, 1);
    }
    // Silence counts from the last sample, or from when we began to listen.
    std::optional<Instant> since = known && exists(*known) ? known : signal->heard_from();
    if (!since) return unsure(name + " has no sample yet");
    since = std::max(*since, floor());
    Truth out;
    if (!limit) {
        out.verdict = Verdict::false_;
        if (explain_) out.why = name + " is never stale: it has no stale_after";
        return out;
    }
    auto const deadline = *since + *limit;
    bool const spoke = known && exists(*known);
    if (context_.now > deadline) {
        out.verdict = Verdict::true_;
        out.begun = deadline;
    } else if (spoke) {
        out.verdict = Verdict::false_;
        may_change(deadline + Duration(1));
    } else {
        may_change(deadline + Duration(1));
    }
    if (explain_) {
        out.why = name + (spoke ? ": its last sample is " : ": no sample for ") +
                  format_human(context_.now - *since) + (spoke ? " old" : "") +
                  (out.verdict == Verdict::true_ ? ", stale after " : ", not yet stale after ") +
                  format_duration(*limit);
    }
    return out;
}

Truth ConditionReader::absent(Expr const& call, SignalWindow const* signal) {
    std::string const name(signal_of(call));
    auto const length = window_of(call);
    if (signal == nullptr) return unsure("there is no signal " + name);
    auto const known = signal->spoke_at(context_.now);
    bool const spoke = known && exists(*known);
    if (context_.widen) {
        auto const from = std::max(context_.now - *context_.widen, floor());
        saw(call, signal->samples({from, context_.now}));
    } else if (spoke) {
        saw(call, 1);
    }
    Truth out;
    if (spoke && *known > context_.now - length) {
        out.verdict = Verdict::false_;
        may_change(*known + length);
        if (explain_) out.why = name + " spoke " + format_human(context_.now - *known) + " ago";
        return out;
    }
    auto const heard = signal->heard_from();
    if (!heard) return unsure(name + " has no sample yet");
    auto const listening = std::max(*heard, floor());
    if (listening > context_.now - length) {
        may_change(listening + length);
        return unsure(
            name + " is silent, but listened to for only " + format_human(context_.now - listening)
        );
    }
    out.verdict = Verdict::true_;
    out.begun = std::max(spoke ? *known : listening, listening) + length;
    if (explain_) {
        out.why = name +
                  (spoke ? " spoke last " + format_human(context_.now - *known) + " ago"
                         : " never spoke") +
                  ", absent for " + format_duration(length);
    }
    return out;
}

Truth ConditionReader::changed(Expr const& call, SignalWindow const& signal, Verdict acting) {
    auto const wanted = range(call, window_of(call), true);
    auto const samples = signal.samples(wanted);
    saw(call, samples);
    if (samples == 0) return unsure(call_text(call) + ": no sample in its window");
    Truth out;
    out.verdict = verdict(signal.changed(wanted, floor()));
    out.begun = signal.known_at(wanted.to);
    if (explain_) {
        out.why = std::string(signal_of(call)) +
                  (out.verdict == Verdict::true_ ? " changed in " : " did not change in ") +
                  format_duration(window_of(call));
    }
    if (out.verdict == acting && samples < needed(false)) {
        out.verdict = Verdict::unknown;
        if (explain_) {
            out.why = std::to_string(samples) + " of " + std::to_string(needed(false)) +
                      " samples: " + out.why;
        }
    }
    return out;
}

Truth ConditionReader::text(Expr const& call) {
    if (call.function != nullptr && call.function->fn == Fn::mode) {
        if (!context_.mode || call.args.size() != 1) {
            return unsure(call_text(call) + " is not known");
        }
        Truth known;
        known.text = context_.mode(call.args[0].text);
        if (explain_) note_fact(call, {{"value", *known.text}});
        return known;
    }
    auto const* const signal = window(call);
    Truth out;
    if (call.function == nullptr || call.function->fn != Fn::version) {
        return unsure(call_text(call) + " arrives in a later version");
    }
    if (auto problem = usable(call, signal); !problem.empty()) {
        out = unsure(std::move(problem));
    } else if (signal->silent_at(context_.now)) {
        out = unsure(std::string(signal_of(call)) + ": the newest sample could not say");
    } else {
        auto const from =
            std::max(context_.now - context_.widen.value_or(Duration::zero()), floor());
        saw(call, context_.widen ? signal->samples({from, context_.now}) : 1);
        out.text = signal->text_at(context_.now);
        out.begun = signal->known_at(context_.now);
    }
    if (explain_) {
        note(
            call, out.text ? JsonObject{{"value", printable(*out.text, 200)}}
                           : JsonObject{{"unknown", out.why}}
        );
    }
    return out;
}

}  // namespace rollbackd
