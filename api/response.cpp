#include "api/response.hpp"

#include <array>
#include <cstdio>

namespace rollbackd::api {

namespace {

constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

}  // namespace

Response answer(Json const& body, unsigned status) {
    Response response;
    response.status = status;
    response.body = to_text(body) + "\n";
    return response;
}

Response answer_text(std::string body, std::string content_type) {
    Response response;
    response.body = std::move(body);
    response.content_type = std::move(content_type);
    return response;
}

Response no_content() {
    Response response;
    response.status = 204;
    response.content_type.clear();
    return response;
}

void add_date(Response& response, WallTime now) {
    auto const day = std::chrono::floor<std::chrono::days>(now);
    std::chrono::year_month_day const date(day);
    std::chrono::hh_mm_ss const time(std::chrono::floor<std::chrono::seconds>(now - day));
    std::array<char, 64> text{};
    int const length = std::snprintf(
        text.data(), text.size(), "%s, %02u %s %04d %02d:%02d:%02d GMT",
        days.at(std::chrono::weekday(day).c_encoding()), unsigned(date.day()),
        months.at(unsigned(date.month()) - 1), int(date.year()), int(time.hours().count()),
        int(time.minutes().count()), int(time.seconds().count())
    );
    response.headers.emplace_back(
        "Date", std::string(text.data(), static_cast<std::size_t>(length))
    );
}

}  // namespace rollbackd::api
