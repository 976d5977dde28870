#include "tests/simulation/watcher.hpp"

#include <algorithm>

namespace rollbackd::simulation {

namespace {

std::string key(std::string const& service, std::string const& signal) {
    return service + "/" + signal;
}

}  // namespace

void Watcher::take(Sample const& sample, Time at, Time seen, std::optional<Time> held_until) {
    // Who dates it later, or very long ago, has a wrong clock.
    at = std::clamp(at, seen - kept + std::chrono::minutes(1), seen);
    Seen made{at, seen, 0, 0, false, held_until};
    made.blind = std::holds_alternative<UnknownValue>(sample.value);
    if (auto const* state = std::get_if<StateValue>(&sample.value)) {
        (state->ok ? made.good : made.bad) = 1;
    } else if (auto const* counts = std::get_if<OutcomesValue>(&sample.value)) {
        made.good = counts->success;
        made.bad = counts->failure;
    } else if (auto const* gauge = std::get_if<GaugeValue>(&sample.value)) {
        made.number = gauge->value;
        made.good = 1;
    } else if (auto const* text = std::get_if<TextValue>(&sample.value)) {
        made.text = text->text;
        made.good = 1;
    }
    auto& all = seen_[key(sample.service, sample.signal)];
    // An id counts once as failure and once as success: here, both at a time.
    made.id = sample.id;
    bool const known =
        !made.id.empty() && std::any_of(all.begin(), all.end(), [&](Seen const& one) {
            return !one.lost && one.id == made.id;
        });
    auto const named = key(sample.service, sample.signal) + "#" + made.id;
    if (known || disregarded_.contains(named)) return;
    bool const too_late = held_until && *held_until <= seen;
    if (too_late && (good_by(all, at, seen) || good_by(all, at, *held_until))) {
        made.bad = 0;
        if (!made.id.empty()) disregarded_[named] = seen;
        if (made.good == 0) return;
    }
    auto place = all.end();
    while (place != all.begin() && std::prev(place)->at > at) --place;
    bool const judged = (!held_until || too_late) && !made.blind;
    made.late = judged && std::any_of(place, all.end(), [](Seen const& newer) {
                    return !newer.held_until && !newer.lost && !newer.blind;
                });
    all.insert(place, made);
    while (!all.empty() && all.front().at < seen - kept) all.pop_front();
}

// A failure of a start_period that is heard of after its end is dropped where the signal was good
// again at its end, or is by now.
bool Watcher::good_by(Seens const& all, Time failed, Time when) {
    for (auto one = all.rbegin(); one != all.rend(); ++one) {
        if (one->lost || one->at > when || one->good + one->bad == 0) continue;
        return one->at >= failed && one->bad == 0;
    }
    return false;
}

void Watcher::forget_after(Time kept_until) {
    std::erase_if(disregarded_, [&](auto const& one) { return one.second > kept_until; });
    for (auto& [name, all] : seen_) {
        for (auto& one : all) one.lost = one.lost || one.seen > kept_until;
    }
}

void Watcher::forget_signal(std::string const& service, std::string const& signal) {
    for (auto& one : seen_[key(service, signal)]) one.lost = true;
}

void Watcher::set_policy(Policy const& policy) {
    stale_after_.clear();
    for (auto const& service : policy.services) {
        for (auto const& signal : service.signals) {
            if (signal.stale_after)
                stale_after_[key(service.name, signal.name)] = *signal.stale_after;
        }
    }
}

Watcher::Seens const& Watcher::of(std::string const& service, std::string const& signal) const {
    static Seens const none;
    auto const found = seen_.find(key(service, signal));
    return found == seen_.end() ? none : found->second;
}

std::optional<Time> Watcher::newest(std::string const& service, std::string const& signal) const {
    auto const& all = of(service, signal);
    auto const last =
        std::find_if(all.rbegin(), all.rend(), [](Seen const& one) { return !one.lost; });
    return last == all.rend() ? std::nullopt : std::optional(last->at);
}

bool Watcher::stale(std::string const& service, std::string const& signal, Look const& look) const {
    auto const& all = of(service, signal);
    for (auto one = all.rbegin(); one != all.rend(); ++one) {
        if (one->lost || one->at > look.now || one->seen > look.seen_until) continue;
        if (one->blind) continue;  // it makes nothing fresh
        if (one->at <= look.since) return true;
        auto const limit = stale_after_.find(key(service, signal));
        return limit != stale_after_.end() && look.now - one->at > limit->second;
    }
    return true;
}

std::uint64_t Watcher::streak(Look const& look, std::string const& signal) const {
    std::uint64_t count = 0;
    auto const& all = of(look.service, signal);
    for (auto one = all.rbegin(); one != all.rend(); ++one) {
        if (one->at > look.now || one->seen > look.seen_until) continue;
        if (one->held_until && !look.with_held) continue;
        if (one->late && !look.with_late) continue;
        if (one->at <= look.since) break;
        bool const known = look.ever || !one->lost;
        if (one->good > 0 && known) break;
        if (!known || one->seen <= look.failures_seen_after) continue;
        count += one->bad;
    }
    return count;
}

std::uint64_t Watcher::failures(Look const& look, std::string const& signal, Duration window)
    const {
    std::uint64_t count = 0;
    for (auto const& one : of(look.service, signal)) {
        bool const counts = (look.ever || !one.lost) && one.at > look.since &&
                            one.at > look.now - window && one.at <= look.now &&
                            one.seen > look.failures_seen_after && one.seen <= look.seen_until &&
                            (look.with_held || !one.held_until);
        if (counts) count += one.bad;
    }
    return count;
}

std::uint64_t Watcher::successes(
    std::string const& service, std::string const& signal, Time from, Time to, bool ever
) const {
    std::uint64_t count = 0;
    for (auto const& one : of(service, signal)) {
        if ((ever || !one.lost) && one.at > from && one.at <= to) count += one.good;
    }
    return count;
}

std::uint64_t Watcher::good_in(Look const& look, std::string const& signal, Duration window) const {
    std::uint64_t count = 0;
    for (auto const& one : of(look.service, signal)) {
        bool const counts = !one.lost && one.at > look.since && one.at > look.now - window &&
                            one.at <= look.now && one.seen <= look.seen_until &&
                            (look.with_held || !one.held_until || *one.held_until <= look.now);
        if (counts) count += one.good;  // dropped are only the failures
    }
    return count;
}

bool Watcher::holds(Meanings const& meanings, Look const& look) const {
    for (auto const& meaning : meanings) {
        for (auto const& one : of(look.service, meaning.signal)) {
            bool const waits = one.held_until && *one.held_until > look.now && !one.lost;
            if (waits && one.at > look.since && one.at <= look.now) return true;
        }
    }
    return false;
}

bool Watcher::any(std::string const& service, std::string const& signal, Time from, Time to) const {
    for (auto const& one : of(service, signal)) {
        if (!one.lost && !one.blind && one.at > from && one.at <= to) return true;
    }
    return false;
}

bool Watcher::newest_fails(
    std::string const& service, std::string const& signal, Time since, Time until
) const {
    auto const fails = [&](Time seen_until) {
        auto const& all = of(service, signal);
        for (auto one = all.rbegin(); one != all.rend(); ++one) {
            if (one->lost || one->blind || one->held_until) continue;
            if (one->at > until || one->seen > seen_until) continue;
            return one->at > since && one->bad > 0;
        }
        return false;
    };
    return fails(until) && fails(until - Duration(1));  // seen just now, it may have come after
}

bool Watcher::newest_says(
    std::string const& service, std::string const& signal, Time until, Time seen_until
) const {
    auto const& all = of(service, signal);
    for (auto one = all.rbegin(); one != all.rend(); ++one) {
        if (one->lost || one->at > until || one->seen > seen_until) continue;
        return !one->blind;
    }
    return true;
}

std::vector<Time> Watcher::leaving(
    Meanings const& meanings, std::string const& service, Time from, Time to
) const {
    std::vector<Time> out;
    for (auto const& meaning : meanings) {
        if (meaning.window == Duration::zero() || meaning.is_quiet()) continue;
        for (auto const& one : of(service, meaning.signal)) {
            auto const leaves = one.at + meaning.window;
            if (leaves > from && leaves < to) out.push_back(leaves);
        }
    }
    return out;
}

std::vector<Time> Watcher::held_at(
    Meanings const& meanings, std::string const& service, Time from, Time to, Time started
) const {
    std::vector<Time> out;
    for (auto const& meaning : meanings) {
        for (auto const& one : of(service, meaning.signal)) {
            if (!one.held_until || one.at <= from || one.at > to) continue;
            out.push_back(one.at);
            // At its end, or when a daemon that was away then is there again.
            for (auto const moment : {*one.held_until, started}) {
                if (moment >= *one.held_until && moment <= to) out.push_back(moment);
            }
        }
    }
    return out;
}

std::string Watcher::tell(std::string const& service, std::string const& signal) const {
    constexpr std::ptrdiff_t told_max = 40;
    auto const& all = of(service, signal);
    std::string out = signal + ":";
    auto one = all.end() - std::min(std::ptrdiff_t(all.size()), told_max);
    for (; one != all.end(); ++one) {
        out += " " + std::to_string(one->at / std::chrono::milliseconds(1)) + "ms+" +
               std::to_string(one->good) + "-" + std::to_string(one->bad) +
               (one->number ? "=" + std::to_string(*one->number) : "") +
               (one->text ? "=" + *one->text : "") + (one->blind ? " blind" : "") +
               (one->lost ? " lost" : "") + (one->held_until ? " held" : "") + ",";
    }
    return out;
}

bool Watcher::newest_is_good(
    std::string const& service, std::string const& signal, Time since, Time until, Time seen_until
) const {
    auto const& all = of(service, signal);
    for (auto one = all.rbegin(); one != all.rend(); ++one) {
        if (one->lost || one->at > until || one->seen > seen_until) continue;
        return one->at > since && one->good > 0 && one->bad == 0;
    }
    return false;
}

Verdict Watcher::judge_one(Meaning const& meaning, Look const& look) const {
    if (meaning.is_quiet()) return judge_quiet(meaning, look);
    if (stale(look.service, meaning.signal, look)) return Verdict::unknown;
    auto const truth = [](bool holds) { return holds ? Verdict::true_ : Verdict::false_; };
    if (meaning.measures()) return judge_measure(meaning, look);
    auto const from = std::max(look.since, look.now - meaning.window);
    switch (meaning.kind) {
        case Meaning::Kind::streak:
            return truth(double(streak(look, meaning.signal)) >= meaning.limit);
        case Meaning::Kind::failed:
            if (!newest_says(look.service, meaning.signal, look.now, look.seen_until)) {
                return Verdict::unknown;
            }
            return truth(streak(look, meaning.signal) >= 1);
        case Meaning::Kind::count: {
            auto const bad = failures(look, meaning.signal, meaning.window);
            if (!any(look.service, meaning.signal, from, look.now)) return Verdict::unknown;
            return truth(double(bad) >= meaning.limit);
        }
        case Meaning::Kind::ratio: {
            auto const bad = failures(look, meaning.signal, meaning.window);
            auto const good = good_in(look, meaning.signal, meaning.window);
            if (bad + good == 0) return Verdict::unknown;
            bool const over = double(bad) * 100 > meaning.limit * double(bad + good);
            return over && bad + good < meaning.min_count ? Verdict::unknown : truth(over);
        }
        default:
            break;
    }
    return Verdict::unknown;
}

Verdict Watcher::judge(Meanings const& meanings, Look const& look) const {
    auto out = Verdict::false_;
    for (auto const& meaning : meanings) {
        auto const one = judge_one(meaning, look);
        if (one == Verdict::true_) return one;
        if (one == Verdict::unknown) out = one;
    }
    return out;
}

bool Watcher::may_be_true(Meanings const& meanings, Look look) const {
    look.with_late = true;
    if (judge(meanings, look) == Verdict::true_) return true;
    look.with_late = false;
    return judge(meanings, look) == Verdict::true_;
}

bool Watcher::is_surely_true(Meanings const& meanings, Look look) const {
    look.with_late = true;
    if (judge(meanings, look) != Verdict::true_) return false;
    look.with_late = false;
    return judge(meanings, look) == Verdict::true_;
}

std::uint64_t Watcher::good(Meanings const& meanings, Look const& look) const {
    std::uint64_t best = 0;
    for (auto const& meaning : meanings) {
        best = std::max(best, successes(look.service, meaning.signal, look.since, look.now));
    }
    return best;
}

}  // namespace rollbackd::simulation
