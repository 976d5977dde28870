// The body of Alertmanager's webhook, version 4, as alerts. Pure; called by the API, which has held
// it against its document. Members we do not need are not looked at: their format is theirs.
#pragma once

#include "core/json.hpp"
#include "core/time.hpp"

#include <map>
#include <optional>
#include <vector>

namespace rollbackd {

struct Alert {
    std::string fingerprint;  // made of the labels where the sender gives none
    std::map<std::string, std::string, std::less<>> labels;
    std::string summary;  // an annotation for people: summary, else description; may be empty
    bool firing = false;
    std::optional<WallTime> starts_at;
    std::optional<WallTime> ends_at;  // Alertmanager gives none while an alert fires

    friend bool operator==(Alert const&, Alert const&) = default;
};

struct AlertNotice {
    std::vector<Alert> alerts;    // in the order they came
    std::uint64_t truncated = 0;  // alerts the sender has left out (its max_alerts)

    friend bool operator==(AlertNotice const&, AlertNotice const&) = default;
};

inline constexpr std::size_t alerts_max = 5000;            // in one notification
inline constexpr std::size_t alert_labels_max = 64;        // of one alert
inline constexpr std::size_t alert_text_bytes_max = 1024;  // of a label's value and of a summary

/// Of an AlertNotification of the API's document. Errc::invalid with where = "/alerts/3/startsAt"
/// for what no document tells; Errc::too_large above a limit.
Result<AlertNotice> read_alerts(Json const& notification);

}  // namespace rollbackd
