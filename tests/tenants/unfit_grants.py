"""Grants held against the tables that there are, by `rowgate tenants check` and by the gateway that serves: a missing table or column, a
row filter or value that does not fit, is an error with file and line; a database out of reach is none. Part of the suite `tenants`."""
import os
import re
import time

from lib import places
from lib.direct import open_mariadb, open_sqlite
from lib.gateway import grant, mariadb_database, sqlite_database, tenant, tenant_toml
from lib.report import short
from tenant_files import PROJECT, Tenants, identity

TABLES = {
    "ms": """CREATE TABLE users (id INT AUTO_INCREMENT PRIMARY KEY, owner VARCHAR(20) NOT NULL, age INT, born DATE, mood ENUM('good','bad'),
             code BINARY(2), note JSON, twice INT AS (age * 2));
CREATE TABLE log_a (id INT PRIMARY KEY, owner VARCHAR(20));
CREATE TABLE log_b (id INT PRIMARY KEY, line VARCHAR(20));
CREATE VIEW adults AS SELECT id, age FROM users WHERE age >= 18;
""",
    "sl": """CREATE TABLE users (id INTEGER PRIMARY KEY, owner VARCHAR(20) NOT NULL, age INT, born DATE, mood VARCHAR(4),
             code BINARY(2), note JSON, twice INT AS (age * 2));
CREATE TABLE log_a (id INTEGER PRIMARY KEY, owner VARCHAR(20));
CREATE TABLE log_b (id INTEGER PRIMARY KEY, line VARCHAR(20));
CREATE VIEW adults AS SELECT id, age FROM users WHERE age >= 18;
""",
}


def narrow(tables, **more):
    """A grant; `row_filter`, `read`, … as in the file, `values` as TOML."""
    return {**grant("r", tables if isinstance(tables, list) else [tables]), **more}


# The grant, and what is said of it; None: it fits. `mood` is an enumeration on MariaDB, and a text on SQLite, which has none.
CASES = [
    (narrow("users"), None),
    (narrow("adults", read=["age"], row_filter="age=gt.20"), None),
    (narrow("usres"), "there is no table 'usres'"),
    (narrow(["users", "gone"], read=["id"]), "there is no table 'gone'"),
    (narrow("Users"), "there is no table 'Users'"),
    (narrow("*"), None),
    (narrow("**"), None),
    (narrow("u*"), None),
    (narrow("x*"), "no table matches 'x*'"),
    (narrow("user"), "there is no table 'user'"),
    (narrow("user?"), None),
    (narrow("user??"), "no table matches 'user??'"),
    (narrow("users", read=["id", "ownr"]), "read: table 'users' has no column 'ownr'; did you mean 'owner'?"),
    (narrow("users", write=["zzzzzzzzz"]), "write: table 'users' has no column 'zzzzzzzzz'"),
    (narrow("users", filter=["Id"]), "filter: table 'users' has no column 'Id'"),
    (narrow("users", read=["id"], write=["owner"], filter=["age"]), None),
    (narrow("adults", read=["owner"]), "read: table 'adults' has no column 'owner'"),
    # Of the tables that a pattern matches, one must have it.
    (narrow("log_*", read=["id", "line"]), None),
    (narrow("log_*", read=["id", "lines"]), "read: no table that 'log_*' matches has a column 'lines'"),
    (narrow("log_*", row_filter="owner=eq.$user_id"), None),
    (narrow("log_*", row_filter="age=eq.1"), "table 'log_a': row_filter: there is no column 'age'"),
    (narrow(["log_b", "log_*"], row_filter="owner=eq.$user_id"), "table 'log_b': row_filter: there is no column 'owner'"),
    (narrow("*", read=["nowhere"]), "read: no table that '*' matches has a column 'nowhere'"),
    # Row filters and the types of their columns.
    (narrow("users", row_filter="age=eq.12&born=bw.2000-01-01,2001-01-01&mood=in.good,bad"), None),
    (narrow("users", row_filter="age=eq.old"), "table 'users': row_filter: column 'age': 'old' is not an integer"),
    (narrow("users", row_filter="age=eq."), "table 'users': row_filter: column 'age': '' is not an integer"),
    (narrow("users", row_filter="owner=eq."), None),
    (narrow("users", row_filter="owner=eq.$user_id&born=ge.soon"), "table 'users': row_filter: column 'born': 'soon'"),
    (narrow("users", row_filter="born=eq.2021-02-30"), "table 'users': row_filter: column 'born': '2021-02-30'"),
    (narrow("users", row_filter="age=li.1"), "table 'users': row_filter: "),
    (narrow("users", row_filter="ghost=is.null"), "table 'users': row_filter: there is no column 'ghost'"),
    (narrow("users", row_filter="note=eq.1"), "table 'users': row_filter: "),
    (narrow("users", row_filter="note=is.null"), None),
    # What a caller brings along is not known; that it could fit is.
    (narrow("users", row_filter="age=eq.$claim.age&born=lt.$claim.day&mood=eq.$claim.mood&code=eq.$claim.code&id=in.1,$user_id"), None),
    (narrow("users", row_filter="age=li.$claim.age"), "table 'users': row_filter: "),
    (narrow("users", row_filter="note=eq.$claim.note"), "table 'users': row_filter: "),
    (narrow("users", row_filter="id=in.x,$user_id"), "table 'users': row_filter: column 'id': 'x' is not an integer"),
    (narrow("users", row_filter="ghost=eq.$user_id"), "table 'users': row_filter: there is no column 'ghost'"),
    # Forced values.
    (narrow("users", values={"owner": "$user_id", "age": 5, "mood": "good", "born": "2000-01-01", "code": "b64:AAA="}), None),
    (narrow("users", values={"age": "$claim.age", "mood": "$claim.mood", "code": "$claim.code"}), None),
    (narrow("users", values={"age": "five"}), "table 'users': values: the column 'age' cannot hold the value"),
    (narrow("users", values={"age": ""}), "table 'users': values: the column 'age' cannot hold the value"),
    (narrow("users", values={"mood": "very good"}), "table 'users': values: the column 'mood' cannot hold the value"),
    (narrow("users", values={"owner": "x" * 21}), "table 'users': values: the column 'owner' cannot hold the value"),
    (narrow("users", values={"ghost": 1}), "table 'users': values: there is no column 'ghost'"),
    (narrow("users", values={"ghost": "$user_id"}), "table 'users': values: there is no column 'ghost'"),
    (narrow("users", values={"twice": 1}), "table 'users': values: the column 'twice' is generated"),
    (narrow("users", values={"twice": "$claim.n"}), "table 'users': values: the column 'twice' is generated"),
]


def lines_of_grants(text):
    return [number for number, line in enumerate(text.splitlines(), 1) if line == "[[project.space.database.grant]]"]


def unfit_grants(context, report, folder):
    server = context.mariadb.get()
    server.make_schema("rg_unfit")
    path = os.path.join(folder, "unfit.sqlite")
    databases = {"ms": lambda grants, **more: mariadb_database(server, "rg_unfit", grants=grants, required=False, **more),
                 "sl": lambda grants, **more: sqlite_database(path, grants=grants, required=False, **more)}
    for kind, direct in (("ms", open_mariadb(server, "rg_unfit")), ("sl", open_sqlite(path))):
        direct.script(TABLES[kind])
        said_by_the_command(context, report, kind, databases[kind])
        told_in_the_log(context, report, kind, databases[kind], direct)
        direct.close()
    out_of_reach(context, report, folder, databases["sl"])


def said_by_the_command(context, report, kind, database):
    tenants = Tenants(context, [tenant([database([one for one, _ in CASES])], name="a", org_id="id-a", project=PROJECT)])
    try:
        with open(tenants.file("a"), encoding="utf-8") as text:
            lines = lines_of_grants(text.read())
        report.equal(len(lines), len(CASES), "the grants of the file")
        code, out, err = tenants.rowgate("tenants", "check")
        report.equal((code, out), (1, ""), f"{kind}: tenants check of grants that do not fit")
        said = {}
        for line in err.splitlines():
            parts = re.fullmatch(rf"rowgate: {re.escape(tenants.file('a'))}:(\d+): grant of role 'r' on database {kind}/main: (.*)", line)
            if report.check(parts, f"{kind}: {short(line)}"):
                said.setdefault(int(parts.group(1)), []).append(parts.group(2))
        for (one, wanted), line in zip(CASES, lines):
            found = said.pop(line, [])
            report.check(found == [] if wanted is None else len(found) == 1 and found[0].startswith(wanted), f"{kind}: {one}: {found}, wanted {wanted}")
        report.equal(said, {}, f"{kind}: faults of lines without a grant")
        # `config check` opens nothing: all of this is none of its business.
        report.equal(tenants.rowgate("config", "check")[0], 0, f"{kind}: config check of the same file")
        tenants.write("a", tenant_toml(tenant([database([one for one, says in CASES if says is None])], name="a", org_id="id-a", project=PROJECT)))
        code, out, err = tenants.rowgate("tenants", "check")
        report.check((code, err) == (0, "") and out.endswith(": good, 1 orgs, 1 databases\n"), f"{kind}: tenants check of grants that fit: {code} {out} {err}")
        # Faults of both kinds in one run.
        tenants.write("b", "name = \"b\"\n")
        tenants.write("a", tenant_toml(tenant([database([grant("r", ["gone"])])], name="a", org_id="id-a", project=PROJECT)))
        code, _, err = tenants.rowgate("tenants", "check")
        report.check(code == 1 and tenants.file("b") in err and "there is no table 'gone'" in err, f"{kind}: a faulty file beside an unfit grant: {code} {err}")
    finally:
        places.remove(tenants.gateway.folder)


def told_in_the_log(context, report, kind, database, direct):
    """At start and at each reload, an org at a time; the gateway serves on."""
    def file(*grants):
        return tenant([database([grant("admin", ["users"]), *grants])], name="a", org_id="id-a", project=PROJECT)

    tenants = Tenants(context, [file(narrow("users", read=["ownr"]))])
    tenants.gateway.start()

    def asked():
        return tenants.client.request("GET", f"/v1/a/{PROJECT}/{kind}/main/users?limit=1", headers=identity("a")).status
    try:
        event = tenants.next_event("grant_unfit", 0)
        with open(tenants.file("a"), encoding="utf-8") as text:
            line = lines_of_grants(text.read())[1]
        wanted = f"{tenants.file('a')}:{line}: grant of role 'r' on database {kind}/main: read: table 'users' has no column 'ownr'; did you mean 'owner'?"
        report.equal(event and (event["file"], event["what"]), (tenants.file("a"), wanted), f"{kind}: the log at the start")
        report.equal(asked(), 200, f"{kind}: a request beside it")
        event = tenants.next_event("grants_checked", 0)
        report.equal(event and (event["databases"], event["unfit"], event["unreached"]), (1, 1, 0), f"{kind}: the end of the look at the start")
        # Another org's file is no reason to look at this one again.
        tenants.write("b", tenant_toml(tenant([database([grant("admin", ["users"])])], name="b", org_id="id-b", project=PROJECT)))
        report.check(tenants.next_event("tenants_read", 1) is not None, f"{kind}: the other file was not read")
        event = tenants.next_event("grants_checked", 1)
        report.equal(event and (event["databases"], event["unfit"], event["unreached"]), (1, 0, 0), f"{kind}: the look at another org's file")
        report.equal(len(tenants.events("grant_unfit")), 1, f"{kind}: findings after another org's file changed")
        tenants.write("a", tenant_toml(file(narrow("later"))))
        event = tenants.next_event("grant_unfit", 1)
        report.check(event is not None and event["what"].endswith("there is no table 'later'"), f"{kind}: the log of a reload: {event}")
        direct.run("CREATE TABLE later (id INT PRIMARY KEY)")
        tenants.write("a", tenant_toml(file(narrow("later"), narrow("x*"))))
        event = tenants.next_event("grant_unfit", 2)
        report.check(event is not None and event["what"].endswith("no table matches 'x*'"), f"{kind}: the log once the table is there: {event}")
        report.equal(len(tenants.events("grants_unchecked")), 0, f"{kind}: databases out of reach")
        report.equal(asked(), 200, f"{kind}: a request after it all")
    finally:
        direct.run("DROP TABLE IF EXISTS later")
        tenants.end(report)


def out_of_reach(context, report, folder, database):
    """A database that is not there is named, and is no fault; what of the others does not fit is said."""
    gone = {"type": "ms", "name": "gone", "socket": os.path.join(folder, "nobody"), "user": "root", "grants": [grant("r", ["t"])]}
    lost = sqlite_database(os.path.join(folder, "lost.sqlite"), name="lost", grants=[grant("r", ["t"])], required=False)
    unasked = {**gone, "name": "unasked", "grants": [grant("r", ["*"])]}
    tenants = Tenants(context, [tenant([gone, lost, unasked, database([grant("admin", ["users"])])], name="a", org_id="id-a", project=PROJECT)])
    try:
        code, out, err = tenants.rowgate("tenants", "check")
        report.check(code == 0 and out.endswith(": good, 1 orgs, 4 databases, 2 of them not reached\n"), f"databases out of reach: {code} {out} {err}")
        report.check(len(err.splitlines()) == 2 and f"{tenants.file('a')}: database ms/gone cannot be asked" in err and "database sl/lost cannot be asked" in err,
                     f"what is said of databases out of reach: {err}")
        tenants.gateway.start()
        events = [tenants.next_event("grants_unchecked", at) for at in range(2)]
        report.equal(sorted(event["what"].split(" cannot")[0].rpartition(" ")[2] for event in events if event), ["ms/gone", "sl/lost"],
                     "the log of databases out of reach")
        report.equal(len(tenants.events("grant_unfit")), 0, "findings about databases out of reach")
        begun = time.monotonic()
        report.equal(tenants.gateway.stop(), [], "a stop after that")
        report.check(time.monotonic() - begun < 5, "the stop took long")
        tenants.write("a", tenant_toml(tenant([gone, database([grant("r", ["gone"])])], name="a", org_id="id-a", project=PROJECT)))
        code, _, err = tenants.rowgate("tenants", "check")
        report.check(code == 1 and "there is no table 'gone'" in err and "ms/gone cannot be asked" in err, f"an unfit grant beside a lost database: {code} {err}")
    finally:
        tenants.client.close()
        tenants.admin.close()
        places.remove(tenants.gateway.folder)
