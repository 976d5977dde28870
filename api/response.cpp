#include "api/response.hpp"

namespace rollbackd::api {

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

}  // namespace rollbackd::api
