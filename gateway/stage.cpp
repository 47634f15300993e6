#include "gateway/stage.h"

#include <array>
#include <utility>

namespace gateway {

tl::unexpected<Problem> refuse(Code code, std::string detail, std::string hint) {
    Problem problem;
    problem.code = code;
    problem.detail = std::move(detail);
    problem.hint = std::move(hint);
    return tl::unexpected<Problem>(std::move(problem));
}

tl::unexpected<Problem> refuse_method(std::string detail, std::string allow) {
    Problem problem;
    problem.code = Code::method_not_allowed;
    problem.detail = std::move(detail);
    problem.allow = std::move(allow);
    return tl::unexpected<Problem>(std::move(problem));
}

std::optional<Method> parse_method(std::string_view method) {
    static constexpr std::array<std::pair<std::string_view, Method>, 7> kMethods{{{"GET", Method::get},
                                                                                  {"HEAD", Method::head},
                                                                                  {"POST", Method::post},
                                                                                  {"PUT", Method::put},
                                                                                  {"PATCH", Method::patch},
                                                                                  {"DELETE", Method::erase},
                                                                                  {"OPTIONS", Method::options}}};
    for (const auto& [name, value] : kMethods) {
        if (name == method) return value;
    }
    return std::nullopt;
}

tenants::Verb verb_of(Method method) {
    switch (method) {
        case Method::get:
        case Method::head:
        case Method::options: return tenants::Verb::get;
        case Method::post: return tenants::Verb::post;
        case Method::put: return tenants::Verb::put;
        case Method::patch: return tenants::Verb::patch;
        case Method::erase: return tenants::Verb::erase;
    }
    return tenants::Verb::get;
}

sql::plan::Verb plan_verb(Method method) {
    switch (method) {
        case Method::get:
        case Method::head:
        case Method::options: return sql::plan::Verb::read;
        case Method::post: return sql::plan::Verb::insert;
        case Method::put:
        case Method::patch: return sql::plan::Verb::update;
        case Method::erase: return sql::plan::Verb::erase;
    }
    return sql::plan::Verb::read;
}

}  // namespace gateway
