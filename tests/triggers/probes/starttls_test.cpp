#include "triggers/probes/starttls.hpp"
#include "tests/catch.hpp"
#include "tests/core/io/support/server.hpp"
#include "tests/triggers/probes/support.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;
using namespace std::chrono_literals;

namespace {

std::string note(TestServer const& server, char const* protocol, Duration timeout = 5s) {
    ProbeLoop probes;
    auto const answer = probes.ask(
        "tls", R"({"address":")" + server.address() + R"(","starttls":")" + protocol + "\"}",
        timeout
    );
    CHECK_FALSE(answer.value);
    return answer.note;
}

}  // namespace

TEST_CASE("an SMTP reply is read once it is whole") {
    CHECK_FALSE(read_smtp_reply("250-mail.example.com\r\n250").value());
    auto const reply = read_smtp_reply("250-mail.example.com\r\n250 STARTTLS\r\n").value().value();
    CHECK(reply.code == 250);
    CHECK(reply.text == "mail.example.com\nSTARTTLS\n");
    CHECK(read_smtp_reply("220\n").value()->code == 220);
    CHECK_FALSE(read_smtp_reply("SSH-2.0-OpenSSH\r\n"));
    CHECK_FALSE(read_smtp_reply("250+x\r\n"));
}

TEST_CASE("a server that does not begin TLS is told by what it says instead") {
    TestServer const other([](Peer const& peer) { peer.send("SSH-2.0-OpenSSH_9.2\r\n"); });
    CHECK(note(other, "smtp").starts_with("garbage: not an SMTP reply"));
    TestServer const busy([](Peer const& peer) { peer.send("421 too busy\r\n"); });
    CHECK(note(busy, "smtp").starts_with("tls: the server answers the connection with 421"));
    TestServer const closing([](Peer const&) {});
    CHECK(note(closing, "smtp").starts_with("closed: "));
    TestServer const hanging([](Peer const& peer) { peer.hang(); });
    CHECK(note(hanging, "smtp", 200ms).starts_with("timeout: no SMTP greeting"));
    TestServer const endless([](Peer const& peer) {
        while (peer.send("250-more\r\n")) {
        }
    });
    CHECK(note(endless, "smtp").starts_with("too_large: "));
    TestServer const plain([](Peer const& peer) {
        peer.send("N");
        peer.hang();
    });
    CHECK(note(plain, "postgresql").starts_with("tls: the server has TLS switched off"));
    TestServer const web([](Peer const& peer) { peer.send("HTTP/1.1 400 Bad Request\r\n\r\n"); });
    CHECK(note(web, "postgresql").starts_with("garbage: "));
}
