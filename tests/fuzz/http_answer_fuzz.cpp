// The HTTP client's parser under any bytes, in any pieces: bounded, and never a crash.
#include "core/ensure.hpp"
#include "core/io/http_expect.hpp"
#include "core/io/http_parser.hpp"
#include "tests/fuzz/entries.hpp"

int rollbackd::fuzz::http_answer(std::uint8_t const* data, std::size_t size) {
    using namespace rollbackd;
    if (size == 0) return 0;
    std::size_t const step = data[0] % 64 + 1;  // the first byte says how it comes over the wire
    std::string_view rest(reinterpret_cast<char const*>(data) + 1, size - 1);
    HttpRequest request;
    request.body_max = 256;
    request.cut_body = size % 2 == 0;
    HttpResponse response;
    HttpParser parser(request, response, size % 3 == 0);
    while (!rest.empty()) {
        auto const fed = parser.feed(rest.substr(0, step));
        if (!fed || *fed) break;
        rest.remove_prefix(std::min(rest.size(), step));
    }
    if (rest.empty()) (void)parser.finish();  // either answer is fine, as long as there is one
    ensure(response.body.size() <= request.body_max, "a body stays within its bound");
    auto const expect =
        parse_json(R"({"status":["2xx",304],"body":"o","json":{"/a/0":1}})").value();
    auto const verdict = judge(expect, response);
    bool const met = verdict.judgement == HttpJudgement::met;
    ensure(met == verdict.reason.empty(), "what is not as expected has a reason");
    return 0;
}
