#include "triggers/sources/access_log_match.hpp"

#include "core/names.hpp"
#include "core/percent.hpp"

#include <re2/re2.h>
#include <algorithm>

namespace rollbackd {

namespace {

constexpr std::size_t reason_bytes_max = 200;

Error wrong_status(std::string const& text, std::string const& where) {
    return {
        Errc::invalid,
        "\"" + printable(text, 32) + "\" is no status; write one like 503, or a class like 4xx",
        where
    };
}

// The statuses "503" or "4xx" stands for, [first, last]; and whether it is a class.
struct StatusRange {
    std::size_t first = 0;
    std::size_t last = 0;
};

std::optional<StatusRange> range_of(std::string const& text) {
    if (text.size() != 3 || text[0] < '1' || text[0] > '5') return std::nullopt;
    std::size_t const hundreds = static_cast<std::size_t>(text[0] - '0') * 100;
    if ((text[1] == 'x' && text[2] == 'x') || (text[1] == 'X' && text[2] == 'X')) {
        return StatusRange{hundreds, hundreds + 99};
    }
    auto const digit = [&](std::size_t at) { return text[at] >= '0' && text[at] <= '9'; };
    if (!digit(1) || !digit(2)) return std::nullopt;
    std::size_t const status = hundreds + static_cast<std::size_t>(text[1] - '0') * 10 +
                               static_cast<std::size_t>(text[2] - '0');
    return StatusRange{status, status};
}

Result<std::vector<StatusRange>> ranges_of(Json const& json, std::string const& where) {
    std::vector<StatusRange> ranges;
    if (json.is_null()) return ranges;
    JsonArray const list = json.is_array() ? json.get_array() : JsonArray{json};
    for (auto const& item : list) {
        auto const text = item.is_string() ? std::string(item.get_string()) : to_text(item);
        auto const range = range_of(text);
        if (!range) return tl::unexpected<Error>(wrong_status(text, where));
        ranges.push_back(*range);
    }
    return ranges;
}

Json param(JsonObject const& params, std::string_view key) {
    auto const* const found = params.if_contains(key);
    return found == nullptr ? Json() : *found;
}

// One text or a list of texts.
Result<std::vector<std::string>> texts_of(Json const& json, std::string const& where) {
    std::vector<std::string> texts;
    if (json.is_null()) return texts;
    JsonArray const list = json.is_array() ? json.get_array() : JsonArray{json};
    for (auto const& item : list) {
        if (!item.is_string()) return fail(Errc::invalid, "expected a text or a list", where);
        texts.emplace_back(item.get_string());
    }
    return texts;
}

Result<std::shared_ptr<re2::RE2 const>> expression(Json const& json, std::string const& where) {
    if (json.is_null()) return std::shared_ptr<re2::RE2 const>();
    if (!json.is_string()) return fail(Errc::invalid, "expected an RE2 expression", where);
    RE2::Options options(RE2::Quiet);
    options.set_max_mem(1 << 20);
    auto made = std::make_shared<re2::RE2 const>(std::string(json.get_string()), options);
    if (!made->ok()) {
        return fail(Errc::invalid, "not an RE2 expression: " + made->error(), where);
    }
    return std::shared_ptr<re2::RE2 const>(std::move(made));
}

int group_named(std::shared_ptr<re2::RE2 const> const& made, std::string const& name) {
    if (!made || name.empty()) return 0;
    auto const& groups = made->NamedCapturingGroups();
    auto const found = groups.find(name);
    return found == groups.end() ? 0 : found->second;
}

std::optional<std::string> group_text(re2::RE2 const& made, int group, std::string const& text) {
    std::vector<re2::StringPiece> groups(static_cast<std::size_t>(group) + 1);
    if (!made.Match(text, 0, text.size(), RE2::UNANCHORED, groups.data(), group + 1)) {
        return std::nullopt;
    }
    return groups.back().as_string();
}

std::string lower(std::string text) {
    for (auto& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return text;
}

std::string upper(std::string text) {
    for (auto& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return text;
}

// Without its port; an IPv6 address keeps its brackets.
std::string host_name(std::string const& host) {
    auto const colon = host.rfind(':');
    bool const port = colon != host.npos && host.find(']', colon) == host.npos;
    return lower(port ? host.substr(0, colon) : host);
}

bool host_matches(std::string const& host, std::string const& pattern) {
    if (!pattern.starts_with("*.")) return host == pattern;
    return host.size() > pattern.size() - 1 && host.ends_with(pattern.substr(1));
}

double seconds_per(std::string_view unit) {
    if (unit == "ms") return 1e-3;
    if (unit == "us") return 1e-6;
    if (unit == "ns") return 1e-9;
    return 1;
}

std::string said(LogLine const& line) {
    auto text = "status: " + std::to_string(line.status);
    for (auto const* const part : {&line.method, &line.path}) {
        if (!part->empty()) text += " " + *part;
    }
    return text;
}

OutcomesValue counted(Outcome outcome, LogLine const& line) {
    OutcomesValue value;
    switch (outcome) {
        case Outcome::success:
            value.success = 1;
            break;
        case Outcome::neutral:
            value.neutral = 1;
            break;
        case Outcome::failure:
            value.failure = 1;
            value.reason = printable(said(line), reason_bytes_max);
            break;
    }
    return value;
}

}  // namespace

StatusRules::StatusRules() {
    for (std::size_t status = 0; status < outcomes_.size(); ++status) {
        outcomes_[status] = status >= 500   ? Outcome::failure
                            : status >= 400 ? Outcome::neutral
                                            : Outcome::success;
    }
}

Result<StatusRules> StatusRules::make(Json const& fail_list, Json const& neutral_list) {
    auto const failing = ranges_of(fail_list, "fail");
    if (!failing) return tl::unexpected<Error>(failing.error());
    auto const neutral = ranges_of(neutral_list, "neutral");
    if (!neutral) return tl::unexpected<Error>(neutral.error());
    StatusRules rules;
    // Later ones win: classes before single statuses, neutral before failing.
    for (bool const classes : {true, false}) {
        for (auto const outcome : {Outcome::neutral, Outcome::failure}) {
            for (auto const& range : outcome == Outcome::failure ? *failing : *neutral) {
                if ((range.last != range.first) != classes) continue;
                std::fill(
                    rules.outcomes_.begin() + std::ptrdiff_t(range.first),
                    rules.outcomes_.begin() + std::ptrdiff_t(range.last) + 1, outcome
                );
            }
        }
    }
    return rules;
}

bool is_measured_latency(JsonObject const& params) {
    return text_of(Json(params), "measure") == "latency";
}

Result<AccessLogReader> AccessLogReader::make(std::string service, SignalPolicy const& signal) {
    AccessLogReader reader;
    reader.service_ = std::move(service);
    reader.signal_ = signal.name;
    reader.by_ = signal.by;
    Json const params(signal.params);
    reader.id_ = text_of(params, "id");
    reader.affected_ = text_of(params, "affected", "client");
    reader.measures_latency_ = is_measured_latency(signal.params);
    reader.seconds_per_unit_ = seconds_per(text_of(params, "latency_unit"));
    if (auto read = reader.read_form(signal); !read) return tl::unexpected<Error>(read.error());
    auto rules = StatusRules::make(param(signal.params, "fail"), param(signal.params, "neutral"));
    if (!rules) return tl::unexpected<Error>(rules.error());
    reader.rules_ = *rules;
    auto const match = param(signal.params, "match");
    if (!match.is_null() && !match.is_object()) {
        return fail(Errc::invalid, "expected path, method, query or host", "match");
    }
    auto read = reader.read_match(match.is_object() ? match.get_object() : JsonObject());
    if (read && reader.pattern_) read = reader.check_pattern();
    if (!read) return tl::unexpected<Error>(read.error());
    return reader;
}

// In which form the lines are.
Result<void> AccessLogReader::read_form(SignalPolicy const& signal) {
    auto const format = param(signal.params, "format");
    if (!format.is_null()) {
        auto const known = enum_from<LogFormat>(format.is_string() ? format.get_string() : "");
        if (!known) {
            return fail(
                Errc::invalid, "expected auto, combined, common, vhost_combined or json", "format"
            );
        }
        format_ = *known;
    }
    if (auto const keys = param(signal.params, "keys"); !keys.is_null()) {
        auto read = read_json<LogKeys>(keys);
        if (!read) return fail(Errc::invalid, read.error().what, "keys");
        keys_ = std::move(*read);
    }
    bool const fixed = format_ != LogFormat::auto_ && format_ != LogFormat::json;
    if (fixed && measures_latency_) {
        return fail(
            Errc::invalid,
            "a line of this format holds no latency; write JSON lines, or say with pattern where "
            "it stands",
            "format"
        );
    }
    auto const pattern = param(signal.params, "pattern");
    if (pattern.is_null()) return {};
    if (format_ != LogFormat::auto_ || keys_ != LogKeys{}) {
        return fail(
            Errc::invalid, "pattern says itself what a line is: without format and keys", "pattern"
        );
    }
    auto made = LogPattern::make(
        pattern.is_string() ? std::string(pattern.get_string()) : std::string(),
        {by_, id_, affected_}
    );
    if (!made) return fail(Errc::invalid, made.error().what, "pattern");
    pattern_ = std::move(*made);
    return {};
}

Result<void> AccessLogReader::read_match(JsonObject const& wanted) {
    auto path = expression(param(wanted, "path"), "match.path");
    if (!path) return tl::unexpected<Error>(path.error());
    auto query = expression(param(wanted, "query"), "match.query");
    if (!query) return tl::unexpected<Error>(query.error());
    auto methods = texts_of(param(wanted, "method"), "match.method");
    if (!methods) return tl::unexpected<Error>(methods.error());
    auto hosts = texts_of(param(wanted, "host"), "match.host");
    if (!hosts) return tl::unexpected<Error>(hosts.error());
    path_ = std::move(*path);
    query_ = std::move(*query);
    for (auto& method : *methods) methods_.push_back(upper(std::move(method)));
    for (auto& host : *hosts) hosts_.push_back(lower(std::move(host)));
    return {};
}

// Whatever the signal asks of a line, one of the pattern's groups must give.
Result<void> AccessLogReader::check_pattern() const {
    struct Need {
        bool asked;
        std::string_view what;
        std::vector<std::string_view> groups;  // any of these gives it
    };
    bool const target = pattern_->has("path") || pattern_->has("request");
    std::vector<Need> const needs{
        {!measures_latency_, "to tell what failed", {"status"}},
        {measures_latency_, "to be measured", {"latency"}},
        {path_ != nullptr, "for match.path", {"path", "request"}},
        {query_ != nullptr, "for match.query", {"query", "path", "request"}},
        {!methods_.empty(), "for match.method", {"method", "request"}},
        {!hosts_.empty(), "for match.host", {"host"}},
    };
    for (auto const& need : needs) {
        bool const given = std::any_of(need.groups.begin(), need.groups.end(), [&](auto name) {
            return pattern_->has(name);
        });
        if (!need.asked || given) continue;
        std::string text = "it has no group (?P<" + std::string(need.groups.front()) + ">...) ";
        return fail(Errc::invalid, text + std::string(need.what), "pattern");
    }
    // A client's address and a host are nice to have: without them affected() is unknown.
    bool const fields = affected_ == "client" || affected_ == "host";
    for (auto const& name : {by_, id_, fields ? std::string() : affected_}) {
        bool const given = name.empty() || pattern_->has(name) || target ||
                           pattern_->has("query") || group_named(path_, name) > 0;
        if (given) continue;
        return fail(
            Errc::invalid,
            "it has no group (?P<" + printable(name, by_bytes_max) +
                ">...), and no path or query to "
                "find that in",
            "pattern"
        );
    }
    return {};
}

LineFate AccessLogReader::read(std::string_view text, Now now, Sample& sample) const {
    auto const line = pattern_ ? pattern_->parse(text) : parse_log_line(text, format_, keys_);
    if (!line) return LineFate::unreadable;
    bool const status_needed = !measures_latency_;
    if (line->status < 200 && (status_needed || line->status > 0)) return LineFate::no_status;
    if (!matches(*line)) return LineFate::unmatched;
    sample = Sample();
    if (measures_latency_) {
        auto const seconds = seconds_of(*line);
        if (!seconds) return LineFate::no_status;
        sample.value = GaugeValue{*seconds};
    } else {
        sample.value = counted(rules_.outcome(line->status), *line);
    }
    sample.service = service_;
    sample.signal = signal_;
    sample.at = line->time ? to_instant(*line->time, now) : now.boot;
    if (!by_.empty()) sample.by = printable(named(*line, by_).value_or(""), by_bytes_max);
    sample.id = id_.empty() ? line->id : named(*line, id_).value_or("");
    if (sample.id.size() > id_bytes_max) sample.id.resize(id_bytes_max);
    sample.client = counted_once(*line).substr(0, by_bytes_max);
    return LineFate::sample;
}

bool AccessLogReader::matches(LogLine const& line) const {
    if (path_ && !RE2::PartialMatch(line.path, *path_)) return false;
    if (query_ && !RE2::PartialMatch(line.query, *query_)) return false;
    if (!methods_.empty() &&
        std::find(methods_.begin(), methods_.end(), upper(line.method)) == methods_.end()) {
        return false;
    }
    if (hosts_.empty()) return true;
    auto const host = host_name(line.host);
    return std::any_of(hosts_.begin(), hosts_.end(), [&](auto const& pattern) {
        return host_matches(host, pattern);
    });
}

// A named group of the expressions, a member of a JSON line, else a query parameter.
std::optional<std::string> AccessLogReader::named(LogLine const& line, std::string const& name)
    const {
    if (int const group = group_named(path_, name); group > 0) {
        if (auto text = group_text(*path_, group, line.path)) return text;
    }
    if (int const group = group_named(query_, name); group > 0) {
        if (auto text = group_text(*query_, group, line.query)) return text;
    }
    if (auto const found = line.named.find(name); found != line.named.end()) return found->second;
    if (auto text = member_text(line.json, name); !text.empty()) return text;
    return query_value(line.query, name);
}

// What affected() counts: a client, an endpoint. Empty: the line does not say.
std::string AccessLogReader::counted_once(LogLine const& line) const {
    if (affected_ == "client") return line.client;
    if (affected_ == "path") return line.path;
    if (affected_ == "host") return host_name(line.host);
    return printable(named(line, affected_).value_or(""), by_bytes_max);
}

std::optional<double> AccessLogReader::seconds_of(LogLine const& line) const {
    if (!line.latency || *line.latency < 0) return std::nullopt;
    return *line.latency * seconds_per_unit_;
}

}  // namespace rollbackd
