// A naive window: keeps everything, answers by looking at all of it. What the real one must equal.
#pragma once

#include "tests/triggers/support.hpp"

#include <algorithm>
#include <random>
#include <set>

namespace rollbackd::test {

class Reference {
public:
    void observe(Sample sample) {
        if (!sample.id.empty()) {
            auto* const outcomes = std::get_if<OutcomesValue>(&sample.value);
            REQUIRE(outcomes != nullptr);
            bool anything = counts_of(sample).total() == 0 && ids_.insert(key(sample) + 'o').second;
            auto const once = [&](char part, std::uint64_t& count) {
                if (count == 0) return;
                if (ids_.insert(key(sample) + part).second) {
                    anything = true;
                } else {
                    count = 0;
                }
            };
            once('s', outcomes->success);
            once('f', outcomes->failure);
            once('n', outcomes->neutral);
            if (!anything) return;
        }
        auto const counts = counts_of(sample);
        if (counts.success > 0 || counts.failure > 0) {
            auto& judged = judged_[sample.by];
            if (judged.empty() || sample.at >= judged.back().at) judged.push_back(sample);
        }
        samples_.push_back(std::move(sample));
    }

    static std::string key(Sample const& sample) { return sample.by + '\n' + sample.id; }

    static Counts counts_of(Sample const& sample) {
        if (auto const* const outcomes = std::get_if<OutcomesValue>(&sample.value)) {
            return {outcomes->success, outcomes->failure, outcomes->neutral};
        }
        if (auto const* const state = std::get_if<StateValue>(&sample.value)) {
            return state->ok ? Counts{1, 0, 0} : Counts{0, 1, 0};
        }
        return {};
    }

    std::vector<Sample> in(Range range) const {
        std::vector<Sample> out;
        for (auto const& sample : samples_) {
            if (sample.at > range.from && sample.at <= range.to) out.push_back(sample);
        }
        std::stable_sort(out.begin(), out.end(), [](auto& a, auto& b) { return a.at < b.at; });
        return out;
    }

    Counts counts(Range range) const {
        Counts sum;
        for (auto const& sample : in(range)) {
            auto const one = counts_of(sample);
            sum.success += one.success;
            sum.failure += one.failure;
            sum.neutral += one.neutral;
        }
        return sum;
    }

    Clients clients(Range range) const {
        std::set<std::string> seen;
        std::set<std::string> failing;
        for (auto const& sample : in(range)) {
            auto const one = counts_of(sample);
            if (sample.client.empty() || one.success + one.failure == 0) continue;
            seen.insert(sample.client);
            if (one.failure > 0) failing.insert(sample.client);
        }
        return {seen.size(), failing.size()};
    }

    std::map<std::string, std::pair<std::uint64_t, std::optional<Instant>>> streaks(
        Instant when, Instant since
    ) const {
        std::map<std::string, std::pair<std::uint64_t, std::optional<Instant>>> out;
        for (auto const& [by, judged] : judged_) {
            auto& [length, first] = out[by];
            for (auto const& sample : judged) {
                if (sample.at > when) continue;
                auto const one = counts_of(sample);
                if (one.success > 0) {
                    length = 0;
                    first.reset();
                } else if (sample.at > since && sample.at >= when - std::chrono::hours(24)) {
                    length += one.failure;
                    if (!first) first = sample.at;
                }
            }
        }
        return out;
    }

    std::vector<Sample> const& samples() const { return samples_; }

private:
    std::vector<Sample> samples_;
    std::map<std::string, std::vector<Sample>> judged_;
    std::set<std::string> ids_;
};

inline Sample random_outcome(std::mt19937& random, Duration now) {
    auto const pick = [&](int max) { return std::uniform_int_distribution<int>(0, max)(random); };
    // Mostly in order; some late, some at the same instant as others.
    auto const late = pick(4) == 0 ? std::chrono::seconds(pick(40)) : std::chrono::seconds(0);
    auto out = sample(
        std::max<Duration>(now - late, 0s),
        OutcomesValue{
            std::uint64_t(pick(3) == 0), std::uint64_t(pick(2) == 0 ? pick(2) : 0),
            std::uint64_t(pick(4) == 0), "status: 500"
        },
        pick(1) == 0 ? "stripe" : "paypal"
    );
    if (pick(3) == 0) out.id = "evt_" + std::to_string(pick(30));
    if (pick(2) > 0) out.client = "192.0.2." + std::to_string(pick(15));
    return out;
}

}  // namespace rollbackd::test
