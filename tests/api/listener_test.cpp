#include "api/listener.hpp"

#include "tests/api/support/certificate.hpp"
#include "tests/api/support/client.hpp"
#include "tests/api/support/running_server.hpp"
#include "tests/catch.hpp"

#include <sys/stat.h>
#include <unistd.h>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <fstream>

using namespace rollbackd;
using namespace rollbackd::api;
using namespace rollbackd::api::testing;

namespace asio = boost::asio;

namespace {

Result<std::unique_ptr<Listener>> open_listener(std::string const& address) {
    static asio::io_context context;
    return Listener::open(context.get_executor(), address);
}

ServerOptions unix_options(std::string const& path) {
    auto options = loopback_options();
    options.listen = {"unix:" + path};
    return options;
}

ServerOptions tls_options(TempFolder const& folder) {
    auto options = loopback_options();
    options.tls = TlsPolicy{folder.file("cert.pem"), folder.file("key.pem"), "", {}};
    return options;
}

/// Trusts this one certificate.
class TlsClient {
public:
    TlsClient(std::string const& address, std::string const& certificate) {
        tls_.load_verify_file(certificate);
        tls_.set_verify_mode(asio::ssl::verify_peer);
        auto const colon = address.rfind(':');
        asio::ip::tcp::endpoint const where(
            asio::ip::make_address("127.0.0.1"),
            static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1)))
        );
        stream_.emplace(context_, tls_);
        stream_->lowest_layer().connect(where);
        stream_->handshake(asio::ssl::stream_base::client);
    }
    std::string get(std::string const& path) {
        auto const request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
        asio::write(*stream_, asio::buffer(request));
        std::string answer;
        asio::read_until(*stream_, asio::dynamic_buffer(answer), "GET " + path);
        return answer;
    }

private:
    asio::io_context context_;
    asio::ssl::context tls_{asio::ssl::context::tls_client};
    std::optional<asio::ssl::stream<asio::ip::tcp::socket>> stream_;
};

}  // namespace

TEST_CASE("an address that makes no sense is refused with what was expected") {
    for (auto const* const address :
         {"", "8620", "localhost", "127.0.0.1:", "127.0.0.1:99999", "127.0.0.1:-1", "[::1]",
          "example.com:80", "unix:", "unix:relative", "127.0.0.1:80x"}) {
        CAPTURE(address);
        auto const opened = open_listener(address);
        REQUIRE(!opened);
        CHECK(opened.error().code == Errc::invalid);
        CHECK(opened.error().what.find("expected") != std::string::npos);
    }
}

TEST_CASE("a port in use is named and said how to mend") {
    auto const first = open_listener("127.0.0.1:0");
    REQUIRE(first);
    auto const second = open_listener((*first)->address());
    REQUIRE(!second);
    CHECK(second.error().code == Errc::conflict);
    CHECK(second.error().where == (*first)->address());
    CHECK(second.error().what.find("in use") != std::string::npos);
}

TEST_CASE("a Unix socket knows its peer, is for owner and group, and is removed at the end") {
    TempFolder const folder;
    auto const path = folder.file("api.sock");
    {
        RunningServer server(unix_options(path));
        struct stat made{};
        REQUIRE(::stat(path.c_str(), &made) == 0);
        CHECK((made.st_mode & 0777) == 0660);
        Client client("unix:" + path);
        CHECK(client.get("/x").status == 200);
        Peer peer;
        server.on_loop([&] { peer = server.application().last_peer; });
        CHECK(peer.local_socket);
        CHECK(peer.uid == ::geteuid());
        CHECK(!peer.user.empty());
    }
    CHECK(::access(path.c_str(), F_OK) != 0);
}

TEST_CASE("a socket left behind is replaced, one in use and other files are not") {
    TempFolder const folder;
    auto const path = folder.file("api.sock");
    {
        asio::io_context context;
        asio::local::stream_protocol::acceptor left(context);
        left.open(asio::local::stream_protocol());
        left.bind(asio::local::stream_protocol::endpoint(path));
    }
    auto const mine = open_listener("unix:" + path);
    REQUIRE(mine);
    auto const other = open_listener("unix:" + path);
    REQUIRE(!other);
    CHECK(other.error().code == Errc::conflict);
    auto const file = folder.file("file");
    std::ofstream(file) << "precious";
    auto const refused = open_listener("unix:" + file);
    REQUIRE(!refused);
    CHECK(::access(file.c_str(), F_OK) == 0);
}

TEST_CASE("an address other than loopback needs TLS") {
    asio::io_context context;
    ScriptedApplication application(context);
    ServerOptions options;
    options.listen = {"0.0.0.0:0"};
    auto const server = Server::open(context.get_executor(), options, application);
    REQUIRE(!server);
    CHECK(server.error().what.find("tls") != std::string::npos);
}

TEST_CASE("with TLS the same answers come encrypted, and plain text is not answered") {
    TempFolder const folder;
    write_certificate(folder);
    RunningServer server(tls_options(folder));
    TlsClient client(server.address(), folder.file("cert.pem"));
    CHECK(client.get("/tls").starts_with("HTTP/1.1 200 OK"));
    Client plain(server.address());
    plain.send("GET /plain HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(plain.receive().status == 0);
}

TEST_CASE("a certificate that was renewed is shown to those who come, and others stay") {
    TempFolder const folder;
    write_certificate(folder);
    RunningServer server(tls_options(folder));
    TlsClient before(server.address(), folder.file("cert.pem"));
    CHECK(before.get("/before").starts_with("HTTP/1.1 200 OK"));
    write_certificate(folder);
    auto const renewed = load_tls(*tls_options(folder).tls);
    REQUIRE(renewed);
    server.on_loop([&] { server.server().use(*renewed); });
    TlsClient after(server.address(), folder.file("cert.pem"));
    CHECK(after.get("/after").starts_with("HTTP/1.1 200 OK"));
    CHECK(before.get("/still").starts_with("HTTP/1.1 200 OK"));
}

TEST_CASE("a certificate that cannot be used is named at the start") {
    TempFolder const folder;
    asio::io_context context;
    ScriptedApplication application(context);
    auto const missing = Server::open(context.get_executor(), tls_options(folder), application);
    REQUIRE(!missing);
    CHECK(missing.error().where == folder.file("cert.pem"));
    TempFolder const other;
    write_certificate(folder);
    write_certificate(other);
    auto options = tls_options(folder);
    options.tls->key = other.file("key.pem");
    auto const mismatch = Server::open(context.get_executor(), options, application);
    REQUIRE(!mismatch);
    CHECK(mismatch.error().what.find("does not belong") != std::string::npos);
}
