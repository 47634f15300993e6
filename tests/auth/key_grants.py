"""API keys with columns, row filters and forced values of their own: random (grants of roles, grants of the key, request) against the
oracle of the grants, on both databases; and by hand, what a caller would try. Part of the suite `keys`."""
import collections
import json
import os
import re
import subprocess
import sys
import time

from lib import places
from lib.client import audit
from lib.direct import open_mariadb, open_sqlite
from lib.gateway import Gateway, mariadb_database, sqlite_database, table_path, tenant, toml
from lib.report import short

sys.path.insert(1, os.path.join(places.TESTS, "tenants"))
from grant_oracle import COLUMNS, Both, Grant  # noqa: E402
from suite_grants import USERS, VERBS, Run, as_set, check_hidden, grant_toml, make_tables, query_of, random_grant  # noqa: E402

ROLES = 24
LACKED = ("owner", "eq", ["$claim.team"])  # a key's caller has no claims
ROWS = [(1, "u1", "a", 1, "s1", "x"), (2, "u2", "a", 2, "s2", "y"), (3, "u1", "b", 3, None, "z"), (4, None, "b", None, None, None)]
SHOWN = ",".join(column for column in COLUMNS if column != "secret")


def random_key_grant(numbers):
    if numbers.random() < 0.12:
        return Grant(numbers.sample(VERBS, numbers.randint(2, 5)))
    grant = random_grant(numbers)
    if numbers.random() < 0.6:
        grant.verbs = list(VERBS)
    if numbers.random() < 0.08:
        grant.row_filter = [*grant.row_filter, LACKED]
    return grant


def options_of(entry):
    """A grant as `rowgate keys create` takes it."""
    options = []
    for key, value in entry.items():
        if key.startswith("values."):
            options += ["--value", f"{key[7:]}={value}"]
        elif key != "role":
            options += ["--" + key.replace("_", "-"), value if isinstance(value, str) else ",".join(value)]
    return options


def listed(name, value):
    return value.split(",") if name in ("tables", "verbs", "read", "write", "filter") and isinstance(value, str) else value


class Keys:
    def __init__(self, report, gateway):
        self.report, self.gateway = report, gateway
        self.folder = os.path.join(gateway.folder, "keys")

    def run(self, *arguments, stdin=b""):
        return subprocess.run([self.gateway.binary, *arguments, "--config", self.gateway.config], input=stdin,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.gateway.environment(), check=False, timeout=60)

    def create(self, roles, entries, user="u1"):
        """The first grant by options, what follows by hand, as the file may have it."""
        ran = self.run("keys", "create", "--org-id", "org-1", "--project-id", "project-1", "--space-id", "space-1", "--user", user, "--roles",
                       ",".join(roles), *(options_of(entries[0]) if entries else []))
        self.report.check(ran.returncode == 0, f"keys create for {entries}: {ran.stderr.decode()}")
        key = ran.stdout.decode().strip()
        with open(self.path(key), "a", encoding="utf-8") as out:
            for entry in entries[1:]:
                out.write("\n[[grant]]\n" + "".join(f"{name} = {toml(listed(name, value))}\n" for name, value in entry.items() if name != "role"))
        return key

    def path(self, key):
        return os.path.join(self.folder, key[3:11] + ".toml")

    def text(self, key):
        with open(self.path(key), encoding="utf-8") as stored:
            return stored.read()


class KeyRun(Run):
    """A request with the key; a read that names its columns is asked without the key too, which must not show less."""
    key = None

    def ask(self, roles, user, request, table="things"):
        answer = self.with_key(self.key, request["verb"], table_path(self.kind, table) + query_of(request), request.get("body"))
        if request.get("select") and answer.status == 200:
            whole = super().ask(roles, user, request, table)
            shown = collections.Counter(as_set(answer.json())) - collections.Counter(as_set(whole.json()) if whole.status == 200 else [])
            self.report.check(not shown, f"{self.kind} {user} {roles} {request}: the key shows {short(repr(shown))}, which the roles do not: {whole}")
        return answer

    def with_key(self, key, verb, target, body=None):
        return self.client.request(verb, target, body=body, headers=[("X-API-Key", key)])

    def random_keys(self, roles, made, each):
        for names, user, grants, key in made:
            self.fill()
            self.key = key
            pairs = [Both(roles[name], one) for name in names for one in grants if LACKED not in one.row_filter]
            for _ in range(each):
                self.attempt(names, [pair for pair in pairs if not pair.clashes(user)], user)

    def rows(self):
        return self.direct.rows(f"SELECT {','.join(COLUMNS)} FROM things ORDER BY id")

    def refill(self):
        self.direct.run("DELETE FROM things")
        for row in ROWS:
            self.direct.run(f"INSERT INTO things ({','.join(COLUMNS)}) VALUES (?,?,?,?,?,?)", *row)


def entry(verbs="GET,POST,PUT,PATCH,DELETE", tables="things", **more):
    return {"tables": tables, "verbs": verbs, **{key.replace("__", "."): value for key, value in more.items()}}


# The grants of the key, as it is made; request; status; what the answer holds; the ids that are there afterwards, where they change
OWN = entry(row_filter="owner=eq.$user_id")
BLIND = entry(row_filter="owner=eq.$user_id", read=SHOWN, write=SHOWN)
BY_HAND = [
    (["all"], [OWN], "GET", "?select=id", None, 200, b'[{"id":1},{"id":3}]', None, "only the rows of the filter"),
    (["all"], [OWN], "GET", "?owner=eq.u2", None, 200, b"[]", None, "the filter is not replaced by the request's own"),
    (["all"], [OWN], "DELETE", "?id=eq.2", None, 200, b'{"rows_affected":0}', None, "a row outside, by its key"),
    (["all"], [OWN], "DELETE", "?id=ge.0", None, 200, b'{"rows_affected":2}', [2, 4], "all rows: those of the filter"),
    (["all"], [OWN], "PATCH", "?id=eq.2", {"n": 9}, 200, b'{"rows_affected":0}', None, "an update of a row outside"),
    (["all"], [OWN], "PATCH", "?id=eq.1", {"owner": "u2"}, 403, b"row_forbidden", None, "a row moved out of view"),
    (["all"], [OWN], "PUT", "?id=in.1,3", {"owner": None}, 403, b"row_forbidden", None, "rows moved out of view, to NULL"),
    (["all"], [OWN], "PATCH", "?id=eq.1", {"id": 4}, 409, b"constraint_violated", None, "the key of a row outside, taken"),
    (["all"], [OWN], "POST", "", {"id": 9, "owner": "u2"}, 403, b"row_forbidden", None, "an insert outside of the filter"),
    (["all"], [OWN], "POST", "", {"id": 9}, 403, b"row_forbidden", None, "an insert whose default is outside"),
    (["all"], [OWN], "POST", "", [{"id": 9, "owner": "u1"}, {"id": 10, "owner": "u2"}], 403, b"row_forbidden", None, "one row of two outside"),
    (["all"], [OWN], "POST", "", {"id": 9, "owner": "u1"}, 201, b'{"rows_affected":1', [1, 2, 3, 4, 9], "an insert inside"),
    (["all"], [OWN], "POST", "", {"id": 2, "owner": "u1"}, 409, b"constraint_violated", None, "an insert on the key of a row outside"),
    (["all"], [BLIND], "GET", "?id=eq.1&select=*", None, 200, b'[{"id":1,"owner":"u1","kind":"a","n":1,"note":"x"}]', None, "select=* without the hidden one"),
    (["all"], [entry(read="id,n", filter="id")], "GET", "?n=eq.1", None, 403, b"forbidden", None, "shown, and not to be filtered by"),
    (["all"], [entry(read="id,n", filter="id")], "GET", "?id=eq.1", None, 200, b'[{"id":1,"n":1}]', None, "the columns without select"),
    (["all"], [entry(write="note")], "PATCH", "?id=eq.1", {"n": 2}, 403, b"forbidden", None, "shown, and not to be written"),
    (["all"], [entry(row_filter="owner=eq.$user_id", values__owner="$user_id")], "POST", "", {"id": 9}, 201, b"rows_affected", [1, 2, 3, 4, 9], "filled in"),
    (["all"], [entry(values__owner="$user_id")], "POST", "", {"id": 9, "owner": "u2"}, 403, b"row_forbidden", None, "another value than the forced one"),
    (["all"], [entry(values__owner="$user_id")], "PATCH", "?id=eq.2", {"owner": "u2"}, 403, b"row_forbidden", None, "another value in an update"),
    (["mine"], [entry()], "DELETE", "?id=ge.0", None, 200, b'{"rows_affected":2}', [2, 4], "the roles' row filter stays under a key without one"),
    (["mine"], [entry(row_filter="kind=eq.b")], "GET", "?select=id", None, 200, b'[{"id":3}]', None, "both row filters"),
    (["mine"], [entry(row_filter="owner=eq.u2")], "GET", "?select=id", None, 200, b"[]", None, "row filters that exclude each other"),
    (["mine"], [entry(row_filter="owner=eq.u2"), entry(row_filter="kind=eq.a")], "GET", "?select=id", None, 200, b'[{"id":1}]', None, "OR among the key's"),
    (["all"], [entry("GET", row_filter="kind=eq.a"), entry("DELETE")], "GET", "?select=id", None, 200, b'[{"id":1},{"id":2}]', None, "another verb lifts nothing"),
    (["all"], [entry("GET", row_filter="kind=eq.a"), entry("GET")], "GET", "?select=id&id=le.3", None, 200, b'[{"id":1},{"id":2},{"id":3}]', None, "lifted"),
    (["narrow"], [entry(read="id,owner")], "GET", "?id=eq.1", None, 200, b'[{"id":1}]', None, "columns of both"),
    (["narrow"], [entry(read="owner")], "GET", "", None, 403, b"forbidden", None, "no column of both"),
    (["narrow"], [entry(read="owner")], "GET", "?select=id", None, 400, b"column_unknown", None, "a column of the role's that the key hides"),
    (["narrow"], [entry(read="owner")], "GET", "?select=owner", None, 400, b"column_unknown", None, "a column of the key's that the role hides"),
    (["narrow"], [entry(values__n=7)], "POST", "", {"id": 9}, 404, b"table_unknown", None, "a forced value where the role lets none be written"),
    (["narrow"], [entry(values__note="z")], "POST", "", {"id": 9}, 201, b"rows_affected", [1, 2, 3, 4, 9], "a forced value that the role lets be written"),
    (["forced"], [entry(values__owner="robot")], "POST", "", {"id": 9}, 404, b"table_unknown", None, "two values for one column"),
    (["forced"], [entry(values__owner="u1", values__kind="b")], "POST", "", {"id": 9}, 201, b"rows_affected", [1, 2, 3, 4, 9], "forced values united"),
    (["all"], [entry(row_filter="owner=eq.$claim.team")], "GET", "", None, 404, b"table_unknown", None, "a claim that no key has"),
    (["all"], [entry(row_filter="nosuch=eq.1")], "GET", "", None, 404, b"table_unknown", None, "a row filter that does not fit"),
    (["all"], [entry(row_filter="n=eq.word")], "DELETE", "?id=eq.1", None, 404, b"table_unknown", None, "a value that does not fit"),
    (["all"], [entry(tables="pairs", row_filter="n=eq.1")], "DELETE", "?id=eq.1", None, 404, b"table_unknown", None, "another table"),
    (["all"], [entry("GET", row_filter="n=eq.1")], "DELETE", "?id=eq.1", None, 403, b"forbidden", None, "another verb"),
    (["nobody"], [OWN], "GET", "", None, 404, b"table_unknown", None, "roles without a grant"),
]


def check_by_hand(run, keys):
    report = run.report
    for (roles, entries, verb, query, body, status, holds, ids, why), key in zip(BY_HAND, keys):
        run.refill()
        before = run.rows()
        answer = run.with_key(key, verb, table_path(run.kind, "things") + query, body)
        report.check(answer.status == status and holds in answer.body and not audit(answer, verb), f"{run.kind} {why}: wanted {status} {holds}, got {answer}")
        after = run.rows()
        report.equal([row[0] for row in after] if ids else after, ids or before, f"{run.kind} {why}: the rows afterwards")
        if status == 409:
            report.check(b"PRIMARY" not in answer.body and b"things." not in answer.body, f"{run.kind} {why}: names a constraint: {answer}")
        if status == 404:
            other = run.with_key(key, verb, table_path(run.kind, "nosuch") + query, body)
            report.equal(answer.body.replace(b"'things'", b"'nosuch'"), other.body, f"{run.kind} {why}: as a table that there is not")
            if "claim" in why:
                listed = run.with_key(key, "GET", table_path(run.kind, "things").rsplit("/", 1)[0]).json()["tables"]
                report.equal(listed, [], f"{run.kind} {why}: the list of tables")
        end = answer.header("Content-Range")
        if verb == "GET" and answer.status == 200:
            report.equal(end.rpartition("/")[2], str(len(answer.json())), f"{run.kind} {why}: the count")
        if why == "filled in":
            report.equal(after[-1][1], "u1", f"{run.kind} {why}")
        if why == "forced values united":
            report.equal(after[-1][1:3], ("u1", "b"), f"{run.kind} {why}")


def check_commands(report, keys, many):
    """What `keys create` refuses, that a file goes through a revocation unchanged, and what `keys list` shows."""
    made = ["keys", "create", "--org-id", "org-1", "--project-id", "project-1", "--space-id", "space-1", "--user", "u1", "--roles", "all"]
    some, gone = ["--verbs", "GET", "--tables", "things"], ["--verbs", "DELETE", "--tables", "things"]
    before = sorted(os.listdir(keys.folder))
    for more, code, says in ((["--read", "id"], 1, "need --verbs and --tables"), (["--row-filter", "id=eq.1", "--verbs", "GET"], 1, "go together"),
                             ([*some, "--row-filter", ""], 2, "must not be empty"), ([*some, "--read", ""], 2, "must not be empty"),
                             (["--verbs", "", "--tables", ""], 2, "must not be empty"), (["--expires", ""], 2, "must not be empty"),
                             ([*some, "--read", "*"], 1, "names columns, not patterns"), ([*some, "--read", "id,id"], 1, "stands twice"),
                             ([*some, "--row-filter", "id=1"], 1, "row_filter: at"), ([*some, "--row-filter", "limit=5"], 1, "takes conditions only"),
                             ([*some, "--row-filter", "owner=eq.$user"], 1, "is none of $user_id"), ([*some, "--value", "owner"], 1, "COLUMN=VALUE"),
                             ([*some, "--value", "=x"], 1, "COLUMN=VALUE"), ([*some, "--value", "a=$x"], 1, "is none of $user_id"),
                             ([*some, "--value", "a=1", "--value", "a=2"], 1, "given twice"), ([*some, "--row-filter", "a=eq.\u0007"], 1, "control characters"),
                             (["--affected-max", "5"], 1, "need --verbs and --tables"), (["--confirm"], 1, "need --verbs and --tables"),
                             ([*some, "--affected-max", "5"], 1, "affected_max: stands without its verb"), ([*some, "--confirm"], 1, "confirm: stands without its verb"),
                             ([*gone, "--affected-max", ""], 2, "must not be empty"), ([*gone, "--missing", ""], 2, "must not be empty"),
                             ([*gone, "--conditional-delete", "many"], 1, "takes one alone"), ([*gone, "--missing", "gone"], 1, "takes ok alone"),
                             *(([*gone, f"{option}={value}"], 1, f"{option} takes a whole number from 0 to 1000000000000")
                               for option in ("--affected-max", "--cascaded-max")
                               for value in ("-1", "1.5", "010", "0x10", "+5", " 5", "5 # rows", "five", "1000000000001", "99999999999999999999"))):
        ran = keys.run(*made, *more)
        report.check(ran.returncode == code and says in ran.stderr.decode() + ran.stdout.decode() and b"rg_" not in ran.stdout, f"keys create {more}: {ran}")
    report.equal(sorted(os.listdir(keys.folder)), before, "the keys after refused commands")
    wide = {**entry("GET,POST", "things,art*"), "read": "id,note", "write": "note", "filter": "id", "row_filter": 'note=in."a,b",$user_id&kind=eq.$$5', "values.note": "$$x \"q\""}
    key = keys.create(["all"], [wide])
    text = keys.text(key)
    ran = keys.run("keys", "revoke", key[3:11])
    report.equal((ran.returncode, re.sub(r"\nrevoked = .*", "", keys.text(key))), (0, text), "the file of a revoked key")
    listed = {one["id"]: one for one in json.loads(keys.run("keys", "list", "--json").stdout)}
    report.equal(listed[key[3:11]]["grants"], [{"tables": ["things", "art*"], "verbs": ["GET", "POST"], "read": ["id", "note"], "write": ["note"], "filter": ["id"],
                                               "row_filter": wide["row_filter"], "values": ["note=$$x \"q\""]}], "the listed grant")
    report.equal(len(listed[many[3:11]]["grants"]), 2, "two listed grants")
    ran = keys.run(*made, *gone, "--affected-max", "0", "--cascaded-max=1000000000000", "--conditional-delete", "one", "--confirm", "--missing", "ok")
    stands = ran.stdout.decode().strip()
    text = keys.text(stands)
    ran = keys.run("keys", "revoke", stands[3:11])
    report.equal((ran.returncode, re.sub(r"\nrevoked = .*", "", keys.text(stands))), (0, text), "the file of a revoked key that says what stands")
    listed = {one["id"]: one for one in json.loads(keys.run("keys", "list", "--json").stdout)}
    report.equal(listed[stands[3:11]]["grants"], [{"tables": ["things"], "verbs": ["DELETE"], "affected_max": 0, "cascaded_max": 1000000000000,
                                                  "conditional_delete": "one", "confirm": True, "missing": "ok"}], "the listed grant of what stands")
    line = [line for line in keys.run("keys", "list").stdout.decode().splitlines() if line.startswith(key[3:11])][0]
    report.check(f"only GET,POST on things,art* read id,note write note filter id where {wide['row_filter']} values note=$$x" in line, f"keys list: {line}")
    told = keys.run("explain-access", "--key-id", key[3:11], "GET", table_path("sl", "things"), "--json")
    report.check(told.returncode == 1 and "is revoked" in json.loads(told.stdout)["why"], f"a revoked key explained: {told}")


def check_explained(run, keys, made):
    """explain-access with the key's id alone: the gateway's own verdict, and whose grant narrowed."""
    report = run.report
    for (roles, entries, verb, query, body, status, holds, ids, why), key in list(zip(BY_HAND, made)):
        if status == 409 or (status == 403 and b"row_" in holds and "value" not in why):
            continue  # only the row as it was written could tell
        run.refill()
        before = run.rows()
        ran = keys.run("explain-access", "--key-id", key[3:11], "--json", *(["--body", json.dumps(body)] if body else []), verb,
                       table_path(run.kind, "things") + query)
        told = json.loads(ran.stdout) if ran.stdout else {}
        report.equal((ran.returncode, told.get("decision"), told.get("problem", {}).get("status", status)),
                     (0, "allowed", status) if status < 300 else (1, "refused", status), f"{run.kind} explained: {why}: {short(repr(ran))}")
        report.equal(len(told["key_grants"]), len(entries), f"{run.kind} explained: {why}: the key's grants")
        effects = [one["effect"] for one in told["key_grants"]]
        report.check(("allows" in effects) == (status < 300) or holds == b"forbidden" and query == "", f"{run.kind} explained: {why}: {told['key_grants']}")
        report.equal(run.rows(), before, f"{run.kind} explained: {why}: the rows")

    def words(why, at=0):
        number = [one[-1] for one in BY_HAND].index(why)
        _, _, verb, query, body, *_ = BY_HAND[number]
        ran = keys.run("explain-access", "--key-id", made[number][3:11], "--json", *(["--body", json.dumps(body)] if body else []), verb,
                       table_path(run.kind, "things") + query)
        told = json.loads(ran.stdout)
        return told["key_grants"][at]["effect"], told["key_grants"][at]["why"], told

    effect, said, told = words("both row filters")
    report.check(effect == "allows" and "the rows of its row filter" in said and told["key_grants"][0]["row_filter"] == "kind=eq.b", f"{run.kind} {said}: {told}")
    report.check("'b'" in str(told["statements"]) and "'u1'" in str(told["statements"]), f"{run.kind} the statement has both filters: {told['statements']}")
    report.check("writes another value into column 'owner'" in words("two values for one column")[1], f"{run.kind} two values: {words('two values for one column')}")
    report.check("does not let be written" in words("a forced value where the role lets none be written")[1], f"{run.kind} a value that is not the role's to write")
    report.check("no value for $claim.team" in words("a claim that no key has")[1], f"{run.kind} a claim: {words('a claim that no key has')}")
    report.check("does not fit the table" in words("a row filter that does not fit")[1], f"{run.kind} a misfit: {words('a row filter that does not fit')}")
    report.check("cannot be written under this grant" in words("shown, and not to be written")[1], f"{run.kind} not written: {words('shown, and not to be written')}")
    report.equal(words("another verb")[:2], ("refuses", "it names the table, but not DELETE"), f"{run.kind} a verb")
    report.check("nothing to narrow" in words("roles without a grant")[1], f"{run.kind} no role")
    report.equal(words("select=* without the hidden one")[2]["hidden_columns"]["select"], ["secret"], f"{run.kind} hidden by the key")
    ran = keys.run("whoami", "--key", "-", "--json", stdin=made[0].encode())
    report.equal(json.loads(ran.stdout)["key_narrowed_to"][0]["row_filter"], "owner=eq.u1", "whoami says the key's row filter")
    for arguments in (["--key-id", "aaaaaaaa"], ["--key-id", "x"], ["--key-id", made[0][3:11], "--user", "u2"], ["--user", "u2"]):
        ran = keys.run("explain-access", *arguments, "GET", table_path(run.kind, "things"))
        report.check(ran.returncode == 2 and ran.stderr, f"explain-access {arguments}: {ran}")


def entries_of_roles():
    everything = {"tables": ["things", "pairs"], "verbs": VERBS}
    return [{"role": "all", **everything}, {"role": "mine", **everything, "row_filter": "owner=eq.$user_id"},
            {"role": "narrow", **everything, "read": ["id", "n"], "write": ["id", "note"]},
            {"role": "forced", **everything, "values.owner": "$user_id"}]


def check_key_grants(context, report):
    numbers = context.random("key grants")
    folder = places.scratch("key-grants")
    server = context.mariadb.get()
    server.make_schema("rg_keys")
    path = os.path.join(folder, "main.sqlite")
    directs = {"ms": open_mariadb(server, "rg_keys"), "sl": open_sqlite(path)}
    roles = {f"r{number}": random_grant(numbers) for number in range(ROLES)}
    entries = [grant_toml(role, "things", grant) for role, grant in roles.items()] + entries_of_roles()
    for kind, direct in directs.items():
        make_tables(direct, kind)
    databases = [mariadb_database(server, "rg_keys", grants=entries), sqlite_database(path, grants=entries)]
    gateway = Gateway(context.preset, [tenant(databases)], {"auth": {"modes": ["headers", "api_key"]}}).start()
    try:
        keys = Keys(report, gateway)
        made = []
        for _ in range(400 if context.full else 60):
            names = [name for name in roles if name in numbers.sample(sorted(roles), numbers.choice((1, 2, 3)))]
            names = names or [numbers.choice(sorted(roles))]
            user = numbers.choice(USERS)
            grants = [random_key_grant(numbers) for _ in range(numbers.choice((1, 1, 2, 3)))]
            table = numbers.choice(["things", "th*", "*"])
            made.append((names, user, grants, keys.create(names, [grant_toml("", table, grant) for grant in grants], user)))
        by_hand = [keys.create(one[0], one[1]) for one in BY_HAND]
        blind = keys.create(["all"], [BLIND])
        asked = good = 0
        for kind, direct in directs.items():
            run = KeyRun(report, gateway, kind, direct, numbers)
            until_known(run, blind)
            run.random_keys(roles, made, 40 if context.full else 8)
            report.note(f"{kind} " + ", ".join(f"{count} {effect}" for effect, count in sorted(run.effects.items())))
            asked, good = asked + run.asked, good + run.good
            check_by_hand(run, by_hand)
            run.refill()
            check_hidden(report, run, [("X-API-Key", blind)])
            check_explained(run, keys, by_hand)
        report.check(good >= 0.25 * asked, f"only {good} of {asked} requests with narrowed keys were answered 2xx")
        report.note(f"{good} of {asked} requests with narrowed keys answered 2xx")
        check_commands(report, keys, [key for one, key in zip(BY_HAND, by_hand) if len(one[1]) == 2][0])
    finally:
        gateway.destroy(report)
        for direct in directs.values():
            direct.close()
        places.remove(folder)


def until_known(run, key):
    """The gateway sees new files within two seconds, all of them at once."""
    end = time.monotonic() + 5
    while run.with_key(key, "GET", table_path(run.kind, "things")).status == 401 and time.monotonic() < end:
        time.sleep(0.05)
