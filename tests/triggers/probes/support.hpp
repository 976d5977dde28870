// Makes one probe on a loop of its own and asks it.
#pragma once

#include "core/io/blocking.hpp"
#include "core/io/clock.hpp"
#include "core/io/secrets.hpp"
#include "core/io/stream.hpp"
#include "tests/core/io/support/loop.hpp"
#include "triggers/probes/registry.hpp"

namespace rollbackd::testing {

class ProbeLoop {
public:
    std::unique_ptr<Probe> make(std::string type, char const* params) {
        SignalPolicy signal;
        signal.name = "health";
        signal.type = std::move(type);
        signal.params = parse_json(params).value().get_object();
        auto made = make_probe(signal, context());
        if (!made) throw std::runtime_error(to_string(made.error()));
        return std::move(*made);
    }
    ProbeAnswer ask(Probe& probe, Duration timeout = std::chrono::seconds(10)) {
        return loop.run(probe.ask(timeout));
    }
    ProbeAnswer ask(
        std::string type, std::string const& params, Duration timeout = std::chrono::seconds(10)
    ) {
        auto const probe = make(std::move(type), params.c_str());
        return ask(*probe, timeout);
    }
    ProbeContext context() { return ProbeContext{dialer, http, pool, pool, pool, secrets, clock}; }

    Loop loop;
    Dialer dialer{loop.executor()};
    HttpClient http{dialer};
    BlockingPool pool;
    Secrets secrets;
    SettableClock clock{RealClock().now()};
};

inline StateValue state_of(ProbeAnswer const& answer) {
    return std::get<StateValue>(answer.value.value());
}

inline double number_of(ProbeAnswer const& answer) {
    return std::get<GaugeValue>(answer.value.value()).value;
}

/// Why nothing is known of the target.
inline std::string unknown_of(ProbeAnswer const& answer) {
    return std::get<UnknownValue>(answer.value.value()).reason;
}

/// What is wrong with a signal's params, each as "where: what".
inline std::vector<std::string> mistakes_in(std::string type, char const* params) {
    SignalPolicy signal;
    signal.type = std::move(type);
    signal.params = parse_json(params).value().get_object();
    std::vector<std::string> out;
    for (auto const& problem : check_probe(signal)) out.push_back(to_string(problem));
    return out;
}

}  // namespace rollbackd::testing
