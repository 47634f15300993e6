"""`rowgate whoami` and `rowgate explain-access`: their verdict is that of the gateway that serves with the same files, they say why, and
they change nothing."""
import json
import os
import subprocess

from issuer import AUDIENCE, ISSUER, by_hand, claims
from lib import places
from lib.direct import open_mariadb, open_sqlite
from lib.gateway import Gateway, grant, mariadb_database, sqlite_database, table_path, tenant
from lib.report import Report, short

SECRET = "a secret of more than thirty-two bytes"
IDS = ["--org-id", "org-1", "--project-id", "project-1", "--space-id", "space-1"]
GRANTS = [
    grant("admin", ["*"]),
    {**grant("author", ["articles"], ["GET", "POST", "PATCH", "DELETE"]), "read": ["id", "owner", "title"], "write": ["title"], "filter": ["id", "title"],
     "row_filter": "owner=eq.$user_id"},
    {**grant("team", ["art*"], ["GET"]), "read": ["id", "team"], "row_filter": "team=eq.$claim.team"},
    {**grant("poster", ["articles"], ["POST"]), "write": ["id", "title"], "read": ["id"]},
    grant("viewer", ["other"], ["GET"]),
]
ROLES = (["admin"], ["author"], ["team"], ["poster"], ["viewer"], ["author", "team"], ["author", "poster"], ["nobody"])
REQUESTS = (
    ("GET", ""), ("GET", "?select=id"), ("GET", "?select=id,title"), ("GET", "?select=id,team"), ("GET", "?select=secret"), ("GET", "?secret=eq.1"),
    ("GET", "?owner=eq.user-1"), ("GET", "?team=eq.red"), ("GET", "?order=title"), ("GET", "?order=secret"), ("GET", "?id=eq.x"), ("GET", "?id=is"),
    ("DELETE", ""), ("DELETE", "?id=eq.900"), ("DELETE", "?secret=eq.900"), ("DELETE", "?owner=eq.900"), ("DELETE", "?nothing=eq.1"),
    ("PATCH", "?id=eq.900", {"title": "x"}), ("PATCH", "?id=eq.900", {"secret": 1}), ("PATCH", "?id=eq.900", {"owner": "x"}), ("PATCH", "", {"title": "x"}),
    ("PUT", "?id=eq.900", {"title": "x"}), ("POST", "", {"nothing": 1}), ("POST", "", {"secret": "no number"}), ("POST", "", {"team": "red"}), ("POST", "", {"title": "x"}),
)


class Lab:
    def __init__(self, report, gateway):
        self.report, self.gateway = report, gateway

    def run(self, *arguments, stdin=b""):
        return subprocess.run([self.gateway.binary, arguments[0], "--config", self.gateway.config, *arguments[1:]], input=stdin,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.gateway.environment(), check=False, timeout=60)

    def told(self, code, *arguments, stdin=b""):
        """What it prints as JSON; the text form must end alike."""
        ran = self.run(*arguments, "--json", stdin=stdin)
        said = ran.stdout.decode()
        self.report.equal(ran.returncode, code, f"the exit code of {short(' '.join(arguments), 300)}: {short(said + ran.stderr.decode())}")
        self.report.equal(self.run(*arguments, stdin=stdin).returncode, code, f"the exit code of {short(' '.join(arguments), 300)} as text")
        return json.loads(said) if said else {}

    def explain(self, code, roles, method, target, *more, user="user-1"):
        return self.told(code, "explain-access", *IDS, "--user", user, "--roles", ",".join(roles), *more, method, target)


def by_line(told):
    return {one["role"]: (one["effect"], one["why"]) for one in told["grants"]}


def verdicts(lab, client, database_type, rows):
    """Every request, with every caller, by the command and by the gateway that serves."""
    report = lab.report
    allowed = 0
    for roles in ROLES:
        for method, query, *rest in REQUESTS:
            target = table_path(database_type, "articles") + query
            body = json.dumps(rest[0]) if rest else None
            before = rows()
            ran = lab.run("explain-access", *IDS, "--user", "user-1", "--roles", ",".join(roles), "--json", method, target, *(["--body", body] if body else []))
            report.equal(rows(), before, f"the rows after the explanation of {method} {target} {body}")
            headers = [("X-Org-Id", "org-1"), ("X-Project-Id", "project-1"), ("X-Space-Id", "space-1"), ("X-User-Id", "user-1"), ("X-User-Roles", ",".join(roles))]
            answer = client.request(method, target, body=rest[0] if rest else None, headers=headers, identity=False)
            what = f"{roles} {method} {target} {body}"
            told = json.loads(ran.stdout)
            if answer.status < 300:
                allowed += 1
                report.equal((ran.returncode, told["decision"]), (0, "allowed"), what)
                report.check(told["statements"] and any(one["effect"] == "allows" for one in told["grants"]), f"{what}: {short(told)}")
            elif answer.problem()["code"] == "row_forbidden" and "then" in told:
                report.equal(ran.returncode, 0, f"{what}: only the row as it was written could tell")
            else:
                problem = answer.problem()
                refusal = told.get("problem", {})
                got = (ran.returncode, told["decision"], refusal.get("status"), refusal.get("code"), refusal.get("detail"))
                report.equal(got, (1, "refused", answer.status, problem["code"], problem.get("detail")), what)
    report.check(allowed >= 30, f"{allowed} requests are allowed: the verdicts prove little")


def reasons(lab, database_type, rows):
    """The words about each grant, the row filters, the hidden columns, the statements; and that nothing was done."""
    report = lab.report
    target = table_path(database_type, "articles")
    before = rows()
    told = lab.explain(0, ["author", "team"], "DELETE", target + "?id=eq.1", "--claim", "team=red")
    words = by_line(told)
    report.equal(words["admin"], ("none", "the caller does not have the role 'admin'"), "a role that is not held")
    report.equal(words["team"], ("refuses", "it names the table, but not DELETE"), "a verb that is not granted")
    report.equal(words["author"], ("allows", "the rows of its row filter"), "the grant that allows")
    author = [one for one in told["grants"] if one["role"] == "author"][0]
    report.equal(author["row_filter"], "owner=eq.user-1", "the row filter with its value")
    sql = told["statements"][-1]
    report.check(sql["sql"].startswith("DELETE FROM") and "owner" in sql["sql"] and "'user-1'" in sql["parameters"], f"the statement: {sql}")
    report.equal(told["hidden_columns"]["select"], ["secret"], "hidden to author and team")
    told = lab.explain(1, ["author"], "DELETE", target + "?secret=eq.1")
    report.equal(by_line(told)["author"], ("refuses", "column 'secret' cannot be filtered or ordered by under this grant"), "a hidden column in a filter")
    report.equal(told["hidden_columns"]["filter_and_order"], ["secret", "team"], "hidden to author")
    told = lab.explain(1, ["author"], "PATCH", target + "?id=eq.1", "--body", '{"owner":"x"}')
    report.equal(by_line(told)["author"], ("refuses", "column 'owner' cannot be written under this grant"), "a column that is read only")
    told = lab.explain(1, ["author"], "GET", target + "?select=id,secret")
    report.equal(by_line(told)["author"], ("refuses", "column 'secret' cannot be read under this grant"), "a hidden column in select")
    told = lab.explain(1, ["team"], "GET", target)
    report.equal(by_line(told)["team"], ("none", "the caller has no value for $claim.team"), "a claim that is missing")
    told = lab.explain(1, ["viewer"], "GET", target)
    report.equal(by_line(told)["viewer"], ("none", "it does not name the table 'articles'"), "another table")
    told = lab.explain(0, ["admin", "author"], "GET", target)
    report.equal((by_line(told)["admin"][0], by_line(told)["author"]), ("allows", ("none", "another grant allows the whole table")), "a grant that lifts")
    told = lab.explain(0, ["admin"], "POST", target, "--body", '{"id":77,"owner":"x","title":"t"}')
    report.check("INSERT" in told["statements"][0]["sql"] and "77" in told["statements"][0]["parameters"], f"an insert: {told['statements']}")
    told = lab.explain(0, ["admin"], "GET", table_path(database_type, "articles").rsplit("/", 1)[0])
    report.check("articles" in told["answer"], "the list of tables")
    report.equal(rows(), before, "the rows after explanations of writes")


def usage(lab):
    """2 for what is no question, with a word about it, and nothing on standard output."""
    target = table_path("sl", "articles")
    user = ["--user", "u", "--roles", "admin"]
    for arguments in (["explain-access", *IDS, *user, "GET"], ["explain-access", *user, "GET", target], ["explain-access", *IDS, *user, "POST", target],
                      ["explain-access", *IDS, *user, "GET", "v1/x"], ["explain-access", *IDS, *user, "GET", target + "?a=eq.b c"],
                      ["explain-access", *IDS, *user, "--claim", "team", "GET", target], ["explain-access", *IDS, "--user", "u", "--roles", ",", "GET", target],
                      ["whoami"], ["whoami", "--token", "-", "--key", "-"], ["whoami", "--key", "-"], ["whoami", "--token"]):
        ran = lab.run(*arguments)
        lab.report.equal(ran.returncode, 2, f"the exit code of {arguments}")
        lab.report.check(ran.stderr and not ran.stdout.startswith(b"{") and b"decision" not in ran.stdout, f"{arguments} says {ran.stdout + ran.stderr!r}")
    ran = lab.run("whoami", "--config", "/nowhere", "--key", "x")
    lab.report.equal(ran.returncode, 2, "the exit code without a configuration")


def identities(lab):
    report = lab.report
    good = by_hand({"alg": "HS256"}, {**claims(), "team": "red"}, secret=SECRET.encode())
    told = lab.told(0, "whoami", "--token", "-", stdin=good.encode() + b"\n")
    report.equal((told["verified"], told["org_id"], told["roles"]), (True, "org-1", claims()["roles"]), "a good token")
    report.check("team=red" in told["claims"] and told["expires"].endswith("Z"), f"claims and expiry: {told}")
    report.equal([(one["path"], [each["database"] for each in one["databases"]]) for one in told["spaces"]], [("acme/demo", ["sl/main", "ms/main"])], "its space")
    for changed, why in ((good[:-4] + "AAAA", "signature"), (by_hand({"alg": "HS256"}, {**claims(), "iss": "https://other"}, secret=SECRET.encode()), "iss"),
                         (by_hand({"alg": "HS256"}, {**claims(), "exp": 1}, secret=SECRET.encode()), "exp"), ("x.y", "")):
        told = lab.told(1, "whoami", "--token", changed)
        report.check(not told["verified"] and why in told["why"] and told["why"] != told["problem"]["detail"], f"why not: {told}")
        report.equal(told["problem"]["code"], "credential_invalid", "what a client is told")
    made = subprocess.run([lab.gateway.binary, "keys", "create", "--config", lab.gateway.config, *IDS, "--user", "robot", "--roles", "author",
                           "--expires", "2099-01-01T00:00:00Z"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, env=lab.gateway.environment())
    key = made.stdout.decode().splitlines()[-1]
    told = lab.told(0, "whoami", "--key", "-", stdin=key.encode())
    report.equal((told["user_id"], told["key_id"], told["expires"]), ("robot", key[3:11], "2099-01-01T00:00:00Z"), "a good key")
    report.equal([one["role"] for each in told["spaces"][0]["databases"] for one in each["grants"]], ["author"] * len(told["spaces"][0]["databases"]), "its grants")
    report.check(key not in json.dumps(told), "whoami repeats the key")
    report.check("mistyped" in lab.told(1, "whoami", "--key", key[:-1] + ("a" if key[-1] != "a" else "b"))["why"], "a mistyped key")
    os.unlink(os.path.join(lab.gateway.folder, "keys", key[3:11] + ".toml"))
    report.check("is unknown" in lab.told(1, "whoami", "--key", key)["why"], "a key that is gone")
    headers = [*IDS, "--user", "ann", "--roles", "author,team"]
    told = lab.told(0, "whoami", *headers)
    report.equal((told["user_id"], told["roles"]), ("ann", ["author", "team"]), "the five headers")
    report.equal(lab.told(1, "whoami", *headers, "--peer", "192.0.2.1")["problem"]["code"], "identity_untrusted", "the five headers from anywhere")
    report.equal(lab.told(1, "whoami", *headers, "--token", good)["problem"]["code"], "identity_mismatch", "headers that say otherwise")
    told = lab.told(0, "whoami", *headers[:1], "org-9", *headers[2:])
    report.equal(told["spaces"], [], "ids of nobody")


def without_database(lab, path):
    os.rename(path, path + ".away")
    try:
        target = table_path("sl", "articles")
        told = lab.explain(0, ["author"], "DELETE", target + "?id=eq.1")
        lab.report.check("up to the grants" in told.get("known", "") and "statements" not in told, f"without the database: {short(told)}")
        lab.explain(1, ["team"], "DELETE", target + "?id=eq.1", "--claim", "team=red")
        lab.explain(1, ["nobody"], "DELETE", target + "?id=eq.1")
    finally:
        os.rename(path + ".away", path)


def run(context):
    report = Report("explain")
    folder = places.scratch("explain")
    path = os.path.join(folder, "main.sqlite")
    server = context.mariadb.get()
    server.make_schema("rg_explain")
    directs = {"sl": open_sqlite(path), "ms": open_mariadb(server, "rg_explain")}
    for direct in directs.values():
        direct.run("CREATE TABLE articles (id INTEGER PRIMARY KEY, owner VARCHAR(20), title VARCHAR(20), secret INTEGER, team VARCHAR(20))")
        direct.run("INSERT INTO articles VALUES (1, 'user-1', 'one', 1, 'red'), (2, 'user-2', 'two', 2, 'blue')")
    with open(os.path.join(folder, "secret"), "w", encoding="utf-8") as out:
        out.write(SECRET + "\n")
    databases = [sqlite_database(path, grants=GRANTS), mariadb_database(server, "rg_explain", grants=GRANTS)]
    auth = {"modes": ["headers", "jwt", "api_key"], "jwt_issuer": ISSUER, "jwt_audiences": [AUDIENCE], "jwt_secret_file": os.path.join(folder, "secret")}
    gateway = Gateway(context.preset, [tenant(databases)], {"auth": auth}).start()
    lab = Lab(report, gateway)
    try:
        for database_type, direct in directs.items():
            def rows(direct=direct):
                return direct.rows("SELECT * FROM articles ORDER BY id")
            verdicts(lab, gateway.client(identity=False), database_type, rows)
            reasons(lab, database_type, rows)
        identities(lab)
        usage(lab)
    finally:
        for direct in directs.values():
            direct.close()
        report.equal(gateway.stop(), [], "how the gateway ended")
    without_database(lab, path)
    gateway.destroy()
    places.remove(folder)
    return report
