#include "api/problem.hpp"

#include "core/names.hpp"

namespace rollbackd::api {

namespace {

constexpr std::size_t detail_bytes_max = 4096;

}  // namespace

std::string_view title_of(unsigned status) {
    switch (status) {
        case 200:
            return "OK";
        case 201:
            return "Created";
        case 202:
            return "Accepted";
        case 204:
            return "No Content";
        case 304:
            return "Not Modified";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 408:
            return "Request Timeout";
        case 409:
            return "Conflict";
        case 411:
            return "Length Required";
        case 413:
            return "Content Too Large";
        case 415:
            return "Unsupported Media Type";
        case 417:
            return "Expectation Failed";
        case 422:
            return "Unprocessable Content";
        case 429:
            return "Too Many Requests";
        case 431:
            return "Request Header Fields Too Large";
        case 500:
            return "Internal Server Error";
        case 501:
            return "Not Implemented";
        case 503:
            return "Service Unavailable";
        case 504:
            return "Gateway Timeout";
        case 505:
            return "HTTP Version Not Supported";
        default:
            return "Error";
    }
}

unsigned status_of(Errc code) {
    switch (code) {
        case Errc::invalid:
            return 422;
        case Errc::not_found:
            return 404;
        case Errc::conflict:
            return 409;
        case Errc::forbidden:
            return 403;
        case Errc::unavailable:
        case Errc::cancelled:
            return 503;
        case Errc::timeout:
            return 504;
        case Errc::too_large:
            return 413;
        case Errc::io:
        case Errc::corrupt:
        case Errc::internal:
            return 500;
    }
    return 500;
}

Response refuse(unsigned status, std::string detail, std::vector<Mistake> errors) {
    Response response;
    response.status = status;
    response.content_type = "application/problem+json";
    response.problem.emplace();
    response.problem->detail = std::move(detail);
    response.problem->errors = std::move(errors);
    if (status == 503 || status == 429) response.headers.emplace_back("Retry-After", "1");
    return response;
}

Response refuse(Error const& error) {
    std::vector<Mistake> errors;
    bool const pointed =
        !error.where.empty() && error.where.front() == '/' && error.code == Errc::invalid;
    if (pointed) errors.push_back(Mistake{error.what, error.where});
    return refuse(
        status_of(error.code), pointed ? error.what : to_string(error), std::move(errors)
    );
}

void finish_problem(Response& response, Request const& request) {
    if (!response.problem) return;
    JsonObject body;
    body["type"] = "about:blank";
    body["title"] = title_of(response.status);
    body["status"] = response.status;
    // Names from the request may be quoted in it: nothing of them may act on a terminal.
    body["detail"] = printable(response.problem->detail, detail_bytes_max);
    body["instance"] = printable(request.path, 1024);
    if (!request.id.empty()) body["request_id"] = request.id;
    if (!response.problem->errors.empty()) {
        JsonArray errors;
        for (auto const& mistake : response.problem->errors) {
            JsonObject item;
            item["detail"] = printable(mistake.detail, detail_bytes_max);
            item["pointer"] = mistake.pointer;
            errors.push_back(std::move(item));
        }
        body["errors"] = std::move(errors);
    }
    response.body = to_text(Json(std::move(body))) + "\n";
}

}  // namespace rollbackd::api
