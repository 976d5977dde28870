// Tests of a policy as a file holds them: what each signal brings, what happens, and what is
// expected to come of it, at which moment. Read strictly, every mistake at its place.
#pragma once

#include "cli/rehearsal/series.hpp"
#include "config/problem.hpp"
#include "core/descriptor.hpp"
#include "engine/policy.hpp"

namespace rollbackd::cli {

/// A signal's series, as long as it applies: from `origin`, which is the beginning of the test, the
/// moment the version came into effect, or the end of the playbook's steps.
struct InputSeries {
    std::string service;
    std::string signal;
    std::string by;
    std::string version;  // only while this one is in effect; empty: always
    std::string after;    // only once the steps of this playbook have ended; empty: always
    Duration interval{};
    Series values;
    int line = 0;
};

/// What happens, one of the kinds below.
struct TestEvent {
    Duration at{};
    std::string kind;  // deploy raise run approve … references schema step check
    std::string what;  // the version, the trigger, the playbook, the step
    std::string service;
    std::string reason;
    bool known_good = false;
    std::optional<bool> schema_compatible;
    std::optional<Duration> started_at;
    std::string ends;  // of step and check, from then on
    std::string settles;
    std::optional<Duration> takes;
    std::string outcome;  // of confirm
    int line = 0;
};

/// Members that are not set are not looked at.
struct ExpectedRun {
    std::optional<std::string> playbook, target, state;
};
struct ExpectedRefusal {
    std::optional<std::string> guard, letter, playbook, text;
};
struct ExpectedIncident {
    std::optional<std::string> trigger, severity, state, blamed;
    std::optional<bool> alert_only;
    std::optional<std::vector<ExpectedRun>> runs;
    std::optional<std::vector<ExpectedRefusal>> refusals;
    std::optional<std::vector<std::string>> duties;
};

struct Expectation {
    enum class About { trigger, incidents, version };
    About about = About::trigger;
    Duration at{};
    int line = 0;
    std::string service;
    std::string name;  // of the trigger or the version; of incidents: only those of this trigger
    std::string word;  // its verdict, or its standing
    std::string why;   // contained in what explains the verdict
    std::vector<ExpectedIncident> incidents;
};

struct PolicyTest {
    std::string name;
    int line = 0;
    std::vector<InputSeries> series;
    std::vector<TestEvent> events;          // in order of time, as written where times are equal
    std::vector<Expectation> expectations;  // likewise
};

struct PolicyTests {
    std::string policy_file;  // as written
    std::shared_ptr<Policy const> policy;
    std::vector<PolicyTest> tests;
    std::vector<Problem> problems;  // of the tests' file, and of the policy

    bool ok() const;
};

/// How the policy a test names is read: its text lies beside the test, or in the test of the test.
using PolicyReader =
    std::function<std::shared_ptr<Policy const>(std::string const& file, std::vector<Problem>&)>;

PolicyTests read_policy_tests(
    std::string_view text, std::string const& name, PolicyReader const& read_policy
);

inline constexpr Duration test_length_max = std::chrono::hours(24 * 90);
inline constexpr std::size_t test_file_bytes_max = 1024 * 1024;

}  // namespace rollbackd::cli
