// TLS of the API's own listeners: TLS 1.2 or newer with forward secrecy and authenticated
// encryption, and client certificates where a CA is given.
#include "api/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/x509err.h>
#include <openssl/x509v3.h>
#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl.hpp>
#include <ctime>

namespace rollbackd::api {

namespace {

namespace ssl = boost::asio::ssl;

// Of TLS 1.2; those of 1.3 are all modern.
constexpr auto const* ciphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr auto const* groups = "X25519:P-256:P-384";

Result<void> set_up(SSL_CTX* context) {
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    bool const set = SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
                     SSL_CTX_set_cipher_list(context, ciphers) == 1 &&
                     SSL_CTX_set1_groups_list(context, groups) == 1;
    if (set) return {};
    return fail(Errc::internal, "TLS cannot be set up");
}

/// A session that is resumed shows no certificate again, and would outlive a CA that was replaced.
void forget_sessions(SSL_CTX* context) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
}

bool is_mismatch(boost::system::error_code const& code) {
    auto const packed = static_cast<unsigned long>(code.value());
    return ERR_GET_LIB(packed) == ERR_LIB_X509 &&
           ERR_GET_REASON(packed) == X509_R_KEY_VALUES_MISMATCH;
}

WallTime time_of(ASN1_TIME const* time) {
    std::tm parts{};
    if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return {};
    using namespace std::chrono;
    auto const date = year(parts.tm_year + 1900) / (parts.tm_mon + 1) / parts.tm_mday;
    return WallTime(sys_days(date).time_since_epoch()) + hours(parts.tm_hour) +
           minutes(parts.tm_min) + seconds(parts.tm_sec);
}

std::string text_of(ASN1_STRING const* text) {
    auto const* const data = reinterpret_cast<char const*>(ASN1_STRING_get0_data(text));
    return std::string(data, static_cast<std::size_t>(ASN1_STRING_length(text)));
}

std::string common_name(X509* certificate) {
    auto* const subject = X509_get_subject_name(certificate);
    int const at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    bool const one = at >= 0 && X509_NAME_get_index_by_NID(subject, NID_commonName, at) < 0;
    if (!one) return {};
    unsigned char* bytes = nullptr;
    auto* const entry = X509_NAME_get_entry(subject, at);
    int const size = ASN1_STRING_to_UTF8(&bytes, X509_NAME_ENTRY_get_data(entry));
    if (size < 0) return {};
    std::string out(reinterpret_cast<char const*>(bytes), static_cast<std::size_t>(size));
    OPENSSL_free(bytes);
    return out;
}

std::string address_of(ASN1_OCTET_STRING const* bytes) {
    using namespace boost::asio::ip;
    auto const raw = text_of(bytes);
    address_v4::bytes_type four{};
    address_v6::bytes_type sixteen{};
    if (raw.size() == four.size()) {
        std::copy(raw.begin(), raw.end(), four.begin());
        return make_address_v4(four).to_string();
    }
    if (raw.size() != sixteen.size()) return {};
    std::copy(raw.begin(), raw.end(), sixteen.begin());
    return make_address_v6(sixteen).to_string();
}

/// "DNS:…", "URI:…", "email:…" or "IP:…", as openssl shows it; empty: of another kind.
std::string alternative_name(GENERAL_NAME const& name) {
    switch (name.type) {
        case GEN_DNS:
            return "DNS:" + text_of(name.d.dNSName);
        case GEN_URI:
            return "URI:" + text_of(name.d.uniformResourceIdentifier);
        case GEN_EMAIL:
            return "email:" + text_of(name.d.rfc822Name);
        case GEN_IPADD:
            return "IP:" + address_of(name.d.iPAddress);
        default:
            return {};
    }
}

std::vector<std::string> alternative_names(X509* certificate) {
    std::vector<std::string> out;
    auto* const names = static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)
    );
    for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
        auto name = alternative_name(*sk_GENERAL_NAME_value(names, i));
        if (!name.empty()) out.push_back(std::move(name));
    }
    GENERAL_NAMES_free(names);
    return out;
}

}  // namespace

Result<std::shared_ptr<TlsContext const>> load_tls(TlsPolicy const& policy) {
    auto out = std::make_shared<TlsContext>();
    auto& context = out->context;
    if (auto const set = set_up(context.native_handle()); !set) return tl::unexpected(set.error());
    boost::system::error_code code;
    context.use_certificate_chain_file(policy.cert, code);
    if (code) return fail(Errc::io, "cannot use the certificate: " + code.message(), policy.cert);
    context.use_private_key_file(policy.key, ssl::context::pem, code);
    if (is_mismatch(code)) {
        return fail(Errc::invalid, "the key does not belong to " + policy.cert, policy.key);
    }
    if (code) return fail(Errc::io, "cannot use the private key: " + code.message(), policy.key);
    out->not_after = time_of(X509_get0_notAfter(SSL_CTX_get0_certificate(context.native_handle())));
    if (policy.client_ca.empty()) return out;
    context.load_verify_file(policy.client_ca, code);
    if (code) return fail(Errc::io, "cannot use the CA: " + code.message(), policy.client_ca);
    context.set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert, code);
    if (code) return fail(Errc::internal, "TLS cannot be set up: " + code.message());
    forget_sessions(context.native_handle());
    return out;
}

WallTime not_after(TlsContext const& context) { return context.not_after; }

std::optional<ClientCertificate> client_certificate(SSL* session) {
    bool const asked = (SSL_get_verify_mode(session) & SSL_VERIFY_PEER) != 0;
    if (!asked || SSL_get_verify_result(session) != X509_V_OK) return std::nullopt;
    auto* const shown = SSL_get1_peer_certificate(session);
    if (shown == nullptr) return std::nullopt;
    ClientCertificate out;
    out.cn = common_name(shown);
    out.sans = alternative_names(shown);
    out.until = time_of(X509_get0_notAfter(shown));
    X509_free(shown);
    return out;
}

}  // namespace rollbackd::api
