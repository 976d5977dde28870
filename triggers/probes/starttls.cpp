#include "triggers/probes/starttls.hpp"

#include "core/names.hpp"

#include <array>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

constexpr std::size_t shown_max = 60;
constexpr int smtp_ready = 220;
constexpr int smtp_ok = 250;
/// Length 8, then the code that no protocol version has.
constexpr std::string_view ssl_request("\0\0\0\x08\x04\xd2\x16\x2f", 8);

asio::awaitable<NetResult<SmtpReply>> reply(Connection& connection, std::string phase) {
    connection.expect(std::move(phase));
    std::string received;
    std::array<char, 1024> room;
    while (received.size() < smtp_reply_bytes_max) {
        auto const length = co_await connection.read_some(room);
        if (!length) co_return tl::unexpected<NetFailure>(length.error());
        if (*length == 0) co_return net_fail(NetFault::closed, "closed instead of an SMTP reply");
        received.append(room.data(), *length);
        auto whole = read_smtp_reply(received);
        if (!whole) co_return net_fail(NetFault::garbage, whole.error().what);
        if (*whole) co_return **std::move(whole);
    }
    co_return net_fail(NetFault::too_large, "an SMTP reply without an end");
}

NetResult<bool> wanted(SmtpReply const& reply, int code, std::string_view to) {
    if (reply.code == code) return true;
    auto const said = std::to_string(reply.code) + " " + printable_line(reply.text, shown_max);
    return net_fail(NetFault::tls, "the server answers " + std::string(to) + " with " + said);
}

asio::awaitable<NetResult<bool>> smtp(Connection& connection) {
    auto const greeting = co_await reply(connection, "SMTP greeting");
    if (!greeting) co_return tl::unexpected<NetFailure>(greeting.error());
    auto good = wanted(*greeting, smtp_ready, "the connection");
    if (!good) co_return good;
    auto written = co_await connection.write("EHLO rollbackd.invalid\r\n");
    if (!written) co_return written;
    auto const hello = co_await reply(connection, "answer to EHLO");
    if (!hello) co_return tl::unexpected<NetFailure>(hello.error());
    good = wanted(*hello, smtp_ok, "EHLO");
    if (!good) co_return good;
    written = co_await connection.write("STARTTLS\r\n");
    if (!written) co_return written;
    auto const ready = co_await reply(connection, "answer to STARTTLS");
    if (!ready) co_return tl::unexpected<NetFailure>(ready.error());
    co_return wanted(*ready, smtp_ready, "STARTTLS");
}

asio::awaitable<NetResult<bool>> postgresql(Connection& connection) {
    connection.expect("answer to SSLRequest");
    auto const written = co_await connection.write(ssl_request);
    if (!written) co_return written;
    std::array<char, 1> room{};
    auto const length = co_await connection.read_some(room);
    if (!length) co_return tl::unexpected<NetFailure>(length.error());
    if (*length == 0) co_return net_fail(NetFault::closed, "closed instead of an answer");
    if (room[0] == 'S') co_return true;
    if (room[0] == 'N') co_return net_fail(NetFault::tls, "the server has TLS switched off");
    co_return net_fail(NetFault::garbage, "not PostgreSQL's answer to SSLRequest");
}

}  // namespace

Prologue starttls_prologue(std::string_view protocol) {
    if (protocol == "smtp") return &smtp;
    if (protocol == "postgresql") return &postgresql;
    return {};
}

Result<std::optional<SmtpReply>> read_smtp_reply(std::string_view received) {
    SmtpReply reply;
    while (true) {
        auto const end = received.find('\n');
        if (end == std::string_view::npos) return std::optional<SmtpReply>();
        auto line = received.substr(0, end);
        received.remove_prefix(end + 1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        bool digits = line.size() >= 3;
        int code = 0;
        for (std::size_t i = 0; digits && i < 3; ++i) {
            digits = line[i] >= '0' && line[i] <= '9';
            code = code * 10 + (line[i] - '0');
        }
        char const mark = line.size() > 3 ? line[3] : ' ';
        if (!digits || (mark != ' ' && mark != '-')) {
            return fail(
                Errc::invalid, "not an SMTP reply: \"" + printable_line(line, shown_max) + "\""
            );
        }
        reply.code = code;
        if (line.size() > 4) reply.text += std::string(line.substr(4)) + "\n";
        if (mark == ' ') return std::optional<SmtpReply>(std::move(reply));
    }
}

}  // namespace rollbackd
