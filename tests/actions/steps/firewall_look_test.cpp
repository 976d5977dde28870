// How ports are asked from outside, on a machine that takes its time to begin.
#include "actions/steps/firewall_script.hpp"
#include "core/io/file.hpp"
#include "tests/actions/steps/support/hands.hpp"
#include "tests/actions/steps/support/http_server.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;
using namespace rollbackd::test;

TEST_CASE("a machine that is slow to begin does not call an open port silent") {
    TempDir dir;
    HttpServer site([](std::string const&) { return response(200); });
    auto const url = site.url();
    auto const port = url.substr(url.rfind(':') + 1, url.rfind('/') - url.rfind(':') - 1);
    // Longer than a port is given to answer.
    REQUIRE(write_file_atomically(
        dir.path("bash"), "#!/bin/sh\nsleep 3.5\nexec /bin/bash \"$@\"\n", 0755
    ));
    auto look = shell("true");
    look.argv = {"env",        "PATH=" + dir.path("") + ":/usr/bin:/bin",
                 "sh",         "-c",
                 outside_look, "look",
                 "127.0.0.1",  port};
    auto const end = supervise(dir.path("look"), std::move(look));
    CHECK(end.ok());
    CHECK(end.stdout_text == "127.0.0.1 " + port + " open\n");
}
