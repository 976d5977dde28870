// systemd: the state of a unit, as the service manager tells it. With `measure` a gauge: how often
// it was restarted, how long it runs, its memory.
#include "core/io/clock.hpp"
#include "triggers/probes/measures.hpp"
#include "triggers/probes/place.hpp"
#include "triggers/probes/types.hpp"
#include "triggers/probes/unit_state.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

TypeInfo systemd_info() {
    TypeInfo info;
    info.name = "systemd";
    info.doc = "A unit of systemd. A state; with measure a gauge.";
    info.is_probe = true;
    info.fields = {
        {.name = "unit",
         .type = FieldType::text,
         .doc = "Its name with its ending: shop.service.",
         .required = true},
        {.name = "expect",
         .type = FieldType::choice,
         .doc = "active: it must run; not_failed: its last run must not have failed, as of jobs "
                "and of services that a timer starts.",
         .otherwise = "active",
         .choices = {"active", "not_failed"}},
        {.name = "measure",
         .type = FieldType::choice,
         .doc = "restarts: how often systemd has restarted it by itself (delta() tells a crash "
                "loop); uptime: seconds; memory: bytes.",
         .choices = {"restarts", "uptime", "memory"}},
    };
    return info;
}

std::vector<Error> check_systemd(JsonObject const& params) {
    auto const unit = text_of(Json(params), "unit");
    bool const template_ = unit.find("{{") != std::string::npos;
    if (unit.starts_with('-')) {
        return {Error{Errc::invalid, "a unit's name does not begin with -", "unit"}};
    }
    if (template_ || unit.find('.') != std::string::npos) return {};
    return {
        Error{Errc::invalid, "\"" + unit + "\" has no ending; write " + unit + ".service", "unit"}
    };
}

class SystemdProbe final : public Probe {
public:
    SystemdProbe(JsonObject const& params, ProbeContext const& context)
        : clock_(context.clock), place_(context) {
        Json const all(params);
        unit_ = text_of(all, "unit");
        measure_ = text_of(all, "measure");
        must_run_ = text_of(all, "expect", "active") == "active";
    }

    asio::awaitable<ProbeAnswer> ask(Duration timeout) override {
        std::vector<std::string> argv;
        argv.emplace_back("systemctl");
        argv.emplace_back("show");
        argv.emplace_back("--no-pager");
        argv.emplace_back("--timestamp=unix");
        argv.emplace_back(unit_properties_argument);
        argv.emplace_back("--");
        argv.push_back(unit_);
        auto const text = co_await place_.output_of(std::move(argv), timeout);
        if (!text) co_return unknown_answer(trouble_of(text.error()));
        auto const unit = parse_unit(*text);
        co_return measure_.empty() ? judged(unit) : measured(unit);
    }

private:
    ProbeAnswer judged(UnitProperties const& unit) const {
        auto const judgement = judge_unit(unit, must_run_);
        switch (judgement.verdict) {
            case UnitVerdict::good:
                return good_answer(judgement.reason);
            case UnitVerdict::failed:
                return failed_answer(judgement.reason);
            case UnitVerdict::unknown:
                break;
        }
        return unknown_answer(judgement.reason);
    }

    ProbeAnswer measured(UnitProperties const& unit) const {
        auto const value = measure_unit(unit, measure_, clock_.now().wall);
        if (!value) return unknown_answer(trouble_of(value.error()));
        return number_answer(
            *value, measure_ == "memory" ? shown_bytes(std::uint64_t(*value)) : std::string()
        );
    }

    std::string unit_;
    std::string measure_;
    bool must_run_ = true;
    Clock const& clock_;
    Place place_;
};

std::unique_ptr<Probe> make_systemd(SignalPolicy const& signal, ProbeContext const& context) {
    return std::make_unique<SystemdProbe>(signal.params, context);
}

}  // namespace

ProbeType systemd_probe() { return ProbeType{systemd_info(), &check_systemd, &make_systemd}; }

}  // namespace rollbackd
