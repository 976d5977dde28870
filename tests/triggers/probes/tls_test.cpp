#include "tests/catch.hpp"
#include "tests/core/io/support/certificates.hpp"
#include "tests/core/io/support/temp_folder.hpp"
#include "tests/triggers/probes/support.hpp"

using namespace rollbackd;
using namespace rollbackd::testing;
using namespace std::chrono_literals;

namespace {

Identity const& authority() {
    static Identity const made =
        make_identity({.name = "Test CA", .san = "", .until_days = 3650, .authority = true});
    return made;
}

/// A probe of a server that shows `identity`, trusting only the authority.
struct Watched {
    explicit Watched(
        Identity const& identity, std::vector<Identity> const& chain = {},
        std::string const& name = "localhost"
    )
        : server(std::in_place, TlsBehaviour(identity, chain, nullptr)) {
        auto const ca = folder.write("ca.pem", authority().pem());
        auto const params = R"({"address":")" + server->address() + R"(","ca":")" + ca +
                            R"(","server_name":")" + name + "\"}";
        probe = probes.make("tls", params.c_str());
    }
    GaugeValue ask() { return std::get<GaugeValue>(probes.ask(*probe).value.value()); }

    ProbeLoop probes;
    TempFolder folder;
    std::optional<TestServer> server;
    std::unique_ptr<Probe> probe;
};

/// Days are counted to the second; the certificates run a minute longer than they say.
bool is_days(double value, double days) { return value > days - 0.01 && value < days + 0.01; }

}  // namespace

TEST_CASE("a tls probe counts the days of a certificate that ends in 10") {
    Watched watched(make_identity({.until_days = 10}, &authority()));
    auto const gauge = watched.ask();
    CHECK(is_days(gauge.value, 10));
    CHECK(gauge.reason == "leaf 10.0 days, chain 10.0 days");
    CHECK(gauge.ok == true);
    CHECK(watched.probes.ask(*watched.probe).note.empty());
}

TEST_CASE("a chain that ends before its leaf is what counts, and both are told") {
    auto const middle = make_identity(
        {.name = "Middle CA", .san = "", .until_days = 5, .authority = true}, &authority()
    );
    Watched watched(make_identity({.until_days = 60}, &middle), {middle});
    auto const gauge = watched.ask();
    CHECK(is_days(gauge.value, 5));
    CHECK(gauge.reason == "leaf 60.0 days, chain 5.0 days");
}

TEST_CASE("an expired certificate has negative days") {
    Watched watched(make_identity({.from_days = -20, .until_days = -2}, &authority()));
    auto const gauge = watched.ask();
    CHECK(is_days(gauge.value, -2));
    CHECK(gauge.reason.starts_with("tls: expired: "));
    CHECK(gauge.ok == false);
}

TEST_CASE("wrong host, self-signed, untrusted and not yet valid are told and still have their days"
) {
    Watched wrong_host(make_identity({.until_days = 10}, &authority()), {}, "shop.example.com");
    CHECK(wrong_host.ask().reason.starts_with("tls: wrong_host: "));
    CHECK(is_days(wrong_host.ask().value, 10));
    CHECK(wrong_host.ask().ok == false);
    Watched self_signed(make_identity({.until_days = 10}));
    CHECK(self_signed.ask().reason.starts_with("tls: self_signed: "));
    CHECK(is_days(self_signed.ask().value, 10));
    CHECK(self_signed.ask().ok == false);
    auto const stranger = make_identity({.name = "Other CA", .san = "", .authority = true});
    Watched untrusted(make_identity({.until_days = 10}, &stranger));
    CHECK(untrusted.ask().reason.starts_with("tls: untrusted: "));
    CHECK(is_days(untrusted.ask().value, 10));
    CHECK(untrusted.ask().ok == false);
    Watched early(make_identity({.from_days = 3, .until_days = 10}, &authority()));
    CHECK(early.ask().reason.starts_with("tls: not_yet_valid: "));
    CHECK(is_days(early.ask().value, 10));
    CHECK(early.ask().ok == false);
}

TEST_CASE("the last certificate seen goes on counting down while nobody answers") {
    Watched watched(make_identity({.until_days = 10}, &authority()));
    CHECK(is_days(watched.ask().value, 10));
    watched.server.reset();
    watched.probes.clock.advance(48h);
    auto const answer = watched.probes.ask(*watched.probe);
    auto const last = std::get<GaugeValue>(*answer.value);
    CHECK(is_days(last.value, 8));
    CHECK(last.reason.starts_with("refused: "));
    CHECK(last.ok == std::nullopt);
    CHECK(answer.note.starts_with("refused: "));
}

TEST_CASE("the certificate last seen is known over a restart, and is of that server alone") {
    Watched watched(make_identity({.until_days = 10}, &authority()));
    CHECK(is_days(watched.ask().value, 10));
    auto const saved = watched.probe->save();
    auto const params =
        R"({"address":")" + watched.server->address() + R"(","server_name":"localhost"})";
    watched.server.reset();
    auto const again = watched.probes.make("tls", params.c_str());
    again->resume(saved);
    CHECK(is_days(number_of(watched.probes.ask(*again)), 10));
    auto const port = std::to_string(closed_port());
    auto const other =
        watched.probes.make("tls", (R"({"address":"127.0.0.1:)" + port + "\"}").c_str());
    other->resume(saved);
    CHECK_FALSE(watched.probes.ask(*other).value);
}

TEST_CASE("a server that was never reached gives no value, only the reason") {
    ProbeLoop probes;
    auto const port = std::to_string(closed_port());
    auto const answer = probes.ask("tls", R"({"address":"127.0.0.1:)" + port + "\"}");
    CHECK_FALSE(answer.value);
    CHECK(answer.note.starts_with("refused: "));
}

TEST_CASE("a renewed certificate is seen by the next handshake") {
    std::atomic<bool> renewed = false;
    TlsBehaviour const before(make_identity({.until_days = 10}, &authority()), {}, nullptr);
    TlsBehaviour const after(make_identity({.until_days = 90}, &authority()), {}, nullptr);
    TestServer const server([&](Peer const& peer) { renewed ? after(peer) : before(peer); });
    ProbeLoop probes;
    auto const params = R"({"address":")" + server.address() + R"(","server_name":"localhost"})";
    auto const probe = probes.make("tls", params.c_str());
    CHECK(is_days(std::get<GaugeValue>(*probes.ask(*probe).value).value, 10));
    renewed = true;
    CHECK(is_days(std::get<GaugeValue>(*probes.ask(*probe).value).value, 90));
}

TEST_CASE("a PEM file on disk has the days of its first certificate and of its chain") {
    ProbeLoop probes;
    TempFolder folder;
    auto const middle = make_identity(
        {.name = "Middle CA", .san = "", .until_days = 5, .authority = true}, &authority()
    );
    auto const leaf = make_identity({.until_days = 60}, &middle);
    auto const file = folder.write("full.pem", leaf.pem() + middle.pem());
    auto const answer = probes.ask("tls", R"({"file":")" + file + "\"}");
    auto const gauge = std::get<GaugeValue>(answer.value.value());
    CHECK(is_days(gauge.value, 5));
    CHECK(gauge.ok == true);
    CHECK(gauge.reason == "leaf 60.0 days, chain 5.0 days");
    auto const over = folder.write("over.pem", make_identity({.until_days = -2}, &middle).pem());
    auto const expired =
        std::get<GaugeValue>(probes.ask("tls", R"({"file":")" + over + "\"}").value.value());
    CHECK(expired.ok == false);
    CHECK(expired.reason.starts_with("tls: expired: "));
    auto const empty = folder.write("empty.pem", "no certificate\n");
    auto const none = probes.ask("tls", R"({"file":")" + empty + "\"}");
    CHECK(std::get<UnknownValue>(none.value.value()).reason.starts_with("content: "));
    CHECK(std::holds_alternative<UnknownValue>(
        probes.ask("tls", R"({"file":"/no/such.pem"})").value.value()
    ));
}
