// The text of a case file: paragraphs of remarks, grants, a request and the blocks that it is to become. It knows the format and not
// what it means; README.md beside this file describes it. Called by golden only.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace golden {

struct Block {
    std::string head;  // "-- plan mysql"
    std::string text;  // lines, each with its newline
    friend bool operator==(const Block&, const Block&) = default;
};

struct Case {
    std::string remarks;  // lines that begin with `#`
    std::vector<std::string> grants;  // the `grant:` lines without that word; none: the caller may do everything
    std::string method;
    std::string target;
    std::string body;
    std::vector<Block> blocks;
};

// A file's paragraphs. One that holds remarks only has neither method nor grants.
[[nodiscard]] std::vector<Case> parse_cases(std::istream& in);

// As it stands in the file.
[[nodiscard]] std::string print(const Case& item);

// What is wrong with the request's line, or empty.
[[nodiscard]] std::string request_problem(const Case& item);

}  // namespace golden
