#include "triggers/pack.hpp"

#include <array>
#include <bit>

namespace rollbackd {

namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<std::uint8_t, 256> reverse_alphabet() {
    std::array<std::uint8_t, 256> table{};
    for (auto& entry : table) entry = 0xff;
    for (std::size_t i = 0; i < alphabet.size(); ++i) {
        table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
    }
    return table;
}

constexpr std::int64_t instant_max = std::int64_t{1} << 62U;

constexpr auto values = reverse_alphabet();

}  // namespace

void Packer::number(std::uint64_t value) {
    std::array<char, 10> bytes;
    std::size_t size = 0;
    while (value >= 0x80) {
        bytes[size++] = static_cast<char>((value & 0x7f) | 0x80);
        value >>= 7U;
    }
    bytes[size++] = static_cast<char>(value);
    bytes_.append(bytes.data(), size);
}

void Packer::integer(std::int64_t value) {
    auto const sign = static_cast<std::uint64_t>(value < 0 ? -1 : 0);
    number((static_cast<std::uint64_t>(value) << 1U) ^ sign);
}

void Packer::real(double value) {
    auto bits = std::bit_cast<std::uint64_t>(value);
    for (int i = 0; i < 8; ++i) {
        bytes_.push_back(static_cast<char>(bits & 0xff));
        bits >>= 8U;
    }
}

void Packer::text(std::string_view value) {
    number(value.size());
    bytes_ += value;
}

void Packer::instant(Instant value) {
    // Unsigned arithmetic: a difference beyond the range wraps, and wraps back in the reader.
    auto const now = static_cast<std::uint64_t>(value.time_since_epoch().count());
    auto const before = static_cast<std::uint64_t>(previous_.time_since_epoch().count());
    integer(static_cast<std::int64_t>(now - before));
    previous_ = value;
}

std::string Packer::take() const {
    auto const byte = [this](std::size_t at) -> std::uint32_t {
        return at < bytes_.size() ? static_cast<unsigned char>(bytes_[at]) : 0U;
    };
    std::string out((bytes_.size() + 2) / 3 * 4, '\0');
    auto to = out.begin();
    for (std::size_t at = 0; at < bytes_.size(); at += 3) {
        auto const group = (byte(at) << 16U) | (byte(at + 1) << 8U) | byte(at + 2);
        *to++ = alphabet[group >> 18U];
        *to++ = alphabet[(group >> 12U) & 63U];
        *to++ = alphabet[(group >> 6U) & 63U];
        *to++ = alphabet[group & 63U];
    }
    out.resize((bytes_.size() * 8 + 5) / 6);  // without padding
    return out;
}

Unpacker::Unpacker(std::string_view base64) {
    bytes_.reserve(base64.size() / 4 * 3 + 3);
    std::uint32_t group = 0;
    unsigned bits = 0;
    for (char const c : base64) {
        auto const value = values[static_cast<unsigned char>(c)];
        if (value == 0xff) {
            ok_ = false;
            return;
        }
        group = (group << 6U) | value;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes_.push_back(static_cast<char>((group >> bits) & 0xffU));
        }
    }
}

std::uint64_t Unpacker::number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; ok_ && shift < 64; shift += 7) {
        if (position_ == bytes_.size()) break;
        auto const byte = static_cast<unsigned char>(bytes_[position_++]);
        value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
        if ((byte & 0x80U) == 0) return value;
    }
    ok_ = false;
    return 0;
}

std::int64_t Unpacker::integer() {
    auto const raw = number();
    auto const sign = std::uint64_t{0} - (raw & 1U);
    return static_cast<std::int64_t>((raw >> 1U) ^ sign);
}

double Unpacker::real() {
    if (!ok_ || bytes_.size() - position_ < 8) {
        ok_ = false;
        return 0;
    }
    std::uint64_t bits = 0;
    for (unsigned i = 0; i < 8; ++i) {
        auto const byte = static_cast<unsigned char>(bytes_[position_++]);
        bits |= static_cast<std::uint64_t>(byte) << (8 * i);
    }
    return std::bit_cast<double>(bits);
}

std::string Unpacker::text(std::size_t length_max) {
    auto const length = number();
    if (!ok_ || length > length_max || length > bytes_.size() - position_) {
        ok_ = false;
        return {};
    }
    auto out = bytes_.substr(position_, static_cast<std::size_t>(length));
    position_ += static_cast<std::size_t>(length);
    return out;
}

Instant Unpacker::instant() {
    auto const difference = static_cast<std::uint64_t>(integer());
    auto const before = static_cast<std::uint64_t>(previous_.time_since_epoch().count());
    auto const value = static_cast<std::int64_t>(before + difference);
    // Far outside any clock: refused, so that arithmetic with instants cannot overflow.
    if (value > instant_max || value < -instant_max) ok_ = false;
    if (ok_) previous_ = Instant(Duration(value));
    return previous_;
}

std::size_t Unpacker::count(std::size_t max) {
    auto const value = number();
    if (value > max) ok_ = false;
    return ok_ ? static_cast<std::size_t>(value) : 0;
}

}  // namespace rollbackd
