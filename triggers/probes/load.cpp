// load: load averages, processor time, and the kernel's pressure stall information: how long
// somebody, or everybody, had to wait for a resource. A gauge.
#include "core/io/clock.hpp"
#include "triggers/probes/host_texts.hpp"
#include "triggers/probes/measures.hpp"
#include "triggers/probes/place.hpp"
#include "triggers/probes/types.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

TypeInfo load_info() {
    TypeInfo info;
    info.name = "load";
    info.doc =
        "How busy the machine is. Pressure says what load averages only hint at: the share of time "
        "in which work stood still for want of a resource.";
    info.kind = "gauge";
    info.is_probe = true;
    info.fields = {
        {.name = "measure",
         .type = FieldType::choice,
         .doc = "load1, load5, load15: load averages; cpu: share of time the processors were busy "
                "since the question before; the others: pressure, where the kernel tells it.",
         .otherwise = "load1",
         .choices =
             {"load1", "load5", "load15", "cpu", "cpu_some", "memory_some", "memory_full",
              "io_some", "io_full"}},
        {.name = "window",
         .type = FieldType::choice,
         .doc = "What a pressure is averaged over.",
         .otherwise = "60s",
         .choices = {"10s", "60s", "300s"}},
        {.name = "per_cpu",
         .type = FieldType::boolean,
         .doc = "Load averages are divided by the number of processors.",
         .otherwise = false},
    };
    return info;
}

std::vector<Error> check_load(JsonObject const& params) {
    auto const measure = text_of(Json(params), "measure", "load1");
    auto const* const per_cpu = params.if_contains("per_cpu");
    bool const divides = per_cpu != nullptr && per_cpu->is_bool() && per_cpu->get_bool();
    if (!divides || measure.starts_with("load")) return {};
    return {Error{
        Errc::invalid, "per_cpu is of load averages; " + measure + " is a share already", "per_cpu"
    }};
}

/// Where the last question left off. After a longer time its share would be about what nobody asks.
struct SavedTime {
    std::uint64_t busy = 0;
    std::uint64_t all = 0;
    WallTime at;
};
BOOST_DESCRIBE_STRUCT(SavedTime, (), (busy, all, at))

constexpr Duration gap_least = std::chrono::minutes(5);

class LoadProbe final : public Probe {
public:
    LoadProbe(SignalPolicy const& signal, ProbeContext const& context)
        : place_(context),
          clock_(context.clock),
          gap_max_(std::max(signal.stale_after.value_or(gap_least), gap_least)) {
        Json const all(signal.params);
        measure_ = text_of(all, "measure", "load1");
        window_ = text_of(all, "window", "60s");
        window_.pop_back();
        auto const* const per_cpu = find(all, "per_cpu");
        per_cpu_ = per_cpu != nullptr && per_cpu->is_bool() && per_cpu->get_bool();
    }

    asio::awaitable<ProbeAnswer> ask(Duration timeout) override {
        if (measure_ == "cpu") co_return co_await busy(timeout);
        if (measure_.starts_with("load")) co_return co_await average(timeout);
        co_return co_await pressure(timeout);
    }

    Json save() const override {
        if (!last_) return nullptr;
        return to_json(SavedTime{last_->busy, last_->all, last_at_});
    }
    void resume(Json const& saved) override {
        auto const known = read_json<SavedTime>(saved);
        auto const now = clock_.now().wall;
        if (!known || known->at > now || now - known->at > gap_max_) return;
        last_ = ProcessorTime{known->busy, known->all, 0};
        last_at_ = known->at;
    }

private:
    asio::awaitable<ProbeAnswer> busy(Duration timeout) {
        auto const text = co_await place_.read("/proc/stat", timeout);
        if (!text) co_return unknown_answer(trouble_of(text.error()));
        auto const time = parse_proc_stat(*text);
        if (!time) co_return unknown_answer("garbage: " + time.error().what);
        auto const before = std::exchange(last_, *time);
        last_at_ = clock_.now().wall;
        if (!before || time->all <= before->all || time->busy < before->busy) {
            co_return unknown_answer("first_look: the next question tells what was used meanwhile");
        }
        auto const share = double(time->busy - before->busy) / double(time->all - before->all);
        co_return number_answer(share, shown_share(share) + " of the processors' time");
    }

    asio::awaitable<ProbeAnswer> average(Duration timeout) {
        auto const text = co_await place_.read("/proc/loadavg", timeout);
        if (!text) co_return unknown_answer(trouble_of(text.error()));
        auto const averages = parse_loadavg(*text);
        if (!averages) co_return unknown_answer("garbage: " + averages.error().what);
        auto const index = measure_ == "load1" ? 0U : measure_ == "load5" ? 1U : 2U;
        auto const load = (*averages)[index];
        if (!per_cpu_) co_return number_answer(load);
        auto const stat = co_await place_.read("/proc/stat", timeout);
        if (!stat) co_return unknown_answer(trouble_of(stat.error()));
        auto const time = parse_proc_stat(*stat);
        if (!time || time->processors == 0) {
            co_return unknown_answer("garbage: stat does not tell how many processors there are");
        }
        auto const reason = std::to_string(time->processors) + " processors";
        co_return number_answer(load / time->processors, reason);
    }

    asio::awaitable<ProbeAnswer> pressure(Duration timeout) {
        auto const split = measure_.find('_');
        auto const resource = measure_.substr(0, split);
        auto const text = co_await place_.read("/proc/pressure/" + resource, timeout);
        if (!text && text.error().code == Errc::not_found) {
            co_return unknown_answer("no_pressure: this kernel keeps no pressure stall information"
            );
        }
        if (!text) co_return unknown_answer(trouble_of(text.error()));
        auto const share = parse_pressure(*text, measure_.substr(split + 1), "avg" + window_);
        if (!share) co_return unknown_answer("garbage: " + share.error().what);
        co_return number_answer(*share, shown_share(*share) + " of the last " + window_ + " s");
    }

    Place place_;
    std::string measure_;
    std::string window_;
    bool per_cpu_ = false;
    std::optional<ProcessorTime> last_;
    WallTime last_at_{};
    Clock const& clock_;
    Duration gap_max_;
};

std::unique_ptr<Probe> make_load(SignalPolicy const& signal, ProbeContext const& context) {
    return std::make_unique<LoadProbe>(signal, context);
}

}  // namespace

ProbeType load_probe() { return ProbeType{load_info(), &check_load, &make_load}; }

}  // namespace rollbackd
