"""Two organizations with the same databases and tables and different rows. B asks each thing twice: about what is A's, and about what nobody has,
names and ids of the same shape. Both answers must be the same byte for byte; no statement may reach A's databases, no value of A's come out.
The requests are made in differential_requests.py.
"""
import hashlib
import json
import os
import re
import subprocess
import time

from differential_requests import AUDIENCE, COLUMNS, IDENTITY_HEADERS, ISSUER, NUMBERS, REFERRED, ROWS, SECRET, Maker, Side, names_of, text_of, token
from lib import places
from lib.client import Broken, Client, audit
from lib.direct import open_mariadb, open_sqlite
from lib.gateway import BASE, Gateway, grant, mariadb_database, sqlite_database
from lib.report import Report, short

CHUNK = 250  # requests between two looks at A


def make_tables(direct, side):
    number = "INT" if direct.kind == "ms" else "INTEGER"
    auto = "INT AUTO_INCREMENT PRIMARY KEY" if direct.kind == "ms" else "INTEGER PRIMARY KEY AUTOINCREMENT"
    text = "VARCHAR(60)"
    direct.run(f"CREATE TABLE items (id {number} NOT NULL PRIMARY KEY, name {text} NOT NULL UNIQUE, secret {text}, owner {text}, n INT NULL, "
               f"price DECIMAL(10,2), at DATETIME NULL, note {text})")
    direct.run(f"CREATE TABLE parts (id {number} NOT NULL PRIMARY KEY, item {number} NOT NULL, note {text}, "
               "FOREIGN KEY (item) REFERENCES items (id))")
    direct.run(f"CREATE TABLE log (id {auto}, note {text})")
    direct.run(f"CREATE TABLE tbl_{side.mark} (id {number} NOT NULL PRIMARY KEY, col_{side.mark} {text})")
    direct.run("CREATE VIEW seen AS SELECT id, name FROM items")
    fill(direct, side)


def fill(direct, side):
    for table in ("parts", "items", "log", f"tbl_{side.mark}"):
        direct.run(f"DELETE FROM {table}")
    rows = side.rows()
    marks = ",".join("(" + ",".join("?" * len(COLUMNS)) + ")" for _ in rows)
    direct.run(f"INSERT INTO items ({','.join(COLUMNS)}) VALUES {marks}", *[row[column] for row in rows for column in COLUMNS])
    referring = [(k, rows[k]["id"], f"note {side.mark}") for k in range(REFERRED)]
    direct.run(f"INSERT INTO tbl_{side.mark} VALUES (1, ?), (2, ?)", f"val-{side.mark}-1", f"val-{side.mark}-2")
    direct.run("INSERT INTO parts VALUES " + ",".join(["(?,?,?)"] * REFERRED), *[cell for row in referring for cell in row])


def everything(direct, side):
    return [direct.rows(f"SELECT * FROM {table} ORDER BY id") for table in ("items", "parts", "log", f"tbl_{side.mark}")]


class Org:
    """One organization's databases and its file."""

    def __init__(self, side, server, folder):
        self.side = side
        self.schema, self.user = f"rg_diff_{side.name}", f"rg_user_{side.name}"
        self.path = os.path.join(folder, f"{side.name}.sqlite")
        server.make_schema(self.schema)
        root = open_mariadb(server, None)
        root.run("SET sql_log_off = 1")
        root.run(f"DROP USER IF EXISTS {self.user}@localhost")
        root.run(f"CREATE USER {self.user}@localhost")
        root.run(f"GRANT ALL ON {self.schema}.* TO {self.user}@localhost")
        root.close()
        self.directs = {"ms": open_mariadb(server, self.schema), "sl": open_sqlite(self.path)}
        self.directs["ms"].run("SET sql_log_off = 1")  # the general log is about the gateway's statements
        for direct in self.directs.values():
            make_tables(direct, side)
        names = names_of(side.mark)
        tables = ["items", "parts", "log", "seen", f"tbl_{side.mark}"]
        grants = [grant("users", tables), grant(f"role-{side.mark}", tables), grant("reader", ["items"], ["GET"]),
                  {"role": "mine", "tables": ["items"], "verbs": ["GET", "POST", "PATCH", "DELETE"], "row_filter": "owner=eq.$org_id",
                   "read": [column for column in COLUMNS if column != "secret"]}]
        databases = []
        for name in ("main", f"db_{side.mark}"):
            databases += [mariadb_database(server, self.schema, name, grants, user=self.user, required=False) | {"required": False},
                          sqlite_database(self.path, name, grants) | {"required": False}]
        # A's rate: a RateLimit header in an answer to B would be A's.
        share = {"rate": 1000000} if side.name == "a" else {}
        self.entry = {"name": names["org"], "id": names["org_id"], "projects": [
            {"name": project, "id": project_id, "cors_origins": [f"https://app-{side.mark}.example"],
             "spaces": [{"id": space, **share, "databases": databases}]} for project, project_id, space in (names["own"], names["shared"])]}
        self.directs["sl"].rows("PRAGMA wal_checkpoint(TRUNCATE)")
        self.was = self.look()

    def look(self):
        """All that a write would change. The files are read by another process: to close one here would end the locks of our own connection."""
        files = subprocess.run(["sha256sum", self.path, self.path + "-wal"], capture_output=True, check=True).stdout
        return [everything(direct, self.side) for direct in self.directs.values()] + [files] + self.directs["sl"].column("PRAGMA data_version")

    def close(self):
        for direct in self.directs.values():
            direct.close()


def opened(gateway, path):
    """How many descriptors the gateway has on the file."""
    folder = f"/proc/{gateway.pid}/fd"
    return sum(os.path.exists(f"{folder}/{name}") and os.path.samefile(f"{folder}/{name}", path) for name in os.listdir(folder))


class GeneralLog:
    """What MariaDB was told, by whom. A connection is known by the user that it names when it begins."""

    LINE = re.compile(rb"^(?:\d{6} +\d{1,2}:\d\d:\d\d|\d{4}-\d\d-\d\dT\S+)?\t+ *(\d+) "
                      rb"(Connect|Query|Prepare|Execute|Init DB|Statistics)\t?([^\n]*)", re.M)

    def __init__(self, server, folder):
        self.path = os.path.join(folder, "general.log")
        self._root = open_mariadb(server, None)
        self._users, self._at = {}, 0
        for statement in ("sql_log_off = 1", "GLOBAL log_output = 'FILE'", f"GLOBAL general_log_file = '{self.path}'", "GLOBAL general_log = ON"):
            self._root.run("SET " + statement)

    def news(self):
        """Lines since the last call, as (user, words)."""
        with open(self.path, "rb") as text:
            text.seek(self._at)
            new = text.read()
        self._at += len(new)
        found = []
        for number, command, words in self.LINE.findall(new):
            if command == b"Connect":
                self._users[number] = words.split(b"@")[0].decode()
            found.append((self._users.get(number, "?"), f"{command.decode()} {words.decode(errors='replace')}"))
        return found

    def close(self):
        self._root.run("SET GLOBAL general_log = OFF")
        self._root.run("SET GLOBAL general_log_file = DEFAULT")
        self._root.close()


def create_key(gateway, side, project="own"):
    names = names_of(side.mark)
    ran = subprocess.run([gateway.binary, "keys", "create", "--config", gateway.config, "--org-id", names["org_id"],
                          "--project-id", names[project][1], "--space-id", names[project][2], "--user", f"usr-{side.mark}", "--roles", "users"],
                         capture_output=True, text=True, env=gateway.environment(), check=True, timeout=60)
    return ran.stdout.splitlines()[-1]


def holds(row, condition, side):
    """The one reading of a condition that shares nothing with the gateway."""
    column, operator, values = condition
    cell = row[column]
    if operator in ("is.null", "not.is.null"):
        return (cell is None) == (operator == "is.null")
    if cell is None:
        return False
    filled = [side.fill(value) for value in values]
    if column in NUMBERS:
        filled = [int(value) for value in filled]
    first = filled[0]
    return {"eq": lambda: cell == first, "ne": lambda: cell != first, "lt": lambda: cell < first, "gt": lambda: cell > first,
            "le": lambda: cell <= first, "ge": lambda: cell >= first, "in": lambda: cell in filled, "nin": lambda: cell not in filled,
            "bw": lambda: filled[0] <= cell <= filled[-1], "li": lambda: first in cell, "rli": lambda: cell.startswith(first),
            "lli": lambda: cell.endswith(first)}[operator]()


class Run:
    def __init__(self, context, report, gateway, sides, orgs, keys, log, a_key):
        self.report, self.gateway, self.log, self.a_key = report, gateway, log, a_key
        self.a, self.b, self.nobody = sides
        self.org_a, self.org_b = orgs
        self.numbers = context.random("differential")
        self.maker = Maker(self.numbers, self.b, keys)
        self.connect()
        self.model = self.b.rows()
        self.legend = " [" + ", ".join(f"{side.name}: {side.mark} {side.digits}" for side in sides) + "]"
        self.sent = self.good = self.pairs = self.leaks = self.looked = 0
        self.seen = {}

    def connect(self):
        self.clients = [Client(self.gateway.port) for _ in range(3)]

    def leak(self, message):
        self.leaks += 1
        self.report.fail(message)

    def send(self, template, side, client):
        headers = [(name, side.fill(value)) for name, value in template.headers]
        if template.claims is not None:
            claims = json.loads(side.fill(json.dumps(template.claims)))
            signed = json.loads(side.fill(json.dumps(template.signed)))
            headers.insert(0, ("Authorization", "Bearer " + token(claims, **signed)))
        if not any(name == "X-Request-Id" for name, _ in headers):
            headers.append(("X-Request-Id", "differential"))
        target = side.fill(template.target)
        body = None if template.body is None else side.fill(text_of(template.body)).encode()
        answer = client.request(template.verb, target, body, headers, identity=False)
        self.sent += 1
        self.good += 200 <= answer.status < 300
        self.seen[answer.status] = self.seen.get(answer.status, 0) + 1
        return answer

    def told(self, template, side):
        claims = short(repr(template.claims), 300) if template.claims else ""
        return side.fill(f"{template.verb} {template.target} {template.headers} {claims} {short(repr(template.body), 200)}") + self.legend

    def compared(self, answer, side):
        """All that an answer says, without the side's own words."""
        headers = [(name, side.forget(value.encode("latin-1"))) for name, value in answer.headers if name.lower() not in ("x-request-id", "date")]
        return answer.status, headers, side.forget(answer.body), answer.closes

    def attempt(self):
        template = self.maker.make()
        client = self.numbers.choice(self.clients)
        sides = [self.a, self.nobody] if template.is_of_two() else [self.b]
        self.numbers.shuffle(sides)
        answers = {}
        try:
            for side in sides:
                answers[side.name] = self.send(template, side, client)
                self.judge(template, side, answers[side.name])
        except Broken as broken:
            self.report.fail(f"{self.told(template, sides[0])}: {broken}")
            return
        if len(sides) == 2:
            self.pairs += 1
            got = [self.compared(answers[side.name], side) for side in (self.a, self.nobody)]
            if got[0] != got[1]:
                self.leak(f"{self.told(template, self.a)}: of A's {short(repr(got[0]))}, of nobody's {short(repr(got[1]))}")
            else:
                self.report.ok()

    def judge(self, template, side, answer):
        told = self.told(template, side)
        # An id of the gateway's own making has random digits.
        everything_said = b"\n".join(value.encode("latin-1") for name, value in answer.headers if name != "X-Request-Id") + answer.body
        foreign = [self.a.hidden] + ([] if side is self.a else [self.a.mark, self.a.digits])
        for word in foreign:
            if word.encode() in everything_said:
                self.leak(f"{told}: something of A's is in {short(repr(answer))}")
        if answer.header("RateLimit") or answer.header("RateLimit-Policy"):
            self.leak(f"{told}: A's rate is in {answer.headers}")
        wrong = audit(answer, template.verb, is_hostile=True)
        self.report.check(not wrong and (answer.status < 500 or answer.status == 501), f"{told}: {wrong} {answer!r}")
        if template.conditions is not None:
            self.look(template, side, answer, told)
        if template.verb in ("POST", "PUT", "PATCH", "DELETE") and answer.status < 300 and answer.json()["rows_affected"]:
            fill(self.org_b.directs[template.kind], self.b)

    def look(self, template, side, answer, told):
        """A valid request about B's own table, against this file's own reading and the table itself."""
        self.looked += 1
        verb, direct = template.verb, self.org_b.directs[template.kind]
        if verb == "OPTIONS":
            self.report.equal(answer.status, 204, told)
            return
        if verb == "POST":
            held = direct.one("SELECT COUNT(*) FROM items")
            self.report.check(answer.status == 201 and answer.json()["rows_affected"] == template.count == held - ROWS,
                              f"{told}: {answer} and {held} rows")
            return
        rows = [row for row in self.model if all(holds(row, one, side) for one in template.conditions)]
        if verb in ("GET", "HEAD"):
            if template.limit is not None:
                rows = rows[template.offset:template.offset + template.limit]
            wanted = [{column: row[column].replace(" ", "T") if column == "at" else row[column] for column in template.select} for row in rows]
            order = lambda row: json.dumps(row, sort_keys=True)  # noqa: E731
            if self.report.equal(answer.status, 200, told) and verb == "GET":
                self.report.equal(sorted(answer.json(), key=order), sorted(wanted, key=order), told)
            return
        if verb == "DELETE" and any(int(str(row["id"])[-3:]) <= REFERRED for row in rows):
            self.report.equal(answer.status, 409, told)
            return
        if not self.report.check(answer.status == 200 and answer.json()["rows_affected"] == len(rows), f"{told}: {answer}, wanted {len(rows)} rows"):
            return
        if verb == "DELETE":
            self.report.equal(direct.one("SELECT COUNT(*) FROM items"), ROWS - len(rows), told)
        else:
            changed = direct.column("SELECT id FROM items WHERE note = ?", side.fill(template.writes["note"]))
            self.report.equal(sorted(changed), sorted(row["id"] for row in rows), told)

    def as_a(self):
        """A asks for its own: its pools, statements and tables are there, and on the same connections, when B asks next."""
        names = names_of(self.a.mark)
        for client in self.clients:
            for kind, (project, project_id, space) in ((kind, names[which]) for kind in ("ms", "sl") for which in ("own", "shared")):
                headers = list(zip(IDENTITY_HEADERS, (names["org_id"], project_id, space, f"usr-{self.a.mark}", "users")))
                if project != "demo":
                    headers = [("X-API-Key", self.a_key)]
                target = f"{BASE}/{names['org']}/{project}/{kind}/main/items?id=eq.{self.a.digits}001"
                answer = client.request("GET", target, headers=headers, identity=False)
                self.report.check(answer.status == 200 and self.a.hidden in answer.body.decode() and answer.header("RateLimit"),
                                  f"A about A's own: {answer}")
        time.sleep(0.05)

    def sqlite_open(self):
        return opened(self.gateway, self.org_a.path)

    def chunk(self, count, is_warm):
        if is_warm:
            self.as_a()
            told = [words for user, words in self.log.news() if user == self.org_a.user]
            self.report.check(told and self.sqlite_open(), "A's own requests are not seen in the general log, or in no descriptor")
        end = self.sent + count
        while self.sent < end:
            self.attempt()
        lines = self.log.news()
        reached = [words for user, words in lines if user not in (self.org_b.user, "root") or self.org_a.schema in words]
        self.report.check(any(user == self.org_b.user for user, _ in lines), "no statement of B's in the general log: it shows nothing")
        for words in reached:
            self.leak(f"a statement has reached A's database within {count} requests: {short(words)}")
        if not is_warm and self.sqlite_open():
            self.leak("the gateway has opened A's SQLite file")
        if self.org_a.look() != self.org_a.was:
            self.leak(f"A's databases have changed within {count} requests")
        self.report.ok(2)


def start(report, gateway, log, org_a):
    """Until the gateway has held the grants against the tables by itself: that is all it does with a database that nobody asks for."""
    mark = '"event":"grants_checked"'

    def said():
        if not os.path.exists(gateway.access_log):
            return 0
        with open(gateway.access_log, encoding="utf-8") as text:
            return text.read().count(mark)

    before = said()
    gateway.start()
    end = time.monotonic() + 20
    while said() == before:
        if not report.check(time.monotonic() < end, "the log does not say that the grants were checked"):
            break
        time.sleep(0.05)
    time.sleep(0.1)
    log.news()
    report.check(not opened(gateway, org_a.path), "A's SQLite file is open after the check of its grants")


def run(context):
    report = Report("differential", shown_max=12)
    numbers = context.random("differential-names")
    sides = Side("a", numbers, "jkmpq", "5417"), Side("b", numbers, "abcdefgh", "2150"), Side("nobody", numbers, "rstuvxyz", "8263")
    folder = places.scratch("differential")
    server = context.mariadb.get()
    gateway = log = None
    orgs = []
    print(f"  seed {context.seed}", flush=True)
    try:
        orgs = [Org(side, server, folder) for side in sides[:2]]
        with open(os.path.join(folder, "secret"), "w", encoding="utf-8") as out:
            out.write(SECRET + "\n")
        log = GeneralLog(server, folder)
        gateway = Gateway(context.preset, [org.entry for org in orgs], {
            "auth": {"modes": ["headers", "jwt", "api_key"], "jwt_issuer": ISSUER, "jwt_audiences": [AUDIENCE],
                     "jwt_secret_file": os.path.join(folder, "secret")}})
        os.makedirs(os.path.join(gateway.folder, "keys"), mode=0o700, exist_ok=True)
        a_key = create_key(gateway, sides[0])
        sides[0].key_id = a_key[3:11]
        keys = {"own": create_key(gateway, sides[1]), "shared": create_key(gateway, sides[1], "shared")}
        start(report, gateway, log, orgs[0])
        one = Run(context, report, gateway, sides, orgs, keys, log, a_key)
        total = 100000 if context.full else 3000
        # The first third finds A's databases as nobody has used them yet; the last one finds a gateway that A was the first to use.
        for part in range(3):
            if part == 2:
                wrong = gateway.stop()
                report.check(not wrong, "; ".join(wrong))
                start(report, gateway, log, orgs[0])
                one.connect()
            while one.sent < total * (part + 1) // 3:
                one.chunk(min(CHUNK * (4 if context.full else 1), total - one.sent), is_warm=part > 0)
        share = 100 * one.good / one.sent
        report.check(share >= 40, f"only {share:.1f} % of the requests were answered 2xx")
        missing = {200, 201, 204, 400, 401, 403, 404, 406, 409, 417, 422, 501, *((405, 415) if context.full else ())} - set(one.seen)
        report.check(not missing, f"no answer was {sorted(missing)}: the requests no longer reach every stage")
        report.check(one.pairs >= one.sent // 4, f"only {one.pairs} requests were asked about both")
        report.note(f"{one.sent} requests, {share:.1f} % answered 2xx, {one.leaks} leaks; {one.pairs} asked twice, {one.looked} against the table; " +
                    " ".join(f"{status}:{count}" for status, count in sorted(one.seen.items())))
    finally:
        if log is not None:
            log.close()
        if gateway is not None:
            gateway.destroy(report)
        for org in orgs:
            org.close()
        places.remove(folder)
    return report
