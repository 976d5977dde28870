// Any text as a policy: read or refused with places inside it, never a crash; what is accepted is
// accepted again from its own journaled text.
#include "config/catalogue.hpp"
#include "config/load.hpp"
#include "core/ensure.hpp"

#include <cstddef>
#include <cstdint>

using namespace rollbackd;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    LoadOptions options;
    options.look_at_files = false;
    auto const result = parse_policy(text, "fuzz.yaml", known_types(), options);
    bool errors = false;
    for (auto const& problem : result.problems) errors = errors || !problem.warning;
    ensure(result.ok() != errors, "a policy is refused exactly where there is an error");
    if (!result.ok()) return 0;
    auto const again = parse_policy(result.policy->text, "again", known_types(), options);
    ensure(again.ok(), "the journaled text can be read again");
    return 0;
}
