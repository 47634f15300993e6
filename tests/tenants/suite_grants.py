"""Grants with columns, row filters and forced values. Random grants x random requests against an oracle that filters the whole table
itself, on both databases; hidden columns probed; rows that triggers and generated columns would move out of the caller's view."""
import json
import os

from grant_oracle import COLUMNS, NUMBERS, Grant, Oracle
from lib import places
from lib.client import audit
from lib.direct import open_mariadb, open_sqlite
from lib.gateway import Gateway, encode, mariadb_database, sqlite_database, table_path, tenant
from lib.report import Report, short

USERS = ["u1", "u2", "u3"]
VARIABLES = ("$user_id", "$claim.team")
ROLES = 48
VERBS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
WORDS = {"owner": USERS + [None], "kind": ["a", "b", "c"], "n": [0, 1, 2, 3, 5, 8, None], "secret": ["s1", "s2", None],
         "note": ["x", "xy", "z", "$x", None]}


def random_condition(numbers, columns):
    column = numbers.choice(sorted(columns))
    values = [value for value in WORDS.get(column, range(1, 60)) if value is not None]
    operator = numbers.choice(["eq", "eq", "in", "ne", "bw", "gt", "le"] if column in NUMBERS else ["eq", "eq", "in", "ne", "rli"])
    if column not in ("id", "kind") and numbers.random() < 0.15:
        return (column, "is.null", [])
    if operator == "in":
        return (column, "in", numbers.sample(list(values), numbers.randint(1, min(3, len(values)))))
    if operator == "bw":
        return (column, "bw", sorted([numbers.choice(values), numbers.choice(values)]))
    return (column, operator, [numbers.choice(values)])


def written(condition, is_grant=False):
    column, operator, values = condition
    if operator == "is.null":
        return f"{column}=is.null"
    texts = [str(value) if not is_grant or value in VARIABLES else str(value).replace("$", "$$") for value in values]
    return f"{column}={operator}." + (",".join(texts) if is_grant else ",".join(encode(text) for text in texts))


def random_columns(numbers, likely):
    if numbers.random() < 0.5:
        return None
    columns = [column for column in COLUMNS if numbers.random() < likely]
    return columns or [numbers.choice(COLUMNS)]


def random_grant(numbers):
    verbs = numbers.sample(VERBS, numbers.randint(1, 5))
    if numbers.random() < 0.5 and "GET" not in verbs:
        verbs.append("GET")
    row_filter, values = [], {}
    for _ in range(numbers.choice((0, 1, 1, 2))):
        one = random_condition(numbers, set(COLUMNS) - {"id"})
        row_filter.append(("owner", "eq", ["$user_id"]) if numbers.random() < 0.5 else one)
    if numbers.random() < 0.35:
        values = numbers.choice([{"owner": "$user_id"}, {"owner": "$user_id"}, {"kind": "a"}, {"note": "$x", "n": 2}])
    return Grant(verbs, random_columns(numbers, 0.8), random_columns(numbers, 0.8), random_columns(numbers, 0.8) if numbers.random() < 0.3 else None,
                 row_filter, values)


def grant_toml(role, table, grant):
    entry = {"role": role, "tables": [table], "verbs": grant.verbs}
    for key, columns in (("read", grant.read_list), ("write", grant.write_list), ("filter", grant.filter_list)):
        if columns is not None:
            entry[key] = columns
    if grant.row_filter:
        entry["row_filter"] = "&".join(written(one, True) for one in grant.row_filter)
    for column, value in grant.values.items():
        entry[f"values.{column}"] = value if value == "$user_id" or not isinstance(value, str) else value.replace("$", "$$")
    return entry


def random_row(numbers, columns, most):
    return {column: numbers.choice(WORDS[column]) for column in numbers.sample(sorted(set(columns) - {"id"}), numbers.randint(1, most))}


def random_request(numbers, oracle):
    """Mostly of columns that the caller's grants name: a request that is merely refused says little."""
    verb = numbers.choice(["GET", "GET", "GET", "POST", "PATCH", "PUT", "DELETE"])
    grants = [grant for grant in oracle.grants if verb in grant.verbs]
    wide = numbers.random() < 0.15 or not grants
    grant = numbers.choice(grants) if grants else None
    readable, filterable, writable = (set(COLUMNS),) * 3 if wide else (grant.read or set(COLUMNS), grant.filter or set(COLUMNS), grant.write - {"id"} or {"kind"})
    request = {"verb": verb}
    if verb == "GET":
        request["where"] = [random_condition(numbers, filterable) for _ in range(numbers.choice((0, 1, 1, 2)))]
        request["order"] = [numbers.choice(sorted(filterable))] if numbers.random() < 0.3 else []
        if numbers.random() < 0.6:
            request["select"] = numbers.sample(sorted(readable), numbers.randint(1, len(readable)))
        return request
    if verb != "POST":
        request["where"] = [random_condition(numbers, filterable) for _ in range(numbers.choice((1, 1, 2)))]
    if verb in ("PATCH", "PUT"):
        request["body"] = clean(random_row(numbers, writable, min(2, len(writable))))
    elif verb == "POST":
        rows = [clean(random_row(numbers, writable, min(4, len(writable)))) for _ in range(numbers.choice((1, 1, 2, 4)))]
        for row in rows:
            if grant is not None and not wide and numbers.random() < 0.75:
                # As a caller would who knows the rules.
                for column, operator, values in grant.row_filter:
                    if column in grant.write and operator in ("eq", "in", "bw", "le"):
                        row[column] = oracle.user if values[0] == "$user_id" else values[0]
                row.update({column: value for column, value in grant.forced(oracle.user).items() if column in row})
        if wide and numbers.random() < 0.3:
            rows[0]["id"] = numbers.randint(1, 80)
        request["body"] = rows if len(rows) > 1 else rows[0]
    return request


def clean(row):
    if row.get("kind", "a") is None:
        row["kind"] = "b"
    return row


def query_of(request):
    parts = [written(one) for one in request.get("where", ())]
    if request.get("select"):
        parts.append("select=" + ",".join(request["select"]))
    if request.get("order"):
        parts.append("order=" + ",".join(request["order"]))
    return "?" + "&".join(parts) if parts else ""


def as_set(rows):
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


class Run:
    def __init__(self, report, gateway, kind, direct, numbers):
        self.report, self.kind, self.direct, self.numbers = report, kind, direct, numbers
        self.client = gateway.client(identity=False)
        self.good = self.asked = 0
        self.effects = {}

    def fill(self):
        self.direct.run("DELETE FROM things")
        rows = [(n, *(self.numbers.choice(WORDS[column]) for column in COLUMNS[1:])) for n in range(1, 41)]
        marks = ",".join("(" + ",".join(["?"] * 6) + ")" for _ in rows)
        self.direct.run(f"INSERT INTO things ({','.join(COLUMNS)}) VALUES {marks}", *[cell for row in rows for cell in row])

    def table(self):
        return [dict(zip(COLUMNS, row)) for row in self.direct.rows(f"SELECT {','.join(COLUMNS)} FROM things")]

    def ask(self, roles, user, request, table="things"):
        headers = [("X-Org-Id", "org-1"), ("X-Project-Id", "project-1"), ("X-Space-Id", "space-1"), ("X-User-Id", user),
                   ("X-User-Roles", ",".join(roles))]
        return self.client.request(request["verb"], table_path(self.kind, table) + query_of(request), body=request.get("body"), headers=headers)

    def attempt(self, roles, grants, user):
        oracle = Oracle(grants, user)
        before = self.table()
        request = random_request(self.numbers, oracle)
        wanted = oracle.answer(request["verb"], before, **{key: value for key, value in request.items() if key != "verb"})
        answer = self.ask(roles, user, request)
        after = self.table()
        what = (f"{self.kind} {user} {roles} {request} under " +
                "; ".join(str({key: value for key, value in vars(grant).items() if value}) for grant in grants))
        self.asked += 1
        effect = f"{answer.status}" + (" none" if wanted.affected == 0 or wanted.rows == [] else "")
        self.effects[f"{request['verb']} {effect}"] = self.effects.get(f"{request['verb']} {effect}", 0) + 1
        wrong = audit(answer, request["verb"])
        if wrong or answer.status != wanted.status:
            self.report.fail(f"{what}: {wrong} wanted {wanted.status}, got {short(repr(answer))}")
            return
        if answer.status >= 300:
            self.report.check(as_set(after) == as_set(before), f"{what}: refused with {answer.status}, and the table changed")
            return
        self.good += 1
        if wanted.rows is not None:
            end = answer.header("Content-Range").rpartition("/")[2]
            self.report.check(as_set(answer.json()) == as_set(wanted.rows) and end == str(len(wanted.rows)),
                              f"{what}: got {short(repr(answer))}, wanted {short(repr(wanted.rows))}")
            return
        # A row that the database numbers has whatever id it got.
        given = {row["id"] for row in wanted.table if row["id"] is not None}
        seen = [{**row, "id": None} if row["id"] not in given else row for row in after]
        self.report.check(answer.json()["rows_affected"] == wanted.affected and as_set(seen) == as_set(wanted.table),
                          f"{what}: said {short(repr(answer))}, wanted {wanted.affected} and other rows")

    def attempts(self, roles, count):
        for turn in range(count):
            if turn % 40 == 0:
                self.fill()
            chosen = self.numbers.sample(sorted(roles), self.numbers.choice((1, 1, 2, 3)))
            names = [name for name in roles if name in chosen]  # in the file's order
            self.attempt(names, [roles[name] for name in names], self.numbers.choice(USERS))


def check_hidden(report, run, caller=None):
    """A column that is hidden answers as one that is missing, name apart, in every place where a name may stand."""
    hidden, missing = "secret", "sQzret"
    caller = caller or identity("partial")
    places_ = ["GET ?select=NAME", "GET ?NAME=eq.s1", "GET ?NAME=eq.%zz", "GET ?NAME=is.null", "GET ?order=NAME", "GET ?select=id,NAME&id=eq.1",
               "GET ?NAME=bw.1,2", "GET ?NAME=foo.1", "DELETE ?NAME=eq.s1", "DELETE ?id=eq.1&NAME=ne.zz", "PATCH ?NAME=eq.s1 BODY", "PATCH ?id=eq.1 NAME",
               "PUT ?id=eq.1 NAME", "POST  NAME", "POST  NAMES", "GET ?NAME=gt.5&select=NAME&order=NAME.desc", "HEAD ?NAME=eq.s1", "OPTIONS ?NAME=eq.s1"]
    for place in places_:
        answers = []
        for name in (hidden, missing):
            verb, query, body = (place + " ").split(" ")[:3]
            row = {"BODY": {"note": "x"}, "NAME": {name: "s1"}, "NAMES": [{"kind": "a"}, {name: {"a": 1}}], "": None}[body]
            answer = run.client.request(verb, table_path(run.kind, "things") + query.replace("NAME", name), body=row,
                                        headers=caller)
            headers = [(key, value) for key, value in answer.headers if key.lower() not in ("x-request-id", "date", "content-length")]
            answers.append((answer.status, answer.body.replace(name.encode(), b"NAME"), headers))
        report.equal(answers[0], answers[1], f"{run.kind} hidden as missing: {place}")
        report.check(answers[0][0] >= 400 or place.startswith("OPTIONS"), f"{run.kind} {place}: {answers[0]}")
    near = run.client.request("GET", table_path(run.kind, "things") + "?secrt=eq.s1", headers=caller)
    report.check(near.status == 400 and b"secret" not in near.body, f"{run.kind} a hint names a hidden column: {near}")
    shown = run.client.request("GET", table_path(run.kind, "things") + "?id=le.3", headers=caller)
    report.check(shown.status == 200 and b"secret" not in shown.body and b"note" in shown.body, f"{run.kind} no select: {shown}")


def identity(role, user="u1"):
    return [("X-Org-Id", "org-1"), ("X-Project-Id", "project-1"), ("X-Space-Id", "space-1"), ("X-User-Id", user), ("X-User-Roles", role)]


# table, grant, request, status; the rows that the table then holds as id:owner, when they are others than 1:u1 2:u2
DIRECTED = [
    ("moved", "own", "POST", "", {"id": 3, "owner": "u1"}, 403, None, "a trigger gives the row to somebody else"),
    ("moved", "own", "PATCH", "?id=eq.1", {"n": 5}, 403, None, "a trigger gives the changed row to somebody else"),
    ("moved", "own", "PATCH", "?id=eq.2", {"n": 5}, 200, None, "not the caller's row: nothing matched"),
    ("derived", "small", "POST", "", {"id": 3, "owner": "u1", "n": 7}, 403, None, "a generated column would hide the row"),
    ("derived", "small", "POST", "", {"id": 3, "owner": "u1", "n": 1}, 201, ["1:u1", "2:u2", "3:u1"], "a generated column shows the row"),
    ("derived", "small", "PATCH", "?id=eq.1", {"n": 7}, 403, None, "an update through a generated column"),
    ("keyless", "own", "POST", "", {"id": 3, "owner": "u1"}, 501, None, "no primary key, so that nothing can be checked"),
    ("keyless", "own", "PATCH", "?id=eq.1", {"n": 1}, 501, None, "no primary key, an update"),
    ("keyless", "own", "DELETE", "?id=eq.2", None, 200, None, "a delete needs no key"),
    ("pairs", "own", "PATCH", "?id=ge.1", {"id": 9}, 200, ["9:u1", "2:u2"], "the key itself changes"),
    ("pairs", "own", "PATCH", "?id=ge.1", {"owner": "u2"}, 403, None, "a row is given away"),
    ("pairs", "own", "POST", "", [{"id": 5, "owner": "u1"}, {"id": 6, "owner": "u2"}], 403, None, "one of two rows is somebody else's"),
    ("pairs", "own", "POST", "", [{"id": 5, "owner": "u1"}, {"id": 6, "owner": "u1"}], 201, ["1:u1", "2:u2", "5:u1", "6:u1"], "two rows"),
    ("pairs", "own", "POST", "", {"id": 2, "owner": "u2"}, 409, None, "the key of a row that is hidden"),
    ("pairs", "misfit", "GET", "", None, 404, None, "a row filter on a column that is not there: the grant does not apply"),
    ("pairs", "number", "GET", "", None, 404, None, "a value that does not fit the column: the grant does not apply"),
    ("pairs", "claimed", "GET", "", None, 404, None, "a claim that the caller lacks: the grant does not apply"),
]


def check_directed(report, run, direct, kind):
    for table, role, verb, query, body, status, rows, why in DIRECTED:
        direct.run(f"DELETE FROM {table}")
        for number in (1, 2):
            direct.run(f"INSERT INTO {table} (id, owner, n) VALUES (?, ?, 1)", number, f"u{number}")
        if table == "moved":
            direct.run("UPDATE moved SET owner = 'u1', n = -1 WHERE id = 1")
        answer = run.client.request(verb, table_path(kind, table) + query, body=body, headers=identity(role))
        report.check(answer.status == status and not audit(answer, verb), f"{kind} {why}: wanted {status}, got {answer}")
        if status == 409:
            report.check(b"PRIMARY" not in answer.body and b"pairs." not in answer.body, f"{kind} {why}: the constraint is named: {answer}")
        held = [f"{number}:{owner}" for number, owner in direct.rows(f"SELECT id, owner FROM {table}")]
        report.equal(sorted(held), sorted(rows or ["1:u1", "2:u2"]), f"{kind} {why}")


def check_options(report, run):
    """Who may write and not read is told so, and nothing of the columns."""
    for query in ("", "?secret=eq.s1", "?sQzret=eq.s1"):
        answer = run.client.request("OPTIONS", table_path(run.kind, "things") + query, headers=identity("adder"))
        report.check(answer.status == 204 and answer.header("Allow") == "POST, OPTIONS", f"{run.kind} OPTIONS {query} by one who may only add: {answer}")
    answer = run.client.request("GET", table_path(run.kind, "things"), headers=identity("adder"))
    report.equal(answer.status, 403, f"{run.kind} GET by one who may only add")


def make_tables(direct, kind):
    key = "INT AUTO_INCREMENT PRIMARY KEY" if kind == "ms" else "INTEGER PRIMARY KEY AUTOINCREMENT"
    text = "VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin" if kind == "ms" else "VARCHAR(20)"
    direct.run(f"CREATE TABLE things (id {key}, owner {text}, kind {text} NOT NULL DEFAULT 'a', n INT NULL, secret {text}, note {text})")
    for table, more in (("moved", ", PRIMARY KEY (id)"), ("keyless", ""), ("pairs", ", PRIMARY KEY (id, owner)"),
                        ("derived", ", twice INT GENERATED ALWAYS AS (n * 2), PRIMARY KEY (id)")):
        direct.run(f"CREATE TABLE {table} (id INT NOT NULL, owner {text} NOT NULL, n INT NULL{more})")
    if kind == "ms":
        direct.run("CREATE TRIGGER moved_in BEFORE INSERT ON moved FOR EACH ROW SET NEW.owner = IF(NEW.n = 1, NEW.owner, 'u9')")
        direct.run("CREATE TRIGGER moved_up BEFORE UPDATE ON moved FOR EACH ROW SET NEW.owner = IF(NEW.n = 5, 'u9', NEW.owner)")
    else:
        direct.run("CREATE TRIGGER moved_in AFTER INSERT ON moved WHEN NEW.n IS NOT 1 BEGIN UPDATE moved SET owner = 'u9' WHERE id = NEW.id; END")
        direct.run("CREATE TRIGGER moved_up AFTER UPDATE ON moved WHEN NEW.n = 5 BEGIN UPDATE moved SET owner = 'u9', n = 6 WHERE id = NEW.id; END")


def run(context):
    report = Report("grants")
    numbers = context.random("grants")
    folder = places.scratch("grants")
    server = context.mariadb.get()
    server.make_schema("rg_grants")
    path = os.path.join(folder, "main.sqlite")
    directs = {"ms": open_mariadb(server, "rg_grants"), "sl": open_sqlite(path)}
    roles = {f"r{number}": random_grant(numbers) for number in range(ROLES)}
    entries = [grant_toml(role, "things", grant) for role, grant in roles.items()]
    shown = [column for column in COLUMNS if column != "secret"]
    entries.append({"role": "partial", "tables": ["things"], "verbs": VERBS, "read": shown, "write": shown})
    everywhere = {"tables": ["moved", "derived", "keyless", "pairs"], "verbs": VERBS}
    entries += [{"role": "own", **everywhere, "row_filter": "owner=eq.$user_id"},
                {"role": "small", "tables": ["derived"], "verbs": VERBS, "row_filter": "twice=lt.10"},
                {"role": "misfit", **everywhere, "row_filter": "nosuch=eq.1"},
                {"role": "number", **everywhere, "row_filter": "n=eq.$user_id"},
                {"role": "claimed", **everywhere, "row_filter": "owner=eq.$claim.team"},
                {"role": "adder", "tables": ["things"], "verbs": ["POST"], "write": ["kind", "note"]}]
    for kind, direct in directs.items():
        make_tables(direct, kind)
    gateway = Gateway(context.preset, [tenant([mariadb_database(server, "rg_grants", grants=entries), sqlite_database(path, grants=entries)])]).start()
    try:
        asked = good = 0
        for kind, direct in directs.items():
            one = Run(report, gateway, kind, direct, numbers)
            one.attempts(roles, 5000 if context.full else 400)
            report.note(f"{kind} " + ", ".join(f"{count} {effect}" for effect, count in sorted(one.effects.items())))
            asked, good = asked + one.asked, good + one.good
            one.fill()
            check_hidden(report, one)
            check_directed(report, one, direct, kind)
            check_options(report, one)
        report.check(good >= 0.4 * asked, f"only {good} of {asked} requests were answered 2xx")
        report.note(f"{good} of {asked} answered 2xx")
    finally:
        gateway.destroy(report)
        places.remove(folder)
    return report
