// Secrets come from files, the environment or systemd credentials, are read at the last moment, and
// appear nowhere else: what was read here is remembered, and redact() takes it out of any text.
#pragma once

#include "core/json.hpp"

#include <array>

namespace rollbackd {

/// Takes known secret values, and the userinfo of URLs, out of texts before anybody sees them.
class Redactor {
public:
    /// Values shorter than secret_length_min are not remembered: they would tear every text apart.
    void add(std::string_view secret);
    /// `text` with every known value, plain or percent-encoded, as "[secret]".
    std::string redact(std::string_view text) const;
    /// The same for every string inside.
    Json redact_json(Json const& value) const;

    static constexpr std::size_t secret_length_min = 4;
    static constexpr std::size_t secrets_max = 8192;

private:
    std::vector<std::string> values_;  // longest first, so that a part never uncovers the rest
    std::array<bool, 256> begins_{};   // whether one begins with this byte
};

class Secrets {
public:
    /// `text` with every `${NAME}` replaced from the environment; an unset name is an Error.
    Result<std::string> expand(std::string_view text);
    /// A secret file's content without its last newline. A bare name is looked up in
    /// $CREDENTIALS_DIRECTORY (systemd's LoadCredential=).
    Result<std::string> from_file(std::string const& path);
    /// `params[key]` expanded, else the content of the file `params[key + "_file"]`; an Error
    /// (not_found) where neither is set.
    Result<std::string> text(JsonObject const& params, std::string_view key);
    /// Whether `text` would be filled in from the environment.
    static bool has_reference(std::string_view text);

    void remember(std::string_view secret) { redactor_.add(secret); }
    /// A value, and what of it is secret by itself: a URL's password and, over HTTP, its path, a
    /// connection string's password.
    void learn(std::string_view value);
    /// The URL and its path: whoever knows the path of a chat system's webhook may post to it, and
    /// receivers echo it in errors.
    void remember_url(std::string_view url);
    std::string redact(std::string_view text) const { return redactor_.redact(text); }
    Redactor const& redactor() const { return redactor_; }

    static constexpr std::size_t file_bytes_max = 64 * 1024;

private:
    Redactor redactor_;
};

}  // namespace rollbackd
