#include "triggers/probes/json_rules.hpp"

#include "core/names.hpp"
#include "core/scalar.hpp"
#include "triggers/probes/answers.hpp"
#include "triggers/probes/numbers.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

constexpr std::size_t items_max = 10'000;
constexpr std::size_t by_bytes_max = 128;
constexpr std::size_t id_bytes_max = 256;

tl::unexpected<Error> missing(std::string const& pointer) {
    return fail(Errc::not_found, "missing: the answer has no " + pointer);
}

tl::unexpected<Error> content(std::string const& pointer, Error const& error) {
    return fail(Errc::invalid, "content: " + pointer + ": " + error.what);
}

/// A pointer begins with a slash; the empty one is the whole.
Result<std::optional<std::string>> pointer_in(Json const& params, std::string const& key) {
    auto const* const found = find(params, key);
    if (found == nullptr || found->is_null()) return std::optional<std::string>();
    auto text = text_of(params, key);
    if (!text.empty() && !text.starts_with('/')) {
        return fail(
            Errc::invalid,
            "\"" + printable(text, 80) + "\" is no JSON pointer (RFC 6901); did you mean \"/" +
                printable(text, 80) + "\"?",
            key
        );
    }
    return std::optional<std::string>(std::move(text));
}

/// null is as good as absent: nobody wrote a number there.
Json const* member(Json const& value, std::string const& pointer) {
    auto const* const found = find_pointer(value, pointer);
    return found == nullptr || found->is_null() ? nullptr : found;
}

bool same_value(Json const& wanted, Json const& found) {
    if (wanted.is_number() && found.is_number()) {
        return wanted.to_number<double>() == found.to_number<double>();
    }
    return wanted == found;
}

}  // namespace

Result<JsonRules> JsonRules::make(JsonObject const& params, std::string by) {
    Json const all(params);
    JsonRules made;
    made.url_ = text_of(all, "url");
    made.by_ = std::move(by);
    struct Pointer {
        char const* key;
        std::optional<std::string>* into;
    };
    for (auto const& one :
         {Pointer{"value", &made.value_}, Pointer{"items", &made.items_},
          Pointer{"oldest", &made.oldest_}, Pointer{"success", &made.success_},
          Pointer{"failure", &made.failure_}, Pointer{"id", &made.id_}, Pointer{"at", &made.at_}}) {
        auto pointer = pointer_in(all, one.key);
        if (!pointer) return tl::unexpected<Error>(pointer.error());
        *one.into = *std::move(pointer);
    }
    struct Map {
        char const* key;
        Wanted* into;
    };
    for (auto const& one :
         {Map{"where", &made.where_}, Map{"fail", &made.fail_}, Map{"neutral", &made.neutral_}}) {
        auto wanted = wanted_of(all, one.key);
        if (!wanted) return tl::unexpected<Error>(wanted.error());
        *one.into = *std::move(wanted);
    }
    auto const* const totals = find(all, "totals");
    made.grows_ = totals != nullptr && totals->is_bool() && totals->get_bool();
    return made;
}

Result<JsonRules::Wanted> JsonRules::wanted_of(Json const& params, std::string const& key) {
    Wanted wanted;
    auto const* const map = find(params, key);
    if (map == nullptr || !map->is_object()) return wanted;
    for (auto const& [pointer, value] : map->get_object()) {
        if (!pointer.empty() && !pointer.starts_with('/')) {
            return fail(
                Errc::invalid,
                "\"" + std::string(pointer) + "\" is no JSON pointer (RFC 6901); did you mean \"/" +
                    std::string(pointer) + "\"?",
                key
            );
        }
        wanted.emplace_back(std::string(pointer), value);
    }
    return wanted;
}

SignalKind JsonRules::kind() const {
    bool const outcomes = !fail_.empty() || success_ || failure_;
    return outcomes ? SignalKind::outcomes : SignalKind::gauge;
}

std::string JsonRules::identity() const {
    return url_ + "\n" + success_.value_or("") + "\n" + failure_.value_or("");
}

/// Whether everything wanted stands there; an Error where a member is not there at all.
Result<bool> JsonRules::fits(Wanted const& wanted, Json const& item) {
    bool fit = true;
    for (auto const& [pointer, value] : wanted) {
        auto const* const found = find_pointer(item, pointer);
        if (found == nullptr) return missing(pointer);
        fit = fit && same_value(value, *found);
    }
    return fit;
}

Result<std::vector<Json const*>> JsonRules::items_in(Json const& body) const {
    auto const* const list = find_pointer(body, *items_);
    if (list == nullptr || !list->is_array()) {
        return fail(Errc::not_found, "missing: the answer has no list at \"" + *items_ + "\"");
    }
    if (list->get_array().size() > items_max) {
        return fail(
            Errc::too_large, "too_large: more than " + std::to_string(items_max) + " members"
        );
    }
    std::vector<Json const*> items;
    for (auto const& item : list->get_array()) {
        auto const fit = fits(where_, item);
        if (!fit) return tl::unexpected<Error>(fit.error());
        if (*fit) items.push_back(&item);
    }
    return items;
}

Result<Measured> JsonRules::outcome(Json const& item) const {
    auto const bad = fits(fail_, item);
    if (!bad) return tl::unexpected<Error>(bad.error());
    auto const neither = fits(neutral_, item);
    if (!neither) return tl::unexpected<Error>(neither.error());
    bool const neutral = !neutral_.empty() && *neither && !*bad;
    Measured measured{OutcomesValue{!*bad && !neutral, *bad, neutral, {}}};
    if (!by_.empty()) {
        auto const pointer = by_.starts_with('/') ? by_ : "/" + by_;
        auto const* const by = member(item, pointer);
        if (by == nullptr) return missing(pointer);
        measured.by = printable(scalar_text(*by), by_bytes_max);
    }
    if (id_) {
        auto const* const id = member(item, *id_);
        if (id == nullptr) return missing(*id_);
        measured.id = scalar_text(*id).substr(0, id_bytes_max);
    }
    if (at_) {
        auto const* const at = member(item, *at_);
        if (at == nullptr) return missing(*at_);
        auto const moment = json_moment(*at);
        if (!moment) return content(*at_, moment.error());
        measured.at = *moment;
    }
    return measured;
}

/// Of a list: outcomes, the age of the oldest, or how many.
Result<ProbeAnswer> JsonRules::listed(std::vector<Json const*> const& items, WallTime now) const {
    ProbeAnswer answer;
    if (kind() == SignalKind::outcomes) {
        for (auto const* const item : items) {
            auto measured = outcome(*item);
            if (!measured) return tl::unexpected<Error>(measured.error());
            answer.more.push_back(*std::move(measured));
        }
        if (at_) {
            std::stable_sort(
                answer.more.begin(), answer.more.end(),
                [](Measured const& a, Measured const& b) { return *a.at < *b.at; }
            );
        }
        answer.value = OutcomesValue{};  // asked, perhaps about nothing new
        return answer;
    }
    if (!oldest_) return number_answer(static_cast<double>(items.size()));
    double age = 0;  // nothing waits
    for (auto const* const item : items) {
        auto const* const at = member(*item, *oldest_);
        if (at == nullptr) return missing(*oldest_);
        auto const moment = json_moment(*at);
        if (!moment) return content(*oldest_, moment.error());
        age = std::max(age, std::chrono::duration<double>(now - *moment).count());
    }
    return number_answer(age);
}

Result<ProbeAnswer> JsonRules::counted(Json const& body, WallTime now, Totals& totals) const {
    OutcomesValue value;
    struct Part {
        std::optional<std::string> const& pointer;
        std::uint64_t& into;
    };
    if (grows_) totals.begin(now);
    for (auto const& part : {Part{success_, value.success}, Part{failure_, value.failure}}) {
        if (!part.pointer) continue;
        auto const* const found = member(body, *part.pointer);
        if (found == nullptr) return missing(*part.pointer);
        auto const count = json_count(*found);
        if (!count) return content(*part.pointer, count.error());
        part.into = *count;
        if (!grows_) continue;
        auto const added = totals.added(*part.pointer, static_cast<double>(*count));
        part.into = static_cast<std::uint64_t>(added);
    }
    if (grows_) totals.finish();
    ProbeAnswer answer;
    if (!grows_ || totals.compares()) answer.value = std::move(value);
    return answer;
}

Result<ProbeAnswer> JsonRules::read(std::string_view text, WallTime now, Totals& totals) const {
    auto const body = parse_json(text);
    if (!body) return fail(Errc::invalid, "garbage: the answer is not JSON: " + body.error().what);
    if (items_) {
        auto const items = items_in(*body);
        if (!items) return tl::unexpected<Error>(items.error());
        return listed(*items, now);
    }
    if (!value_) return counted(*body, now, totals);
    auto const* const found = member(*body, *value_);
    if (found == nullptr) return missing(*value_);
    auto const number = json_number(*found);
    if (!number) return content(*value_, number.error());
    return number_answer(*number);
}

}  // namespace rollbackd
