"""Reads that come again with another number are answered by what is known of the first. They must be answered as if nothing were known:
the same requests with a header that no request had before are the measure. Who asks, what they may, the table and the database change
between one request and the next; whatever could be taken for something else is tried."""
import json
import os
import signal
import socket
import time

from lib import places
from lib.client import Client, audit
from lib.direct import open_mariadb, open_sqlite
from lib.gateway import BASE, Gateway, grant, mariadb_database, sqlite_database, tenant_toml
from lib.report import Report, short

SPACES = ("one", "two")
SHAPES = 500
LIFETIME_S = 0.3
NUMBERS = ["0", "1", "2", "3", "5", "7", "33", "40", "41", "127", "128", "255", "256", "32768", "65536", "2147483648", "4294967295", "4294967296", "999999999999999999",
           "1000000000000000000", "9223372036854775807", "9223372036854775808", "18446744073709551615", "99999999999999999999", "-1", "-0", "+1", "007", "00",
           "1.0", "1e1", "0x1", "", "null", "true", "'5'", "%27%275%27%27", "%35", "5%20", "%205", "5,6", "5;", "5)", "5.5", "*", "\u0665", "5\u00a0"]
COLUMNS = ["id", "id", "id", "id", "small", "u", "big", "n", "n", "name", "flag", "price", "owner", "missing", "Id", "t.id", "_limit", "limit", "select"]
BEFORE = ["", "", "", "", "select=id,name&", "limit=3&", "n=gt.2&", "name=eq.x=eq.5&", "id=in.1,2,3&", "order=id.desc&", "_no-content=true&", "&"]
AFTER = ["", "", "", "", "&select=name,id", "&limit=1", "&limit=0", "&offset=1", "&order=name.desc", "&id=eq.3", "&small=eq.3", "&name=eq.one-5", "&select=missing",
         "&ids=1,2", "&", "&confirm=7", "#x"]
HEADERS = [(), (), (), (), (("Accept", "application/json"),), (("Accept", "text/html"),), (("Prefer", "numbers=string"),), (("Prefer", "return=minimal"),),
           (("Prefer", "max-affected=1"),), (("If-Match", "*"),), (("If-None-Match", "*"),), (("X-User-Roles", "clerk"),), (("X-User-Roles", "owner"),),
           (("X-User-Roles", "owner"), ("X-User-Id", "u2")), (("X-User-Roles", "scribe"),), (("X-User-Roles", "nobody"),), (("X-User-Roles", "owner, admin"),),
           (("X-Space-Id", "two"),), (("X-Space-Id", "two"), ("X-User-Roles", "clerk")), (("X-Space-Id", "three"),), (("X-Org-Id", "org-2"),), (("X-User-Id", ""),)]
TABLES = ["t", "t", "t", "t", "t", "v", "nokey", "none", "t/5", "t/"]
CREATE = {
    "ms": "CREATE TABLE t (id BIGINT AUTO_INCREMENT PRIMARY KEY, small TINYINT, u INT UNSIGNED, big BIGINT UNSIGNED, n INT, name VARCHAR(40), flag BOOLEAN, "
          "price DECIMAL(20,2), owner VARCHAR(10), KEY (n))",
    "sl": "CREATE TABLE t (id INTEGER PRIMARY KEY, small TINYINT, u INT UNSIGNED, big BIGINT UNSIGNED, n INT, name VARCHAR(40), flag BOOLEAN, "
          "price DECIMAL(20,2), owner VARCHAR(10))",
}


def fill(direct, space):
    direct.run(CREATE[direct.kind])
    for number in range(1, 41):
        direct.run("INSERT INTO t VALUES (?,?,?,?,?,?,?,?,?)", number, number, number, number, number % 7, f"{space}-{number}", number % 2, number, f"u{number % 3}")
    for number in (127, 128, 255, 65536, 4294967295, 999999999999999999, 1000000000000000000, 9223372036854775807):
        direct.run("INSERT INTO t (id, u, big, name, owner) VALUES (?,?,?,?,?)", number, min(number, 4294967295), number, f"{space}-{number}", "u1")
    direct.run("CREATE VIEW v AS SELECT id, name, n FROM t")
    direct.run("CREATE TABLE nokey (id INT, name VARCHAR(40))")
    direct.run("INSERT INTO nokey VALUES (1, 'a'), (5, 'b'), (5, 'c')")
    direct.run("CREATE TABLE changes (id INT PRIMARY KEY, name VARCHAR(40))")
    direct.run("INSERT INTO changes VALUES (1, 'a'), (5, 'b')")


GRANTS = [grant("admin", ["*"]), {**grant("clerk", ["t", "v"], ["GET"]), "read": ["id", "name"]},
          {**grant("owner", ["t"], ["GET", "DELETE"]), "row_filter": "owner=eq.$user_id"}, grant("scribe", ["t"], ["POST"])]


class Scene:
    def __init__(self, context, report):
        self.report = report
        self.folder = places.scratch("prepared")
        self.server = context.mariadb.get()
        self.direct = {}
        for space in SPACES:
            self.server.make_schema(f"rg_prepared_{space}")
            for direct in (open_mariadb(self.server, f"rg_prepared_{space}"), open_sqlite(self.path(space))):
                fill(direct, space)
                self.direct[space, direct.kind] = direct
        # One worker, so that each request meets all that is known of those before it.
        self.gateway = Gateway(context.preset, [self.entry(GRANTS)], {"": {"access_log_flush_ms": 0, "trusted_proxies": ["127.0.0.1"]}, "server": {"threads": 1},
                                                                      "database": {"catalog_lifetime_ms": int(LIFETIME_S * 1000)}})
        self.gateway.start()
        self.client = self.gateway.client()
        self.client.identity = [("X-Org-Id", "org-1"), ("X-Project-Id", "project-1"), ("X-Space-Id", "one"), ("X-User-Id", "u1"), ("X-User-Roles", "admin")]
        self.nonces = 0

    def path(self, space):
        return os.path.join(self.folder, space + ".sqlite")

    def entry(self, grants, **more):
        spaces = [{"id": space, **(more if space == "two" else {}),
                   "databases": [mariadb_database(self.server, f"rg_prepared_{space}", grants=grants), sqlite_database(self.path(space), grants=grants)]}
                  for space in SPACES]
        return {"name": "acme", "id": "org-1", "projects": [{"name": "demo", "id": "project-1", "spaces": spaces}]}

    def write(self, grants, **more):
        path = os.path.join(self.gateway.folder, "tenants", "acme.toml")
        with open(path + ".new", "w", encoding="utf-8") as out:
            out.write(tenant_toml(self.entry(grants, **more)))
        os.rename(path + ".new", path)
        self.gateway.signal(signal.SIGHUP)

    def ask(self, target, headers=(), method="GET", body=None):
        return self.client.request(method, target, body, headers=headers)

    def unknown(self, target, headers=(), method="GET", body=None):
        """The same as a request of which nothing can be known."""
        self.nonces += 1
        return self.ask(target, (*headers, ("X-Nonce", str(self.nonces))), method, body)

    def end(self):
        self.client.close()
        self.gateway.destroy(self.report)
        for direct in self.direct.values():
            direct.close()
        places.remove(self.folder)


def seen(answer):
    return answer.status, answer.body, sorted(one for one in answer.headers if one[0] not in ("Date", "X-Request-Id"))


def address(kind, table):
    return f"{BASE}/acme/demo/{kind}/main/{table}"


def like_unknown(scene, numbers):
    """Random kinds of requests, each several times with several numbers."""
    answered = 0

    def choice(strange, usual, how_often=0.75):
        return numbers.choice(usual) if numbers.random() < how_often else numbers.choice(strange)

    for _ in range(SHAPES):
        kind, table, headers = numbers.choice(("ms", "sl")), choice(TABLES, ["t"]), choice(HEADERS, [(), (("X-Space-Id", "two"),)], 0.5)
        operator = choice(["not.eq", "ne", "gt", "EQ"], ["eq"], 0.9)
        before = f"{address(kind, table)}?{choice(BEFORE, ['', 'select=id,name&'])}{choice(COLUMNS, ['id', 'n', 'u'])}={operator}."
        afters = [choice(AFTER, ["", "&limit=2"]), choice(AFTER, ["", "&select=name,id"])]
        method = numbers.choice(["GET"] * 9 + ["HEAD"])
        values = [numbers.choice(NUMBERS[:12]), numbers.choice(NUMBERS[:12]), *(choice(NUMBERS, NUMBERS[:12], 0.5) for _ in range(6)), numbers.choice(NUMBERS[:12])]
        for value in values:
            after = afters[numbers.random() < 0.2]
            body = b"{}" if numbers.random() < 0.02 else None
            one = scene.ask(before + value + after, headers, method, body)
            other = scene.unknown(before + value + after, headers, method, body)
            answered += one.status == 200
            scene.report.equal(seen(one), seen(other), f"{method} {before}{value}{after} {headers} as if nothing were known")
            wrong = method == "GET" and audit(one)
            scene.report.check(not wrong, f"{before}{value}{after}: {wrong}")
    scene.report.check(answered > SHAPES * 2, f"only {answered} were answered 200")
    scene.report.note(f"{answered} of {SHAPES * 9} with 200")


def each_their_own(scene):
    """Callers whose requests differ in one header, one after the other: nobody gets another's rows, columns or refusal."""
    for kind in ("ms", "sl"):
        target = address(kind, "t") + "?id=eq."
        for round_number in range(60):
            number = round_number % 40 + 1
            for space in SPACES:
                for user in ("u0", "u1", "u2"):
                    who = (("X-Space-Id", space), ("X-User-Id", user))
                    name = f"{space}-{number}"
                    rows = scene.ask(target + str(number), (*who, ("X-User-Roles", "owner"))).json()
                    wanted = [name] if f"u{number % 3}" == user else []
                    scene.report.equal([row["name"] for row in rows], wanted, f"{kind} {space} {user}: the rows that are theirs")
                    rows = scene.ask(target + str(number), (*who, ("X-User-Roles", "clerk"))).json()
                    scene.report.equal(rows, [{"id": number, "name": name}], f"{kind} {space} {user}: the columns that a clerk may see")
                    answer = scene.ask(target + str(number), (*who, ("X-User-Roles", "scribe")))
                    scene.report.equal(answer.status, 403, f"{kind} {space} {user}: who may only write")
            strange = (("X-Space-Id", "three"), ("X-User-Id", "u1"), ("X-User-Roles", "owner"))
            scene.report.equal(scene.ask(target + str(number), strange).status, 403, f"{kind}: a space that is not there")


class FromElsewhere(Client):
    """A client whose address is 127.0.0.2."""

    def _connect(self):
        self.close()
        self._socket = socket.create_connection((self.host, self.port), self.timeout, source_address=("127.0.0.2", 0))


def other_peers(scene):
    """The very bytes of a prepared read, from a peer that is not trusted to say who asks."""
    stranger = FromElsewhere(scene.client.port, scene.client.identity)
    try:
        for kind in ("ms", "sl"):
            target = address(kind, "t") + "?id=eq."
            for number in (1, 2, 3, 4):
                scene.report.equal(scene.ask(target + str(number)).status, 200, f"{kind}: from a trusted peer")
                answer = stranger.request("GET", target + str(number))
                scene.report.equal((answer.status, answer.problem().get("code")), (401, "identity_untrusted"), f"{kind}: from another peer")
    finally:
        stranger.close()


def the_log(scene):
    """A read that was prepared is logged like one that was not."""
    target = address("ms", "t") + "?id=eq."
    for number in range(1, 6):
        scene.ask(target + str(number), (("X-Request-Id", f"warm-{number}"),))
    scene.unknown(target + "5", (("X-Request-Id", "cold-5"),))
    time.sleep(0.3)
    with open(scene.gateway.access_log, encoding="utf-8") as lines:
        events = {event.get("request_id"): event for event in map(json.loads, lines)}
    warm, cold = ({key: value for key, value in events.get(name, {}).items() if "request_id" not in key and "time" not in key and "duration" not in key and key != "ts"}
                  for name in ("warm-5", "cold-5"))
    scene.report.check(warm.get("user") == "u1" and warm.get("org") == "acme", f"in the log of a prepared read: {warm}")
    scene.report.equal(sorted(warm), sorted(cold), "the members of its line")
    scene.report.equal([warm[key] for key in sorted(warm) if not isinstance(warm[key], (float, list))],
                       [cold[key] for key in sorted(cold) if not isinstance(cold[key], (float, list))], "their values")


def changes(scene):
    """A table that changes is as new for a prepared read as for any other."""
    steps = ["ALTER TABLE changes ADD COLUMN more INT DEFAULT 4", "ALTER TABLE changes RENAME COLUMN name TO called", "DROP TABLE changes",
             "CREATE TABLE changes (id VARCHAR(10) PRIMARY KEY, other INT)", "INSERT INTO changes VALUES ('5', 8), ('05', 9)", "DROP TABLE changes",
             "CREATE TABLE changes (id INT PRIMARY KEY, name VARCHAR(40))", "INSERT INTO changes VALUES (5, 'again')", "DROP TABLE changes"]
    for kind in ("ms", "sl"):
        target = address(kind, "changes") + "?id=eq."
        for step in steps:
            for number in (1, 5, 1, 5):
                scene.ask(target + str(number))
            scene.direct["one", kind].run(step)
            told = f"{kind} {step}"
            # Nothing else is asked meanwhile, so that what is known stays known. A definition may lag for its lifetime, not longer;
            # a table that was not there is looked for once a second.
            end = time.monotonic() + 0.2 + (1 if step.startswith("CREATE") else LIFETIME_S)
            while time.monotonic() < end:
                for number in (1, 5):
                    last = seen(scene.ask(target + str(number)))
                time.sleep(0.005)
            scene.report.equal(last, seen(scene.unknown(target + "5")), f"{kind} {step}")


def grants_change(scene):
    """A grant that goes, or comes narrower, is in force for a prepared read as soon as for any other."""
    clerk = (("X-User-Roles", "clerk"),)
    for kind in ("ms", "sl"):
        target = address(kind, "t") + "?id=eq."
        for name, grants, wanted in (("none", [grant("admin", ["*"])], 404), ("all", GRANTS, {"id": 5, "name": "one-5"}),
                                     ("fewer columns", [{**grant("clerk", ["t"], ["GET"]), "read": ["name"], "filter": ["id"]}], {"name": "one-5"}),
                                     ("not to filter", [{**grant("clerk", ["t"], ["GET"]), "read": ["name"]}], 400), ("other verbs", [grant("clerk", ["t"], ["POST"])], 403),
                                     ("some rows", [{**grant("clerk", ["t"], ["GET"]), "read": ["id"], "row_filter": "id=gt.6"}], []), ("all again", GRANTS, {"id": 5, "name": "one-5"})):
            for number in (1, 5, 1, 5):
                scene.ask(target + str(number), clerk)
            scene.write(grants)
            end = time.monotonic() + 5
            while time.monotonic() < end:
                answer = scene.ask(target + "5", clerk)
                got = answer.status if answer.status >= 400 else (answer.json() or [[]])[0]
                if got == wanted:
                    break
                time.sleep(0.01)
            scene.report.equal(got, wanted, f"{kind} grants: {name}")
            scene.report.equal(seen(scene.ask(target + "5", clerk)), seen(scene.unknown(target + "5", clerk)), f"{kind} grants: {name}, as if nothing were known")


def rates(scene):
    """What is prepared counts like everything else, and gives back its place."""
    target, there = address("sl", "t") + "?id=eq.", (("X-Space-Id", "two"),)
    scene.write(GRANTS, rate=1, burst=5, concurrency_max=1)
    end = time.monotonic() + 5
    while time.monotonic() < end and scene.ask(target + "1", there).header("RateLimit") is None:
        time.sleep(0.01)
    answers = [scene.ask(target + str(number % 40 + 1), there) for number in range(40)]
    served = sum(answer.status == 200 for answer in answers)
    scene.report.check(1 <= served <= 7, f"of 40 at once {served} were served by a rate of 1 with a burst of 5")
    scene.report.equal({answer.status for answer in answers}, {200, 429}, "the statuses")
    scene.report.check(all(answer.header("RateLimit") and answer.header("RateLimit-Policy") for answer in answers), "RateLimit on each")
    scene.write(GRANTS, rate=1000, burst=1000, concurrency_max=1)
    time.sleep(1)
    answers = [scene.ask(target + str(number % 40 + 1), there) for number in range(100)]
    scene.report.equal({answer.status for answer in answers}, {200}, "one after the other where only one may be at a time")
    scene.write(GRANTS)
    time.sleep(0.5)


def run(context):
    report = Report("prepared", shown_max=10)
    scene = Scene(context, report)
    try:
        each_their_own(scene)
        like_unknown(scene, context.random("prepared"))
        other_peers(scene)
        the_log(scene)
        grants_change(scene)
        rates(scene)
        changes(scene)
    finally:
        scene.end()
    return report
