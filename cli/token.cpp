// token new: a fresh secret for a caller, and the line that makes the daemon accept it. The daemon
// never stores the token itself, so it is shown here once and nowhere again.
#include "cli/handlers.hpp"
#include "cli/text.hpp"
#include "core/names.hpp"
#include "core/record.hpp"

#include <sys/random.h>
#include <algorithm>
#include <array>
#include <ostream>

namespace rollbackd::cli {

namespace {

constexpr std::size_t token_bytes = 32;
constexpr std::array<std::string_view, 5> roles{"read", "ingest", "operate", "approve", "admin"};

Outcome<std::string> fresh_token() {
    std::array<unsigned char, token_bytes> bytes{};
    if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
        return refuse("the kernel gives no random bytes; no token was made");
    }
    constexpr std::string_view digits = "0123456789abcdef";
    std::string token = "rbd_";  // so that secret scanners can know one
    for (auto const byte : bytes) {
        token.push_back(digits[byte >> 4U]);
        token.push_back(digits[byte & 15U]);
    }
    return token;
}

}  // namespace

Outcome<Exit> token_new(Context& context, Arguments const& given) {
    auto const name = given.maybe("--name").value_or("ci");
    auto const role = given.maybe("--role").value_or("ingest");
    if (!is_valid_name(name)) {
        return misuse("--name '" + clean(name) + "': a letter, then letters, digits, '_' or '-'");
    }
    if (std::find(roles.begin(), roles.end(), role) == roles.end()) {
        return misuse("--role '" + clean(role) + "': one of read, ingest, operate, approve, admin");
    }
    auto const token = fresh_token();
    if (!token) return tl::unexpected(token.error());
    auto const hash = sha256_hex(*token);
    auto& out = context.terminal.out;
    if (context.json) {
        out << to_text(
                   JsonObject{{"name", name}, {"role", role}, {"token", *token}, {"sha256", hash}}
               )
            << '\n';
        return Exit::done;
    }
    out << "The token, shown only now (keep it in a file for --token-file, mode 600):\n\n  "
        << *token
        << "\n\nUnder daemon: tokens: in the policy, then reload:\n\n    - { name: " << name
        << ", role: " << role << ", sha256: " << hash << " }\n";
    return Exit::done;
}

}  // namespace rollbackd::cli
