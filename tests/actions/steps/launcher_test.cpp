#include "actions/steps/launcher.hpp"

#include "tests/catch.hpp"

using namespace rollbackd;

namespace {

bool contains(std::string const& text, std::string const& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("what a unit's sandbox makes impossible for steps inside it is named") {
    auto const said = sandbox_warnings(
        "KillMode=control-group\nProtectSystem=strict\nProtectHome=read-only\n"
        "ReadWritePaths=\nNoNewPrivileges=yes\n",
        "rollbackd.service"
    );
    CHECK(contains(said, "set KillMode=process in rollbackd.service"));
    CHECK(contains(said, "git_checkout, git_revert and file_edit"));
    CHECK(contains(said, "no ReadWritePaths="));
    CHECK(contains(said, "ProtectHome=read-only"));
    CHECK(contains(said, "NoNewPrivileges=yes makes sudo fail"));
}

TEST_CASE("where the sandbox is open nothing is named, and where it is half open, where") {
    CHECK(
        sandbox_warnings(
            "KillMode=process\nProtectSystem=no\nProtectHome=no\nReadWritePaths=\n"
            "NoNewPrivileges=no\n",
            "rollbackd.service"
        ) == ""
    );
    auto const half = sandbox_warnings(
        "KillMode=process\nProtectSystem=full\nProtectHome=no\nReadWritePaths=/srv/shop\n"
        "NoNewPrivileges=no\n",
        "rollbackd.service"
    );
    CHECK(contains(half, "below /srv/shop"));
    CHECK_FALSE(contains(half, "KillMode"));
}
