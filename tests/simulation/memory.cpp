// Memory for a program that asks for little pieces all day, in one thread (each job is a process of
// its own): pieces of one size lie together and are handed out again. It is a third of the time of
// a seed. Not under a sanitizer, which wants to see each piece itself.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

#include <sys/mman.h>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace {

constexpr std::size_t step = 16;
constexpr std::size_t small_max = 1024;
constexpr std::size_t span_bytes = 1U << 16U;
constexpr std::size_t spans_max = 1U << 18U;  // 16 GiB of addresses; memory only as it is used

struct Free {
    Free* next;
};

char* region = nullptr;
std::size_t spans = 0;
std::array<std::uint8_t, spans_max> size_of_span;
std::array<Free*, small_max / step + 1> free_pieces;

// A span of pieces of one size, threaded into the list of that size.
bool cut(std::size_t size) {
    if (region == nullptr) {
        auto* const made = ::mmap(
            nullptr, spans_max * span_bytes, PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0
        );
        if (made == MAP_FAILED) return false;
        region = static_cast<char*>(made);
    }
    if (spans == spans_max) return false;
    auto* const span = region + spans * span_bytes;
    size_of_span[spans++] = static_cast<std::uint8_t>(size);
    for (std::size_t at = 0; at + size * step <= span_bytes; at += size * step) {
        free_pieces[size] = new (span + at) Free{free_pieces[size]};
    }
    return true;
}

void* take(std::size_t bytes) {
    auto const size = (bytes + step - 1) / step;
    if (bytes <= small_max && bytes > 0) {
        if (free_pieces[size] != nullptr || cut(size)) {
            auto* const piece = free_pieces[size];
            free_pieces[size] = piece->next;
            return piece;
        }
    }
    auto* const piece = std::malloc(bytes);
    if (piece == nullptr) throw std::bad_alloc();
    return piece;
}

void give(void* piece) noexcept {
    auto const from = reinterpret_cast<std::uintptr_t>(region);
    auto const offset = reinterpret_cast<std::uintptr_t>(piece) - from;
    if (offset >= spans * span_bytes) {
        std::free(piece);
        return;
    }
    auto const size = size_of_span[offset / span_bytes];
    free_pieces[size] = new (piece) Free{free_pieces[size]};
}

}  // namespace

void* operator new(std::size_t bytes) { return take(bytes); }
void* operator new[](std::size_t bytes) { return take(bytes); }
void operator delete(void* piece) noexcept { give(piece); }
void operator delete[](void* piece) noexcept { give(piece); }
void operator delete(void* piece, std::size_t) noexcept { give(piece); }
void operator delete[](void* piece, std::size_t) noexcept { give(piece); }

#endif
