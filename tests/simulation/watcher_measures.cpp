// Silence, numbers and texts, as DESIGN A2 words them.
#include "tests/simulation/watcher.hpp"

#include <algorithm>

namespace rollbackd::simulation {

using Kind = Meaning::Kind;

namespace {

Verdict truth(bool holds) { return holds ? Verdict::true_ : Verdict::false_; }

}  // namespace

void Watcher::listen(std::string const& service, std::string const& signal, Time from) {
    listening_[service + "/" + signal] = from;
}

// What waits for the end of a start_period has been heard all the same.
std::optional<Time> Watcher::spoke(Meaning const& meaning, Look const& look) const {
    auto const& all = of(look.service, meaning.signal);
    for (auto one = all.rbegin(); one != all.rend(); ++one) {
        bool const exists = !one->lost && !one->blind && one->at <= look.now &&
                            one->seen <= look.seen_until && one->at > look.since;
        if (exists) return one->at;
    }
    return std::nullopt;
}

std::optional<Time> Watcher::quiet_from(Meaning const& meaning, Look const& look) const {
    auto const listening = listening_.find(look.service + "/" + meaning.signal);
    if (listening == listening_.end()) return std::nullopt;
    auto const heard = spoke(meaning, look);
    auto const since = std::max(listening->second, look.since);
    if (meaning.kind == Kind::absent)
        return std::max(heard.value_or(since), since) + meaning.window;
    auto const limit = stale_after_.find(look.service + "/" + meaning.signal);
    if (limit == stale_after_.end()) return std::nullopt;
    return heard.value_or(since) + limit->second;
}

Verdict Watcher::judge_quiet(Meaning const& meaning, Look const& look) const {
    auto const from = quiet_from(meaning, look);
    if (!from) return Verdict::unknown;
    if (meaning.kind == Kind::stale) {
        if (look.now > *from) return Verdict::true_;
        return spoke(meaning, look) ? Verdict::false_ : Verdict::unknown;
    }
    auto const heard = spoke(meaning, look);
    if (heard && *heard > look.now - meaning.window) return Verdict::false_;
    return look.now >= *from ? Verdict::true_ : Verdict::unknown;
}

Verdict Watcher::judge_measure(Meaning const& meaning, Look const& look) const {
    bool const newest =
        meaning.kind == Kind::value || meaning.kind == Kind::days || meaning.kind == Kind::version;
    auto const from = std::max(look.since, look.now - meaning.window);
    std::vector<Seen const*> within;
    Seen const* before = nullptr;
    Seen const* last = nullptr;
    for (auto const& one : of(look.service, meaning.signal)) {
        bool const exists =
            !one.lost && one.at > look.since && one.at <= look.now && one.seen <= look.seen_until;
        if (!exists) continue;
        last = &one;
        if (one.blind) continue;
        if (one.at > from) {
            within.push_back(&one);
        } else {
            before = &one;
        }
    }
    if (!newest) return judge_window(meaning, look, within, before);
    if (last == nullptr || last->blind) return Verdict::unknown;
    if (meaning.kind == Kind::version) return truth(last->text == meaning.text);
    if (!last->number) return Verdict::unknown;
    bool const less = meaning.kind == Kind::days;
    return truth(less ? *last->number < meaning.limit : *last->number > meaning.limit);
}

Verdict Watcher::judge_window(
    Meaning const& meaning, Look const& look, std::vector<Seen const*> const& within,
    Seen const* before
) const {
    if (within.empty()) return Verdict::unknown;
    if (meaning.kind == Kind::changed) {
        auto const& first = before != nullptr ? *before : *within.front();
        return truth(std::any_of(within.begin(), within.end(), [&](Seen const* one) {
            return one->text != first.text || one->number != first.number;
        }));
    }
    double low = *within.front()->number;
    double high = low;
    double sum = 0;
    for (auto const* one : within) {
        low = std::min(low, *one->number);
        high = std::max(high, *one->number);
        sum += *one->number;
    }
    switch (meaning.kind) {
        case Kind::max:
            return truth(high > meaning.limit);
        case Kind::min:
            return truth(low > meaning.limit);
        case Kind::avg:
            return truth(sum / double(within.size()) > meaning.limit);
        case Kind::delta: {
            // Only over a whole window that nothing cuts short.
            bool const whole = before != nullptr && look.now - meaning.window >= look.since;
            if (!whole) return Verdict::unknown;
            return truth(*within.back()->number - *before->number > meaning.limit);
        }
        default:
            return Verdict::unknown;
    }
}

std::vector<Watcher::Said> Watcher::texts(
    std::string const& service, std::string const& signal, Time until
) const {
    std::vector<Said> out;
    for (auto const& one : of(service, signal)) {
        if (!one.lost && one.text && one.seen <= until) out.push_back({one.at, *one.text});
    }
    return out;
}

}  // namespace rollbackd::simulation
