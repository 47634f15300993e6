#include "gateway/tenants/folder.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>

#include "gateway/tenants/folder_watch.h"
#include "tests/unit/scratch_folder.h"

namespace tenants = gateway::tenants;
namespace config = gateway::config;
namespace fs = std::filesystem;
using gateway::auth::Subject;
using tenants::Folder;
using tenants::Registry;
using Scope = tenants::Folder::Scope;

namespace {

class Place : public ScratchFolder {
public:
    Place() {
        config_.folder = path().string();
        config_.tenants_folder = path().string();
    }
    void write(const std::string& name, const std::string& text) const { std::ofstream(path() / name, std::ios::binary) << text; }
    void remove(const std::string& name) const { fs::remove(path() / name); }
    [[nodiscard]] std::string at(const std::string& name) const { return file(name); }
    [[nodiscard]] const config::Config& config() const { return config_; }

private:
    config::Config config_;
};

std::string org(const std::string& name, const std::string& id, const std::string& more = {}) {
    return "name = \"" + name + "\"\nid = \"" + id + "\"\n[[project]]\nname = \"demo\"\nid = \"p\"\n[[project.space]]\nid = \"s\"\n" + more;
}

const std::string kDatabase = "[[project.space.database]]\ntype = \"sl\"\nname = \"db\"\npath = \"x\"\n";
const std::string kOther = "[[project.space.database]]\ntype = \"sl\"\nname = \"other\"\npath = \"y\"\n";
const std::string kGrant = "[[project.space.database.grant]]\nrole = \"r\"\ntables = [\"*\"]\nverbs = [\"GET\"]\n";

Subject subject(const std::string& org_id) {
    Subject subject;
    subject.org_id = org_id;
    subject.project_id = "p";
    subject.space_id = "s";
    return subject;
}

const tenants::Space* find(const Registry& registry, const std::string& name, const std::string& id) {
    return registry.find(name, "demo", subject(id));
}

Folder::Reading read(Folder& folder, Scope scope = Scope::changed) {
    auto reading = folder.read(scope);
    REQUIRE(reading);
    return *std::move(reading);
}

}  // namespace

TEST_CASE("a faulty file keeps its org's last good entry, and the others are taken") {
    const Place place;
    place.write("a.toml", org("a", "1", kDatabase));
    place.write("b.toml", org("b", "2"));
    Folder folder(place.config(), nullptr);
    const auto first = read(folder);
    CHECK(first.parsed == 2);
    CHECK(first.is_changed);
    CHECK(first.faults.empty());

    place.write("a.toml", org("a", "1", kDatabase + "pth = 1\n"));
    place.write("c.toml", org("c", "3"));
    const auto second = read(folder);
    REQUIRE(second.faults.size() == 1);
    CHECK(second.faults[0].file == place.at("a.toml"));
    CHECK(second.faults[0].has_last_good);
    CHECK(second.faults[0].messages == std::vector{place.at("a.toml") + ":12: [[project.space.database]] pth: unknown key; did you mean path?"});
    CHECK(find(second.registry, "a", "1") == find(first.registry, "a", "1"));
    CHECK(find(second.registry, "c", "3") != nullptr);
    CHECK_FALSE(second.registry.is_unavailable("a", subject("1")));

    const auto third = read(folder);  // nothing new: the fault was told
    CHECK_FALSE(third.is_changed);
    CHECK(third.faults.empty());
    CHECK(third.registry.faulty_files().size() == 1);
    CHECK(read(folder, Scope::everything).faults.size() == 1);  // but whoever asks is told again

    place.write("a.toml", org("a", "1"));
    const auto mended = read(folder);
    CHECK(mended.is_changed);
    CHECK(mended.registry.faulty_files().empty());
    CHECK(find(mended.registry, "a", "1")->databases.empty());
    CHECK(find(first.registry, "a", "1")->databases.size() == 1);  // who still holds the old one sees no change
}

TEST_CASE("an org that was never good is unavailable under its own name and id, when they can be read") {
    const Place place;
    place.write("a.toml", org("a", "1", "x = 1\n"));
    place.write("b.toml", "name = \"b\"\nid = ");
    place.write("c.toml", "name = \"c\"\n");
    place.write("d.toml", org("d", "4"));
    Folder folder(place.config(), nullptr);
    const auto reading = read(folder);
    CHECK(reading.faults.size() == 3);
    CHECK(find(reading.registry, "a", "1") == nullptr);
    CHECK(reading.registry.is_unavailable("a", subject("1")));
    CHECK_FALSE(reading.registry.is_unavailable("a", subject("2")));
    CHECK_FALSE(reading.registry.is_unavailable("b", subject("")));
    CHECK_FALSE(reading.registry.is_unavailable("c", subject("")));
    CHECK_FALSE(reading.registry.is_unavailable("d", subject("4")));
    CHECK(find(reading.registry, "d", "4") != nullptr);
}

TEST_CASE("an unchanged file is not parsed again and keeps its objects; a file that goes takes its org along") {
    const Place place;
    place.write("a.toml", org("a", "1", kDatabase));
    place.write("b.toml", org("b", "2", kDatabase));
    Folder folder(place.config(), nullptr);
    const auto first = read(folder);
    place.write("a.toml", org("a", "1", kDatabase));  // written, but the same bytes
    for (const Scope scope : {Scope::changed, Scope::everything}) {
        const auto again = read(folder, scope);
        CHECK(again.parsed == 0);
        CHECK_FALSE(again.is_changed);
        CHECK(find(again.registry, "a", "1") == find(first.registry, "a", "1"));
    }
    place.remove("b.toml");
    const auto last = read(folder);
    CHECK(last.is_changed);
    CHECK(find(last.registry, "b", "2") == nullptr);
    CHECK(find(last.registry, "a", "1") == find(first.registry, "a", "1"));
}

TEST_CASE("a database whose settings did not change keeps its connections, whatever else its file says; another one does not") {
    const Place place;
    place.write("a.toml", org("a", "1", kDatabase + kOther));
    Folder folder(place.config(), nullptr);
    const auto first = read(folder);
    const auto* before = find(first.registry, "a", "1");
    REQUIRE(before != nullptr);

    place.write("a.toml", org("a", "1", kOther + kDatabase + kGrant));
    const auto granted = read(folder);
    const auto* after = find(granted.registry, "a", "1");
    CHECK(after != before);
    CHECK(after->find("sl", "db")->grants.size() == 1);
    CHECK(after->find("sl", "db")->database == before->find("sl", "db")->database);
    CHECK(after->find("sl", "other")->database == before->find("sl", "other")->database);

    place.write("a.toml", org("a", "1", kOther + "[[project.space.database]]\ntype = \"sl\"\nname = \"db\"\npath = \"z\"\n"));
    const auto moved = read(folder);
    CHECK(find(moved.registry, "a", "1")->find("sl", "db")->database != before->find("sl", "db")->database);
    CHECK(find(moved.registry, "a", "1")->find("sl", "other")->database == before->find("sl", "other")->database);

    place.write("a.toml", org("a", "9", kOther));  // another org altogether: nothing of the old one is its
    CHECK(find(read(folder).registry, "a", "9")->find("sl", "other")->database != before->find("sl", "other")->database);
}

TEST_CASE("a password's file is read again when everything is, and a new password is another database") {
    const Place place;
    place.write("secret", "one\n");
    place.write("a.toml", org("a", "1", "[[project.space.database]]\ntype = \"ms\"\nname = \"db\"\nuser = \"u\"\nhost = \"h\"\npassword_file = \"secret\"\n"));
    Folder folder(place.config(), nullptr);
    const auto database = [](const Folder::Reading& reading) { return find(reading.registry, "a", "1")->find("ms", "db")->database; };
    const auto first = database(read(folder));
    CHECK(database(read(folder, Scope::everything)) == first);
    place.write("secret", "two\n");
    CHECK(database(read(folder, Scope::changed)) == first);
    const auto second = database(read(folder, Scope::everything));
    CHECK(second != first);
    place.remove("secret");
    const auto gone = read(folder, Scope::everything);
    CHECK(gone.faults.size() == 1);
    CHECK(database(gone) == second);
}

TEST_CASE("of two files that claim one org, the one that had it keeps it, else the first by name") {
    const Place place;
    place.write("b.toml", org("x", "1"));
    Folder folder(place.config(), nullptr);
    read(folder);
    place.write("a.toml", org("x", "2"));
    place.write("c.toml", org("y", "1"));
    const auto taken = read(folder);
    CHECK(taken.registry.orgs().size() == 1);
    CHECK(find(taken.registry, "x", "1") != nullptr);
    REQUIRE(taken.faults.size() == 2);
    CHECK(taken.faults[0].messages == std::vector{place.at("a.toml") + ":1: name: \"x\" is taken by " + place.at("b.toml")});
    CHECK(taken.faults[1].messages == std::vector{place.at("c.toml") + ":2: id: \"1\" is taken by " + place.at("b.toml")});

    // The holder lets go: both get what they ask for.
    place.write("b.toml", org("z", "3"));
    const auto freed = read(folder);
    CHECK(freed.registry.orgs().size() == 3);
    CHECK(freed.registry.faulty_files().empty());

    // Two swap names in one reading: neither takes what the other has.
    place.write("a.toml", org("z", "2"));
    place.write("b.toml", org("x", "3"));
    const auto swapped = read(folder);
    CHECK(swapped.registry.faulty_files().empty());
    CHECK(find(swapped.registry, "z", "2") != nullptr);
    CHECK(find(swapped.registry, "x", "3") != nullptr);

    // A newcomer with a file name that sorts first does not take a name whose holder changes only its id.
    place.write("0.toml", org("z", "7"));
    place.write("a.toml", org("z", "8"));
    const auto kept = read(folder);
    CHECK(find(kept.registry, "z", "8") != nullptr);
    CHECK(find(kept.registry, "z", "7") == nullptr);
}

TEST_CASE("who is refused a new name falls back to the old one, which nobody may have taken meanwhile") {
    const Place place;
    place.write("a.toml", org("a", "1"));
    place.write("b.toml", org("b", "2"));
    Folder folder(place.config(), nullptr);
    read(folder);
    place.write("b.toml", org("a", "2"));   // refused: a has it
    place.write("c.toml", org("b", "3"));   // so b's last good entry still has this one
    const auto reading = read(folder);
    CHECK(find(reading.registry, "a", "1") != nullptr);
    CHECK(find(reading.registry, "b", "2") != nullptr);
    CHECK(find(reading.registry, "b", "3") == nullptr);
    CHECK(reading.registry.orgs().size() == 2);
    CHECK(reading.faults.size() == 2);
}

TEST_CASE("a folder that cannot be read changes nothing") {
    const Place place;
    place.write("a.toml", org("a", "1"));
    config::Config elsewhere = place.config();
    elsewhere.tenants_folder = place.at("tenants");
    fs::create_directory(elsewhere.tenants_folder);
    fs::rename(place.at("a.toml"), place.at("tenants/a.toml"));
    Folder folder(elsewhere, nullptr);
    CHECK(read(folder).registry.orgs().size() == 1);
    fs::rename(elsewhere.tenants_folder, place.at("gone"));
    CHECK_FALSE(folder.read(Scope::everything));
    fs::rename(place.at("gone"), elsewhere.tenants_folder);
    const auto back = read(folder);
    CHECK_FALSE(back.is_changed);
    CHECK(back.registry.orgs().size() == 1);
}

TEST_CASE("the watch names what changed, and says when the folder itself went") {
    const Place place;
    tenants::FolderWatch watch(place.config().tenants_folder);
    REQUIRE(watch.is_watching());
    CHECK_FALSE(watch.read().is_any);
    place.write(".a.tmp", "x");
    fs::rename(place.at(".a.tmp"), place.at("a.toml"));
    const auto seen = watch.read();
    CHECK(seen.is_any);
    CHECK(seen.names.contains("a.toml"));
    CHECK_FALSE(seen.is_all);
    const std::string away = place.config().tenants_folder + "_away";
    fs::rename(place.config().tenants_folder, away);
    CHECK(watch.read().is_all);
    CHECK_FALSE(watch.is_watching());
    CHECK_FALSE(watch.watch());
    fs::rename(away, place.config().tenants_folder);
    CHECK(watch.watch());
}
