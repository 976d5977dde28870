// Tells libFuzzer what an input reached in code compiled by GCC, so that CI fuzzes what the unit
// tests were built from: GCC calls in every block, libFuzzer looks at counters and takes these for
// its own.
#include <cstddef>
#include <cstdint>

namespace {

// Two blocks may share a counter: there is one for about every block that a target reaches.
constexpr unsigned counter_bits = 16;
__attribute__((section("__libfuzzer_extra_counters"))
) std::uint8_t reached[std::size_t{1} << counter_bits];

}  // namespace

// The linker's name of where the binary begins: addresses counted from there are the same in each
// run.
extern "C" char const __executable_start;

// libFuzzer has a function of that name, which only ends the program: the linker puts this before
// it.
extern "C" void __wrap___sanitizer_cov_trace_pc() {
    auto const from = reinterpret_cast<std::uintptr_t>(__builtin_return_address(0));
    auto const block = from - reinterpret_cast<std::uintptr_t>(&__executable_start);
    ++reached[(block * 0x9E3779B97F4A7C15U) >> (64U - counter_bits)];
}
