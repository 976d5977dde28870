#include "cli/connection.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstring>

namespace rollbackd::cli {

namespace {

class Socket {
public:
    Socket() = default;
    explicit Socket(int fd) : fd_(fd) {}
    Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Socket& operator=(Socket&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Socket() {
        if (fd_ >= 0) ::close(fd_);
    }
    int fd() const { return fd_; }

private:
    int fd_ = -1;
};

using TlsContext = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;
using TlsSession = std::unique_ptr<SSL, decltype(&SSL_free)>;

tl::unexpected<Error> system_error(int number) {
    auto const code = number == ETIMEDOUT ? Errc::timeout : Errc::unavailable;
    return fail(code, std::strerror(number));
}

Result<void> wait_for(int fd, short events, Clock::time_point deadline) {
    while (true) {
        auto const left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
        if (left <= 0) return fail(Errc::timeout, "no answer in time");
        pollfd waiting{fd, events, 0};
        int const ready = ::poll(&waiting, 1, static_cast<int>(std::min<long>(left, 60'000)));
        if (ready > 0) return {};
        if (ready < 0 && errno != EINTR) return system_error(errno);
    }
}

Result<Socket> connect_to(
    int family, sockaddr const* where, socklen_t length, Clock::time_point deadline
) {
    Socket made(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (made.fd() < 0) return system_error(errno);
    if (family != AF_UNIX) {
        // Nagle would hold our one small request back; keep-alive notices a peer that vanished.
        int const on = 1;
        int const idle_seconds = 30;
        (void)::setsockopt(made.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        (void)::setsockopt(made.fd(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
        (void
        )::setsockopt(made.fd(), IPPROTO_TCP, TCP_KEEPIDLE, &idle_seconds, sizeof idle_seconds);
    }
    if (::connect(made.fd(), where, length) == 0) return made;
    if (errno != EINPROGRESS) return system_error(errno);
    if (auto const ready = wait_for(made.fd(), POLLOUT, deadline); !ready) {
        return tl::unexpected(ready.error());
    }
    int problem = 0;
    socklen_t size = sizeof problem;
    if (::getsockopt(made.fd(), SOL_SOCKET, SO_ERROR, &problem, &size) != 0) problem = errno;
    if (problem != 0) return system_error(problem);
    return made;
}

Result<Socket> connect_by_name(Address const& address, Clock::time_point deadline) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG;
    addrinfo* found = nullptr;
    int const problem =
        ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
    if (problem != 0) return fail(Errc::unavailable, ::gai_strerror(problem));
    std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> const list(found, ::freeaddrinfo);
    Result<Socket> last = fail(Errc::unavailable, "the name has no address");
    for (auto const* entry = list.get(); entry != nullptr; entry = entry->ai_next) {
        last = connect_to(entry->ai_family, entry->ai_addr, entry->ai_addrlen, deadline);
        if (last) break;
    }
    return last;
}

Result<Socket> connect_by_path(Address const& address, Clock::time_point deadline) {
    sockaddr_un where{};
    where.sun_family = AF_UNIX;
    address.host.copy(where.sun_path, sizeof where.sun_path - 1);
    return connect_to(AF_UNIX, reinterpret_cast<sockaddr const*>(&where), sizeof where, deadline);
}

std::string tls_reason(SSL* session) {
    if (session != nullptr) {
        long const verdict = SSL_get_verify_result(session);
        if (verdict != X509_V_OK) {
            return std::string("the certificate is not trusted: ") +
                   X509_verify_cert_error_string(verdict);
        }
    }
    auto const code = ERR_get_error();
    char const* const text = code == 0 ? nullptr : ERR_reason_error_string(code);
    return std::string("TLS failed: ") + (text == nullptr ? "the connection was closed" : text);
}

Result<TlsContext> make_context(TlsFiles const& files) {
    TlsContext context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
    if (!context) return fail(Errc::internal, "OpenSSL gives no context");
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    bool const trusted =
        files.ca.empty()
            ? SSL_CTX_set_default_verify_paths(context.get()) == 1
            : SSL_CTX_load_verify_locations(context.get(), files.ca.c_str(), nullptr) == 1;
    if (!trusted) return fail(Errc::invalid, "no certificates can be read from it", files.ca);
    if (!files.cert.empty()) {
        auto const& key = files.key.empty() ? files.cert : files.key;
        if (SSL_CTX_use_certificate_chain_file(context.get(), files.cert.c_str()) != 1) {
            return fail(Errc::invalid, "no certificate can be read from it", files.cert);
        }
        if (SSL_CTX_use_PrivateKey_file(context.get(), key.c_str(), SSL_FILETYPE_PEM) != 1) {
            return fail(Errc::invalid, "no matching private key can be read from it", key);
        }
    }
    return context;
}

bool is_ip_address(std::string const& host) {
    return host.find(':') != std::string::npos ||
           host.find_first_not_of("0123456789.") == std::string::npos;
}

}  // namespace

void pause_for(std::chrono::milliseconds time) {
    (void)::poll(nullptr, 0, static_cast<int>(std::min<long>(time.count(), 60'000)));
}

struct Connection::Impl {
    Socket socket;
    TlsContext context{nullptr, SSL_CTX_free};
    TlsSession session{nullptr, SSL_free};

    /// Repeats a TLS operation until it is through; `step` returns what OpenSSL returned.
    template <class Step>
    Result<int> drive(Clock::time_point deadline, Step step) {
        while (true) {
            ERR_clear_error();
            errno = 0;
            int const got = step(session.get());
            if (got > 0) return got;
            int const why = SSL_get_error(session.get(), got);
            if (why == SSL_ERROR_ZERO_RETURN) return 0;
            if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
                if (why == SSL_ERROR_SYSCALL && errno != 0) return system_error(errno);
                return fail(Errc::unavailable, tls_reason(session.get()));
            }
            short const events = why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
            if (auto const ready = wait_for(socket.fd(), events, deadline); !ready) {
                return tl::unexpected(ready.error());
            }
        }
    }

    Result<void> shake_hands(
        Address const& address, TlsFiles const& files, Clock::time_point deadline
    ) {
        auto made = make_context(files);
        if (!made) return tl::unexpected(made.error());
        context = std::move(*made);
        session = TlsSession(SSL_new(context.get()), SSL_free);
        if (!session || SSL_set_fd(session.get(), socket.fd()) != 1) {
            return fail(Errc::internal, "OpenSSL gives no session");
        }
        if (is_ip_address(address.host)) {
            X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session.get()), address.host.c_str());
        } else {
            SSL_set1_host(session.get(), address.host.c_str());
            SSL_set_tlsext_host_name(session.get(), address.host.c_str());
        }
        auto const shaken = drive(deadline, [](SSL* tls) { return SSL_connect(tls); });
        if (!shaken) return tl::unexpected(shaken.error());
        if (*shaken <= 0) return fail(Errc::unavailable, "TLS failed: the connection was closed");
        return {};
    }
};

Connection::Connection(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;
Connection::~Connection() = default;

Result<Connection> Connection::open(
    Address const& address, TlsFiles const& tls, Clock::time_point deadline
) {
    auto socket = address.scheme == Address::Scheme::unix_socket
                      ? connect_by_path(address, deadline)
                      : connect_by_name(address, deadline);
    if (!socket) return tl::unexpected(socket.error());
    auto impl = std::make_unique<Impl>();
    impl->socket = std::move(*socket);
    if (address.scheme == Address::Scheme::https) {
        if (auto const shaken = impl->shake_hands(address, tls, deadline); !shaken) {
            return tl::unexpected(shaken.error());
        }
    }
    return Connection(std::move(impl));
}

Result<void> Connection::send(std::string_view bytes, Clock::time_point deadline) {
    while (!bytes.empty()) {
        std::size_t sent = 0;
        if (impl_->session) {
            auto const length = static_cast<int>(std::min<std::size_t>(bytes.size(), 1U << 16U));
            auto const got = impl_->drive(deadline, [&](SSL* tls) {
                return SSL_write(tls, bytes.data(), length);
            });
            if (!got) return tl::unexpected(got.error());
            if (*got == 0) return fail(Errc::unavailable, "the connection was closed");
            sent = static_cast<std::size_t>(*got);
        } else {
            auto const got = ::send(impl_->socket.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (got < 0 && errno == EINTR) continue;
            if (got < 0 && errno != EAGAIN) return system_error(errno);
            if (got < 0) {
                if (auto const ready = wait_for(impl_->socket.fd(), POLLOUT, deadline); !ready) {
                    return tl::unexpected(ready.error());
                }
                continue;
            }
            sent = static_cast<std::size_t>(got);
        }
        bytes.remove_prefix(sent);
    }
    return {};
}

Result<std::size_t> Connection::receive(std::span<char> room, Clock::time_point deadline) {
    if (impl_->session) {
        auto const length = static_cast<int>(std::min<std::size_t>(room.size(), 1U << 16U));
        auto const got =
            impl_->drive(deadline, [&](SSL* tls) { return SSL_read(tls, room.data(), length); });
        if (!got) return tl::unexpected(got.error());
        return static_cast<std::size_t>(*got);
    }
    while (true) {
        auto const got = ::recv(impl_->socket.fd(), room.data(), room.size(), 0);
        if (got >= 0) return static_cast<std::size_t>(got);
        if (errno == EINTR) continue;
        if (errno != EAGAIN) return system_error(errno);
        if (auto const ready = wait_for(impl_->socket.fd(), POLLIN, deadline); !ready) {
            return tl::unexpected(ready.error());
        }
    }
}

}  // namespace rollbackd::cli
