#include "triggers/probes/scrape_rules.hpp"

#include "core/names.hpp"
#include "triggers/probes/answers.hpp"
#include "triggers/probes/numbers.hpp"

#include <re2/re2.h>
#include <algorithm>
#include <array>
#include <cmath>

namespace rollbackd {

namespace {

constexpr std::size_t by_bytes_max = 128;
/// Labels that carry an HTTP status, where nobody says which.
constexpr std::array<std::string_view, 4> status_labels{
    "code", "status", "status_code", "http_status_code"
};

bool fits_status(std::string_view wanted, std::string_view value) {
    bool const is_class = wanted.size() == 3 && wanted[0] >= '1' && wanted[0] <= '5' &&
                          (wanted.substr(1) == "xx" || wanted.substr(1) == "XX");
    return is_class && (value.size() == 3 ? value[0] == wanted[0] : value == wanted);
}

std::string_view status_of(PromSample const& sample) {
    for (auto const label : status_labels) {
        if (auto const value = sample.label(label); !value.empty()) return value;
    }
    return {};
}

std::string key_of(PromSample const& sample) {
    std::string key(sample.name);
    for (auto const& [name, value] : sample.labels) {
        key += "\n" + std::string(name) + "=" + value;
    }
    return key;
}

std::uint64_t whole(double added) {
    constexpr double count_max = 9007199254740992;
    return static_cast<std::uint64_t>(std::llround(std::clamp(added, 0.0, count_max)));
}

tl::unexpected<Error> missing(std::string what) {
    return fail(Errc::not_found, "missing: " + std::move(what));
}

}  // namespace

Result<LabelRules> LabelRules::make(Json const* labels, std::string const& where) {
    LabelRules made;
    if (labels == nullptr || !labels->is_object()) return made;
    for (auto const& [name, value] : labels->get_object()) {
        Rule rule;
        rule.label = std::string(name);
        rule.value = value.is_string() ? std::string(value.get_string()) : to_text(value);
        if (rule.value.starts_with('~')) {
            auto expression = make_expression("^(?:" + rule.value.substr(1) + ")$", where);
            if (!expression) return tl::unexpected<Error>(expression.error());
            rule.expression = *std::move(expression);
        }
        made.rules_.push_back(std::move(rule));
    }
    return made;
}

bool LabelRules::fits(PromSample const& sample) const {
    return std::all_of(rules_.begin(), rules_.end(), [&](Rule const& rule) {
        auto const value = sample.label(rule.label);
        if (rule.expression) return found_in(rule.expression, value);
        return value == rule.value || fits_status(rule.value, value);
    });
}

Result<ScrapeRules> ScrapeRules::make(JsonObject const& params, std::string by) {
    Json const all(params);
    ScrapeRules made;
    made.by_ = std::move(by);
    made.affected_ = text_of(all, "affected");
    made.url_ = text_of(all, "url");
    made.counter_ = text_of(all, "counter");
    made.failures_ = text_of(all, "failures");
    made.gauge_ = text_of(all, "gauge");
    made.histogram_ = text_of(all, "histogram");
    made.combine_ = text_of(all, "combine", "one");
    auto const* const quantile = find(all, "quantile");
    if (quantile != nullptr && quantile->is_number()) {
        made.quantile_ = quantile->to_number<double>();
    }
    for (auto const& [key, rules] :
         {std::pair("match", &made.match_), {"fail", &made.fail_}, {"neutral", &made.neutral_}}) {
        auto read = LabelRules::make(find(all, key), key);
        if (!read) return tl::unexpected<Error>(read.error());
        *rules = *std::move(read);
    }
    return made;
}

std::string ScrapeRules::identity() const {
    return url_ + "\n" + counter_ + "\n" + failures_ + "\n" + histogram_;
}

bool ScrapeRules::wanted(std::string_view name) const {
    if (!gauge_.empty()) return name == gauge_;
    if (!counter_.empty()) {
        return name == counter_ || (!failures_.empty() && name == failures_);
    }
    return name.starts_with(histogram_) && name.substr(histogram_.size()) == "_bucket";
}

void ScrapeRules::take_counter(PromSample const& sample, Totals& totals, Series& series) const {
    auto const added = whole(totals.added(key_of(sample), sample.value));
    auto by = printable(sample.label(by_), by_bytes_max);
    auto client = printable(sample.label(affected_), by_bytes_max);
    auto& counts = series.counts[std::pair(std::move(by), std::move(client))];
    if (!failures_.empty()) {
        (sample.name == failures_ ? counts.failure : counts.success) += added;
        return;
    }
    auto const status = status_of(sample);
    bool const judged_by_status = fail_.empty() && !status.empty();
    if (fail_.empty() && status.empty()) ++series.unjudged;
    bool const bad =
        judged_by_status ? fits_status("5xx", status) : !fail_.empty() && fail_.fits(sample);
    bool const neither = !neutral_.empty() ? neutral_.fits(sample)
                                           : judged_by_status && (fits_status("4xx", status) ||
                                                                  fits_status("1xx", status));
    (bad ? counts.failure : neither ? counts.neutral : counts.success) += added;
}

void ScrapeRules::take(PromSample const& sample, Totals& totals, Series& series) const {
    if (!match_.fits(sample)) return;
    if (++series.seen > Totals::counters_max) {
        series.problem = "too_large: more than " + std::to_string(Totals::counters_max) + " series";
        return;
    }
    if (!gauge_.empty()) {
        series.values.push_back(sample.value);
        return;
    }
    if (!std::isfinite(sample.value) || sample.value < 0) {
        series.problem = "content: a counter that is no number from 0 on";
        return;
    }
    if (!counter_.empty()) {
        take_counter(sample, totals, series);
        return;
    }
    auto const bound = sample.label("le");
    double const upper = bound == "+Inf" ? std::numeric_limits<double>::infinity()
                                         : number_of(bound).value_or(std::nan(""));
    if (std::isnan(upper)) {
        series.problem = "content: a bucket without le";
        return;
    }
    series.buckets[upper] += totals.added(key_of(sample), sample.value);
}

Result<ProbeAnswer> ScrapeRules::read(std::string_view text, WallTime now, Totals& totals) const {
    Series series;
    totals.begin(now);
    auto const name_wanted = [this](std::string_view name) { return wanted(name); };
    auto const each = [&](PromSample const& sample) { take(sample, totals, series); };
    auto const done = read_prom_text(text, name_wanted, each);
    if (!done) {
        return fail(Errc::invalid, "garbage: " + done.error().where + ": " + done.error().what);
    }
    if (!series.problem.empty()) return fail(Errc::invalid, series.problem);
    // Counters that are gone have been seen to be gone: what comes back begins at 0.
    totals.finish();
    if (series.seen == 0)
        return missing("no series of " + counter_ + gauge_ + histogram_ + " fits");
    if (!gauge_.empty()) return measured(series);
    return counter_.empty() ? quantile(series, totals.compares())
                            : counted(series, totals.compares());
}

Result<ProbeAnswer> ScrapeRules::counted(Series const& series, bool compares) const {
    if (series.unjudged > 0) {
        return missing("a series has no status label, so fail or failures must say what has failed"
        );
    }
    ProbeAnswer answer;
    if (!compares) return answer;
    for (auto const& [names, counts] : series.counts) {
        auto value = counts;
        if (!failures_.empty()) value.success -= std::min(value.failure, value.success);
        Measured measured{value};
        measured.by = names.first;
        measured.client = names.second;
        answer.more.push_back(std::move(measured));
    }
    return answer;
}

Result<ProbeAnswer> ScrapeRules::measured(Series const& series) const {
    auto const& values = series.values;
    double out = values.front();
    if (values.size() > 1 && combine_ == "one") {
        return fail(
            Errc::invalid, "content: " + std::to_string(values.size()) +
                               " series fit; narrow match, or write combine: sum, min, max or avg"
        );
    }
    if (combine_ == "min") out = *std::min_element(values.begin(), values.end());
    if (combine_ == "max") out = *std::max_element(values.begin(), values.end());
    if (combine_ == "sum" || combine_ == "avg") {
        out = 0;
        for (double const value : values) out += value;
        if (combine_ == "avg") out /= static_cast<double>(values.size());
    }
    bool const all_numbers = std::all_of(values.begin(), values.end(), [](double value) {
        return std::isfinite(value);
    });
    if (!all_numbers || !std::isfinite(out))
        return fail(Errc::invalid, "content: the value is NaN or infinite");
    return number_answer(out);
}

Result<ProbeAnswer> ScrapeRules::quantile(Series const& series, bool compares) const {
    if (!compares) return ProbeAnswer();
    auto const found = quantile_of(series.buckets, quantile_);
    if (!found) return missing("nothing was observed since the last look");
    return number_answer(*found);
}

std::optional<double> quantile_of(std::map<double, double> const& buckets, double quantile) {
    if (buckets.empty() || !std::isinf(buckets.rbegin()->first)) return std::nullopt;
    double const total = buckets.rbegin()->second;
    if (!(total > 0) || !std::isfinite(total)) return std::nullopt;
    double const rank = quantile * total;
    double lower = 0;
    double below = 0;
    for (auto const& [upper, count] : buckets) {
        if (count >= rank && count > below) {
            // Above the last bound nobody knows how far: the bound is what is sure.
            if (std::isinf(upper)) return lower;
            auto const from = std::min(lower, upper);
            return from + (upper - from) * std::clamp((rank - below) / (count - below), 0.0, 1.0);
        }
        lower = upper;
        below = std::max(below, count);
    }
    return lower;
}

}  // namespace rollbackd
