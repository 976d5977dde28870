#include "triggers/sources/alerts_parse.hpp"

#include "core/names.hpp"

namespace rollbackd {

namespace {

constexpr std::string_view go_zero_year = "0001-01-01T";  // how Go writes "no time"

tl::unexpected<Error> wrong(std::string what, std::string where) {
    return fail(Errc::invalid, std::move(what), std::move(where));
}

/// An alert's status; absent: what stands above it.
Result<bool> firing_of(Json const& value, std::string_view otherwise, std::string const& where) {
    auto const text = text_of(value, "status", otherwise);
    if (text.empty()) return wrong("expected \"firing\" or \"resolved\"", where + "/status");
    return text == "firing";
}

Result<std::optional<WallTime>> time_of(
    Json const& value, std::string_view key, std::string const& where
) {
    auto const text = text_of(value, key);
    if (text.empty() || text.starts_with(go_zero_year)) return std::optional<WallTime>();
    auto const time = parse_rfc3339(text);
    if (!time) return wrong("expected a time like 2026-01-31T12:00:00Z", where);
    return std::optional<WallTime>(*time);
}

std::string cut(std::string_view text) { return std::string(text.substr(0, alert_text_bytes_max)); }

Result<void> read_labels(Json const& value, Alert& alert, std::string const& where) {
    auto const& labels = value.at("labels").as_object();
    if (labels.size() > alert_labels_max) {
        return fail(
            Errc::too_large, "more than " + std::to_string(alert_labels_max) + " labels",
            where + "/labels"
        );
    }
    for (auto const& [name, text] : labels) {
        alert.labels.emplace(std::string(name), cut(std::string_view(text.as_string())));
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

Result<AlertNotice> read_alerts(Json const& notification) {
    auto const& list = notification.at("alerts").as_array();
    if (list.size() > alerts_max) {
        return fail(Errc::too_large, "more than " + std::to_string(alerts_max) + " alerts");
    }
    AlertNotice notice;
    if (auto const* const truncated = find(notification, "truncatedAlerts")) {
        if (truncated->is_int64() && truncated->get_int64() > 0) {
            notice.truncated = static_cast<std::uint64_t>(truncated->get_int64());
        }
    }
    auto const status = text_of(notification, "status");
    for (std::size_t i = 0; i < list.size(); ++i) {
        auto alert = read_alert(list[i], status, "/alerts/" + std::to_string(i));
        if (!alert) return tl::unexpected<Error>(alert.error());
        notice.alerts.push_back(*std::move(alert));
    }
    return notice;
}

}  // namespace rollbackd
