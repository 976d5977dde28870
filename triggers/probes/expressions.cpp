#include "triggers/probes/expressions.hpp"

#include <re2/re2.h>

namespace rollbackd {

Result<Expression> make_expression(std::string const& text, std::string const& where) {
    RE2::Options options(RE2::Quiet);
    options.set_max_mem(1 << 20);
    auto made = std::make_shared<RE2 const>(text, options);
    if (!made->ok()) return fail(Errc::invalid, "not an RE2 expression: " + made->error(), where);
    return Expression(std::move(made));
}

Result<Expression> expression_of(Json const& params, std::string const& member) {
    if (find(params, member) == nullptr) return Expression();
    return make_expression(text_of(params, member), member);
}

bool found_in(Expression const& expression, std::string_view text) {
    return expression != nullptr &&
           RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *expression);
}

}  // namespace rollbackd
