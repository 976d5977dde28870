#include "triggers/sources/alerts_parse.hpp"

#include "core/json.hpp"
#include "core/names.hpp"

namespace rollbackd {

namespace {

constexpr std::string_view version_known = "4";
constexpr std::string_view go_zero_year = "0001-01-01T";  // how Go writes "no time"

tl::unexpected<Error> wrong(std::string what, std::string where) {
    return fail(Errc::invalid, std::move(what), std::move(where));
}

/// A status member; absent: what stands above it.
Result<bool> firing_of(Json const& value, std::string_view otherwise, std::string const& where) {
    auto const* const found = find(value, "status");
    auto const text = found == nullptr ? std::string(otherwise) : text_of(value, "status");
    if (text == "firing") return true;
    if (text == "resolved") return false;
    return wrong("expected \"firing\" or \"resolved\"", where + "/status");
}

Result<std::optional<WallTime>> time_of(
    Json const& value, std::string_view key, std::string const& where
) {
    auto const* const found = find(value, key);
    if (found == nullptr || found->is_null()) return std::optional<WallTime>();
    auto const text = text_of(value, key);
    if (text.empty() || text.starts_with(go_zero_year)) return std::optional<WallTime>();
    auto const time = parse_rfc3339(text);
    if (!time) return wrong("expected a time like 2026-01-31T12:00:00Z", where);
    return std::optional<WallTime>(*time);
}

std::string cut(std::string_view text) { return std::string(text.substr(0, alert_text_bytes_max)); }

Result<void> read_labels(Json const& value, Alert& alert, std::string const& where) {
    auto const* const labels = find(value, "labels");
    if (labels == nullptr || !labels->is_object()) {
        return wrong("expected an object of labels", where + "/labels");
    }
    if (labels->get_object().size() > alert_labels_max) {
        return fail(
            Errc::too_large, "more than " + std::to_string(alert_labels_max) + " labels",
            where + "/labels"
        );
    }
    for (auto const& [name, text] : labels->get_object()) {
        if (!text.is_string()) return wrong("a label's value is a text", where + "/labels");
        alert.labels.emplace(std::string(name), cut(std::string_view(text.get_string())));
    }
    return {};
}

/// The same labels are the same alert, whoever sends it.
std::string fingerprint_of(Alert const& alert) {
    std::string out;
    for (auto const& [name, value] : alert.labels) {
        out += std::to_string(name.size()) + ":" + name + "=" + std::to_string(value.size()) + ":" +
               value;
    }
    return out.substr(0, alert_text_bytes_max);
}

std::string summary_of(Json const& value) {
    auto const* const annotations = find(value, "annotations");
    if (annotations == nullptr) return {};
    auto const summary = text_of(*annotations, "summary");
    return cut(summary.empty() ? text_of(*annotations, "description") : summary);
}

Result<Alert> read_alert(Json const& value, std::string_view status, std::string const& where) {
    if (!value.is_object()) return wrong("expected an alert", where);
    Alert alert;
    auto const firing = firing_of(value, status, where);
    if (!firing) return tl::unexpected<Error>(firing.error());
    alert.firing = *firing;
    auto const labels = read_labels(value, alert, where);
    if (!labels) return tl::unexpected<Error>(labels.error());
    auto const starts = time_of(value, "startsAt", where + "/startsAt");
    if (!starts) return tl::unexpected<Error>(starts.error());
    auto const ends = time_of(value, "endsAt", where + "/endsAt");
    if (!ends) return tl::unexpected<Error>(ends.error());
    alert.starts_at = *starts;
    alert.ends_at = *ends;
    alert.summary = summary_of(value);
    alert.fingerprint = cut(text_of(value, "fingerprint"));
    if (alert.fingerprint.empty()) alert.fingerprint = fingerprint_of(alert);
    return alert;
}

}  // namespace

Result<AlertNotice> parse_alerts(std::string_view body) {
    auto const json = parse_json(body);
    if (!json) return fail(Errc::invalid, "not JSON: " + json.error().what);
    if (!json->is_object()) return wrong("expected Alertmanager's notification, an object", "");
    if (auto const* const version = find(*json, "version")) {
        bool const known = version->is_string() && version->get_string() == version_known;
        if (!known) return wrong("expected version \"4\" of Alertmanager's webhook", "/version");
    }
    auto const* const list = find(*json, "alerts");
    if (list == nullptr || !list->is_array()) return wrong("expected a list of alerts", "/alerts");
    if (list->get_array().size() > alerts_max) {
        return fail(Errc::too_large, "more than " + std::to_string(alerts_max) + " alerts");
    }
    AlertNotice notice;
    if (auto const* const truncated = find(*json, "truncatedAlerts")) {
        if (truncated->is_int64() && truncated->get_int64() > 0) {
            notice.truncated = static_cast<std::uint64_t>(truncated->get_int64());
        }
    }
    auto const status = text_of(*json, "status");
    for (std::size_t i = 0; i < list->get_array().size(); ++i) {
        auto alert = read_alert(list->get_array()[i], status, "/alerts/" + std::to_string(i));
        if (!alert) return tl::unexpected<Error>(alert.error());
        notice.alerts.push_back(*std::move(alert));
    }
    return notice;
}

}  // namespace rollbackd
