// What of an application's metrics a `scrape` signal means, and what the numbers say. Pure: the
// text goes in, counters by outcome, a gauge, or a histogram's quantile come out.
#pragma once

#include "triggers/probes/expressions.hpp"
#include "triggers/probes/probe.hpp"
#include "triggers/probes/prom_text.hpp"
#include "triggers/probes/totals.hpp"

namespace rollbackd {

/// Labels and what their values must be: "500", a class of status "5xx", or `~` and an RE2
/// expression for the whole value.
class LabelRules {
public:
    static Result<LabelRules> make(Json const* labels, std::string const& where);
    /// Every label named fits. Without rules everything does.
    bool fits(PromSample const& sample) const;
    bool empty() const { return rules_.empty(); }

private:
    struct Rule {
        std::string label;
        std::string value;
        Expression expression;  // null: `value`
    };
    std::vector<Rule> rules_;
};

class ScrapeRules {
public:
    /// Errors name the field.
    static Result<ScrapeRules> make(JsonObject const& params, std::string by);

    SignalKind kind() const { return counter_.empty() ? SignalKind::gauge : SignalKind::outcomes; }
    /// What is counted, for Totals.
    std::string identity() const;
    /// The answer as of `now`. Errors begin with a slug: garbage, missing, content, too_large. No
    /// value and no Error: the first look, which only remembers the counters, or nothing was
    /// observed meanwhile.
    Result<ProbeAnswer> read(std::string_view text, WallTime now, Totals& totals) const;

private:
    struct Series {
        /// By the values of `by` and of `affected`.
        std::map<std::pair<std::string, std::string>, OutcomesValue> counts;
        std::vector<double> values;        // of a gauge
        std::map<double, double> buckets;  // upper bound → added
        std::size_t seen = 0;
        std::size_t unjudged = 0;  // counters without a label that says success or failure
        std::string problem;
    };

    bool wanted(std::string_view name) const;
    void take(PromSample const& sample, Totals& totals, Series& series) const;
    void take_counter(PromSample const& sample, Totals& totals, Series& series) const;
    Result<ProbeAnswer> counted(Series const& series, bool compares) const;
    Result<ProbeAnswer> measured(Series const& series) const;
    Result<ProbeAnswer> quantile(Series const& series, bool compares) const;

    std::string counter_, failures_, gauge_, histogram_;
    std::string combine_;
    std::string by_;
    std::string affected_;
    std::string url_;
    double quantile_ = 0;
    LabelRules match_, fail_, neutral_;
};

/// As Prometheus' histogram_quantile: linear inside a bucket. `buckets`: cumulative counts by upper
/// bound, infinity last. None where nothing was observed or there is no infinite bucket.
std::optional<double> quantile_of(std::map<double, double> const& buckets, double quantile);

}  // namespace rollbackd
