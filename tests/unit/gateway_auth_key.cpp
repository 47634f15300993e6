#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "gateway/auth/api_key.h"
#include "gateway/auth/api_keys.h"
#include "gateway/auth/key_file.h"
#include "tests/unit/scratch_folder.h"

namespace {

using namespace gateway::auth;
using gateway::grants::Grant;
using gateway::grants::Verb;
using std::chrono::seconds;

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

class Folder : public ScratchFolder {
public:
    void write(const std::string& name, const std::string& text, mode_t mode = 0600) const {
        const std::string file = path + '/' + name;
        std::ofstream(file, std::ios::trunc) << text;
        REQUIRE(::chmod(file.c_str(), mode) == 0);
    }
    const std::string path = ScratchFolder::path().string();
};

ApiKey key_for(const NewKey& made) {
    ApiKey key;
    key.id = made.id;
    key.hash = made.hash;
    key.subject.org_id = "org-1";
    key.subject.project_id = "project-1";
    key.subject.space_id = "space-1";
    key.subject.user_id = "user-1";
    key.subject.roles = {"users", "admin"};
    key.subject.key_id = made.id;
    key.created = parse_instant("2026-01-02T03:04:05Z").value();
    return key;
}

std::string why(const ApiKeys& keys, std::string_view key, std::chrono::system_clock::time_point now = {}) {
    const auto found = keys.find(key, now);
    return found ? "found " + found->user_id : found.error();
}

std::vector<std::string> faults_of(const std::string& text) {
    const auto key = parse_key_file(text, "k.toml");
    return key ? std::vector<std::string>{} : key.error();
}

}  // namespace

TEST_CASE("a made key is well formed, says its id, and is never made twice") {
    std::set<std::string> texts;
    std::set<std::string> ids;
    for (int i = 0; i < 1000; ++i) {
        const NewKey key = make_key();
        CHECK(key.text.size() == kKeyBytes);
        CHECK(key.text.substr(0, 12) == "rg_" + key.id + "_");
        CHECK(is_key_id(key.id));
        CHECK(judge_key(key.text) == KeyText::good);
        CHECK(key_id_of(key.text) == key.id);
        CHECK(key.hash == hash_of(key.text));
        texts.insert(key.text);
        ids.insert(key.id);
    }
    CHECK(texts.size() == 1000);
    CHECK(ids.size() == 1000);
}

TEST_CASE("the hash of a key is SHA-256") {
    CHECK(to_hex(hash_of("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(parse_hash(to_hex(hash_of("abc"))) == hash_of("abc"));
    for (const std::string bad : {"", "ba78", "+a7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                                  "ga7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                                  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015adad"}) {
        CHECK_FALSE(parse_hash(bad));
    }
}

TEST_CASE("every changed character of a key shows in its checksum or its form") {
    const std::string good = make_key().text;
    std::size_t tried = 0;
    for (std::size_t at = 0; at < good.size(); ++at) {
        for (const char other : std::string(kBase64) + " .\n" + std::string(1, '\0')) {
            std::string bad = good;
            bad[at] = other;
            if (bad == good) continue;
            ++tried;
            CHECK_MESSAGE(judge_key(bad) != KeyText::good, bad);
        }
        std::string shorter = good;
        CHECK(judge_key(shorter.erase(at, 1)) == KeyText::malformed);
    }
    CHECK(tried > 4000);
    std::string mistyped = good;
    mistyped[20] = mistyped[20] == 'A' ? 'B' : 'A';
    CHECK(judge_key(mistyped) == KeyText::mistyped);
    for (const std::string& bad : {std::string(), std::string("rg_"), good + "a", " " + good, "RG" + good.substr(2)}) {
        CHECK(judge_key(bad) == KeyText::malformed);
    }
}

TEST_CASE("times are RFC 3339 with seconds and an offset") {
    CHECK(parse_instant("1970-01-01T00:00:00Z").value().time_since_epoch() == seconds(0));
    CHECK(parse_instant("2027-01-01T00:00:00Z").value().time_since_epoch() == seconds(1798761600));
    CHECK(parse_instant("2027-01-01T01:30:00+01:30") == parse_instant("2027-01-01T00:00:00Z"));
    CHECK(parse_instant("2026-12-31T23:00:00-01:00") == parse_instant("2027-01-01T00:00:00Z"));
    CHECK(print_instant(parse_instant("2028-02-29T12:34:56Z").value()) == "2028-02-29T12:34:56Z");
    for (const std::string_view bad :
         {"", "2027-01-01", "2027-01-01T00:00:00", "2027-01-01 00:00:00Z", "2027-13-01T00:00:00Z", "2027-02-29T00:00:00Z", "2027-01-01T24:00:00Z",
          "2027-01-01T00:60:00Z", "2027-01-01T00:00:60Z", "2027-01-01T00:00:00z", "2027-01-01T00:00:00.5Z", "2027-01-01T00:00:00+1:00",
          "2027-01-01T00:00:00+24:00", "2027-01-01T00:00:00 01:00", "+027-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "2027-01-01T00:00:00ZZ",
          "2027-01-0aT00:00:00Z"}) {
        CHECK_MESSAGE(!parse_instant(bad), bad);
    }
}

TEST_CASE("the file of a key reads back to the same, and bears no secret") {
    const NewKey made = make_key();
    ApiKey key = key_for(made);
    key.name = "the \"nightly\" \\ job";
    key.expires = parse_instant("2027-01-01T00:00:00Z");
    key.revoked = parse_instant("2026-06-01T00:00:00Z");
    const std::string text = print_key_file(key) + print_grant({{"users", "logs*"}, {"GET", "DELETE"}, {}, {}, {}, "", {}});
    CHECK(text.find(made.text.substr(12)) == std::string::npos);
    const auto back = parse_key_file(text, "k.toml");
    REQUIRE(back);
    CHECK(back->name == key.name);
    CHECK(back->hash == made.hash);
    CHECK(back->subject.roles == key.subject.roles);
    CHECK(back->subject.key_id == made.id);
    CHECK(back->expires == key.expires);
    CHECK(back->revoked == key.revoked);
    REQUIRE(back->subject.key_grants);
    const Grant& grant = back->subject.key_grants->at(0);
    CHECK(grant.tables == std::vector<std::string>{"users", "logs*"});
    CHECK(grant.verbs == std::vector<Verb>{Verb::get, Verb::erase});
    CHECK(grant.restriction == nullptr);
    CHECK(print_key_file(*back) == text);
}

TEST_CASE("the grants of a key read back to the same: columns, row filter, forced values, escaped or not") {
    const std::string head = print_key_file(key_for(make_key()));
    GrantWords words;
    words.tables = {"users"};
    words.verbs = {"GET", "POST"};
    words.read = {"id", "a \"quoted\" \\ name"};
    words.write = {"id"};
    words.filter = {"id"};
    words.row_filter = "owner=eq.$user_id&state=in.draft,$claim.state&price=eq.$$5&team=eq.%24org_id&x=eq.a%26b";
    words.values = {{"owner", "$user_id"}, {"a.b c", "$$5"}, {"note", "it's \"so\" \\ $$"}, {"team", "$claim.team"}, {"empty", ""}};
    const auto back = parse_key_file(head + print_grant(words), "k.toml");
    REQUIRE_MESSAGE(back, fmt::format("{}", fmt::join(back ? std::vector<std::string>() : back.error(), "; ")));
    const Grant& grant = back->subject.key_grants->at(0);
    REQUIRE(grant.restriction != nullptr);
    CHECK(grant.restriction->row_filter.size() == 5);
    CHECK(grant.restriction->row_filter[2].values[0].text == "$5");
    CHECK(grant.restriction->row_filter[4].values[0].text == "a&b");
    CHECK(grant.restriction->places.size() == 5);
    std::vector<std::pair<std::string, std::string>> values = words_of(grant).values;
    std::sort(values.begin(), values.end());
    std::sort(words.values.begin(), words.values.end());
    CHECK(values == words.values);
    CHECK(words_of(grant).row_filter == words.row_filter);
    CHECK(words_of(grant).read == words.read);
    const std::string again = print_key_file(*back);
    const auto twice = parse_key_file(again, "k.toml");
    REQUIRE(twice);
    CHECK(print_key_file(*twice) == again);
}

TEST_CASE("what stands in the grants of a key reads back to the same, and the grant is still one of whole tables") {
    const std::string head = print_key_file(key_for(make_key()));
    GrantWords words;
    words.tables = {"users"};
    words.verbs = {"DELETE"};
    words.standing = {0, 1'000'000'000'000, true, true, true};
    const std::string text = head + print_grant(words);
    CHECK(text.ends_with("\naffected_max = 0\ncascaded_max = 1000000000000\nconditional_delete = \"one\"\nconfirm = true\nmissing = \"ok\"\n"));
    const auto back = parse_key_file(text, "k.toml");
    REQUIRE_MESSAGE(back, fmt::format("{}", fmt::join(back ? std::vector<std::string>() : back.error(), "; ")));
    const Grant& grant = back->subject.key_grants->at(0);
    CHECK(grant.restriction == nullptr);
    REQUIRE(grant.standing != nullptr);
    CHECK(grant.standing->affected_max == 0);
    CHECK(grant.standing->cascaded_max == 1'000'000'000'000);
    CHECK(grant.standing->deletes_one);
    CHECK(grant.standing->needs_confirmation);
    CHECK(grant.standing->missing_is_ok);
    CHECK(print_key_file(*back) == text);
    // Of a narrower grant too, whose printing has another end.
    words.row_filter = "a=eq.1";
    words.standing = {5, {}, false, false, false};
    const auto narrow = parse_key_file(head + print_grant(words), "k.toml");
    REQUIRE(narrow);
    CHECK(print_key_file(*narrow).ends_with("row_filter = \"a=eq.1\"\naffected_max = 5\n"));
    words.standing = {};
    const auto none = parse_key_file(head + print_grant(words) + "confirm = false\n", "k.toml");
    REQUIRE(none);
    CHECK(none->subject.key_grants->at(0).standing == nullptr);
}

TEST_CASE("a faulty file of a key is refused with its line") {
    const std::string good = print_key_file(key_for(make_key()));
    CHECK(faults_of(good).empty());
    const auto with = [&good](std::string_view key, const std::string& value) {
        const std::size_t begin = good.find('\n' + std::string(key) + " = ") + 1;
        REQUIRE(begin != 0);
        return good.substr(0, begin) + value + good.substr(good.find('\n', begin));
    };
    const auto one = [](const std::string& text, const std::string& wanted) {
        const std::vector<std::string> faults = faults_of(text);
        REQUIRE_MESSAGE(!faults.empty(), text);
        CHECK_MESSAGE(faults[0].find(wanted) != std::string::npos, faults[0]);
    };
    one(with("org_id", "org_id = \"\""), "k.toml:4: org_id: must not be empty");
    one(with("org_id", "org_id = \" a\""), "k.toml:4: org_id: must not begin or end with a blank");
    one(with("org_id", "org_id = 5"), "k.toml:4: org_id: must be a string");
    one(with("org_id", ""), "org_id: is missing");
    one(with("user_id", ""), "user_id: is missing");
    one(with("roles", "roles = []"), "k.toml:8: roles: must not be empty");
    one(with("roles", "roles = \"a\""), "k.toml:8: roles: must be an array");
    one(with("roles", "roles = [\"a,b\"]"), "must not hold a comma");
    one(with("roles", ""), "roles: is missing");
    one(with("sha256", "sha256 = \"abc\""), "k.toml:3: sha256: must be 64 hexadecimal digits");
    one(with("id", "id = \"abc\""), "k.toml:2: id: must be eight letters");
    one(with("created", ""), "created: is missing");
    one(with("created", "created = \"today\""), "created: must be a string such as");
    one(good + "expires = \"2027-01-01\"\n", "k.toml:10: expires: must be a string such as");
    one(good + "expires = 2027-01-01T00:00:00Z\n", "expires: must be a string");
    one(good + "role = \"a\"\n", "k.toml:10: role: unknown key; did you mean roles?");
    for (const char* key : {"caps", "affected_max", "cascaded_max", "max_affected"}) {
        one(fmt::format("{}{} = 5\n", good, key), fmt::format("k.toml:10: {}: is no key of the file; a [[grant]] has affected_max and cascaded_max", key));
    }
    one(good + "[grant]\n", "grant: must be an array of tables");
    one(good + "[[grant]]\nverbs = [\"GET\"]\n", "[[grant]] tables: is missing");
    one(good + "[[grant]]\ntables = [\"a\"]\nverbs = [\"get\"]\n", "k.toml:12: [[grant]] verbs: \"get\" is none of");
    const std::string grant = good + "[[grant]]\ntables = [\"a\"]\nverbs = [\"GET\"]\n";
    CHECK(faults_of(grant + "read = [\"a\"]\nrow_filter = \"a=eq.$user_id\"\nvalues = { a = 1 }\n").empty());
    one(grant + "row_filter = \"a=1\"\n", "k.toml:13: [[grant]] row_filter: at 2:");
    one(grant + "row_filter = \"a=eq.$user\"\n", "k.toml:13: [[grant]] row_filter: \"$user\" is none of $user_id");
    one(grant + "read = []\n", "k.toml:13: [[grant]] read: must not be empty");
    one(grant + "values = {}\n", "k.toml:13: [[grant]] values: is empty");
    one(grant + "caps = 5\n", "k.toml:13: [[grant]] caps: are affected_max and cascaded_max");
    one(grant + "max_affected = 5\n", "k.toml:13: [[grant]] max_affected: is called affected_max");
    one(grant + "affected_max = 5\n", "k.toml:13: [[grant]] affected_max: stands without its verb; add POST, PUT, PATCH or DELETE to verbs");
    one(grant + "confirm = true\n", "k.toml:13: [[grant]] confirm: stands without its verb; add DELETE to verbs");
    const std::string deletes = good + "[[grant]]\ntables = [\"a\"]\nverbs = [\"DELETE\"]\n";
    one(deletes + "affected_max = -1\n", "k.toml:13: [[grant]] affected_max: -1 is outside 0 to 1000000000000");
    one(deletes + "cascaded_max = 1.5\n", "k.toml:13: [[grant]] cascaded_max: must be an integer");
    one(deletes + "conditional_delete = \"two\"\n", "k.toml:13: [[grant]] conditional_delete: \"two\" is not known; write \"one\"");
    one(deletes + "missing = true\n", "k.toml:13: [[grant]] missing: must be a string");
    one(grant + "role = \"admin\"\n", "k.toml:13: [[grant]] role: stands in no grant of a key");
    one(good + "grant = []\n", "k.toml:10: grant: has no grant; leave the key out");
    one(good + "org_id = \"again\"\n", "k.toml:");
    one("\x01", "k.toml:1");
}

TEST_CASE("a key is found, and refused from its last moment on, when revoked, with another secret, or unknown") {
    const Folder folder;
    const NewKey made = make_key();
    ApiKey key = key_for(made);
    key.expires = parse_instant("2027-01-01T00:00:00Z");
    REQUIRE(write_key_file(folder.path, key, Placing::fresh));
    ApiKeys keys(folder.path);
    CHECK(why(keys, made.text) == "the API key rg_" + made.id + " is unknown");
    CHECK(keys.refresh().empty());
    CHECK(keys.size() == 1);
    CHECK(why(keys, made.text) == "found user-1");
    CHECK(keys.find(made.text, {})->key_id == made.id);
    CHECK(why(keys, made.text, *key.expires - std::chrono::nanoseconds(1)) == "found user-1");
    CHECK(why(keys, made.text, *key.expires) == "the API key rg_" + made.id + " has expired");

    // The same id with another secret, checksum and all.
    NewKey other = make_key();
    while (other.id == made.id) other = make_key();
    ApiKey stolen = key_for(other);
    stolen.hash = made.hash;
    REQUIRE(write_key_file(folder.path, stolen, Placing::fresh));
    CHECK(keys.refresh().empty());
    CHECK(why(keys, other.text) == "the API key rg_" + other.id + " has another secret");
    CHECK(why(keys, make_key().text).ends_with("is unknown"));
    std::string mistyped = made.text;
    std::swap(mistyped[20], mistyped[21]);
    if (mistyped != made.text) CHECK(why(keys, mistyped) == "the API key is mistyped: its checksum does not fit");
    CHECK(why(keys, "rg_") == "the API key is malformed");

    key.revoked = parse_instant("2026-06-01T00:00:00Z");
    REQUIRE(write_key_file(folder.path, key, Placing::replacing));
    CHECK(keys.refresh_if_folder_changed().empty());
    CHECK(why(keys, made.text) == "the API key rg_" + made.id + " is revoked");
    std::filesystem::remove(folder.path + '/' + made.id + ".toml");
    CHECK(keys.refresh_if_folder_changed().empty());
    CHECK(why(keys, made.text).ends_with("is unknown"));
}

TEST_CASE("a file of a key that becomes faulty keeps what it last said, and is told once") {
    const Folder folder;
    const NewKey made = make_key();
    const std::string name = made.id + ".toml";
    REQUIRE(write_key_file(folder.path, key_for(made), Placing::fresh));
    ApiKeys keys(folder.path);
    CHECK(keys.refresh().empty());
    folder.write(name, "id = \n");
    const std::vector<std::string> faults = keys.refresh();
    REQUIRE(faults.size() == 1);
    CHECK(faults[0].find(name + ":1:") != std::string::npos);
    CHECK(faults[0].ends_with("; the key stays as it was"));
    CHECK(keys.refresh().empty());
    CHECK(why(keys, made.text) == "found user-1");

    folder.write("aaaaaaaa.toml", print_key_file(key_for(made)));
    REQUIRE(keys.refresh().size() == 1);
    folder.write(name, print_key_file(key_for(made)), 0666);
    const std::vector<std::string> writable = keys.refresh();
    REQUIRE(writable.size() == 1);
    CHECK(writable[0].find("others may write it (mode 0666)") != std::string::npos);
    ApiKey named = key_for(made);
    named.subject.user_id = "user-2";
    folder.write(name, print_key_file(named));
    CHECK(keys.refresh().empty());
    CHECK(why(keys, made.text) == "found user-2");
    CHECK(keys.size() == 1);
}

TEST_CASE("a folder that is not there has no keys, and files of other names are no keys") {
    const Folder folder;
    ApiKeys none(folder.path + "/nosuch");
    CHECK(none.refresh().empty());
    CHECK(none.size() == 0);
    folder.write(".abcdefgh.toml", "nothing");
    folder.write("README.md", "nothing");
    ApiKeys keys(folder.path);
    CHECK(keys.refresh().empty());
    CHECK(keys.size() == 0);
    ApiKeys file(folder.path + "/README.md");
    CHECK(file.refresh().size() == 1);
    CHECK(file.refresh().empty());
    std::filesystem::create_directory(folder.path + "/aaaaaaaa.toml");
    const std::vector<std::string> faults = keys.refresh();
    REQUIRE(faults.size() == 1);
    CHECK(faults[0].ends_with("aaaaaaaa.toml: is not a file"));
    CHECK(keys.refresh().empty());
    // Made while nobody looks.
    const NewKey made = make_key();
    REQUIRE(write_key_file(folder.path + "/nosuch", key_for(made), Placing::fresh));
    CHECK(none.refresh_if_folder_changed().empty());
    CHECK(why(none, made.text) == "found user-1");
}

TEST_CASE("the file of a key is the owner's alone, and an id is never taken twice") {
    const Folder folder;
    const ApiKey key = key_for(make_key());
    REQUIRE(write_key_file(folder.path, key, Placing::fresh));
    struct stat state{};
    REQUIRE(::stat((folder.path + '/' + key.id + ".toml").c_str(), &state) == 0);
    CHECK((state.st_mode & 0777u) == 0600u);
    const auto again = write_key_file(folder.path, key, Placing::fresh);
    REQUIRE_FALSE(again);
    CHECK(again.error().empty());
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path)) files += entry.exists() ? 1 : 0;
    CHECK(files == 1);
    const auto nowhere = write_key_file("/proc/nosuch", key, Placing::fresh);
    REQUIRE_FALSE(nowhere);
    CHECK(nowhere.error().find("cannot be written") != std::string::npos);
}

TEST_CASE("10,000 keys are found while the folder is read again and again") {
    const Folder folder;
    std::vector<std::string> texts;
    constexpr int kKeys = 10'000;
    for (int i = 0; i < kKeys; ++i) {
        const NewKey made = make_key();
        texts.push_back(made.text);
        folder.write(made.id + ".toml", print_key_file(key_for(made)));
    }
    ApiKeys keys(folder.path);
    CHECK(keys.refresh().empty());
    CHECK(keys.size() == kKeys);
    std::thread again([&keys] {
        for (int i = 0; i < 5; ++i) keys.refresh();
    });
    int found = 0;
    for (const std::string& text : texts) found += keys.find(text, {}) ? 1 : 0;
    again.join();
    CHECK(found == kKeys);
}
