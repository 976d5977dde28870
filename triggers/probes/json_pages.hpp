// Where the next page of a list lies that a JSON API gives in pages: behind a link in the answer,
// or after the last member of this one. Pure and fuzzed; used by the http_json probe.
#pragma once

#include "core/json.hpp"

#include <optional>

namespace rollbackd {

class JsonPages {
public:
    /// Errors name the field.
    static Result<JsonPages> make(JsonObject const& params);

    /// The address after `url` (the page `body` came from; `first` was asked first); none: it was
    /// the last. Errors begin with a slug: content. A link that leads to another server is one,
    /// for our token goes along.
    Result<std::optional<std::string>> next(
        std::string const& first, std::string const& url, Json const& body
    ) const;

private:
    Result<std::optional<std::string>> linked(std::string const& url, Json const& body) const;
    Result<std::optional<std::string>> after_last(std::string const& first, Json const& body) const;

    std::string items_;
    std::optional<std::string> next_;
    std::string parameter_;  // of the cursor; empty: there is none
    std::string item_;       // pointer to what it holds, inside the last member
    std::optional<std::string> more_;
};

inline constexpr std::size_t json_pages_max = 20;

}  // namespace rollbackd
