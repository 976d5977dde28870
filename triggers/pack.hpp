// Compact bytes for checkpoints: varints, instants as differences, base64 at the end. Windows are
// saved every few seconds, so this must be cheap; the reader trusts nothing it is given.
#pragma once

#include "core/json.hpp"

#include <cstdint>

namespace rollbackd {

class Packer {
public:
    void number(std::uint64_t value);
    void integer(std::int64_t value);
    void real(double value);
    void text(std::string_view value);
    /// Written as the difference to the instant before it: neighbours cost few bytes.
    void instant(Instant value);

    /// Everything written so far, as base64.
    std::string take() const;

private:
    std::string bytes_;
    Instant previous_{};
};

/// The mirror image. After the first thing that does not fit every answer is zero and ok() false.
class Unpacker {
public:
    /// Not base64: ok() is false from the start.
    explicit Unpacker(std::string_view base64);

    std::uint64_t number();
    std::int64_t integer();
    double real();
    std::string text(std::size_t length_max);
    Instant instant();
    /// A number of items to follow, at most `max`.
    std::size_t count(std::size_t max);

    void refuse() { ok_ = false; }
    bool ok() const { return ok_; }
    /// Everything was read.
    bool done() const { return ok_ && position_ == bytes_.size(); }

private:
    std::string bytes_;
    std::size_t position_ = 0;
    Instant previous_{};
    bool ok_ = true;
};

}  // namespace rollbackd
