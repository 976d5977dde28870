// Any text as a policy: read or refused with places inside it, never a crash; what is accepted is
// accepted again from its own journaled text.
#include "config/catalogue.hpp"
#include "config/load.hpp"
#include "core/ensure.hpp"
#include "core/utf8.hpp"
#include "tests/fuzz/entries.hpp"

#include <algorithm>

using namespace rollbackd;

int rollbackd::fuzz::policy(std::uint8_t const* data, std::size_t size) {
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    LoadOptions options;
    options.look_at_files = false;
    auto const result = parse_policy(text, "fuzz.yaml", known_types(), options);
    bool errors = false;
    auto const lines = std::count(text.begin(), text.end(), '\n') + 1;
    for (auto const& problem : result.problems) {
        errors = errors || !problem.warning;
        ensure(problem.line >= 0 && problem.line <= lines, "a problem stands inside the text");
        ensure(!problem.what.empty(), "a problem says what is wrong");
        ensure(find_not_utf8(problem.what) == std::string::npos, "and says it in UTF-8");
    }
    ensure(result.ok() != errors, "a policy is refused exactly where there is an error");
    if (!result.ok()) return 0;
    auto const again = parse_policy(result.policy->text, "again", known_types(), options);
    ensure(again.ok(), "the journaled text can be read again");
    ensure(again.policy->text == result.policy->text, "and is the same again");
    ensure(again.policy->matrix == result.policy->matrix, "with the same matrix");
    ensure(again.policy->services.size() == result.policy->services.size(), "and services");
    return 0;
}
