// rollbackctl test: the shipped tests pass, and each kind of expectation can fail.
#include "cli/rehearsal/keys.hpp"
#include "core/json.hpp"
#include "tests/cli/support/folder.hpp"
#include "tests/cli/support/run_cli.hpp"

#include <sstream>

using namespace rollbackd;
using namespace rollbackd::cli::test;

namespace {

constexpr char const* examples = ROLLBACKD_SOURCE_DIR "/config/examples/";

constexpr char const* policy_text = R"(version: 1
daemon:
  autonomy: enforce
  references: [{ tcp: { address: "192.0.2.1:443" } }]
notify: { log: { exec: { argv: [/usr/bin/logger] } } }
services:
  site:
    signals:
      health: { http: { url: "http://127.0.0.1:3000/health" }, every: 5s }
    triggers:
      down: { when: consecutive_failures(health) >= 3, severity: P1, response: code-rollback }
    playbooks:
      code-rollback:
        undoes: release
        steps:
          - capture_evidence: { commands: [[date]] }
          - git_checkout: { repo: /srv/site, to: "{{ known_good.version }}" }
          - systemd: { unit: site.service, do: restart }
        verify: [{ until: ok(health), within: 60s }]
)";

/// A test of that policy: v2 stops answering a minute after it was deployed.
std::string first_with(std::string const& expectations, std::string const& more_events = "") {
    return "policy: policy.yaml\n"
           "tests:\n"
           "  - name: v2 breaks\n"
           "    interval: 5s\n"
           "    input_series:\n"
           "      - { series: health, values: okx1000 }\n"
           "      - { series: health, version: v2, values: okx11 failx1000 }\n"
           "    events:\n"
           "      - { at: 0s, deploy: v1, known_good: true }\n"
           "      - { at: 10m, deploy: v2 }\n" +
           more_events + expectations;
}

Ran run_test_of(std::string const& text, std::vector<std::string> more = {}) {
    Folder const folder;
    (void)folder.write("policy.yaml", policy_text);
    std::vector<std::string> words{"test", folder.write("a.test.yaml", text)};
    words.insert(words.end(), more.begin(), more.end());
    return run_cli(words);
}

bool holds(std::string const& text, std::string const& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the tests of the shipped policy pass") {
    auto const ran = run_cli({"test", std::string(examples) + "shop.test.yaml"});
    INFO(ran.out << ran.err);
    CHECK(ran.exit == 0);
    CHECK_FALSE(holds(ran.out, "FAILED"));
}

TEST_CASE("a rollback has its effect, and is verified") {
    auto const ran = run_test_of(first_with(
        "    incident_test:\n"
        "      - { eval_time: 11m }\n"
        "      - eval_time: 15m\n"
        "        exp_incidents: [{ trigger: down, state: resolved, blamed: v2, refusals: [], runs: "
        "[{ playbook: code-rollback, target: v1, state: succeeded }] }]\n"
        "    version_test: [{ eval_time: 15m, version: v2, exp_standing: bad }]\n"
    ));
    INFO(ran.out << ran.err);
    CHECK(ran.exit == 0);
}

TEST_CASE("every kind of expectation can fail, and says what came instead") {
    auto const [expected, came] = GENERATE(table<std::string, std::string>({
        {"    trigger_test: [{ eval_time: 12m, trigger: down, exp_verdict: unknown }]\n",
         "consecutive_failures(health)"},
        {"    trigger_test: [{ eval_time: 11m2s, trigger: down, exp_verdict: true, exp_why: 9 }]\n",
         "3 >= 3"},
        {"    incident_test: [{ eval_time: 15m }]\n", "state: resolved"},
        {"    incident_test: [{ eval_time: 5m, exp_incidents: [{}] }]\n", "none"},
        {"    incident_test: [{ eval_time: 15m, exp_incidents: [{ runs: [] }] }]\n",
         "playbook: code-rollback, target: v1"},
        {"    incident_test: [{ eval_time: 15m, exp_incidents: [{ refusals: [{ letter: d }] }] "
         "}]\n",
         "refusals: []"},
        {"    version_test: [{ eval_time: 15m, version: v2, exp_standing: superseded }]\n", "bad"},
    }));
    auto const ran = run_test_of(first_with(expected));
    INFO(expected << ran.out << ran.err);
    CHECK(ran.exit == 1);
    CHECK(holds(ran.out, "FAILED"));
    CHECK(holds(ran.out, "a.test.yaml:11"));
    CHECK(holds(ran.out.substr(ran.out.find("came:")), came));
    CHECK(holds(ran.err, "1 of 1 test failed"));
}

TEST_CASE("people and the world take part") {
    auto const [events, expected] = GENERATE(table<std::string, std::string>({
        {"      - { at: 9m, references: fail }\n", "refusals: [{ guard: blind, letter: c }]"},
        {"      - { at: 9m, step: git_checkout, ends: failed }\n",
         "runs: [{ playbook: code-rollback, state: failed }]"},
        {"      - { at: 9m, step: git_checkout, takes: 1h }\n",
         "runs: [{ playbook: code-rollback, state: running }]"},
        {"      - { at: 9m, pause: true }\n", "refusals: [{ guard: paused }]"},
        {"      - { at: 9m, silence: 1h, reason: maintenance }\n", "refusals: [{ guard: silenced }]"
        },
        {"      - { at: 9m, references: fail }\n      - { at: 11m30s, references: answer }\n",
         "runs: [{ playbook: code-rollback, target: v1, state: succeeded }]"},
    }));
    auto const ran = run_test_of(first_with(
        "    incident_test:\n      - { eval_time: 14m, exp_incidents: [{ " + expected + " }] }\n",
        events
    ));
    INFO(events << ran.out << ran.err);
    CHECK(ran.exit == 0);
}

TEST_CASE("a plan that waits can be approved or rejected") {
    auto const [decision, expected] = GENERATE(table<std::string, std::string>({
        {"approve", "state: resolved, runs: [{ state: succeeded }]"},
        {"reject", "state: open, runs: [{ state: aborted }]"},
    }));
    auto const text = first_with(
        "    incident_test:\n      - { eval_time: 11m10s, exp_incidents: [{ state: waiting }] }\n"
        "      - { eval_time: 14m, exp_incidents: [{ " +
            expected + " }] }\n",
        "      - { at: 11m30s, " + decision + ": true }\n"
    );
    auto const ran = run_test_of("autonomy: advise\n" + text);
    INFO(ran.out << ran.err);
    CHECK(ran.exit == 0);
}

TEST_CASE("what cannot happen in a test fails it") {
    auto const ran = run_test_of(first_with(
        "    incident_test: [{ eval_time: 9m }]\n", "      - { at: 1m, approve: true }\n"
    ));
    INFO(ran.out);
    CHECK(ran.exit == 1);
    CHECK(holds(ran.out, "there is no incident"));
}

TEST_CASE("mistakes in a file of tests are told at their place, with what was meant") {
    auto const [wrong, said] = GENERATE(table<std::string, std::string>({
        {"    trigger_test: [{ eval_time: 1m, trigger: dwn, exp_verdict: true }]\n",
         "did you mean \"down\""},
        {"    triger_test: []\n", "trigger_test"},
        {"    trigger_test: [{ eval_time: soon, trigger: down, exp_verdict: true }]\n", "duration"},
        {"    incident_test: [{ eval_time: 1m, exp_incidents: [{ state: over }] }]\n",
         "unknown state"},
        {"", "nothing is expected"},
    }));
    auto const ran = run_test_of(first_with(wrong));
    INFO(wrong << ran.out << ran.err);
    CHECK(ran.exit == 1);
    CHECK(holds(ran.out, "a.test.yaml:"));
    CHECK(holds(ran.out, said));
    CHECK(holds(ran.err, "mend the mistakes above"));
}

TEST_CASE("an event is one thing, and a series is of its signal's kind") {
    auto const events = run_test_of(first_with(
        "    incident_test: [{ eval_time: 1m }]\n",
        "      - { at: 1m, ack: true, abort: true }\n      - { at: 1m }\n"
    ));
    INFO(events.out);
    CHECK(holds(events.out, "an event is one thing"));
    CHECK(holds(events.out, "nothing happens"));
    auto text = first_with("    incident_test: [{ eval_time: 1m }]\n");
    text.replace(text.find("okx1000"), 7, "97/3xxx");
    CHECK(holds(run_test_of(text).out, "is no value of this signal"));
}

TEST_CASE("the results are there for scripts, and the policy's own mistakes are shown") {
    auto const ran =
        run_test_of(first_with("    incident_test: [{ eval_time: 15m }]\n"), {"--json"});
    CHECK(ran.exit == 1);
    auto const json = parse_json(ran.out);
    REQUIRE(json);
    CHECK_FALSE(json->at("ok").as_bool());
    auto const& failure = json->at("tests").at(0).at("failures").at(0);
    CHECK(failure.at("at").as_string() == "15m");
    CHECK(failure.at("line").to_number<int>() == 11);

    Folder const folder;
    (void)folder.write("bad.yaml", "version: 1\nservices: { a: { signls: {} } }\n");
    auto const file = folder.write("a.test.yaml", "policy: bad.yaml\ntests: [{ name: a }]\n");
    auto const bad = run_cli({"test", file});
    CHECK(bad.exit == 1);
    CHECK(holds(bad.out, "signals"));
}

TEST_CASE("every key of a file of tests is in its documentation") {
    std::ifstream file(ROLLBACKD_SOURCE_DIR "/docs/policy-tests.md");
    std::ostringstream text;
    text << file.rdbuf();
    for (auto const* section : cli::keys::all()) {
        for (auto const& field : section->fields) {
            INFO(section->name << ": " << field.name);
            bool const alone = holds(text.str(), "`" + field.name + "`");
            CHECK((alone || holds(text.str(), "`" + field.name + ":")));
        }
    }
}
