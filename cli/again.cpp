#include "cli/again.hpp"

#include "cli/text.hpp"
#include "core/io/clock.hpp"

#include <charconv>
#include <ostream>
#include <sstream>

namespace rollbackd::cli {

namespace {

constexpr char const* home_and_clear = "\x1b[H\x1b[2J";

Outcome<std::size_t> looks_of(Arguments const& given) {
    auto const text = given.text("--count");
    std::size_t looks = 0;
    if (text.empty()) return looks;
    auto const [end, problem] = std::from_chars(text.data(), text.data() + text.size(), looks);
    if (problem != std::errc() || end != text.data() + text.size() || looks == 0) {
        return misuse("--count '" + clean(text) + "': expected a number of 1 or more");
    }
    return looks;
}

/// What the command would have written, or its refusal.
Outcome<std::string> page_of(Handler handler, Context const& context, Arguments const& given) {
    std::ostringstream written;
    auto const& terminal = context.terminal;
    Terminal page{
        .out = written,
        .err = terminal.err,
        .in = terminal.in,
        .out_is_tty = terminal.out_is_tty,
        .in_is_tty = false,
        .width = terminal.width,
        .colour = terminal.colour,
        .environment = terminal.environment,
    };
    Context on_page{.terminal = page, .settings = context.settings, .json = context.json};
    auto const done = handler(on_page, given);
    if (!done) return tl::unexpected(done.error());
    return written.str();
}

}  // namespace

Outcome<Exit> again_and_again(Handler handler, Context& context, Arguments const& given) {
    auto const looks = looks_of(given);
    if (!looks) return tl::unexpected(looks.error());
    auto& out = context.terminal.out;
    std::string last;
    bool was_there = false;
    for (std::size_t look = 1;; ++look) {
        auto page = page_of(handler, context, given);
        if (!page && (!was_there || page.error().exit != Exit::unreachable)) {
            return tl::unexpected(page.error());
        }
        was_there = true;
        // What is stale says so.
        std::string const shown = page ? *page : "rollbackctl: " + page.error().line + '\n' + last;
        bool const changed = look == 1 || shown != last;
        if (context.terminal.out_is_tty && !context.json) {
            out << home_and_clear << shown;
        } else if (changed) {
            out << shown;
        }
        out.flush();
        if (page) last = std::move(*page);
        if (!out || look == *looks) return Exit::done;
        pause_for(look_again_every);
    }
}

}  // namespace rollbackd::cli
