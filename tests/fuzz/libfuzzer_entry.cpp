// The one function libFuzzer calls; ROLLBACKD_FUZZ_ENTRY names the entry this binary is built for.
#include "tests/fuzz/entries.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    return rollbackd::fuzz::ROLLBACKD_FUZZ_ENTRY(data, size);
}
