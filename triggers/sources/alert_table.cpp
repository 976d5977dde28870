#include "triggers/sources/alert_table.hpp"

#include "core/names.hpp"

#include <re2/re2.h>
#include <algorithm>

namespace rollbackd {

namespace {

constexpr std::size_t reason_bytes_max = 200;
constexpr std::int64_t expression_memory_max = 1 << 20;

struct SavedAlerts {
    std::string match;
    std::vector<FiringAlert> firing;
    std::vector<EndedAlert> ended;
};
BOOST_DESCRIBE_STRUCT(SavedAlerts, (), (match, firing, ended))

using Labels = std::map<std::string, std::string, std::less<>>;

std::string label(Labels const& labels, std::string_view name) {
    auto const found = labels.find(name);
    return found == labels.end() ? std::string() : found->second;
}

Labels kept(Labels const& labels) {
    std::size_t bytes = 0;
    for (auto const& [name, value] : labels) bytes += name.size() + value.size();
    return bytes > AlertTable::labels_bytes_max ? Labels() : labels;
}

std::string reason_of(Alert const& alert) {
    auto text = "alert: " + label(alert.labels, "alertname");
    if (auto const severity = label(alert.labels, "severity"); !severity.empty()) {
        text += " (" + severity + ")";
    }
    if (!alert.summary.empty()) text += ": " + alert.summary;
    return printable_line(text, reason_bytes_max);
}

template <class T>
bool is_same(T const& known, Alert const& alert) {
    return known.fingerprint == alert.fingerprint && known.starts_at == alert.starts_at;
}

std::string params_text(JsonObject const& params) {
    auto const* const match = params.if_contains("match");
    auto const* const alive = params.if_contains("alive");
    return (match ? to_text(*match) : "") + (alive ? to_text(*alive) : "");
}

}  // namespace

Result<AlertMatch> AlertMatch::make(Json const& labels, std::string const& where) {
    AlertMatch made;
    if (!labels.is_object()) return made;
    for (auto const& [name, value] : labels.get_object()) {
        Rule rule;
        rule.name = std::string(name);
        rule.value = value.is_string() ? std::string(value.get_string()) : to_text(value);
        if (rule.value.starts_with('~')) {
            RE2::Options options(RE2::Quiet);
            options.set_max_mem(expression_memory_max);
            auto expression = std::make_shared<re2::RE2 const>(rule.value.substr(1), options);
            if (!expression->ok()) {
                return fail(
                    Errc::invalid, "not an RE2 expression: " + expression->error(),
                    where + "." + rule.name
                );
            }
            rule.expression = std::move(expression);
        }
        made.rules_.push_back(std::move(rule));
    }
    return made;
}

bool AlertMatch::matches(Labels const& labels) const {
    return std::all_of(rules_.begin(), rules_.end(), [&](Rule const& rule) {
        auto const value = label(labels, rule.name);
        if (rule.expression) return re2::RE2::FullMatch(value, *rule.expression);
        return value == rule.value;
    });
}

Result<AlertTable> AlertTable::make(std::string service, SignalPolicy const& signal) {
    AlertTable table;
    table.service_ = std::move(service);
    table.signal_ = signal.name;
    table.match_text_ = params_text(signal.params);
    Json const params(signal.params);
    auto const* const match = find(params, "match");
    auto const* const alive = find(params, "alive");
    if (match == nullptr || !match->is_object() || match->get_object().empty()) {
        return fail(
            Errc::invalid, "expected the labels of the alerts that are meant, { alertname: … }",
            "match"
        );
    }
    auto made = AlertMatch::make(*match, "match");
    if (!made) return tl::unexpected<Error>(made.error());
    table.match_ = *std::move(made);
    if (alive != nullptr) {
        auto living = AlertMatch::make(*alive, "alive");
        if (!living) return tl::unexpected<Error>(living.error());
        table.alive_ = *std::move(living);
    }
    return table;
}

/// Event time counts, so that an alert from before a deployment is not blamed on it; but what was
/// judged is never gone behind, for the newest sample is what the signal says.
Sample AlertTable::sample(std::optional<WallTime> at, bool trusted, Now now) const {
    Sample made;
    made.service = service_;
    made.signal = signal_;
    made.trusted = trusted;
    made.at = at ? std::min(to_instant(*at, now), now.boot) : now.boot;
    made.in_order = true;
    return made;
}

bool AlertTable::is_over(Alert const& alert) const {
    return std::any_of(ended_.begin(), ended_.end(), [&](EndedAlert const& ended) {
        return is_same(ended, alert);
    });
}

void AlertTable::remember(EndedAlert ended, WallTime now) {
    std::erase_if(ended_, [&](EndedAlert const& known) { return now - known.ended > ended_kept; });
    if (ended_.size() == ended_max) ended_.erase(ended_.begin());
    ended_.push_back(std::move(ended));
}

void AlertTable::begin(Alert const& alert, bool trusted, Now now, std::vector<Sample>& samples) {
    auto const known = std::find_if(firing_.begin(), firing_.end(), [&](FiringAlert const& other) {
        return is_same(other, alert);
    });
    if (known != firing_.end()) {
        // A repeat, or a twin of a second Alertmanager: it may only put the end off.
        bool const endless = !known->ends_at || !alert.ends_at;
        known->ends_at = endless ? std::nullopt : std::max(known->ends_at, alert.ends_at);
        return;
    }
    FiringAlert fresh;
    fresh.fingerprint = alert.fingerprint;
    fresh.starts_at = alert.starts_at;
    fresh.ends_at = alert.ends_at;
    fresh.reason = reason_of(alert);
    fresh.trusted = trusted;
    fresh.labels = kept(alert.labels);
    auto made = sample(alert.starts_at, trusted, now);
    made.value = StateValue{false, fresh.reason, {}};
    samples.push_back(std::move(made));
    firing_.push_back(std::move(fresh));
}

void AlertTable::end(Alert const& alert, bool trusted, Now now, std::vector<Sample>& samples) {
    auto const ended = std::min(alert.ends_at.value_or(now.wall), now.wall);
    bool const news = !is_over(alert);
    // Alertmanager joins overlapping alerts, and the joined one may have begun at another time:
    // what began before this end, under the same fingerprint, is over with it.
    auto const removed = std::erase_if(firing_, [&](FiringAlert const& known) {
        return is_same(known, alert) || (known.fingerprint == alert.fingerprint &&
                                         known.starts_at.value_or(WallTime::min()) <= ended);
    });
    if (news) remember(EndedAlert{alert.fingerprint, alert.starts_at, ended}, now.wall);
    if (!firing_.empty() || (!news && removed == 0)) return;
    auto made = sample(ended, trusted, now);
    made.value = StateValue{true, {}, {}};
    samples.push_back(std::move(made));
}

bool AlertTable::means(Alert const& alert) const {
    return match_.matches(alert) || (!alive_.empty() && alive_.matches(alert));
}

Result<std::vector<Sample>> AlertTable::take(AlertNotice const& notice, bool trusted, Now now) {
    std::vector<Sample> samples;
    bool alive = false;
    bool again = false;
    for (auto const& alert : notice.alerts) {
        alive = alive || (alert.firing && !alive_.empty() && alive_.matches(alert));
        if (!match_.matches(alert)) continue;
        bool const past = alert.ends_at && *alert.ends_at <= now.wall;
        if (!alert.firing || past) {
            end(alert, trusted, now, samples);
        } else if (!is_over(alert)) {
            again = true;
            begin(alert, trusted, now, samples);
        }
    }
    if (firing_.size() > firing_max) {
        return fail(
            Errc::unavailable, "more than " + std::to_string(firing_max) + " alerts fire at once"
        );
    }
    if (samples.empty() && (alive || (again && !firing_.empty()))) {
        auto made = sample(std::nullopt, trusted, now);
        made.value = StateValue{true, {}, {}};
        if (!firing_.empty()) {
            made.value = StateValue{false, firing_.back().reason, {}};
            made.repeated = true;
        }
        samples.push_back(std::move(made));
    }
    return samples;
}

std::vector<Sample> AlertTable::expire(Now now) {
    std::vector<Sample> samples;
    std::optional<FiringAlert> last;
    for (auto const& known : firing_) {
        if (!known.ends_at || *known.ends_at > now.wall) continue;
        if (!last || *last->ends_at < *known.ends_at) last = known;
        remember(EndedAlert{known.fingerprint, known.starts_at, *known.ends_at}, now.wall);
    }
    std::erase_if(firing_, [&](FiringAlert const& known) {
        return known.ends_at && *known.ends_at <= now.wall;
    });
    if (!last || !firing_.empty()) return samples;
    auto made = sample(last->ends_at, last->trusted, now);
    made.value = StateValue{true, {}, {}};
    samples.push_back(std::move(made));
    return samples;
}

std::optional<WallTime> AlertTable::next_end() const {
    std::optional<WallTime> next;
    for (auto const& known : firing_) {
        if (known.ends_at && (!next || *known.ends_at < *next)) next = known.ends_at;
    }
    return next;
}

Json AlertTable::save() const {
    SavedAlerts saved;
    saved.match = match_text_;
    saved.firing = firing_;
    saved.ended = ended_;
    return to_json(saved);
}

std::vector<Sample> AlertTable::load(Json const& given, Now now) {
    std::vector<Sample> samples;
    auto saved = read_json<SavedAlerts>(given);
    if (!saved) return samples;
    if (saved->firing.size() > firing_max || saved->ended.size() > ended_max) return samples;
    firing_ = std::move(saved->firing);
    ended_ = std::move(saved->ended);
    if (saved->match == match_text_) return samples;
    std::erase_if(firing_, [this](FiringAlert const& known) {
        return known.labels.empty() || !match_.matches(known.labels);
    });
    std::stable_sort(firing_.begin(), firing_.end(), [](auto const& a, auto const& b) {
        return a.starts_at.value_or(WallTime::max()) < b.starts_at.value_or(WallTime::max());
    });
    for (auto const& known : firing_) {
        auto made = sample(known.starts_at, known.trusted, now);
        made.value = StateValue{false, known.reason, {}};
        samples.push_back(std::move(made));
    }
    return samples;
}

}  // namespace rollbackd
