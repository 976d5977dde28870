// What a machine says about itself: the kernel's texts, tools and plugins. The first byte chooses
// the parser. Any bytes are read or refused, and a number that comes out is one.
#include "core/ensure.hpp"
#include "tests/fuzz/entries.hpp"
#include "triggers/probes/host_texts.hpp"
#include "triggers/probes/plugin_output.hpp"

#include <cmath>

using namespace rollbackd;

namespace {

void plugin(std::string_view text) {
    auto const parsed = parse_plugin_output(text);
    ensure(parsed.values.size() <= perf_values_max, "a plugin's numbers are bounded");
    for (auto const& value : parsed.values) {
        ensure(std::isfinite(value.value), "a number of a plugin is one");
        ensure(!value.label.empty(), "a number of a plugin has a label");
    }
}

void memory(std::string_view text) {
    auto const memory = parse_meminfo(text);
    if (memory) ensure(memory->available <= memory->total, "no more is free than there is");
}

void processors(std::string_view text) {
    auto const time = parse_proc_stat(text);
    if (time) ensure(time->busy <= time->all, "processors are not busier than time");
}

void pressure(std::string_view text) {
    auto const share = parse_pressure(text, "some", "avg60");
    if (share) ensure(*share >= 0 && *share <= 1, "pressure is a share");
}

}  // namespace

int rollbackd::fuzz::host(std::uint8_t const* data, std::size_t size) {
    if (size == 0) return 0;
    std::string_view const text(reinterpret_cast<char const*>(data) + 1, size - 1);
    switch (data[0]) {
        case 'g':
            plugin(text);
            break;
        case 'm':
            memory(text);
            break;
        case 'c':
            processors(text);
            break;
        case 'p':
            pressure(text);
            break;
        case 'l':
            (void)parse_loadavg(text);
            break;
        case 'a':
            (void)parse_processes(text);
            break;
        default:
            break;
    }
    return 0;
}
