// Which images of a container engine may go: none that a container was made from, none that is
// young, named to be kept, or one of the newest of its name. Pure; any text is read.
#pragma once

#include "core/json.hpp"

namespace rollbackd {

struct ImageRule {
    bool tagged = false;            // also those with a name; else only those that lost theirs
    std::int64_t older_than_s = 0;  // made longer ago than this
    std::size_t newest = 3;         // of each name, kept whatever their age
    std::vector<std::string> keep;  // "shop:v7", "shop:*", "sha256:…"
};

struct ImageChoice {
    std::vector<std::string> gone;  // names, or ids of those that have none
    std::uint64_t bytes = 0;        // what they say they are; layers may be shared
    std::size_t used = 0;
    std::size_t young = 0;
    std::size_t kept = 0;

    friend bool operator==(ImageChoice const&, ImageChoice const&) = default;
};

/// `listing` is what image_list prints. An Error where it cannot be read whole: then nothing goes.
Result<ImageChoice> choose_images(std::string_view listing, ImageRule const& rule);

}  // namespace rollbackd
