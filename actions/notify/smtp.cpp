// smtp: a mail for each message, through a mail server.
#include "actions/notify/descriptor.hpp"
#include "actions/notify/mail.hpp"
#include "actions/notify/post.hpp"
#include "core/io/blocking.hpp"
#include "core/io/secrets.hpp"
#include "core/io/stream.hpp"
#include "core/scalar.hpp"

#include <curl/curl.h>

#include <array>
#include <memory>
#include <mutex>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

/// Everything one attempt needs: it may outlive whoever waits for it.
struct Mail {
    std::string url;
    bool needs_tls = true;
    std::string ca;
    std::string user;
    std::string password;
    Envelope envelope;
    std::string text;
    Duration timeout{};
};

struct Sent {
    CURLcode code = CURLE_OK;
    long status = 0;  // the server's last reply
    std::string why;
};

std::vector<std::string> recipients_of(Json const& params) {
    std::vector<std::string> out;
    auto const* const to = find(params, "to");
    if (to == nullptr || !to->is_array()) return out;
    for (auto const& one : to->get_array()) out.push_back(scalar_text(one));
    return out;
}

std::vector<Error> problems_of(JsonObject const& object) {
    auto const params = Json(object);
    std::vector<Error> problems;
    auto const wrong = [&](std::string field, std::string what) {
        problems.push_back({Errc::invalid, std::move(what), std::move(field)});
    };
    if (auto const server = parse_address(text_of(params, "server")); !server) {
        wrong("server", server.error().what);
    }
    if (auto const from = text_of(params, "from"); !is_address(from)) {
        wrong("from", "\"" + from + "\" is no plain address; expected NAME@DOMAIN");
    }
    for (auto const& address : recipients_of(params)) {
        if (is_address(address)) continue;
        wrong("to", "\"" + address + "\" is no plain address; expected NAME@DOMAIN");
    }
    bool const logs_in = object.contains("user");
    if (logs_in != object.contains("password_file")) {
        wrong(logs_in ? "user" : "password_file", "user and password_file go together");
    } else if (logs_in && text_of(params, "tls") == "none") {
        wrong("tls", "none would send the password in the clear; expected starttls or tls");
    }
    return problems;
}

TypeInfo smtp_info() {
    TypeInfo info;
    info.name = "smtp";
    info.doc = "Sends each message as a mail; those of one incident form a thread.";
    info.fields = {
        {.name = "server",
         .type = FieldType::text,
         .doc = "The mail server, as HOST:PORT.",
         .required = true},
        {.name = "from",
         .type = FieldType::text,
         .doc = "Who it is from: a plain address.",
         .required = true},
        {.name = "to",
         .type = FieldType::text_list,
         .doc = "Who gets it: plain addresses. One that is refused keeps it from no other.",
         .required = true},
        {.name = "tls",
         .type = FieldType::choice,
         .doc = "starttls: never in the clear; tls: from the first byte; none: for a server on "
                "this machine, and never with a password.",
         .otherwise = "starttls",
         .choices = {"starttls", "tls", "none"}},
        {.name = "user", .type = FieldType::text, .doc = "The name to log in with."},
        {.name = "password_file", .type = FieldType::path, .doc = "A file that holds the password."
        },
    };
    for (auto& field : post_fields()) info.fields.push_back(std::move(field));
    info.problems = problems_of;
    return info;
}

Result<Mail> mail_of(Secrets& secrets, ChannelPolicy const& channel, Outgoing const& message) {
    auto const params = Json(channel.params);
    auto const tls = text_of(params, "tls");
    Mail mail;
    mail.url = (tls == "tls" ? "smtps://" : "smtp://") + text_of(params, "server");
    mail.needs_tls = tls != "none";
    mail.ca = text_of(params, "ca");
    mail.user = text_of(params, "user");
    mail.envelope.from = text_of(params, "from");
    mail.timeout = timeout_of(channel);
    mail.envelope.to = recipients_of(params);
    if (!mail.user.empty()) {
        auto password = secrets.text(channel.params, "password");
        if (!password) return tl::unexpected<Error>(password.error());
        mail.password = std::move(*password);
    }
    mail.text = mail_text(message, mail.envelope);
    return mail;
}

struct Reader {
    std::string_view left;

    static std::size_t read(char* into, std::size_t size, std::size_t n, void* self) {
        auto& left = static_cast<Reader*>(self)->left;
        auto const count = left.copy(into, size * n);
        left.remove_prefix(count);
        return count;
    }
};

using Handle = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using List = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

// curl's options are checked for their types by its own macros.
// NOLINTBEGIN(cppcoreguidelines-pro-type-vararg,hicpp-vararg)
void set_up(CURL* curl, Mail const& mail, curl_slist* to, Reader& reader, char* why) {
    auto const limit = std::chrono::ceil<std::chrono::milliseconds>(mail.timeout).count();
    curl_easy_setopt(curl, CURLOPT_URL, mail.url.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");  // not what the environment may say
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, long(limit));
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
    long const tls = mail.needs_tls ? long(CURLUSESSL_ALL) : long(CURLUSESSL_NONE);
    curl_easy_setopt(curl, CURLOPT_USE_SSL, tls);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, long(CURL_SSLVERSION_TLSv1_2));
    if (!mail.ca.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, mail.ca.c_str());
    if (!mail.user.empty()) {
        curl_easy_setopt(curl, CURLOPT_USERNAME, mail.user.c_str());
        curl_easy_setopt(curl, CURLOPT_PASSWORD, mail.password.c_str());
    }
    curl_easy_setopt(curl, CURLOPT_MAIL_FROM, mail.envelope.from.c_str());
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, to);
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, &Reader::read);
    curl_easy_setopt(curl, CURLOPT_READDATA, &reader);
}

Result<Sent> send(Mail const& mail) {
    static std::once_flag once;
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
    Handle const curl(curl_easy_init(), &curl_easy_cleanup);
    if (!curl) return fail(Errc::unavailable, "no memory for a mail");
    List to(nullptr, &curl_slist_free_all);
    for (auto const& address : mail.envelope.to) {
        auto* const longer = curl_slist_append(to.get(), address.c_str());
        if (longer == nullptr) return fail(Errc::unavailable, "no memory for a mail");
        (void)to.release();  // the list is the same one, or begins with this element
        to.reset(longer);
    }
    Reader reader{mail.text};
    std::array<char, CURL_ERROR_SIZE> why{};
    set_up(curl.get(), mail, to.get(), reader, why.data());
    Sent sent;
    sent.code = curl_easy_perform(curl.get());
    curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &sent.status);
    sent.why = why.front() != '\0' ? why.data() : curl_easy_strerror(sent.code);
    return sent;
}
// NOLINTEND(cppcoreguidelines-pro-type-vararg,hicpp-vararg)

/// A reply of 5xx is for good (RFC 5321, 4.2.1); all else may work later.
DeliveryResult judge(Sent const& sent) {
    auto const status = sent.status > 0 ? "reply " + std::to_string(sent.status) : std::string();
    if (sent.code == CURLE_OK) return delivery(DeliveryKind::delivered, status);
    bool const for_good = sent.status / 100 == 5;
    auto const kind = for_good ? DeliveryKind::give_up : DeliveryKind::retry;
    return delivery(kind, (status.empty() ? "" : status + ": ") + sent.why);
}

asio::awaitable<DeliveryResult> deliver(
    Carriers& carriers, ChannelPolicy channel, Outgoing message
) {
    auto mail = mail_of(carriers.secrets, channel, message);
    if (!mail) co_return delivery(DeliveryKind::retry, to_string(mail.error()));
    auto const limit = mail->timeout + std::chrono::seconds(1);
    auto job = [mail = std::move(*mail)] { return send(mail); };
    auto const sent = co_await run_blocking(carriers.pool, std::move(job), limit);
    if (!sent) co_return delivery(DeliveryKind::retry, to_string(sent.error()));
    co_return judge(*sent);
}

}  // namespace

NotifierType smtp_notifier() { return {.info = smtp_info(), .deliver = deliver}; }

}  // namespace rollbackd
