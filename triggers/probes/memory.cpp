// memory: how much of the machine's memory or swap is used. A gauge.
#include "triggers/probes/host_texts.hpp"
#include "triggers/probes/measures.hpp"
#include "triggers/probes/place.hpp"
#include "triggers/probes/types.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

TypeInfo memory_info() {
    TypeInfo info;
    info.name = "memory";
    info.doc = "Memory and swap of the machine.";
    info.kind = "gauge";
    info.is_probe = true;
    info.fields = {
        {.name = "measure",
         .type = FieldType::choice,
         .doc = "used: share that no program could still get; available: bytes one could; "
                "swap_used: share, 0 where there is no swap.",
         .otherwise = "used",
         .choices = {"used", "available", "swap_used"}},
    };
    return info;
}

std::vector<Error> check_memory(JsonObject const&) { return {}; }

class MemoryProbe final : public Probe {
public:
    MemoryProbe(std::string measure, ProbeContext const& context)
        : measure_(std::move(measure)), place_(context) {}

    asio::awaitable<ProbeAnswer> ask(Duration timeout) override {
        auto const text = co_await place_.read("/proc/meminfo", timeout);
        if (!text) co_return unknown_answer(trouble_of(text.error()));
        auto const memory = parse_meminfo(*text);
        if (!memory) co_return unknown_answer("garbage: " + memory.error().what);
        co_return answer(*memory);
    }

private:
    ProbeAnswer answer(Memory const& memory) const {
        auto const reason =
            shown_bytes(memory.available) + " of " + shown_bytes(memory.total) + " available";
        if (measure_ == "available") return number_answer(double(memory.available), reason);
        if (measure_ == "swap_used") {
            auto const used = memory.swap_total - memory.swap_free;
            auto const text = shown_bytes(used) + " of " + shown_bytes(memory.swap_total) + " swap";
            auto const total = double(memory.swap_total);
            return number_answer(total > 0 ? double(used) / total : 0, text);
        }
        return number_answer(1 - double(memory.available) / double(memory.total), reason);
    }

    std::string measure_;
    Place place_;
};

std::unique_ptr<Probe> make_memory(SignalPolicy const& signal, ProbeContext const& context) {
    return std::make_unique<MemoryProbe>(text_of(signal.params, "measure", "used"), context);
}

}  // namespace

ProbeType memory_probe() { return ProbeType{memory_info(), &check_memory, &make_memory}; }

}  // namespace rollbackd
