// Ports and networks of the firewall step, what nftables is told, and what others see.
#include "actions/steps/firewall_text.hpp"
#include "actions/steps/own_ports.hpp"
#include "tests/catch.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

using namespace rollbackd;

namespace {

using Words = std::vector<std::string>;

bool contains(std::string const& text, std::string const& part) {
    return text.find(part) != std::string::npos;
}

std::string refused(bool close, Words const& ports, Words const& networks = {}) {
    auto const gates = gates_of(close, ports, networks);
    return gates ? "" : gates.error().where;
}

}  // namespace

TEST_CASE("a port is a number from 1 to 65535 and nothing else") {
    CHECK(port_of("1") == 1);
    CHECK(port_of("65535") == 65535);
    for (auto const* const text :
         {"", "0", "65536", "-1", "+80", " 80", "80 ", "80;drop", "0x50"}) {
        INFO(text);
        CHECK_FALSE(port_of(text));
    }
}

TEST_CASE("a network is written as a firewall writes it, and everybody is none") {
    CHECK(network_of("192.0.2.7") == "192.0.2.7");
    CHECK(network_of("192.0.2.7/32") == "192.0.2.7");
    CHECK(network_of("192.0.2.7/24") == "192.0.2.0/24");
    CHECK(network_of("2001:DB8::1/32") == "2001:db8::/32");
    CHECK(network_of("2001:db8::1") == "2001:db8::1");
    for (auto const* const text :
         {"", "any", "0.0.0.0/0", "::/0", "192.0.2.0/33", "192.0.2", "192.0.2.1 }", "fe80::1%lo"}) {
        INFO(text);
        CHECK_FALSE(network_of(text));
    }
}

TEST_CASE("the gates say which field is wrong") {
    CHECK(refused(true, {"80", "443"}).empty());
    CHECK(refused(true, {}) == "ports");
    CHECK(refused(true, {"http"}) == "ports");
    CHECK(refused(true, {"80"}, {"192.0.2.7"}) == "to");
    CHECK(refused(false, {"80"}, {"0.0.0.0/0"}) == "to");
    auto const gates = gates_of(false, {"443", "80", "443"}, {"192.0.2.7/24", "192.0.2.0/24"});
    REQUIRE(gates);
    CHECK(gates->state == Gate::limited);
    CHECK(gates->ports == std::vector<std::uint16_t>{80, 443});
    CHECK(gates->networks == Words{"192.0.2.0/24"});
    CHECK(port_words(gates->ports) == "ports 80 and 443");
}

TEST_CASE("nftables replaces a port's table whole, and takes it away where the port is open") {
    Gates gates{Gate::limited, {80}, {"192.0.2.7", "2001:db8::/32"}};
    auto const text = nft_text(gates);
    CHECK(text.starts_with("add table inet rollbackd_port_80\ndelete table inet rollbackd_port_80")
    );
    CHECK(contains(text, "ip saddr { 192.0.2.7 } accept"));
    CHECK(contains(text, "ip6 saddr { 2001:db8::/32 } accept"));
    CHECK(text.find("accept\n        fib daddr type local") != std::string::npos);
    gates.state = Gate::open;
    CHECK(
        nft_text(gates) == "add table inet rollbackd_port_80\ndelete table inet rollbackd_port_80\n"
    );
}

TEST_CASE("closed is what does not accept, open what does not stay silent") {
    CHECK_FALSE(look_from_outside("a.example.com 80 silent\na.example.com 443 refused\n", true));
    CHECK(
        look_from_outside("192.0.2.1 80 silent\n192.0.2.1 443 open\n", true) ==
        "192.0.2.1 443 still accepts connections"
    );
    CHECK_FALSE(look_from_outside("192.0.2.1 80 open\n192.0.2.1 443 refused\n", false));
    CHECK(look_from_outside("192.0.2.1 80 silent\n", false) == "192.0.2.1 80 does not answer");
    CHECK(
        look_from_outside("x 80 unknown Name or service not known\n", true) ==
        "x 80: unknown Name or service not known"
    );
    CHECK(look_from_outside("", true) == "nothing could be looked at");
}

TEST_CASE("the ports this program listens on are known, those it only uses are not") {
    int const fd = ::socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(fd >= 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    socklen_t size = sizeof address;
    REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    auto const port = ntohs(address.sin_port);
    auto const listens = [&] {
        auto const ports = own_listening_ports();
        return std::count(ports.begin(), ports.end(), port) == 1;
    };
    CHECK_FALSE(listens());
    REQUIRE(::listen(fd, 1) == 0);
    CHECK(listens());
    ::close(fd);
    CHECK_FALSE(listens());
}
