// Single samples of the past, and the checkpoint of a SignalWindow.
#include "triggers/pack.hpp"
#include "triggers/window.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

constexpr std::size_t text_bytes_max = SignalWindow::text_bytes_max;
constexpr std::size_t name_bytes_max = 256;
constexpr std::uint64_t is_trusted = 1, is_late = 2;  // marks of a sample, added up
constexpr std::int64_t format = 2;
constexpr std::int64_t format_before = 1;  // without older numbers, and when to merge next

void save_value(Packer& packer, SampleValue const& value) {
    packer.number(value.index());
    if (auto const* const state = std::get_if<StateValue>(&value)) {
        packer.number(state->ok ? 1 : 0);
        packer.text(state->reason);
        packer.integer(state->latency.count());
    } else if (auto const* const outcomes = std::get_if<OutcomesValue>(&value)) {
        packer.number(outcomes->success);
        packer.number(outcomes->failure);
        packer.number(outcomes->neutral);
        packer.text(outcomes->reason);
    } else if (auto const* const gauge = std::get_if<GaugeValue>(&value)) {
        packer.real(gauge->value);
        packer.text(gauge->reason);
    } else if (auto const* const text = std::get_if<TextValue>(&value)) {
        packer.text(text->text);
    } else {
        packer.text(std::get<UnknownValue>(value).reason);
    }
}

SampleValue load_value(Unpacker& unpacker) {
    switch (unpacker.count(std::variant_size_v<SampleValue> - 1)) {
        case 0: {
            StateValue state;
            state.ok = unpacker.count(1) == 1;
            state.reason = unpacker.text(text_bytes_max);
            state.latency = Duration(unpacker.integer());
            return state;
        }
        case 1: {
            OutcomesValue outcomes;
            outcomes.success = unpacker.number();
            outcomes.failure = unpacker.number();
            outcomes.neutral = unpacker.number();
            outcomes.reason = unpacker.text(text_bytes_max);
            return outcomes;
        }
        case 2: {
            GaugeValue gauge;
            gauge.value = unpacker.real();
            gauge.reason = unpacker.text(text_bytes_max);
            return gauge;
        }
        case 3:
            return TextValue{unpacker.text(text_bytes_max)};
        default:
            return UnknownValue{unpacker.text(text_bytes_max)};
    }
}

void save_sample(Packer& packer, Sample const& sample) {
    packer.instant(sample.at);
    save_value(packer, sample.value);
    packer.text(sample.id);
    packer.text(sample.by);
    packer.text(sample.client);
    packer.number((sample.trusted ? is_trusted : 0) + (sample.late ? is_late : 0));
}

Sample load_sample(Unpacker& unpacker) {
    Sample sample;
    sample.at = unpacker.instant();
    sample.value = load_value(unpacker);
    sample.id = unpacker.text(text_bytes_max);
    sample.by = unpacker.text(text_bytes_max);
    sample.client = unpacker.text(text_bytes_max);
    auto const marks = unpacker.count(is_trusted + is_late);
    sample.trusted = marks % 2 == is_trusted;
    sample.late = marks >= is_late;
    return sample;
}

void save_time(Packer& packer, std::optional<Instant> const& at) {
    packer.number(at ? 1 : 0);
    if (at) packer.instant(*at);
}

std::optional<Instant> load_time(Unpacker& unpacker) {
    if (unpacker.count(1) == 0) return std::nullopt;
    return unpacker.instant();
}

}  // namespace

// A sample as its cell remembers it: exact where nothing was merged, but for texts.
Sample SignalWindow::rebuilt(Cell const& cell) const {
    Sample sample;
    if (newest_) {
        sample.service = newest_->service;
        sample.signal = newest_->signal;
    }
    sample.at = cell.last;
    if (cell.samples == 0) {
        sample.value = UnknownValue{};
        return sample;
    }
    auto const* const number = numbers_.at(cell.last);
    switch (rules_.kind) {
        case SignalKind::state: {
            StateValue state{cell.good, {}, {}};
            if (number != nullptr && number->at == cell.last) {
                state.latency =
                    std::chrono::duration_cast<Duration>(std::chrono::duration<double>(number->value
                    ));
            }
            sample.value = state;
            break;
        }
        case SignalKind::outcomes:
            sample.value =
                OutcomesValue{cell.counts.success, cell.counts.failure, cell.counts.neutral, {}};
            break;
        case SignalKind::gauge:
            if (number == nullptr) {
                sample.value = UnknownValue{"no longer remembered"};
            } else {
                sample.value = GaugeValue{number->value, {}};
            }
            break;
        case SignalKind::text: {
            auto const* const text = texts_.at(cell.last);
            sample.value = TextValue{text == nullptr ? std::string() : *text};
            break;
        }
    }
    return sample;
}

std::optional<Sample> SignalWindow::sample_at(Instant when) const {
    if (newest_ && newest_->at <= when) return newest_;
    auto const after =
        std::upper_bound(tail_.begin(), tail_.end(), when, [](Instant at, Sample const& kept) {
            return at < kept.at;
        });
    if (after != tail_.begin()) {
        Sample sample = *(after - 1);
        sample.service = newest_->service;
        sample.signal = newest_->signal;
        return sample;
    }
    auto const* const cell = cells_.at(when);
    if (cell == nullptr) return std::nullopt;
    return rebuilt(*cell);
}

std::vector<Sample> SignalWindow::recent(std::size_t count, Range range) const {
    std::vector<Sample> out;  // newest first until the end
    for (auto kept = tail_.rbegin(); kept != tail_.rend() && out.size() < count; ++kept) {
        if (kept->at > range.to || kept->at <= range.from) continue;
        if (tail_gone_ && kept->at <= *tail_gone_) break;  // its cell is among those below
        out.push_back(*kept);
        out.back().service = newest_->service;
        out.back().signal = newest_->signal;
    }
    if (tail_gone_) {
        auto const older = cells_.in({range.from, std::min(range.to, *tail_gone_)});
        for (auto cell = older.rbegin(); cell != older.rend() && out.size() < count; ++cell) {
            out.push_back(rebuilt(*cell));
        }
    }
    std::reverse(out.begin(), out.end());
    return out;
}

Json SignalWindow::save() const {
    Packer packer;
    cells_.save(packer);
    numbers_.save(packer);
    texts_.save(packer);
    streaks_.save(packer);
    ids_.save(packer);
    clients_.save(packer);
    packer.number(tail_.size());
    for (auto const& sample : tail_) save_sample(packer, sample);
    save_time(packer, tail_gone_);
    packer.number(newest_ ? 1 : 0);
    if (newest_) {
        save_sample(packer, *newest_);
        packer.text(newest_->service);
        packer.text(newest_->signal);
    }
    save_time(packer, covered_from_);
    save_time(packer, listening_since_);
    JsonObject saved{{"format", format}, {"data", packer.take()}};
    if (confirmed_) saved["confirmed"] = to_json(*confirmed_);
    return saved;
}

Result<SignalWindow> SignalWindow::load(WindowRules rules, Json const& saved) {
    auto const* const written = find(saved, "format");
    auto const* const data = find(saved, "data");
    bool const whole = written != nullptr && *written == Json(format);
    bool const known = whole || (written != nullptr && *written == Json(format_before));
    if (!known || data == nullptr || !data->is_string()) {
        return fail(Errc::corrupt, "a saved window has no known format; it is made afresh");
    }
    Unpacker unpacker(data->get_string());
    SignalWindow window(rules);
    window.cells_.load(unpacker, whole);
    window.numbers_.load(unpacker, whole);
    window.texts_.load(unpacker);
    window.streaks_.load(unpacker);
    window.ids_.load(unpacker);
    window.clients_.load(unpacker);
    window.tail_.resize(unpacker.count(2 * tail_max));
    Instant previous = Instant::min();
    for (auto& sample : window.tail_) {
        sample = load_sample(unpacker);
        if (sample.at < previous) unpacker.refuse();
        previous = sample.at;
    }
    window.tail_gone_ = load_time(unpacker);
    if (unpacker.count(1) == 1) {
        window.newest_ = load_sample(unpacker);
        window.newest_->service = unpacker.text(name_bytes_max);
        window.newest_->signal = unpacker.text(name_bytes_max);
    } else if (!window.tail_.empty()) {
        unpacker.refuse();
    }
    window.covered_from_ = load_time(unpacker);
    window.listening_since_ = load_time(unpacker);
    if (!unpacker.done()) {
        return fail(Errc::corrupt, "a saved window is damaged; it is made afresh");
    }
    if (auto const* const confirmed = find(saved, "confirmed")) {
        auto at = read_json<Instant>(*confirmed);
        if (!at) return tl::unexpected<Error>(at.error());
        window.confirmed_ = *at;
    }
    return window;
}

}  // namespace rollbackd
