#include "triggers/probes/json_rules.hpp"

#include "core/names.hpp"
#include "core/percent.hpp"
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
    made.read_by(std::move(by));
    struct Pointer {
        char const* key;
        std::optional<std::string>* into;
    };
    for (auto const& one :
         {Pointer{"value", &made.value_}, Pointer{"items", &made.items_},
          Pointer{"oldest", &made.oldest_}, Pointer{"success", &made.success_},
          Pointer{"failure", &made.failure_}, Pointer{"id", &made.id_}, Pointer{"at", &made.at_},
          Pointer{"affected", &made.affected_}}) {
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

/// A member's name or pointer, `#`, or either with `?` and a parameter of the address there.
void JsonRules::read_by(std::string by) {
    by_name_ = by == "#";
    if (by.empty() || by_name_) return;
    auto const mark = by.find('?');
    if (mark != std::string::npos) by_query_ = by.substr(mark + 1);
    by.resize(std::min(mark, by.size()));
    by_ = by.starts_with('/') ? by : "/" + by;
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
    auto text = url_ + "\n" + success_.value_or("") + "\n" + failure_.value_or("");
    if (items_) text += "\n" + *items_ + "\n" + by_ + "?" + by_query_;
    return text;
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

Result<void> JsonRules::add_items(Json const& body, std::vector<Item>& items) const {
    auto const* const found = find_pointer(body, *items_);
    if (found == nullptr || (!found->is_array() && !found->is_object())) {
        return fail(Errc::not_found, "missing: the answer has no list at \"" + *items_ + "\"");
    }
    std::vector<Item> all;
    if (found->is_array()) {
        for (auto const& item : found->get_array()) all.push_back({&item, {}});
    } else {
        for (auto const& [name, item] : found->get_object()) all.push_back({&item, name});
    }
    if (items.size() + all.size() > items_max) {
        return fail(
            Errc::too_large, "too_large: more than " + std::to_string(items_max) + " members"
        );
    }
    for (auto const& item : all) {
        auto const fit = fits(where_, *item.value);
        if (!fit) return tl::unexpected<Error>(fit.error());
        if (*fit) items.push_back(item);
    }
    return {};
}

Result<std::string> JsonRules::by_of(Item const& item) const {
    if (by_name_) return printable(item.name, by_bytes_max);
    if (by_.empty()) return std::string();
    auto const* const found = member(*item.value, by_);
    if (found == nullptr) return missing(by_);
    auto text = scalar_text(*found);
    if (!by_query_.empty()) {
        auto const begin = std::min(text.find('?'), text.size() - 1) + 1;
        auto const query = std::string_view(text).substr(begin, text.find('#', begin) - begin);
        text = query_value(query, by_query_).value_or("");
    }
    return printable(text, by_bytes_max);
}

Result<Measured> JsonRules::outcome(Item const& from) const {
    auto const& item = *from.value;
    auto const bad = fits(fail_, item);
    if (!bad) return tl::unexpected<Error>(bad.error());
    auto const neither = fits(neutral_, item);
    if (!neither) return tl::unexpected<Error>(neither.error());
    bool const neutral = !neutral_.empty() && *neither && !*bad;
    Measured measured{OutcomesValue{!*bad && !neutral, *bad, neutral, {}}};
    auto by = by_of(from);
    if (!by) return tl::unexpected<Error>(by.error());
    measured.by = *std::move(by);
    if (id_) {
        auto const* const id = member(item, *id_);
        if (id == nullptr) return missing(*id_);
        measured.id = scalar_text(*id).substr(0, id_bytes_max);
    }
    if (affected_) {
        auto const* const client = member(item, *affected_);
        if (client != nullptr) measured.client = printable(scalar_text(*client), by_bytes_max);
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
Result<ProbeAnswer> JsonRules::listed(std::vector<Item> const& items, WallTime now) const {
    if (kind() != SignalKind::outcomes) return aged(items, now);
    ProbeAnswer answer;
    for (auto const& item : items) {
        auto measured = outcome(item);
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

Result<ProbeAnswer> JsonRules::aged(std::vector<Item> const& items, WallTime now) const {
    if (!oldest_) return number_answer(static_cast<double>(items.size()));
    double age = 0;  // nothing waits
    for (auto const& item : items) {
        auto const* const at = member(*item.value, *oldest_);
        if (at == nullptr) return missing(*oldest_);
        auto const moment = json_moment(*at);
        if (!moment) return content(*oldest_, moment.error());
        age = std::max(age, std::chrono::duration<double>(now - *moment).count());
    }
    return number_answer(age);
}

Result<OutcomesValue> JsonRules::counts_in(Json const& body) const {
    OutcomesValue value;
    struct Part {
        std::optional<std::string> const& pointer;
        std::uint64_t& into;
    };
    for (auto const& part : {Part{success_, value.success}, Part{failure_, value.failure}}) {
        if (!part.pointer) continue;
        auto const* const found = member(body, *part.pointer);
        if (found == nullptr) return missing(*part.pointer);
        auto const count = json_count(*found);
        if (!count) return content(*part.pointer, count.error());
        part.into = *count;
    }
    return value;
}

/// Totals become what was added to them.
void JsonRules::grow(OutcomesValue& counts, std::string const& of, Totals& totals) const {
    struct Part {
        std::optional<std::string> const& pointer;
        std::uint64_t& count;
    };
    for (auto const& part : {Part{success_, counts.success}, Part{failure_, counts.failure}}) {
        if (!part.pointer) continue;
        auto const added = totals.added(of + *part.pointer, static_cast<double>(part.count));
        part.count = static_cast<std::uint64_t>(added);
    }
}

Result<ProbeAnswer> JsonRules::counted(Json const& body, WallTime now, Totals& totals) const {
    auto value = counts_in(body);
    if (!value) return tl::unexpected<Error>(value.error());
    if (grows_) {
        totals.begin(now);
        grow(*value, {}, totals);
        totals.finish();
    }
    ProbeAnswer answer;
    if (!grows_ || totals.compares()) answer.value = *std::move(value);
    return answer;
}

/// Counts in each member of a list or map: one sample for each value of `by`.
Result<ProbeAnswer> JsonRules::counted_apart(
    std::vector<Item> const& items, WallTime now, Totals& totals
) const {
    std::map<std::string, OutcomesValue> counts;
    for (auto const& item : items) {
        auto const by = by_of(item);
        if (!by) return tl::unexpected<Error>(by.error());
        auto const one = counts_in(*item.value);
        if (!one) return tl::unexpected<Error>(one.error());
        counts[*by].success += one->success;
        counts[*by].failure += one->failure;
    }
    ProbeAnswer answer;
    if (grows_) totals.begin(now);
    for (auto& [by, value] : counts) {
        if (grows_) grow(value, by + "\n", totals);
        Measured measured{std::move(value)};
        measured.by = by;
        answer.more.push_back(std::move(measured));
    }
    if (grows_) totals.finish();
    if (grows_ && !totals.compares()) return ProbeAnswer();
    answer.value = OutcomesValue{};  // asked, perhaps about nothing new
    return answer;
}

Result<ProbeAnswer> JsonRules::read(std::string_view text, WallTime now, Totals& totals) const {
    auto body = parse_json(text);
    if (!body) return fail(Errc::invalid, "garbage: the answer is not JSON: " + body.error().what);
    return read(std::vector<Json>(1, *std::move(body)), now, totals);
}

Result<ProbeAnswer> JsonRules::read(std::vector<Json> const& pages, WallTime now, Totals& totals)
    const {
    if (items_) {
        std::vector<Item> items;
        for (auto const& page : pages) {
            auto const added = add_items(page, items);
            if (!added) return tl::unexpected<Error>(added.error());
        }
        return success_ || failure_ ? counted_apart(items, now, totals) : listed(items, now);
    }
    if (!value_) return counted(pages.front(), now, totals);
    auto const* const found = member(pages.front(), *value_);
    if (found == nullptr) return missing(*value_);
    auto const number = json_number(*found);
    if (!number) return content(*value_, number.error());
    return number_answer(*number);
}

}  // namespace rollbackd
