#include "triggers/sources/push.hpp"

#include "core/names.hpp"
#include "core/scalar.hpp"

#include <algorithm>
#include <cmath>

namespace rollbackd {

namespace {

struct Place {
    std::size_t line = 0;  // 0: the body is one object

    std::string of(std::string_view member) const {
        if (line == 0) return std::string(member);
        std::string text = "line " + std::to_string(line);
        return member.empty() ? text : text + ": " + std::string(member);
    }
};

std::string_view example(SignalKind kind) {
    switch (kind) {
        case SignalKind::state:
            return R"({"ok":true} or {"ok":false,"reason":"..."})";
        case SignalKind::outcomes:
            return R"({"ok":true}, {"ok":false,"reason":"..."} or {"success":97,"failure":3})";
        case SignalKind::gauge:
            return R"({"value":1.5})";
        case SignalKind::text:
            return R"({"text":"..."})";
    }
    return {};
}

std::vector<std::string> members_of(SignalPolicy const& signal) {
    std::vector<std::string> known{"at", "id", "client"};
    switch (signal.kind) {
        case SignalKind::state:
            known.insert(known.end(), {"ok", "reason"});
            break;
        case SignalKind::outcomes:
            known.insert(known.end(), {"ok", "reason", "success", "failure"});
            break;
        case SignalKind::gauge:
            known.push_back("value");
            break;
        case SignalKind::text:
            known.push_back("text");
            break;
    }
    if (!signal.by.empty()) known.push_back(signal.by);
    return known;
}

/// Reads the members of one object; the first thing wrong is kept and ends it.
class ObjectReader {
public:
    ObjectReader(JsonObject const& object, SignalPolicy const& signal, Place place, Now now)
        : object_(object), signal_(signal), place_(place), now_(now) {}

    Result<Sample> read(std::vector<std::string> const& known, std::string const& service) {
        check_members(known);
        Sample sample;
        sample.service = service;
        sample.signal = signal_.name;
        sample.at = time();
        sample.id = key("id");
        sample.client = key("client");
        if (!signal_.by.empty()) sample.by = key(signal_.by);
        sample.value = value();
        if (problem_) return tl::unexpected<Error>(std::move(*problem_));
        return sample;
    }

private:
    void complain(std::string_view member, std::string what) {
        if (!problem_) problem_ = Error{Errc::invalid, std::move(what), place_.of(member)};
    }

    void check_members(std::vector<std::string> const& known) {
        for (auto const& [name, ignored] : object_) {
            std::string const member(name);
            if (std::find(known.begin(), known.end(), member) != known.end()) continue;
            std::string what = "unknown member \"" + printable(member, 64) + "\"";
            // Of very short names every other one is near.
            auto const nearest = member.size() > 3 ? nearest_name(member, known) : std::string();
            if (!nearest.empty()) what += ", did you mean \"" + nearest + "\"?";
            complain(printable(member, 64), what + "; " + takes());
        }
    }

    Instant time() const {
        auto const* const at = object_.if_contains("at");
        if (at == nullptr) return now_.boot;
        return to_instant(parse_rfc3339(std::string_view(at->as_string())).value(), now_);
    }

    // An id, a client or a `by` value, of which no document knows the name; numbers are taken as
    // their text.
    std::string key(std::string_view member) {
        auto const* const found = object_.if_contains(member);
        if (found == nullptr) return {};
        if (!found->is_string() && !found->is_number()) {
            complain(member, "expected a string or a number");
            return {};
        }
        std::string text = scalar_text(*found);
        if (text.size() > push_key_bytes_max) {
            complain(
                member,
                "longer than " + std::to_string(push_key_bytes_max) + " bytes; send a shorter one"
            );
        }
        return text;
    }

    SampleValue value() {
        switch (signal_.kind) {
            case SignalKind::state: {
                StateValue state;
                state.ok = ok();
                state.reason = reason();
                return state;
            }
            case SignalKind::outcomes:
                return outcomes();
            case SignalKind::gauge:
                return gauge();
            case SignalKind::text:
                return text();
        }
        return UnknownValue{};
    }

    bool ok() {
        auto const* const found = object_.if_contains("ok");
        if (found == nullptr) complain("ok", missing());
        return found != nullptr && found->as_bool();
    }

    SampleValue outcomes() {
        OutcomesValue counts;
        counts.reason = reason();
        bool const aggregate = object_.contains("success") || object_.contains("failure");
        if (aggregate && object_.contains("ok")) {
            complain("ok", "send either \"ok\" or \"success\" and \"failure\", not both");
        } else if (aggregate) {
            counts.success = count("success");
            counts.failure = count("failure");
        } else {
            (ok() ? counts.success : counts.failure) = 1;
        }
        return counts;
    }

    std::uint64_t count(std::string_view member) {
        auto const* const found = object_.if_contains(member);
        if (found == nullptr) {
            complain(member, "missing; an absent count is not taken as 0");
            return 0;
        }
        return found->to_number<std::uint64_t>();
    }

    SampleValue gauge() {
        auto const* const found = object_.if_contains("value");
        GaugeValue gauge;
        if (found == nullptr) complain("value", missing());
        if (found != nullptr) gauge.value = found->to_number<double>();
        if (!std::isfinite(gauge.value)) complain("value", "expected a number that is finite");
        return gauge;
    }

    SampleValue text() {
        auto const* const found = object_.if_contains("text");
        TextValue text;
        if (found == nullptr) complain("text", missing());
        if (found != nullptr) text.text = found->as_string();
        return text;
    }

    std::string reason() const {
        auto const* const found = object_.if_contains("reason");
        if (found == nullptr) return {};
        return printable(std::string_view(found->as_string()), push_reason_bytes_max);
    }

    std::string missing() const { return "missing; " + takes(); }

    std::string takes() const {
        return "this signal (" + to_string(signal_.kind) + ") takes " +
               std::string(example(signal_.kind));
    }

    JsonObject const& object_;
    SignalPolicy const& signal_;
    Place place_;
    Now now_;
    std::optional<Error> problem_;
};

}  // namespace

Result<Sample> read_push(
    JsonObject const& object, SignalPolicy const& signal, std::string const& service, Now now
) {
    return ObjectReader(object, signal, Place{}, now).read(members_of(signal), service);
}

Result<std::vector<Sample>> read_push_lines(
    std::string_view body, PushCheck const& check, SignalPolicy const& signal,
    std::string const& service, Now now
) {
    auto const known = members_of(signal);
    std::vector<Sample> samples;
    for (Place place{1}; !body.empty(); ++place.line) {
        auto const end = std::min(body.find('\n'), body.size());
        auto const line = body.substr(0, end);
        body.remove_prefix(std::min(end + 1, body.size()));
        if (line.find_first_not_of(" \t\r") == line.npos) continue;
        if (samples.size() == push_samples_max) {
            return fail(
                Errc::too_large,
                "more than " + std::to_string(push_samples_max) +
                    " samples in one body; send them in several",
                place.of("")
            );
        }
        auto const json = parse_json(line);
        if (!json) return fail(Errc::invalid, json.error().what, place.of(""));
        if (auto const fits = check(*json); !fits) {
            return fail(Errc::invalid, fits.error().what, place.of(fits.error().where));
        }
        auto sample = ObjectReader(json->as_object(), signal, place, now).read(known, service);
        if (!sample) return tl::unexpected<Error>(std::move(sample.error()));
        samples.push_back(std::move(*sample));
    }
    if (samples.empty()) {
        return fail(
            Errc::invalid, "the body holds no sample; send " + std::string(example(signal.kind)), ""
        );
    }
    std::stable_sort(samples.begin(), samples.end(), [](Sample const& a, Sample const& b) {
        return a.at < b.at;
    });
    return samples;
}

}  // namespace rollbackd
