#include "tests/catch.hpp"
#include "tests/core/io/support/server.hpp"
#include "tests/core/io/support/temp_folder.hpp"
#include "tests/triggers/probes/support.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;

namespace {

std::string text_of_answer(ProbeAnswer const& answer) {
    return std::get<TextValue>(answer.value.value()).text;
}

}  // namespace

TEST_CASE("a release is the first line of a file, the last part of a link, what a command prints") {
    ProbeLoop probes;
    TempFolder const folder;
    auto const file = folder.write("VERSION", " v1.2.3 \nmore\n");
    CHECK(text_of_answer(probes.ask("release", "{\"file\":\"" + file + "\"}")) == "v1.2.3");
    std::filesystem::create_symlink("releases/20260131/", folder.path("current"));
    auto const link = "{\"symlink\":\"" + folder.path("current") + "\"}";
    CHECK(text_of_answer(probes.ask("release", link)) == "20260131");
    CHECK(text_of_answer(probes.ask("release", R"({"argv":["echo","abc"]})")) == "abc");
}

TEST_CASE("a release is what the service itself says, by a JSON pointer") {
    ProbeLoop probes;
    std::string body = R"({"build":{"version":"v7"}})";
    TestServer const server([&](Peer const& peer) {
        (void)peer.request();
        peer.send(
            "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body
        );
    });
    auto const params =
        "{\"url\":\"http://" + server.address() + "/\",\"json\":\"/build/version\"}";
    CHECK(text_of_answer(probes.ask("release", params)) == "v7");
    body = "{}";
    CHECK(unknown_of(probes.ask("release", params)).starts_with("missing: "));
    body = "<html>";
    CHECK(unknown_of(probes.ask("release", params)).starts_with("garbage: "));
}

TEST_CASE("a release that cannot be read is unknown") {
    ProbeLoop probes;
    for (auto const* const params :
         {R"({"file":"/no/such/file"})", R"({"symlink":"/no/such/link"})",
          R"({"git":"/no/such/tree"})", R"({"argv":["false"]})",
          R"({"container":"a","socket":"/no/such.sock"})", R"({"symlink":"/etc/passwd"})"}) {
        INFO(params);
        CHECK_FALSE(unknown_of(probes.ask("release", params)).empty());
    }
    auto const late =
        probes.ask("release", R"({"argv":["sleep","60"]})", std::chrono::milliseconds(50));
    CHECK(unknown_of(late).starts_with("timeout: "));
}

TEST_CASE("what is wrong with a release signal is found before it is asked") {
    CHECK(mistakes_in("release", R"({"file":"/a","json":"/b"})").size() == 1);
    CHECK(mistakes_in("release", R"({"url":"http://a/","json":"b"})").size() == 1);
    CHECK(mistakes_in("release", R"({"url":"http://a/","json":"/b"})").empty());
}
