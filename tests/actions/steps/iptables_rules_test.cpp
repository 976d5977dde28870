// Whether a deny is really in front: read off what iptables prints.
#include "actions/steps/iptables_rules.hpp"
#include "tests/catch.hpp"

using namespace rollbackd;

namespace {

/// What ufw makes, shortened; `user` is its user's rules.
std::string ufw(std::string const& user) {
    return "-P INPUT DROP\n-N ufw-before-input\n-N ufw-not-local\n-N ufw-user-input\n"
           "-A INPUT -j ufw-before-input\n"
           "-A INPUT -j ufw-after-input\n"
           "-A ufw-before-input -i lo -j ACCEPT\n"
           "-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
           "-A ufw-before-input -m conntrack --ctstate INVALID -j DROP\n"
           "-A ufw-before-input -p udp -m udp --sport 67 --dport 68 -j ACCEPT\n"
           "-A ufw-before-input -j ufw-not-local\n"
           "-A ufw-before-input -j ufw-user-input\n"
           "-A ufw-not-local -m addrtype --dst-type LOCAL -j RETURN\n"
           "-A ufw-not-local -m limit --limit 3/min --limit-burst 10 -j ufw-logging-deny\n"
           "-A ufw-not-local -j DROP\n"
           "-A ufw-logging-deny -j LOG --log-prefix \"[UFW BLOCK] -j ACCEPT\"\n" +
           user;
}

constexpr char const* deny = "-A ufw-user-input -p tcp -m tcp --dport 80 -j DROP\n";
constexpr char const* allow = "-A ufw-user-input -p tcp -m tcp --dport 80 -j ACCEPT\n";

PortVerdict tcp80(std::string const& rules, std::vector<std::string> const& known = {}) {
    return judge_port(rules, 80, "tcp", known);
}

}  // namespace

TEST_CASE("a deny in front of the allow drops") {
    auto const verdict = tcp80(ufw(std::string(deny) + allow));
    CHECK(verdict.dropped);
    CHECK(verdict.before.empty());
}

TEST_CASE("the documented deny behind the allow lets everything through") {
    auto const verdict = tcp80(ufw(std::string(allow) + deny));
    CHECK_FALSE(verdict.dropped);
    REQUIRE(verdict.before.size() == 1);
    CHECK(verdict.before[0] + "\n" == allow);
}

TEST_CASE("an allow of another port, protocol or of what stands already is no matter") {
    auto const others =
        "-A ufw-user-input -p tcp -m tcp --dport 22 -j ACCEPT\n"
        "-A ufw-user-input -p udp -m udp --dport 80 -j ACCEPT\n"
        "-A ufw-user-input -p tcp -m multiport --dports 8000:8010,81 -j ACCEPT\n";
    CHECK(tcp80(ufw(std::string(others) + deny)).before.empty());
    CHECK(tcp80(ufw(std::string(others) + deny)).dropped);
}

TEST_CASE("an allow that names no port, or a range with it in, is in front") {
    CHECK(
        tcp80(ufw(std::string("-A ufw-user-input -s 192.0.2.0/24 -j ACCEPT\n") + deny))
            .before.size() == 1
    );
    CHECK(
        tcp80(ufw(std::string("-A ufw-user-input -p tcp -m multiport --dports 70:90 -j ACCEPT\n") +
                  deny))
            .before.size() == 1
    );
    CHECK(
        tcp80("-A INPUT -p tcp -m set --match-set friends src -j ACCEPT\n" + ufw(deny))
            .before.size() == 1
    );
}

TEST_CASE("networks that are meant to come in may") {
    auto const rules =
        ufw(std::string("-A ufw-user-input -s 192.0.2.7/32 -p tcp -m tcp --dport 80 -j ACCEPT\n") +
            deny + allow);
    CHECK(tcp80(rules, {"192.0.2.7"}).before.empty());
    CHECK(tcp80(rules, {"192.0.2.8"}).before.size() == 1);
    CHECK(tcp80(rules, {"192.0.2.7"}).dropped);
}

TEST_CASE("a deny of some drops not everybody") {
    CHECK_FALSE(tcp80("-A INPUT -s 192.0.2.7/32 -p tcp --dport 80 -j DROP\n").dropped);
    CHECK_FALSE(tcp80("-A INPUT ! -s 192.0.2.7/32 -p tcp --dport 80 -j DROP\n").dropped);
    CHECK_FALSE(tcp80("-A INPUT -i eth0 -p tcp --dport 80 -j DROP\n").dropped);
    CHECK_FALSE(tcp80("-A INPUT -s 192.0.2.7/32 -j some\n-A some -j DROP\n").dropped);
    CHECK(tcp80("-A INPUT -j all\n-A all -p tcp -j REJECT --reject-with tcp-reset\n").dropped);
}

TEST_CASE("chains that go in circles end") {
    auto const verdict = tcp80("-A INPUT -j a\n-A a -j b\n-A a -j b\n-A b -j a\n-A b -j a\n");
    CHECK_FALSE(verdict.dropped);
}
