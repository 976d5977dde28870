// Any text as a file of tests of a policy: read, or refused with places inside it.
#include "cli/rehearsal/policy_test.hpp"
#include "config/catalogue.hpp"
#include "config/load.hpp"
#include "core/ensure.hpp"
#include "core/utf8.hpp"
#include "tests/fuzz/entries.hpp"

#include <algorithm>

using namespace rollbackd;

namespace {

constexpr char const* policy_text = R"(version: 1
services:
  shop:
    signals:
      health: { http: { url: "http://127.0.0.1:3000/health" } }
      requests: { access_log: { path: /var/log/nginx/access.log } }
      cert: { tls: { address: "shop.example.com:443" } }
    triggers:
      down: { when: consecutive_failures(health) >= 3, severity: P1, response: alert }
)";

std::shared_ptr<Policy const> one_policy() {
    static auto const result = parse_policy(policy_text, "p", known_types());
    ensure(result.ok(), "the policy under test is sound");
    return result.policy;
}

}  // namespace

int rollbackd::fuzz::policy_tests(std::uint8_t const* data, std::size_t size) {
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    auto const read = cli::read_policy_tests(
        text, "fuzz.yaml", [](std::string const&, std::vector<Problem>&) { return one_policy(); }
    );
    auto const lines = std::count(text.begin(), text.end(), '\n') + 1;
    for (auto const& problem : read.problems) {
        ensure(problem.line >= 0 && problem.line <= lines, "a problem stands inside the text");
        ensure(find_not_utf8(problem.what) == std::string::npos, "and is told in UTF-8");
    }
    if (!read.ok()) return 0;
    for (auto const& test : read.tests) {
        for (auto const& series : test.series) {
            ensure(series.values.size() > 0, "a series says something");
            ensure(series.interval > Duration::zero(), "and goes on");
            (void)series.values.at(series.values.size() - 1);
        }
        for (auto const& event : test.events) ensure(!event.kind.empty(), "something happens");
    }
    return 0;
}
