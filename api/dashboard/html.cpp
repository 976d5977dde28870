#include "api/dashboard/page.hpp"

namespace rollbackd::api {

namespace {

constexpr std::string_view page_html = R"html(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>rollbackd</title>
<link rel="stylesheet" href="/dashboard.css">
<script src="/dashboard.js" defer></script>
</head>
<body>
<header>
  <h1>rollbackd</h1>
  <p id="daemon" aria-live="polite">connecting …</p>
  <p id="link" class="badge unknown" role="status">offline</p>
</header>
<form id="login" hidden>
  <label for="token">This daemon asks for a token (role read or more). It stays in this page's memory.</label>
  <input id="token" type="password" autocomplete="off" spellcheck="false">
  <button type="submit">Look</button>
  <p id="refusal" role="alert"></p>
</form>
<main hidden>
  <section aria-labelledby="h-incidents">
    <h2 id="h-incidents">Open incidents</h2>
    <div id="incidents"><p class="quiet">…</p></div>
  </section>
  <section aria-labelledby="h-services">
    <h2 id="h-services">Services</h2>
    <div id="services" class="cards"><p class="quiet">…</p></div>
  </section>
  <section aria-labelledby="h-events">
    <h2 id="h-events">Journal, as it is written</h2>
    <ol id="events"></ol>
  </section>
</main>
<noscript>This page needs JavaScript; <code>rollbackctl status</code> shows the same.</noscript>
</body>
</html>
)html";

}  // namespace

std::string_view dashboard_html() { return page_html; }

}  // namespace rollbackd::api
