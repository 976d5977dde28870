#include "triggers/probes/prometheus_answer.hpp"

#include "core/names.hpp"
#include "triggers/probes/numbers.hpp"

namespace rollbackd {

namespace {

constexpr std::size_t shown_max = 200;

tl::unexpected<Error> content(std::string what) {
    return fail(Errc::invalid, "content: " + std::move(what));
}

/// [1700000000.123, "0.25"]
Result<double> number_in(Json const* value) {
    bool const pair = value != nullptr && value->is_array() && value->get_array().size() == 2;
    if (!pair || !value->get_array()[1].is_string()) return content("no value where one belongs");
    auto const text = std::string_view(value->get_array()[1].get_string());
    auto const number = number_of(text);
    if (!number) return content(number.error().what);
    return *number;
}

}  // namespace

Result<double> prometheus_number(unsigned status, std::string_view body) {
    auto const json = parse_json(body);
    bool const own = json && json->is_object() && find(*json, "status") != nullptr;
    if (!own && status / 100 != 2) {
        return fail(Errc::unavailable, "status: " + std::to_string(status) + ", expected 2xx");
    }
    if (!own) return content("the answer is not of Prometheus' API");
    if (text_of(*json, "status") != "success") {
        auto const why = text_of(*json, "errorType") + ": " + text_of(*json, "error");
        return fail(Errc::invalid, "query: " + printable_line(why, shown_max));
    }
    auto const* const data = find(*json, "data");
    if (data == nullptr) return content("the answer has no data");
    auto const type = text_of(*data, "resultType");
    auto const* const result = find(*data, "result");
    if (type == "scalar") return number_in(result);
    if (type != "vector" || result == nullptr || !result->is_array()) {
        return content("expected a number, the query gives a " + printable(type, 20));
    }
    auto const& series = result->get_array();
    if (series.empty()) return fail(Errc::not_found, "missing: the query has no result");
    if (series.size() > 1) {
        return content(
            "expected one number, the query gives " + std::to_string(series.size()) +
            "; aggregate them, with sum() or max()"
        );
    }
    return number_in(find(series.front(), "value"));
}

}  // namespace rollbackd
