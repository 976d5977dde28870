#include "api/listener.hpp"

#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>

namespace rollbackd::api {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Local = asio::local::stream_protocol;
using v6_only = asio::ip::v6_only;
using boost::system::error_code;

constexpr auto to_tuple = asio::as_tuple(asio::use_awaitable);
constexpr std::string_view unix_prefix = "unix:";
constexpr int backlog_max = 256;

tl::unexpected<Error> failure(error_code const& code, std::string const& address) {
    if (code == asio::error::operation_aborted) return fail(Errc::cancelled, "closed", address);
    if (code == asio::error::address_in_use) {
        return fail(
            Errc::conflict, "the address is in use: end the other process or change daemon.listen",
            address
        );
    }
    if (code == asio::error::access_denied) {
        return fail(
            Errc::forbidden, "may not listen here: use a port above 1023, or a folder that is ours",
            address
        );
    }
    return fail(Errc::io, "cannot listen: " + code.message(), address);
}

/// The account's name, or its number where it has none.
std::string user_name(uid_t uid) {
    std::array<char, 4096> buffer{};
    passwd entry{};
    passwd* found = nullptr;
    int const code = ::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found);
    return code == 0 && found != nullptr ? std::string(entry.pw_name) : std::to_string(uid);
}

class TcpListener final : public Listener {
public:
    explicit TcpListener(tcp::acceptor acceptor) : acceptor_(std::move(acceptor)) {
        error_code ignored;  // an open acceptor has a local endpoint
        endpoint_ = acceptor_.local_endpoint(ignored);
    }

    asio::awaitable<Result<Accepted>> accept() override {
        auto [code, socket] = co_await acceptor_.async_accept(to_tuple);
        if (code) co_return failure(code, address());
        Peer peer;
        error_code gone;
        auto const theirs = socket.remote_endpoint(gone);
        if (gone) co_return failure(gone, address());
        auto const ours = socket.local_endpoint(gone);
        if (gone) co_return failure(gone, address());
        peer.address = theirs.address().to_string();
        peer.loopback = theirs.address().is_loopback();
        peer.local_address = ours.address().to_string();
        peer.local_port = ours.port();
        error_code ignored;  // an answer a few milliseconds later is still an answer
        socket.set_option(tcp::no_delay(true), ignored);
        co_return Accepted{Socket(std::move(socket)), std::move(peer)};
    }
    void close() override {
        error_code ignored;
        acceptor_.close(ignored);
    }
    std::string address() const override {
        auto const host = endpoint_.address().to_string();
        auto const port = std::to_string(endpoint_.port());
        return endpoint_.address().is_v6() ? "[" + host + "]:" + port : host + ":" + port;
    }
    bool is_local_socket() const override { return false; }
    bool is_loopback() const override { return endpoint_.address().is_loopback(); }

private:
    tcp::acceptor acceptor_;
    tcp::endpoint endpoint_;
};

class LocalListener final : public Listener {
public:
    LocalListener(Local::acceptor acceptor, std::string path)
        : acceptor_(std::move(acceptor)), path_(std::move(path)) {
        struct stat made{};
        if (::stat(path_.c_str(), &made) == 0) inode_ = made.st_ino;
    }
    ~LocalListener() override { LocalListener::close(); }

    asio::awaitable<Result<Accepted>> accept() override {
        auto [code, socket] = co_await acceptor_.async_accept(to_tuple);
        if (code) co_return failure(code, address());
        Peer peer;
        peer.local_socket = true;
        peer.loopback = true;
        ucred identity{};
        socklen_t size = sizeof(identity);
        int const failed =
            ::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &identity, &size);
        if (failed != 0) co_return fail(Errc::io, "the peer is not known", address());
        peer.uid = identity.uid;
        peer.user = user_name(identity.uid);
        co_return Accepted{Socket(std::move(socket)), std::move(peer)};
    }
    void close() override {
        if (!acceptor_.is_open()) return;
        error_code ignored;
        acceptor_.close(ignored);
        // Only our own: a successor may have put its socket there already.
        struct stat present{};
        bool const ours = ::stat(path_.c_str(), &present) == 0 && present.st_ino == inode_;
        if (ours) ::unlink(path_.c_str());
    }
    std::string address() const override { return std::string(unix_prefix) + path_; }
    bool is_local_socket() const override { return true; }
    bool is_loopback() const override { return true; }

private:
    Local::acceptor acceptor_;
    std::string path_;
    ino_t inode_ = 0;
};

Result<tcp::endpoint> parse_endpoint(std::string const& address) {
    auto const colon = address.rfind(':');
    auto const wrong = [&] {
        return fail(
            Errc::invalid, "expected ADDRESS:PORT like 127.0.0.1:8620 or unix:/path", address
        );
    };
    if (colon == std::string::npos) return wrong();
    std::string host = address.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
    }
    if (host == "localhost") host = "127.0.0.1";
    std::uint16_t port = 0;
    auto const* const end = address.data() + address.size();
    auto const [stop, bad] = std::from_chars(address.data() + colon + 1, end, port);
    if (bad != std::errc() || stop != end || colon + 1 == address.size()) return wrong();
    error_code code;
    auto const parsed = asio::ip::make_address(host, code);
    if (code) return wrong();
    return tcp::endpoint(parsed, port);
}

Result<std::unique_ptr<Listener>> open_tcp(
    asio::any_io_executor const& executor, std::string const& address
) {
    auto const endpoint = parse_endpoint(address);
    if (!endpoint) return tl::unexpected(endpoint.error());
    tcp::acceptor acceptor(executor);
    error_code code;
    acceptor.open(endpoint->protocol(), code);
    if (!code) acceptor.set_option(tcp::acceptor::reuse_address(true), code);
    if (!code && endpoint->address().is_v6()) {
        acceptor.set_option(v6_only(true), code);
    }
    if (!code) acceptor.bind(*endpoint, code);
    if (!code) acceptor.listen(backlog_max, code);
    if (code) return failure(code, address);
    return std::make_unique<TcpListener>(std::move(acceptor));
}

/// A socket file nobody listens on is what a killed daemon left behind.
Result<void> clear_stale(
    asio::any_io_executor const& executor, std::string const& path, std::string const& address
) {
    struct stat present{};
    if (::lstat(path.c_str(), &present) != 0) return {};
    if (!S_ISSOCK(present.st_mode)) {
        return fail(Errc::conflict, "there is a file that is no socket: remove it", address);
    }
    Local::socket probe(executor);
    error_code code;
    probe.connect(Local::endpoint(path), code);
    if (!code) return failure(asio::error::address_in_use, address);
    if (::unlink(path.c_str()) == 0) return {};
    return fail(Errc::forbidden, "an old socket is in the way and cannot be removed", address);
}

Result<std::unique_ptr<Listener>> open_local(
    asio::any_io_executor const& executor, std::string const& address
) {
    auto const path = address.substr(unix_prefix.size());
    if (path.empty() || path.front() != '/' || path.size() >= sizeof(sockaddr_un::sun_path)) {
        return fail(Errc::invalid, "expected unix: and an absolute path below 108 bytes", address);
    }
    if (auto cleared = clear_stale(executor, path, address); !cleared) {
        return tl::unexpected(cleared.error());
    }
    Local::acceptor acceptor(executor);
    error_code code;
    acceptor.open(Local(), code);
    // Owner and group; who may do what is decided by the peer's identity.
    auto const before = ::umask(0117);
    if (!code) acceptor.bind(Local::endpoint(path), code);
    ::umask(before);
    if (!code) acceptor.listen(backlog_max, code);
    if (code) return failure(code, address);
    return std::make_unique<LocalListener>(std::move(acceptor), path);
}

}  // namespace

Result<std::unique_ptr<Listener>> Listener::open(
    asio::any_io_executor executor, std::string const& address
) {
    if (address.starts_with(unix_prefix)) return open_local(executor, address);
    return open_tcp(executor, address);
}

}  // namespace rollbackd::api
