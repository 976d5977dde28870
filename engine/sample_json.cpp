#include "engine/sample_json.hpp"

namespace rollbackd {

namespace {

template <class T>
constexpr char const* value_name = "";
template <>
constexpr char const* value_name<StateValue> = "state";
template <>
constexpr char const* value_name<OutcomesValue> = "outcomes";
template <>
constexpr char const* value_name<GaugeValue> = "gauge";
template <>
constexpr char const* value_name<TextValue> = "text";
template <>
constexpr char const* value_name<UnknownValue> = "unknown";

template <class T>
bool read_value(Json const& json, SampleValue& out) {
    auto const* const member = find(json, value_name<T>);
    if (member == nullptr) return false;
    T value;
    from_json(*member, value);
    out = std::move(value);
    return true;
}

}  // namespace

Json sample_to_json(Sample const& sample) {
    JsonObject out;
    out["service"] = sample.service;
    out["signal"] = sample.signal;
    out["at"] = to_json(sample.at);
    if (!sample.id.empty()) out["id"] = sample.id;
    if (!sample.by.empty()) out["by"] = sample.by;
    if (!sample.client.empty()) out["client"] = sample.client;
    if (sample.ends_all) out["ends_all"] = true;
    if (!sample.trusted) out["trusted"] = false;
    std::visit([&]<class T>(T const& value) { out[value_name<T>] = to_json(value); }, sample.value);
    return out;
}

Result<Sample> sample_from_json(Json const& json) {
    Sample sample;
    try {
        sample.service = text_of(json, "service");
        sample.signal = text_of(json, "signal");
        sample.id = text_of(json, "id");
        sample.by = text_of(json, "by");
        sample.client = text_of(json, "client");
        if (auto const* at = find(json, "at")) from_json(*at, sample.at);
        if (auto const* ends = find(json, "ends_all")) from_json(*ends, sample.ends_all);
        if (auto const* trusted = find(json, "trusted")) from_json(*trusted, sample.trusted);
        bool const known = read_value<StateValue>(json, sample.value) ||
                           read_value<OutcomesValue>(json, sample.value) ||
                           read_value<GaugeValue>(json, sample.value) ||
                           read_value<TextValue>(json, sample.value) ||
                           read_value<UnknownValue>(json, sample.value);
        if (!known) return fail(Errc::corrupt, "a sample without a value");
    } catch (std::exception const& problem) {
        return fail(Errc::corrupt, problem.what());
    }
    return sample;
}

}  // namespace rollbackd
