// Commands that DESIGN promises and this version does not have: they say so and fail, so that no
// script takes silence for success.
#include "cli/handlers.hpp"

namespace rollbackd::cli {

namespace {

Outcome<Exit> not_yet(std::string const& name, std::string const& instead) {
    return refuse("'" + name + "' is not in this version yet; " + instead);
}

}  // namespace

Outcome<Exit> test_policy(Context&, Arguments const&) {
    return not_yet("test", "check a policy's text with: rollbackctl check FILE");
}

Outcome<Exit> backtest(Context&, Arguments const&) {
    return not_yet("backtest", "run the policy with 'autonomy: observe' to see what it would do");
}

Outcome<Exit> import_runbook(Context&, Arguments const&) {
    return not_yet("import", "begin a policy with: rollbackctl init");
}

}  // namespace rollbackd::cli
