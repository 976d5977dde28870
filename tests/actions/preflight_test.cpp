// What one step may bring that another one misses.
#include "actions/preflight.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;

namespace {

Objection about(std::vector<std::string> paths) {
    Objection out;
    out.needs.files = true;
    out.paths = std::move(paths);
    return out;
}

Brings files(std::vector<std::string> paths) {
    Brings out;
    out.grounds.files = true;
    out.paths = std::move(paths);
    return out;
}

}  // namespace

TEST_CASE("a file may come with the folder that an earlier step fills, on the same machine") {
    CHECK(may_mend(files({"/srv/shop"}), about({"/srv/shop/.env"}), true));
    CHECK(may_mend(files({"/srv/shop/"}), about({"/srv/shop"}), true));
    CHECK(may_mend(files({"/srv/shop/.env"}), about({"/srv/shop"}), true));
    CHECK_FALSE(may_mend(files({"/srv/shop"}), about({"/srv/shop2"}), true));
    CHECK_FALSE(may_mend(files({"/srv/shop"}), about({"/srv/kept/.env"}), true));
    CHECK_FALSE(may_mend(files({"/srv/shop"}), about({"/srv/shop/.env"}), false));
    CHECK_FALSE(may_mend(files({"/srv/shop"}), about({}), true));
}

TEST_CASE("who may do anything brings any file, and a tool only where it says so") {
    Brings anything;
    anything.grounds.files = true;
    anything.anywhere = true;
    CHECK(may_mend(anything, about({"/srv/shop"}), true));
    CHECK(may_mend(anything, about({}), true));
    Objection tool;
    tool.needs.tools = true;
    CHECK_FALSE(may_mend(anything, tool, true));
    anything.grounds.tools = true;
    CHECK(may_mend(anything, tool, true));
    CHECK_FALSE(may_mend(anything, tool, false));
}

TEST_CASE("what nothing brings is objected to wherever it stands") {
    Brings everything;
    everything.grounds = {
        .tools = true, .files = true, .space = true, .services = true, .images = true
    };
    everything.anywhere = true;
    CHECK_FALSE(may_mend(everything, Objection(), true));
}

TEST_CASE("a service may be brought from another machine, room and images may not") {
    Brings some;
    some.grounds.services = true;
    some.grounds.space = true;
    some.grounds.images = true;
    Objection wants;
    wants.needs.services = true;
    CHECK(may_mend(some, wants, false));
    wants.needs = {};
    wants.needs.space = true;
    CHECK(may_mend(some, wants, true));
    CHECK_FALSE(may_mend(some, wants, false));
    wants.needs = {};
    wants.needs.images = true;
    CHECK(may_mend(some, wants, true));
    CHECK_FALSE(may_mend(some, wants, false));
}
