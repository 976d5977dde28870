#include "api/dashboard/page.hpp"

namespace rollbackd::api {

namespace {

constexpr std::string_view page_style =
    R"css(:root { --ink: #1d232b; --paper: #f6f7f9; --card: #fff; --line: #d9dee5; --quiet: #5c6773;
  --good: #1a7f4b; --bad: #b3261e; --warn: #8a5a00; --dim: #5c6773; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ee; --paper: #14181d; --card: #1d232b; --line: #333c47; --quiet: #9aa5b1;
    --good: #57c98c; --bad: #ff8a80; --warn: #f0b84d; --dim: #9aa5b1; }
}
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: var(--paper); font: 15px/1.5 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: .5rem 1.25rem; align-items: baseline; padding: 1rem 1.5rem;
  border-bottom: 1px solid var(--line); background: var(--card); }
h1 { font-size: 1.25rem; margin: 0; letter-spacing: .01em; }
h2 { font-size: 1rem; margin: 1.75rem 0 .6rem; }
h3 { font-size: 1rem; margin: 0 0 .4rem; overflow-wrap: anywhere; }
header p { margin: 0; color: var(--quiet); }
#link { margin-left: auto; }
main, form { max-width: 78rem; margin: 0 auto; padding: 0 1.5rem 3rem; }
form { padding: 1.5rem; }
form label { display: block; margin-bottom: .5rem; }
input, button { font: inherit; padding: .4rem .6rem; border: 1px solid var(--line); border-radius: 6px;
  background: var(--card); color: inherit; }
input { width: min(28rem, 60vw); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(32rem, 100%), 1fr)); gap: 1rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1rem;
  margin-bottom: 1rem; min-width: 0; }
.card p { margin: .2rem 0; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; font-size: .9rem; margin-top: .5rem; }
td { border-top: 1px solid var(--line); padding: .3rem .4rem .3rem 0; vertical-align: top;
  overflow-wrap: anywhere; }
td:first-child { font-weight: 600; overflow-wrap: normal; padding-right: .8rem; }
td:last-child { overflow-wrap: break-word; }
.badge { display: inline-block; border: 1px solid currentColor; border-radius: 99px; padding: 0 .55rem;
  font-size: .8rem; white-space: nowrap; }
.good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); }
.unknown, .quiet { color: var(--dim); }
code { font: .85rem ui-monospace, monospace; user-select: all; overflow-wrap: anywhere; }
ol { list-style: none; margin: 0; padding: 0; font: .85rem/1.6 ui-monospace, monospace; }
ol li { border-top: 1px solid var(--line); overflow-wrap: anywhere; }
)css";

}  // namespace

std::string_view dashboard_style() { return page_style; }

}  // namespace rollbackd::api
