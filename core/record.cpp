#include "core/chain.hpp"
#include "core/ensure.hpp"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <array>

namespace rollbackd {

std::string sha256_hex(std::string_view bytes) {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    // SHA256() looks the algorithm up anew for every record.
    static auto* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    bool const done =
        EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, algorithm, nullptr) == 1;
    ensure(done, "SHA-256 can be computed");
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    out.reserve(2 * digest.size());
    for (auto const byte : digest) {
        out.push_back(digits[byte >> 4U]);
        out.push_back(digits[byte & 15U]);
    }
    return out;
}

std::string hash_of(Record const& record) {
    // Every field is followed by a newline and none but the body may contain one; the body comes
    // last, so no two different records have the same text.
    std::string text =
        record.prev + "\n" + std::to_string(record.seq) + "\n" + format_rfc3339(record.at) + "\n" +
        std::to_string(record.boot.time_since_epoch().count()) + "\n" + record.boot_id + "\n" +
        std::to_string(record.epoch) + "\n" + record.kind + "\n" + record.body;
    return sha256_hex(text);
}

Record chain_record(Tail& tail, RecordDraft const& draft, AppendStamp const& stamp) {
    Record record;
    record.seq = tail.seq + 1;
    record.at = stamp.now.wall;
    record.boot = stamp.now.boot;
    record.boot_id = stamp.boot_id;
    record.epoch = stamp.epoch;
    record.kind = draft.kind;
    record.body = to_text(draft.body);
    record.prev = tail.hash;
    record.hash = hash_of(record);
    tail = {record.seq, record.hash};
    return record;
}

}  // namespace rollbackd
