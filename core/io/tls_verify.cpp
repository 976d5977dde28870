#include "core/io/tls_verify.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>

namespace rollbackd {

namespace {

constexpr std::size_t findings_max = 16;

int findings_index() {
    static int const index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
}

std::string text_of(X509_NAME const* name) {
    std::unique_ptr<BIO, decltype(&BIO_free)> const out(BIO_new(BIO_s_mem()), &BIO_free);
    X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
    char* data = nullptr;
    auto const length = BIO_get_mem_data(out.get(), &data);
    return std::string(data, static_cast<std::size_t>(length));
}

WallTime time_of(ASN1_TIME const* time) {
    tm parts{};
    if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return {};
    return WallTime(std::chrono::seconds(::timegm(&parts)));
}

CertificateInfo info_of(X509 const* certificate) {
    return CertificateInfo{
        text_of(X509_get_subject_name(certificate)),
        text_of(X509_get_issuer_name(certificate)),
        time_of(X509_get0_notBefore(certificate)),
        time_of(X509_get0_notAfter(certificate)),
    };
}

/// Owns what OpenSSL hands out.
struct FreeX509 {
    void operator()(X509* certificate) const { X509_free(certificate); }
};
struct FreeBio {
    void operator()(BIO* bio) const { BIO_free(bio); }
};

int record(int preverified, X509_STORE_CTX* store) {
    if (preverified == 1) return 1;
    auto* const ssl =
        static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto* const found = static_cast<TlsFindings*>(SSL_get_ex_data(ssl, findings_index()));
    TlsFindings::Finding finding;
    finding.code = X509_STORE_CTX_get_error(store);
    finding.depth = X509_STORE_CTX_get_error_depth(store);
    if (auto const* certificate = X509_STORE_CTX_get_current_cert(store)) {
        auto info = info_of(certificate);
        finding.subject = std::move(info.subject);
        finding.issuer = std::move(info.issuer);
        finding.since = format_rfc3339(info.not_before);
        finding.until = format_rfc3339(info.not_after);
    }
    if (found->findings.size() < findings_max) found->findings.push_back(std::move(finding));
    return found->enforce ? 0 : 1;
}

bool is_ip(std::string const& name) {
    in6_addr room{};
    return ::inet_pton(AF_INET, name.c_str(), &room) == 1 ||
           ::inet_pton(AF_INET6, name.c_str(), &room) == 1;
}

/// Slugs in the order of what a person should hear first.
constexpr std::array slugs{"expired",   "not_yet_valid", "wrong_host", "self_signed",
                           "untrusted", "weak",          "invalid"};
constexpr std::size_t self_signed_rank = 3;  // from here on there is no chain to a trusted anchor

struct Problem {
    std::size_t rank = 0;
    std::string text;
};

Problem problem_of(TlsFindings::Finding const& finding, std::string const& name) {
    auto const whose = finding.depth == 0 ? std::string("the certificate")
                                          : "its issuer's certificate (" + finding.subject + ")";
    switch (finding.code) {
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return {0, whose + " ended " + finding.until};
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return {1, whose + " begins only " + finding.since};
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            return {2, "the certificate is not for " + name + " (subject " + finding.subject + ")"};
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
            return {3, "the certificate is signed by itself and not among the trusted ones"};
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
            return {4, "the chain ends in " + finding.subject + ", which is not trusted here"};
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            return {
                4, "no trusted certificate of the issuer " + finding.issuer +
                       "; the server may not send its intermediate certificates"
            };
        case X509_V_ERR_CA_MD_TOO_WEAK:
        case X509_V_ERR_EE_KEY_TOO_SMALL:
        case X509_V_ERR_CA_KEY_TOO_SMALL:
            return {5, whose + ": " + X509_verify_cert_error_string(finding.code)};
        default:
            return {6, whose + ": " + X509_verify_cert_error_string(finding.code)};
    }
}

std::vector<CertificateInfo> verified_chain(SSL* ssl) {
    std::vector<CertificateInfo> chain;
    auto* const certificates = SSL_get0_verified_chain(ssl);
    for (int i = 0; certificates != nullptr && i < sk_X509_num(certificates); ++i) {
        chain.push_back(info_of(sk_X509_value(certificates, i)));
    }
    return chain;
}

}  // namespace

Result<void> prepare_verification(SSL* ssl, TlsFindings& findings) {
    auto* const parameters = SSL_get0_param(ssl);
    auto const& name = findings.name;
    bool named = false;
    if (is_ip(name)) {
        named = X509_VERIFY_PARAM_set1_ip_asc(parameters, name.c_str()) == 1;
    } else {
        X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        named = X509_VERIFY_PARAM_set1_host(parameters, name.c_str(), name.size()) == 1 &&
                SSL_set_tlsext_host_name(ssl, name.c_str()) == 1;
    }
    if (!named || name.empty()) return fail(Errc::invalid, "no name that TLS could check", name);
    SSL_set_ex_data(ssl, findings_index(), &findings);
    SSL_set_verify(ssl, SSL_VERIFY_PEER, &record);
    return {};
}

std::vector<std::string> describe(TlsFindings const& findings) {
    std::array<std::string, slugs.size()> texts;
    for (auto const& finding : findings.findings) {
        auto problem = problem_of(finding, findings.name);
        if (texts[problem.rank].empty()) texts[problem.rank] = std::move(problem.text);
    }
    std::vector<std::string> out;
    for (std::size_t rank = 0; rank < slugs.size(); ++rank) {
        if (!texts[rank].empty()) out.push_back(std::string(slugs[rank]) + ": " + texts[rank]);
    }
    return out;
}

TlsPeer read_peer(SSL* ssl, TlsFindings const& findings) {
    TlsPeer peer;
    peer.protocol = SSL_get_version(ssl);
    if (auto const* leaf = SSL_get0_peer_certificate(ssl)) peer.leaf = info_of(leaf);
    peer.problems = describe(findings);
    auto const broken = [&](TlsFindings::Finding const& finding) {
        return problem_of(finding, findings.name).rank >= self_signed_rank;
    };
    auto const& found = findings.findings;
    if (std::none_of(found.begin(), found.end(), broken)) peer.chain = verified_chain(ssl);
    if (peer.chain.empty()) peer.chain.push_back(peer.leaf);
    return peer;
}

Result<std::vector<CertificateInfo>> read_certificates(std::string_view pem) {
    std::unique_ptr<BIO, FreeBio> const bio(
        BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))
    );
    std::vector<CertificateInfo> out;
    while (bio && out.size() < certificates_max) {
        std::unique_ptr<X509, FreeX509> const certificate(
            PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)
        );
        if (!certificate) break;
        out.push_back(info_of(certificate.get()));
    }
    ERR_clear_error();  // the end of the file is one
    if (out.empty()) return fail(Errc::invalid, "there is no certificate in PEM form");
    return out;
}

}  // namespace rollbackd
