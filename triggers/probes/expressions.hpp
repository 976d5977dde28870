// RE2 expressions as params hold them. Private to this folder.
#pragma once

#include "core/json.hpp"

namespace re2 {
class RE2;
}

namespace rollbackd {

using Expression = std::shared_ptr<re2::RE2 const>;

/// Null where the member is absent; an Error whose `where` is the member.
Result<Expression> make_expression(std::string const& text, std::string const& where);
Result<Expression> expression_of(Json const& params, std::string const& member);
bool found_in(Expression const& expression, std::string_view text);

}  // namespace rollbackd
