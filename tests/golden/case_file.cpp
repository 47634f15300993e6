#include "tests/golden/case_file.h"

#include <istream>
#include <set>
#include <string_view>

namespace golden {
namespace {

constexpr std::string_view kGrant = "grant: ";

}  // namespace

std::string print(const Case& item) {
    std::string out = item.remarks;
    if (item.method.empty() && item.grants.empty()) {
        return out;
    }
    for (const std::string& grant : item.grants) {
        out += std::string(kGrant) + grant + "\n";
    }
    out += item.method + " " + item.target + "\n" + item.body;
    for (const Block& block : item.blocks) {
        out += block.head + "\n" + block.text;
    }
    return out;
}

std::vector<Case> parse_cases(std::istream& in) {
    std::vector<Case> cases;
    bool is_new = true;
    for (std::string line; std::getline(in, line);) {
        if (line.empty()) {
            is_new = true;
            continue;
        }
        if (is_new) {
            cases.emplace_back();
            is_new = false;
        }
        Case& item = cases.back();
        if (item.method.empty() && line.front() == '#') {
            item.remarks += line + "\n";
        } else if (item.method.empty() && line.starts_with(kGrant)) {
            item.grants.push_back(line.substr(kGrant.size()));
        } else if (item.method.empty()) {
            const std::size_t space = line.find(' ');
            item.method = line.substr(0, space);
            item.target = space == std::string::npos ? "" : line.substr(space + 1);
        } else if (line.starts_with("-- ")) {
            item.blocks.push_back({line, ""});
        } else if (item.blocks.empty()) {
            item.body += line + "\n";
        } else {
            item.blocks.back().text += line + "\n";
        }
    }
    return cases;
}

std::string request_problem(const Case& item) {
    static const std::set<std::string> kMethods{"GET", "POST", "PUT", "PATCH", "DELETE", "DIGEST"};
    if (!kMethods.contains(item.method)) {
        return "unknown method " + item.method;
    }
    return item.target.starts_with('/') ? "" : "the target does not begin with /";
}

}  // namespace golden
