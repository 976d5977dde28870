#include "actions/steps/ssh.hpp"

#include "tests/actions/steps/support/hands.hpp"
#include "tests/catch.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

using namespace rollbackd;
using namespace rollbackd::test;
using namespace std::chrono_literals;

namespace {

bool contains(std::string const& text, std::string const& part) {
    return text.find(part) != std::string::npos;
}

bool can_run_sshd() {
    return access("/usr/sbin/sshd", X_OK) == 0 && access("/usr/bin/ssh", X_OK) == 0 &&
           access("/usr/bin/ssh-keygen", X_OK) == 0;
}

/// A real sshd on loopback that lets the user of this test in by key.
class Sshd {
public:
    Sshd() {
        // Root's sshd wants its privilege separation folder; -D keeps it in the foreground.
        if (geteuid() == 0) sh("mkdir -p /run/sshd && chmod 755 /run/sshd");
        port_ =
            std::stoi(sh("python3 -c 'import socket; s=socket.socket(); s.bind((\"127.0.0.1\",0)); "
                         "print(s.getsockname()[1])'"));
        sh("ssh-keygen -q -t ed25519 -N '' -f host && ssh-keygen -q -t ed25519 -N '' -f key && "
           "cp key.pub authorized && chmod 755 . && chmod 600 authorized && "
           "printf '[127.0.0.1]:%s %s\\n' " +
               std::to_string(port_) + " \"$(cut -d' ' -f1,2 host.pub)\" >known",
           dir.path());
        // In a second shell bash reads no startup file: what a user's does is no matter of the
        // tests.
        dir.write(
            "config", "Port " + std::to_string(port_) + "\nListenAddress 127.0.0.1\nHostKey " +
                          dir.path("host") + "\nAuthorizedKeysFile " + dir.path("authorized") +
                          "\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nPidFile none\n"
                          "SetEnv SHLVL=1\n"
        );
        pid_ = fork();
        if (pid_ == 0) {
            auto const config = dir.path("config");
            auto const log = dir.path("log");
            execl(
                "/usr/sbin/sshd", "/usr/sbin/sshd", "-D", "-f", config.c_str(), "-E", log.c_str(),
                nullptr
            );
            _exit(127);
        }
        wait_until([&] { return contains(dir.read("log"), "listening on 127.0.0.1"); });
    }
    ~Sshd() {
        kill(pid_, SIGTERM);
        waitpid(pid_, nullptr, 0);
    }
    Sshd(Sshd const&) = delete;
    Sshd& operator=(Sshd const&) = delete;

    HostPolicy host() const {
        HostPolicy out;
        out.name = "web1";
        out.ssh = sh("id -un") + "@127.0.0.1";
        out.identity_file = dir.path("key");
        out.known_hosts = dir.path("known");
        out.port = static_cast<std::uint16_t>(port_);
        return out;
    }

    TempDir dir;

private:
    int port_ = 0;
    pid_t pid_ = -1;
};

/// Closes every connection at once, as an sshd does that has too many.
class Full {
public:
    Full() : listener_(socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* const any = reinterpret_cast<sockaddr*>(&address);
        if (bind(listener_, any, size) != 0 || listen(listener_, 8) != 0 ||
            getsockname(listener_, any, &size) != 0) {
            throw std::runtime_error("cannot listen on loopback");
        }
        port = ntohs(address.sin_port);
        pid_ = fork();
        while (pid_ == 0) close(accept(listener_, nullptr, nullptr));
    }
    ~Full() {
        kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
        close(listener_);
    }
    Full(Full const&) = delete;
    Full& operator=(Full const&) = delete;

    std::uint16_t port = 0;

private:
    int listener_;
    pid_t pid_ = -1;
};

Step on_host(Step made) {
    made.host = "web1";
    return made;
}

}  // namespace

TEST_CASE("every byte survives the remote shell's quoting") {
    TempDir dir;
    std::string bytes;
    for (int byte = 1; byte < 256; ++byte) bytes += static_cast<char>(byte);
    for (auto const& text :
         {bytes, std::string(), std::string("'"), std::string("''a'"), std::string("-n"),
          std::string("$(id) `id` \\ \"")}) {
        dir.write("expected", text);
        dir.write("script", "printf %s " + shell_quote(text) + " >" + dir.path("got"));
        sh("sh " + dir.path("script"));
        CHECK(dir.read("got") == text);
    }
}

TEST_CASE("ssh never asks, never trusts an unknown host, and takes no option for a host") {
    HostPolicy host;
    host.ssh = "deploy@web1.example.com";
    host.identity_file = "/etc/rollbackd/key";
    host.port = 2222;
    auto const argv = ssh_argv(host, {"a", "b c"}, "/srv/x y", {{"K", "v w"}});
    auto const has = [&](std::string const& text) {
        return std::find(argv.begin(), argv.end(), text) != argv.end();
    };
    CHECK(has("BatchMode=yes"));
    CHECK(has("StrictHostKeyChecking=yes"));
    CHECK(has("/etc/rollbackd/key"));
    CHECK(has("2222"));
    REQUIRE(argv.size() > 3);
    CHECK(argv[argv.size() - 3] == "--");
    CHECK(argv.back() == "cd '/srv/x y' && exec env 'K=v w' 'a' 'b c'");
}

TEST_CASE("steps on a host run there with their arguments, folder, environment and exit") {
    if (!can_run_sshd()) {
        WARN("SKIPPED_BECAUSE openssh-server is not installed");
        return;
    }
    Sshd const sshd;
    Hands hands(sshd.dir.path("run"), {sshd.host()});
    auto made = on_host(
        exec({"sh", "-c", "printf '<%s>' \"$@\"; pwd; echo $K", "sh", "two words", "a'b", "$x"})
    );
    made.params["cwd"] = "/tmp";
    made.params["env"] = JsonObject{{"K", "v w"}};
    auto const outcome = hands.run(made, "r1");
    INFO(sshd.dir.read("log"));
    CHECK(outcome.text == "<two words><a'b><$x>/tmp\nv w");
    CHECK(outcome.kind == OutcomeKind::done);
    CHECK(hands.run(on_host(shell_step("exit 4")), "r2").exit == 4);
    CHECK(hands.check({"r1", {"true"}, "web1", 10s}).passed);
    CHECK_FALSE(hands.preflight(on_host(exec({"true"}))));

    sshd.dir.write("env", "A=1\n");
    auto edit = on_host(step(
        "file_edit", JsonObject{{"file", sshd.dir.path("env")}, {"key", "A"}, {"value", "2 3"}}
    ));
    edit.idempotent = true;
    CHECK(hands.run(edit, "r3").kind == OutcomeKind::done);
    CHECK(sshd.dir.read("env") == "A=\"2 3\"\n");
}

TEST_CASE("what ssh itself could not do is unknown, never failed") {
    if (!can_run_sshd()) {
        WARN("SKIPPED_BECAUSE openssh-server is not installed");
        return;
    }
    Sshd const sshd;
    auto wrong_key = sshd.host();
    wrong_key.known_hosts = sshd.dir.path("nothing");
    Hands hands(sshd.dir.path("run"), {wrong_key});
    auto const outcome = hands.run(on_host(exec({"touch", sshd.dir.path("mark")})), "r1");
    CHECK(outcome.kind == OutcomeKind::unknown);
    CHECK(contains(outcome.text, "web1"));
    CHECK_FALSE(sshd.dir.has("mark"));
    hands.runner().set_hosts({sshd.host()});
    auto slow = on_host(exec({"sleep", "5"}));
    slow.timeout = 1s;
    slow.idempotent = true;
    CHECK(hands.run(slow, "r2").kind == OutcomeKind::unknown);
}

TEST_CASE("a host that drops us may have no room, and one that nobody answers on is away") {
    TempDir dir;
    HostPolicy host;
    host.name = "web1";
    host.ssh = "deploy@127.0.0.1";
    Full const full;
    host.port = full.port;
    Hands hands(dir.path("full"), {host});
    auto const dropped = hands.look(on_host(exec({"true"})));
    REQUIRE(dropped);
    INFO(dropped->text);
    CHECK(dropped->unanswered);
    CHECK(contains(dropped->text, "ssh to web1 failed"));

    host.port = 1;  // nobody listens there
    Hands elsewhere(dir.path("away"), {host});
    auto const away = elsewhere.look(on_host(exec({"true"})));
    REQUIRE(away);
    INFO(away->text);
    CHECK_FALSE(away->unanswered);
    CHECK(away->needs == Grounds{.services = true});
}
