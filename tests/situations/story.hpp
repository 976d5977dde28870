// A situation as scripts/situations hands it in, one JSON object: the policy's text, what is
// normal, and what happens. tests/situations/README.md has the words an operator writes.
#pragma once

#include "core/json.hpp"
#include "tests/simulation/random.hpp"

namespace rollbackd::situations {

using simulation::Random;

/// From low to high, as the seed has it.
struct Span {
    std::int64_t low_ms = 0;
    std::int64_t high_ms = 0;

    Duration draw(Random& random) const {
        return random.between(
            std::chrono::milliseconds(low_ms), std::chrono::milliseconds(high_ms)
        );
    }
};
BOOST_DESCRIBE_STRUCT(Span, (), (low_ms, high_ms))

/// What is wrong: of a version, while it runs, or of a service, from outside.
struct Fault {
    std::string signal;  // that shows it; "*": every probe and every request
    std::string by;      // only this provider
    double fails = 0;    // this share of probes or requests
    double clients = 0;  // every request of this share of the clients
    double slow_ms = 0;
    std::optional<double> value;  // what a gauge shows
    double climbs = 0;            // a gauge, by so much a minute
    std::string text;             // what a text shows
    Span after;                   // it begins so long after its cause
    Span period;                  // it comes and goes, each for so long
    double above = 0;             // only while more than that many times the usual traffic comes
};
BOOST_DESCRIBE_STRUCT(
    Fault, (), (signal, by, fails, clients, slow_ms, value, climbs, text, after, period, above)
)

/// How a signal behaves while all is well.
struct Normal {
    double per_minute = 0;  // requests
    std::vector<std::string> by;
    double value = 0;
    std::string text;
};
BOOST_DESCRIBE_STRUCT(Normal, (), (per_minute, by, value, text))

struct Happening {
    Span after;  // the one before
    std::string what;
    std::string service;
    std::string version;
    std::string trigger;
    std::vector<Fault> faults;
    Span late;  // it is announced so long afterwards
    bool announced = true;
    bool known_good = false;
    bool dated = true;  // the late announcement says when it began
    std::optional<bool> schema_compatible;
    int schema = 0;     // it moves there
    double factor = 1;  // of the usual traffic
    Span clock;         // it jumps by so much
    bool back = false;  // backwards
};
BOOST_DESCRIBE_STRUCT(
    Happening, (),
    (after, what, service, version, trigger, faults, late, announced, known_good, dated,
     schema_compatible, schema, factor, clock, back)
)

struct Story {
    std::string name;
    std::string policy;
    std::map<std::string, std::map<std::string, Normal>> normal;  // by service and signal
    std::vector<Happening> happenings;
    Span rest;  // watched for so long after the last of them
};
BOOST_DESCRIBE_STRUCT(Story, (), (name, policy, normal, happenings, rest))

}  // namespace rollbackd::situations
