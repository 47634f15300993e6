#include "gateway/auth/headers.h"

#include <doctest/doctest.h>

using gateway::Code;
using gateway::auth::authenticate;
using gateway::auth::TrustedProxies;

namespace {

gateway::http::Request good_request() {
    gateway::http::Request request;
    request.method = "GET";
    request.peer = "127.0.0.1";
    request.headers = {{"X-Org-Id", "org"},
                       {"X-Project-Id", "project"},
                       {"x-space-id", "space"},
                       {"X-User-Id", "user 1"},
                       {"X-User-Roles", "users, admin,, "}};
    return request;
}

void set(gateway::http::Request& request, std::string_view name, std::string value) {
    for (auto& header : request.headers) {
        if (header.name == name) {
            header.value = std::move(value);
        }
    }
}

void remove(gateway::http::Request& request, std::string_view name) {
    std::erase_if(request.headers, [name](const auto& header) { return header.name == name; });
}

TrustedProxies loopback() {
    return TrustedProxies::parse({"127.0.0.0/8", "::1/128"}).value();
}

bool holds(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

}  // namespace

TEST_CASE("the five headers make a subject, its roles split at commas, trimmed, empty ones dropped") {
    const auto subject = authenticate(good_request(), loopback());
    REQUIRE(subject);
    CHECK(subject->org_id == "org");
    CHECK(subject->project_id == "project");
    CHECK(subject->space_id == "space");
    CHECK(subject->user_id == "user 1");
    CHECK(subject->roles == std::vector<std::string>{"users", "admin"});
}

TEST_CASE("a missing, empty, repeated, over-long or non-UTF-8 tenant header is 400 header_missing") {
    for (const char* name : {"X-Org-Id", "X-Project-Id", "x-space-id"}) {
        CAPTURE(name);
        auto missing = good_request();
        remove(missing, name);
        auto empty = good_request();
        set(empty, name, "");
        auto repeated = good_request();
        repeated.headers.push_back({name, "again"});
        auto long_one = good_request();
        set(long_one, name, std::string(257, 'a'));
        auto bytes = good_request();
        set(bytes, name, "a\xC0\xAF");
        for (const auto& request : {missing, empty, repeated, long_one, bytes}) {
            const auto subject = authenticate(request, loopback());
            REQUIRE(!subject);
            CHECK(subject.error().code == Code::header_missing);
            CHECK(subject.error().authenticate.empty());
        }
    }
    auto longest = good_request();
    set(longest, "X-Org-Id", std::string(256, 'a'));
    CHECK(authenticate(longest, loopback()));
}

TEST_CASE("a repeated header is refused though both values are equal") {
    auto request = good_request();
    request.headers.push_back({"X-ORG-ID", "org"});
    const auto subject = authenticate(request, loopback());
    REQUIRE(!subject);
    CHECK(subject.error().detail == "X-Org-Id is sent 2 times");
}

TEST_CASE("a bad tenant header's detail lists every bad one of the five") {
    gateway::http::Request request;
    request.peer = "127.0.0.1";
    request.headers = {{"X-Project-Id", "p"}, {"X-User-Roles", " , "}};
    const auto subject = authenticate(request, loopback());
    REQUIRE(!subject);
    CHECK(subject.error().code == Code::header_missing);
    CHECK(subject.error().detail ==
          "X-Org-Id is missing; X-Space-Id is missing; X-User-Id is missing; X-User-Roles names no role");
}

TEST_CASE("without tenant headers the answer is 400 even from a peer that is not trusted") {
    gateway::http::Request request;
    request.peer = "203.0.113.9";
    const auto subject = authenticate(request, loopback());
    REQUIRE(!subject);
    CHECK(subject.error().code == Code::header_missing);
}

TEST_CASE("a missing user or no role is 401 identity_missing with WWW-Authenticate") {
    auto no_user = good_request();
    remove(no_user, "X-User-Id");
    auto no_roles = good_request();
    set(no_roles, "X-User-Roles", " ,, ");
    auto both = no_user;
    remove(both, "X-User-Roles");
    for (const auto& request : {no_user, no_roles, both}) {
        const auto subject = authenticate(request, loopback());
        REQUIRE(!subject);
        CHECK(subject.error().code == Code::identity_missing);
        CHECK(subject.error().authenticate == "Rowgate-Headers");
    }
    CHECK(authenticate(both, loopback()).error().detail == "X-User-Id is missing; X-User-Roles is missing");
}

TEST_CASE("a peer that is not trusted is 401 identity_untrusted, whatever it sends") {
    auto request = good_request();
    for (const char* peer : {"203.0.113.9", "unix", "", "localhost", "127.0.0.1.evil", "::2"}) {
        CAPTURE(peer);
        request.peer = peer;
        const auto subject = authenticate(request, loopback());
        REQUIRE(!subject);
        CHECK(subject.error().code == Code::identity_untrusted);
        CHECK(subject.error().authenticate == "Rowgate-Headers");
    }
    remove(request, "X-User-Id");
    CHECK(authenticate(request, loopback()).error().code == Code::identity_untrusted);
}

TEST_CASE("trusted proxies match by prefix, and an IPv4-mapped peer counts as IPv4") {
    const auto trusted = TrustedProxies::parse({"10.0.0.0/9", "192.0.2.7", "2001:db8::/33", "fe80::/10"}).value();
    for (const char* peer : {"10.127.255.255", "192.0.2.7", "::ffff:10.1.2.3", "2001:db8:7fff::1", "fe80::1%eth0"}) {
        CAPTURE(peer);
        CHECK(trusted.contains(peer));
    }
    for (const char* peer : {"10.128.0.0", "192.0.2.8", "::ffff:10.128.0.1", "2001:db8:8000::1", "unix", "11.0.0.1", "::1"}) {
        CAPTURE(peer);
        CHECK_FALSE(trusted.contains(peer));
    }
    CHECK_FALSE(trusted.contains(std::string_view("10.0.0.1\0x", 10)));
    CHECK(TrustedProxies::parse({"unix"}).value().contains("unix"));
    CHECK(TrustedProxies::parse({"0.0.0.0/0"}).value().contains("203.0.113.9"));
    CHECK_FALSE(TrustedProxies::parse({"0.0.0.0/0"}).value().contains("2001:db8::1"));
    CHECK(TrustedProxies::parse({"::ffff:10.0.0.0/104"}).value().contains("10.9.9.9"));
    CHECK_FALSE(TrustedProxies::parse({}).value().contains("127.0.0.1"));
}

TEST_CASE("a trusted proxy that is no address or range is refused by name") {
    for (const char* entry : {"", "localhost", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/8x", "::1/129",
                              "10.0.0/8", "010.0.0.1", "10.0.0.1/8", "Unix", " 10.0.0.1"}) {
        CAPTURE(entry);
        const auto trusted = TrustedProxies::parse({"127.0.0.1", entry});
        REQUIRE(!trusted);
        CHECK(holds(trusted.error(), std::string("\"") + entry + "\""));
    }
}
