"""What one request of a space may take: rows, a body's bytes, an answer's bytes, the time of a statement; and of a database its connections'
queue. Each at its edge, on both databases, beside a tenant on the same tables that has no caps; changed while requests run."""
import json
import os
import sqlite3
import subprocess
import threading
import time

from lib import places
from lib.client import audit
from lib.direct import open_mariadb, open_sqlite
from lib.gateway import IDENTITY, Gateway, mariadb_database, sqlite_database
from lib.report import Report

KINDS = ("sl", "ms")
ROWS_MAX, BODY_MAX, TIME_MAX_MS = 5, 200, 800
SERVER_BODY_MAX = 4096
# A row's JSON is as long as any other's, but for those of `edge`, whose second is one byte longer than its first.
TABLES = """
CREATE TABLE t (id INTEGER PRIMARY KEY, v VARCHAR(4000) NOT NULL);
CREATE TABLE five (id INTEGER PRIMARY KEY);
CREATE TABLE edge (id INTEGER PRIMARY KEY, v VARCHAR(4000) NOT NULL, n BIGINT NOT NULL);
CREATE TABLE sleepy (id INTEGER PRIMARY KEY, v INTEGER NOT NULL);
CREATE TABLE w (id INTEGER PRIMARY KEY, v VARCHAR(5000) NOT NULL);
INSERT INTO t VALUES (1,'a'),(2,'b'),(3,'c'),(4,'d'),(5,'e'),(6,'f'),(7,'g'),(8,'h');
INSERT INTO five VALUES (1),(2),(3),(4),(5);
INSERT INTO sleepy VALUES (1, 1);
"""
# One row after much work; and rows of which the hundredth never comes.
SQLITE_ONLY = """
CREATE VIEW slow AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < {steps}) SELECT count(*) AS n FROM c;
CREATE TRIGGER tired BEFORE UPDATE ON sleepy BEGIN SELECT n FROM slow; END;
CREATE VIEW stuck AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 1000)
  SELECT CASE WHEN x = 100 THEN (WITH RECURSIVE d(y) AS (SELECT 1 UNION ALL SELECT y + 1 FROM d) SELECT count(*) FROM d) ELSE x END AS x FROM c;
"""
MARIADB_ONLY = """
CREATE VIEW slow AS SELECT id, SLEEP(2.5) AS n FROM sleepy;
CREATE TRIGGER tired BEFORE UPDATE ON sleepy FOR EACH ROW SET NEW.v = NEW.v + SLEEP(2.5);
"""
EDGE = 300  # bytes of v in the first row of `edge`


def identity(org):
    return [(name, f"{org}-id" if name == "X-Org-Id" else value) for name, value in IDENTITY]


class Scene:
    """A gateway, the two databases behind it, and tenants that all see the same tables."""

    def __init__(self, context):
        self.context = context
        self.folder = places.scratch("caps")
        self.path = os.path.join(self.folder, "caps.sqlite")
        server = context.mariadb.get()
        server.make_schema("caps")
        self.server = server
        self.direct = {"sl": open_sqlite(self.path), "ms": open_mariadb(server, "caps")}
        # A sanitizer makes SQLite's own work two to four times as long.
        steps = steps_of(0.9 if context.is_sanitized else 1.8)
        for kind, own in (("sl", SQLITE_ONLY.format(steps=steps)), ("ms", MARIADB_ONLY)):
            direct = self.direct[kind]
            direct.script(TABLES)
            direct.run("INSERT INTO edge VALUES (1, ?, 9), (2, ?, 9)", "x" * EDGE, "x" * (EDGE + 1))
            if kind == "sl":
                sqlite3.connect(self.path).executescript(own).connection.close()
            else:
                direct.script(own)
        self.gateway = None
        self.edge_bytes = len(b'[{"id":1,"v":"","n":9}]') + EDGE

    def entry(self, org, databases=None, **space):
        return {"name": org, "id": f"{org}-id", "projects": [{"name": "demo", "id": "project-1", "spaces": [
            {"id": "space-1", **space, "databases": self.databases(**(databases or {}))}]}]}

    def databases(self, **more):
        return [sqlite_database(self.path, **more), mariadb_database(self.server, "caps", **more)]

    def client(self, org):
        client = self.gateway.client()
        client.identity = identity(org)
        return client

    def file(self, org):
        return os.path.join(self.gateway.folder, "tenants", f"{org}.toml")

    def change(self, org, old, new):
        with open(self.file(org), encoding="utf-8") as text:
            before = text.read()
        assert before.count(old) >= 1, f"{old} is not in the file of {org}"
        with open(self.file(org) + ".part", "w", encoding="utf-8") as out:
            out.write(before.replace(old, new))
        os.replace(self.file(org) + ".part", self.file(org))

    def events(self, kind):
        with open(self.gateway.access_log, "rb") as text:
            return [json.loads(line) for line in text.read().splitlines() if f'"event":"{kind}"'.encode() in line]

    def end(self, report):
        if self.gateway is not None:
            self.gateway.destroy(report)
        for direct in self.direct.values():
            direct.close()
        places.remove(self.folder)


def steps_of(seconds):
    """How far this machine counts in SQLite in that time, with a processor to itself: who runs beside makes it longer, never shorter."""
    connection = sqlite3.connect(":memory:")
    steps = 1_000_000
    began = time.thread_time()
    connection.execute(f"WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < {steps}) SELECT count(*) FROM c").fetchall()
    took = time.thread_time() - began
    connection.close()
    return int(steps * seconds / took)


def address(org, kind, table=""):
    return f"/v1/{org}/demo/{kind}/main" + (f"/{table}" if table else "")


def refused(report, answer, status, code, said, what):
    problem = answer.problem()
    report.equal((answer.status, problem.get("code")), (status, code), what)
    report.check(said in str(problem.get("detail")), f"{what}: the detail does not say {said!r}: {problem.get('detail')}")
    report.check(not audit(answer), f"{what}: {audit(answer)}")


def eventually(holds, within=10.0):
    end = time.monotonic() + within
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.02)
    return False


def check_rows(report, scene):
    """The space's rows_max is what limit may be, and what comes without one."""
    client, free = scene.client("capped"), scene.client("free")
    for kind in KINDS:
        target = address("capped", kind, "t")
        for query, ids, content_range in (("?order=id", [1, 2, 3, 4, 5], "rows 0-4/*"), ("?order=id&limit=5", [1, 2, 3, 4, 5], "rows 0-4/*"),
                                          ("?order=id&offset=3", [4, 5, 6, 7, 8], "rows 3-7/8"), ("?order=id&limit=4", [1, 2, 3, 4], "rows 0-3/*")):
            answer = client.request("GET", target + query)
            rows = answer.json() if answer.status == 200 else []
            report.equal((answer.status, [row["id"] for row in rows], answer.header("Content-Range")), (200, ids, content_range), f"{kind} {query}")
            head = client.request("HEAD", target + query)
            report.equal((head.status, head.header("Content-Range"), head.header("Content-Length")),
                         (200, content_range, str(len(answer.body))), f"{kind} HEAD {query}")
        answer = client.request("GET", address("capped", kind, "five"))
        report.equal((len(answer.json()), answer.header("Content-Range")), (5, "rows 0-4/5"), f"{kind} a table of exactly rows_max rows")
        refused(report, client.request("GET", target + "?limit=6"), 400, "limit_exceeded", "rows_max, which is 5", f"{kind} limit one past rows_max")
        report.equal(client.request("HEAD", target + "?limit=6").status, 400, f"{kind} HEAD one past rows_max")
        answer = free.request("GET", address("free", kind, "t") + "?limit=6")
        report.equal((answer.status, len(answer.json())), (200, 6), f"{kind} another tenant with the same limit")
        answer = free.request("GET", address("free", kind, "t"))
        report.equal((answer.status, len(answer.json())), (200, 8), f"{kind} another tenant without a limit")
    listed = client.request("GET", address("capped", "sl"))
    report.check(listed.status == 200 and len(listed.json()["tables"]) > ROWS_MAX, f"a list of more tables than rows_max: {listed}")


def body_of(size, number):
    """JSON of exactly so many bytes, two of them one character, that writes the row `number`."""
    head, end = f'{{"id":{number},"v":"é', '"}'
    return (head + "y" * (size - len(head.encode()) - len(end)) + end).encode()


def chunked(client, method, target, body, piece):
    head = "".join(f"{name}: {value}\r\n" for name, value in client.identity)
    raw = (f"{method} {target} HTTP/1.1\r\nHost: x\r\n{head}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n").encode()
    for at in range(0, len(body), piece):
        part = body[at:at + piece]
        raw += b"%x\r\n%s\r\n" % (len(part), part)
    return client.exchange(raw + b"0\r\n\r\n")


def check_body(report, scene):
    """Exactly the cap is taken; one byte more is 413, and nothing is written."""
    client, free = scene.client("capped"), scene.client("free")
    said = f"body_bytes_max, {BODY_MAX} bytes"
    for kind in KINDS:
        direct, target = scene.direct[kind], address("capped", kind, "w")
        direct.run("DELETE FROM w")

        def count(direct=direct):
            return direct.one("SELECT count(*) FROM w")

        ways = {"": lambda method, to, body: client.request(method, to, body),
                " chunked": lambda method, to, body: chunked(client, method, to, body, 64),
                " in chunks of a byte": lambda method, to, body: chunked(client, method, to, body, 1)}
        for number, (way, send) in enumerate(ways.items(), 1):
            report.equal(send("POST", target, body_of(BODY_MAX, number)).status, 201, f"{kind} POST{way} of exactly body_bytes_max")
            refused(report, send("POST", target, body_of(BODY_MAX + 1, 100 + number)), 413, "body_too_large", said, f"{kind} POST{way} of one more")
            report.equal(count(), number, f"{kind} rows after POST{way}")
            for method in ("PUT", "PATCH"):
                report.equal(send(method, target + f"?id=eq.{number}", body_of(BODY_MAX, number)).json(), {"rows_affected": 1}, f"{kind} {method}{way} of the cap")
                refused(report, send(method, target + f"?id=eq.{number}", body_of(BODY_MAX + 1, 50)), 413, "body_too_large", said, f"{kind} {method}{way} of more")
        report.equal(direct.column("SELECT id FROM w ORDER BY id"), [1, 2, 3], f"{kind} the rows that were written")
        # What comes before 413 in the order of refusals, and what comes after it.
        large = body_of(BODY_MAX + 1, 9)
        for method, query, more, status in (("PATCH", "", {}, 406), ("PATCH", "?nope=eq.1", {}, 400), ("POST", "", {"content_type": "text/plain"}, 413),
                                            ("DELETE", "?id=eq.1", {}, 413), ("DELETE", "?nope=eq.1", {}, 400), ("GET", "?id=eq.1", {}, 400)):
            report.equal(client.request(method, target + query, large, **more).status, status, f"{kind} {method}{query} with a large body")
        report.equal(client.request("POST", target, b"{" + b" " * BODY_MAX).status, 413, f"{kind} a large body that is no JSON")
        report.equal(client.request("POST", target, body_of(BODY_MAX, 9), content_type="text/plain").status, 415, f"{kind} another media type within the cap")
        # Beyond the server's own cap the space's is still the one that is named: it is the lower one.
        refused(report, client.request("POST", target, body_of(SERVER_BODY_MAX + 1, 9)), 413, "body_too_large", said, f"{kind} more than the server takes")
        report.equal(count(), 3, f"{kind} rows after what was refused")
        to = address("free", kind, "w")
        report.equal(free.request("POST", to, body_of(BODY_MAX + 1, 10)).status, 201, f"{kind} another tenant's larger body")
        report.equal(free.request("POST", to, body_of(SERVER_BODY_MAX, 11)).status, 201, f"{kind} another tenant's largest body")
        refused(report, free.request("POST", to, body_of(SERVER_BODY_MAX + 1, 12)), 413, "body_too_large", f"{SERVER_BODY_MAX} bytes",
                f"{kind} another tenant's body beyond the server's")


def check_answer(report, scene):
    """Exactly the cap comes whole; one byte more and nothing comes. GET, HEAD, the list of tables; nothing else has such an answer."""
    client, free = scene.client("capped"), scene.client("free")
    size = scene.edge_bytes
    said = f"answer_bytes_max, {size} bytes"
    for kind in KINDS:
        target = address("capped", kind, "edge")
        exact = client.request("GET", target + "?id=eq.1")
        report.equal((exact.status, len(exact.body)), (200, size), f"{kind} an answer of exactly answer_bytes_max")
        refused(report, client.request("GET", target + "?id=eq.2"), 400, "limit_exceeded", said, f"{kind} an answer of one byte more")
        refused(report, client.request("GET", target), 400, "limit_exceeded", said, f"{kind} two rows")
        head = client.request("HEAD", target + "?id=eq.1")
        report.equal((head.status, head.header("Content-Length")), (200, str(size)), f"{kind} HEAD of exactly answer_bytes_max")
        report.equal(client.request("HEAD", target + "?id=eq.2").status, 400, f"{kind} HEAD of one byte more")
        answer = client.request("GET", target + "?id=eq.2&select=id,n")
        report.equal((answer.status, answer.json()), (200, [{"id": 2, "n": 9}]), f"{kind} the same row with fewer columns")
        answer = client.request("GET", target + "?id=eq.1", headers=[("Prefer", "numbers=string")])
        report.equal(answer.status, 400, f"{kind} two quotes more")
        report.check(answer.header("Content-Range") is None and answer.header("Preference-Applied") is None, f"{kind} headers of a refusal: {answer.headers}")
        # A row that is only looked at, to know that there are more, is not in the answer.
        answer = client.request("GET", target + "?order=id&limit=1")
        report.equal((answer.status, answer.header("Content-Range")), (200, "rows 0-0/*"), f"{kind} one row of two")
        report.equal(client.request("GET", target + "?id=eq.3").body, b"[]", f"{kind} no row")
        both = free.request("GET", address("free", kind, "edge"))
        report.equal((both.status, len(both.json())), (200, 2), f"{kind} another tenant's answer")
        report.equal(client.request("PATCH", target + "?id=eq.2", {"n": 9}).json(), {"rows_affected": 1}, f"{kind} a write of a large row")
        # The list of tables is an answer like any other.
        whole = free.request("GET", address("free", kind)).body
        for most, status in ((len(whole), 200), (len(whole) - 1, 400)):
            scene.change("listed", read_line(scene, "listed", "answer_bytes_max"), f"answer_bytes_max = {most}")
            lister = scene.client("listed")
            report.check(eventually(lambda status=status, lister=lister: lister.request("GET", address("listed", kind)).status == status),
                         f"{kind} a list of {len(whole)} bytes where {most} are allowed is not {status}")
            report.equal(lister.request("HEAD", address("listed", kind)).status, status, f"{kind} HEAD of that list")
            report.equal(lister.request("OPTIONS", address("listed", kind)).status, 204, f"{kind} OPTIONS has no body")
    # No row is read after the one that was too much: the hundredth of these never comes.
    began = time.monotonic()
    refused(report, client.request("GET", address("wide", "sl", "stuck"), headers=identity("wide")), 400, "limit_exceeded", "answer_bytes_max, 500 bytes",
            "sl a view whose hundredth row never comes")
    report.check(time.monotonic() - began < 2, f"it took {time.monotonic() - began:.1f} s")
    # From the settings, for a space that says nothing.
    refused(report, client.request("GET", address("silent", "sl", "edge"), headers=identity("silent")), 400, "limit_exceeded",
            f"answer_bytes_max, {2 * size - 1} bytes", "the settings' cap")


def read_line(scene, org, key):
    with open(scene.file(org), encoding="utf-8") as text:
        return next(line for line in text.read().splitlines() if line.startswith(key + " ="))


def check_time(report, scene):
    """A statement is stopped in the database after the space's time; a tenant with more time has its answer from the same tables."""
    client = scene.client("hasty")
    results = {}

    def read(kind):
        free = scene.client("free")
        began = time.monotonic()
        results[kind] = (free.request("GET", address("free", kind, "slow") + "?select=n"), time.monotonic() - began)
        free.close()

    for kind in KINDS:
        thread = threading.Thread(target=read, args=(kind,))
        thread.start()
        for method in ("GET", "HEAD"):
            began = time.monotonic()
            answer = client.request(method, address("hasty", kind, "slow") + "?select=n")
            took = time.monotonic() - began
            if method == "GET":
                refused(report, answer, 504, "deadline_exceeded", "nothing was changed", f"{kind} a read beyond statement_timeout_ms")
            else:
                report.equal(answer.status, 504, f"{kind} HEAD beyond statement_timeout_ms")
            report.check(TIME_MAX_MS / 1000 - 0.05 <= took < 5, f"{kind} {method} was stopped after {took:.2f} s of {TIME_MAX_MS} ms")
        began = time.monotonic()
        answer = client.request("PATCH", address("hasty", kind, "sleepy") + "?id=eq.1", {"v": 2})
        took = time.monotonic() - began
        # The other tenant's read does not lock; the writer of SQLite waits for nobody.
        refused(report, answer, 504, "deadline_exceeded", "nothing was changed", f"{kind} a write beyond statement_timeout_ms")
        report.check(took < 5, f"{kind} a write was stopped after {took:.2f} s")
        thread.join()
        answer, took = results[kind]
        report.check(answer.status == 200 and took > 1.2, f"{kind} a tenant with more time, after {took:.2f} s: {answer}")
        if kind == "ms":
            running = scene.direct["ms"].one("SELECT count(*) FROM information_schema.processlist WHERE state = 'User sleep'")
            report.equal(running, 0, "statements that go on in the database")
        report.equal(scene.direct[kind].one("SELECT v FROM sleepy WHERE id = 1"), 1, f"{kind} the row of the write that was stopped")
        report.equal(client.request("GET", address("hasty", kind, "t") + "?id=eq.1").status, 200, f"{kind} after that")
    report.equal([client.request("GET", address("hasty", kind, "t") + "?id=eq.2").json()[0]["v"] for kind in KINDS], ["b", "b"], "what comes next")


def check_pool(report, scene):
    """One connection, one place in the queue, a short wait: of three requests one is served, one waits its time, one is told at once."""
    for kind in KINDS:
        answers, lock = {}, threading.Lock()

        def ask(name, table, kind=kind, answers=answers, lock=lock):
            client = scene.client("narrow")
            began = time.monotonic()
            answer = client.request("GET", address("narrow", kind, table))
            with lock:
                answers[name] = (answer, time.monotonic() - began, time.monotonic())
            client.close()

        scene.client("narrow").request("GET", address("narrow", kind, "t"))  # what the catalog asks must not be in the way
        scene.client("narrow").request("GET", address("narrow", kind, "slow") + "?select=nope")
        threads = []
        for name, table, pause in (("holder", "slow?select=n", 0.4), ("waiter", "t?id=eq.1", 0.25), ("surplus", "t?id=eq.1", 0)):
            threads.append(threading.Thread(target=ask, args=(name, table)))
            threads[-1].start()
            time.sleep(pause)
        free = scene.client("free")
        report.equal(free.request("GET", address("free", kind, "t") + "?id=eq.1").status, 200, f"{kind} another tenant meanwhile")
        for thread in threads:
            thread.join()
        report.equal(answers["holder"][0].status, 200, f"{kind} who has the connection: {answers['holder'][0]}")
        for name in ("waiter", "surplus"):
            refused(report, answers[name][0], 503, "database_busy", "no connection", f"{kind} the {name}")
        report.check(0.9 <= answers["waiter"][1], f"{kind} the waiter had its answer after {answers['waiter'][1]:.2f} s of a wait of 1 s")
        report.check(answers["surplus"][2] < answers["waiter"][2], f"{kind} the surplus waited: {answers['surplus'][1]:.2f} s")
        report.equal(scene.client("narrow").request("GET", address("narrow", kind, "t") + "?id=eq.1").status, 200, f"{kind} when it is free again")


def check_concurrent(report, scene):
    """Both tenants at once, every cap within and beyond: each answer is the one that its tenant has to get."""
    size = scene.edge_bytes
    asked = [("GET", "t", None, {"capped": (200, 5), "free": (200, 8)}), ("GET", "t?limit=6", None, {"capped": (400, None), "free": (200, 6)}),
             ("GET", "edge?id=eq.1", None, {"capped": (200, 1), "free": (200, 1)}), ("GET", "edge", None, {"capped": (400, None), "free": (200, 2)}),
             ("PATCH", "t?id=eq.9", body_of(BODY_MAX + 1, 9), {"capped": (413, None), "free": (200, None)}),
             ("HEAD", "edge?id=eq.2", None, {"capped": (400, None), "free": (200, None)})]
    end = time.monotonic() + 2.5
    counts = {"capped": 0, "free": 0}

    def run(org, seed):
        client = scene.client(org)
        number = seed
        while time.monotonic() < end:
            method, target, body, wanted = asked[number % len(asked)]
            kind = KINDS[number // len(asked) % 2]
            answer = client.request(method, address(org, kind, target), body)
            rows = len(answer.json()) if answer.status == 200 and method == "GET" else None
            report.equal((answer.status, rows), wanted[org], f"{org} {kind} {method} {target} beside others ({size})")
            number += 1
            counts[org] += 1
        client.close()

    threads = [threading.Thread(target=run, args=(org, seed)) for seed in range(4) for org in ("capped", "free")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report.check(min(counts.values()) >= 50, f"requests that were compared: {counts}")


def check_reload(report, scene):
    """Caps change while requests run: each answer is of the old ones or the new ones. A faulty file changes nothing."""
    stop = threading.Event()
    seen, lock = {}, threading.Lock()

    def run(kind):
        client = scene.client("moved")
        while not stop.is_set():
            answer = client.request("GET", address("moved", kind, "t"))
            key = (answer.status, len(answer.json()) if answer.status == 200 else answer.problem().get("code"))
            with lock:
                seen[key] = seen.get(key, 0) + 1
        client.close()

    threads = [threading.Thread(target=run, args=(kind,)) for kind in KINDS for _ in range(2)]
    for thread in threads:
        thread.start()
    client = scene.client("moved")

    def rows(kind="sl"):
        answer = client.request("GET", address("moved", kind, "t"))
        return len(answer.json()) if answer.status == 200 else 0

    report.equal([rows(kind) for kind in KINDS], [3, 3], "before")
    scene.change("moved", "rows_max = 3", "rows_max = 6")
    report.check(eventually(lambda: rows() == 6), "rows_max = 6 was not taken")
    scene.change("moved", "rows_max = 6\n", "")
    report.check(eventually(lambda: rows("ms") == 8), "a cap that was taken away still holds")
    known = len(scene.events("tenant_file_refused"))
    scene.change("moved", "body_bytes_max = 100", f"rows_max = 2\nbody_bytes_max = {SERVER_BODY_MAX + 1}")
    report.check(eventually(lambda: len(scene.events("tenant_file_refused")) > known), "a cap above the server's was not refused")
    event = scene.events("tenant_file_refused")[-1]
    line = 1 + [text.strip() for text in open(scene.file("moved"), encoding="utf-8")].index(f"body_bytes_max = {SERVER_BODY_MAX + 1}")
    report.check(event["what"].startswith(f"{scene.file('moved')}:{line}: ") and "is outside 1 to" in event["what"], f"the log of a faulty cap: {event}")
    report.equal([rows(), client.request("PATCH", address("moved", "sl", "t") + "?id=eq.99", body_of(101, 99)).status], [8, 413], "the last good caps")
    scene.change("moved", f"rows_max = 2\nbody_bytes_max = {SERVER_BODY_MAX + 1}", "body_bytes_max = 101\nstatement_timeout_ms = 5000")
    report.check(eventually(lambda: client.request("PATCH", address("moved", "sl", "t") + "?id=eq.99", body_of(101, 99)).status == 200), "a higher cap was not taken")
    report.equal(client.request("PATCH", address("moved", "ms", "t") + "?id=eq.99", body_of(102, 99)).status, 413, "one more than the higher cap")
    stop.set()
    for thread in threads:
        thread.join()
    report.equal(sorted(seen), [(200, 3), (200, 6), (200, 8)], f"the answers while it changed: {seen}")
    # The time of a statement is the connections': others are opened.
    slow = address("moved", "ms", "slow") + "?select=n"
    report.equal(client.request("GET", slow).status, 200, "with 5 s")
    scene.change("moved", "statement_timeout_ms = 5000", "statement_timeout_ms = 300")
    report.check(eventually(lambda: client.request("GET", slow).status == 504), "with 300 ms")


def check_refused_at_load(report, scene):
    """`rowgate tenants check` says each bad value with file and line."""
    file = scene.file("bad")
    head = 'name = "bad"\nid = "bad-id"\n[[project]]\nname = "demo"\nid = "p"\n[[project.space]]\nid = "s"\n'
    database = f'[[project.space.database]]\ntype = "sl"\nname = "main"\npath = "{scene.path}"\n'
    grant = '[[project.space.database.grant]]\nrole = "r"\ntables = ["*"]\nverbs = ["GET"]\n'
    cases = [(head + "rows_max = 1001\n", 8, "rows_max: 1001 is outside 1 to 1000"), (head + "rows_max = 0\n", 8, "rows_max: 0 is outside"),
             (head + "rows_max = -1\n", 8, "rows_max: -1 is outside"), (head + 'rows_max = "5"\n', 8, "rows_max: must be an integer"),
             (head + f"body_bytes_max = {SERVER_BODY_MAX + 1}\n", 8, "body_bytes_max: 4097 is outside 1 to 4096"),
             (head + "answer_bytes_max = -1\n", 8, "answer_bytes_max: -1 is outside 0 to"), (head + "answer_bytes_max = 1.5\n", 8, "must be an integer"),
             (head + "statement_timeout_ms = 0\n", 8, "statement_timeout_ms: 0 is outside 1 to 30000"), (head + "answer_byte_max = 5\n", 8, "did you mean answer_bytes_max?"),
             (head + "statement_timeout_ms = 10001\n" + database, 9, "statement_timeout_ms: is 10000, and its space's, 10001, may not be more"),
             (head + "statement_timeout_ms = 900\n" + database + "statement_timeout_ms = 899\n", 13, "statement_timeout_ms: is 899, and its space's, 900,"),
             (head + database + "statement_timeout_ms = 30001\n", 12, "statement_timeout_ms: 30001 is outside 1 to 30000"),
             (head + database + "pool_wait_max_ms = -1\n", 12, "pool_wait_max_ms: -1 is outside 0 to"), (head + database + "pool_queue_max = -1\n", 12, "pool_queue_max: -1 is outside"),
             (head + "affected_max = -1\n", 8, "affected_max: -1 is outside 0 to 1000000000000"), (head + "cascaded_max = 1.5\n", 8, "cascaded_max: must be an integer"),
             (head + database + 'affected_max = "5"\n', 12, "affected_max: must be an integer"), (head + database + "cascaded_max = 1000000000001\n", 12, "cascaded_max: 1000000000001 is outside"),
             (head + database + grant + "confirm = true\n", 16, "confirm: stands without its verb; add DELETE to verbs"),
             (head + database + grant + "affected_max = 5\n", 16, "affected_max: stands without its verb"), (head + database + grant + 'missing = "gone"\n', 16, 'missing: "gone" is not known'),
             (head + database + "rows_max = 5\n", 12, "rows_max: unknown key"), (head + database + "answer_bytes_max = 5\n", 12, "answer_bytes_max: unknown key")]
    for text, line, said in cases:
        with open(file, "w", encoding="utf-8") as out:
            out.write(text)
        ran = subprocess.run([scene.gateway.binary, "tenants", "check", "--config", scene.gateway.config], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             check=False, env=scene.gateway.environment(), timeout=30)
        told = ran.stdout.decode()
        report.check(ran.returncode != 0 and f"{file}:{line}: " in told and said in told, f"{text[len(head):]!r}: {told}")
    with open(file, "w", encoding="utf-8") as out:
        out.write(head + "rows_max = 1000\nbody_bytes_max = 4096\nanswer_bytes_max = 1\nstatement_timeout_ms = 10000\naffected_max = 0\n" + database +
                  "statement_timeout_ms = 30000\npool_wait_max_ms = 0\npool_queue_max = 1\ncascaded_max = 1000000000000\n")
    ran = subprocess.run([scene.gateway.binary, "tenants", "check", "--config", scene.gateway.config], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         check=False, env=scene.gateway.environment(), timeout=30)
    report.equal(ran.returncode, 0, f"each value at its edge: {ran.stdout.decode()}")
    os.remove(file)


def check_explained(report, scene):
    """`rowgate explain-access` knows the caps that the request alone can break."""
    for method, target, body, code in (("GET", "t?limit=6", None, "limit_exceeded"), ("GET", "t?limit=5", None, None),
                                       ("PATCH", "t?id=eq.1", body_of(BODY_MAX + 1, 1), "body_too_large")):
        command = [scene.gateway.binary, "explain-access", "--config", scene.gateway.config, "--org-id", "capped-id", "--project-id", "project-1", "--space-id",
                   "space-1", "--user", "u", "--roles", "admin", "--json", method, address("capped", "sl", target)]
        ran = subprocess.run(command + (["--body", body.decode()] if body else []), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                             env=scene.gateway.environment(), timeout=30)
        text = ran.stdout.decode()
        report.check(ran.returncode == (1 if code else 0) and (code is None or f'"{code}"' in text), f"explain-access {method} {target}: {ran.returncode} {text[:300]}")


def run(context):
    report = Report("caps")
    scene = Scene(context)
    try:
        size = scene.edge_bytes
        scene.gateway = Gateway(context.preset, [
            scene.entry("capped", rows_max=ROWS_MAX, body_bytes_max=BODY_MAX, answer_bytes_max=size), scene.entry("free", answer_bytes_max=0),
            scene.entry("wide", answer_bytes_max=500, databases={"statement_timeout_ms": 4000}), scene.entry("silent"),
            scene.entry("listed", answer_bytes_max=1_000_000), scene.entry("hasty", statement_timeout_ms=TIME_MAX_MS),
            scene.entry("narrow", databases={"connections_max": 1, "pool_queue_max": 1, "pool_wait_max_ms": 1000}),
            scene.entry("moved", rows_max=3, body_bytes_max=100)],
            settings={"": {"access_log_flush_ms": 0}, "server": {"body_bytes_max": SERVER_BODY_MAX}, "limits": {"tenant_answer_bytes_max": 2 * size - 1}})
        scene.gateway.start()
        check_rows(report, scene)
        check_body(report, scene)
        check_answer(report, scene)
        check_time(report, scene)
        check_pool(report, scene)
        check_concurrent(report, scene)
        check_reload(report, scene)
        check_refused_at_load(report, scene)
        check_explained(report, scene)
    finally:
        scene.end(report)
    return report
