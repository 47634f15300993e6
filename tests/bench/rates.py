"""The rows that compare rates: contenders take turns, round by round, and the medians are compared."""
import functools
import json
import os
import re
import sqlite3
import statistics
import time
import urllib.request
from dataclasses import dataclass, field

from lib.report import say
from servers import (CONNECTIONS, HERE, POINT_ROWS, ROW, XMYSQL, Spoilt, gateway_client, headers_of, identity_headers, load, run, sysbench,
                     users_path, wrk)

SETTLED = 2.5  # seconds until a table's create_time counts as a proof
DELETED = '{"rows_affected":1}'


@dataclass
class Sizes:
    """How much of everything: the full form, or the short one of the gate."""
    rounds: int = 5
    seconds: int = 5
    posts: int = 5
    idle: int = 10000
    attackers: int = 2000
    tenants: int = 10000
    tables: int = 10000
    loaded: int = 1000
    items: int = 1000000
    is_short: bool = False


SHORT = Sizes(rounds=1, seconds=1, posts=3, idle=1000, attackers=150, tenants=500, tables=300, loaded=100, items=200000, is_short=True)


@dataclass
class Row:
    name: str
    what: str
    a: str = ""  # the gateway's figure, as text
    b: str = ""  # what it is compared with
    line: float = None  # None: a figure that others are compared with
    is_ceiling: bool = False  # the ratio is to stay below the line
    ratio: float = None
    why_not: str = ""  # why there is no figure
    raw: dict = field(default_factory=dict)

    @property
    def is_reached(self):
        if self.line is None:
            return self.why_not == ""
        return self.ratio is not None and (self.ratio <= self.line if self.is_ceiling else self.ratio >= self.line)


def rate(value):
    return f"{value:,.0f}/s"


def take_turns(world, contenders, rounds, is_alternating=False):
    """name -> rates. One that fails is left out of the further rounds, its reason kept; the others go on. `is_alternating`: every second round
    backwards, where what one does is felt by the next."""
    figures = {name: [] for name in contenders}
    failed = {}
    for turn in range(rounds):
        order = list(contenders.items())
        for name, measure in reversed(order) if is_alternating and turn % 2 else order:
            if name in failed:
                continue
            try:
                figures[name].append(measure())
            except Spoilt as spoilt:
                failed[name] = str(spoilt)
                say(f"   {name}: {spoilt}")
        world.forget_logs()
        say(f"   round {turn + 1} of {rounds}: " + ", ".join(f"{name} {values[-1]:,.0f}" for name, values in figures.items() if values))
    return figures, failed


class Medians:
    def __init__(self, figures, failed):
        self.figures, self.failed = figures, failed

    def __getitem__(self, name):
        if name in self.failed or not self.figures.get(name):
            raise Spoilt(f"{name}: {self.failed.get(name, 'not measured')}")
        return statistics.median(self.figures[name])


def compare(name, what, line, medians, ours, theirs, a="", b="", is_ceiling=False):
    """`theirs` is a contender's name, or a function of the medians."""
    row = Row(name, what, line=line, is_ceiling=is_ceiling, raw={**medians.figures})
    try:
        left = medians[ours]
        right = theirs(medians) if callable(theirs) else medians[theirs]
        row.a, row.b, row.ratio = a or rate(left), b or rate(right), left / right
    except Spoilt as spoilt:
        row.why_not = str(spoilt)
    return row


def basis(name, what, medians, contender):
    row = Row(name, what, raw={contender: medians.figures.get(contender, [])})
    try:
        row.b = rate(medians[contender])
    except Spoilt as spoilt:
        row.why_not = str(spoilt)
    return row


def in_turn(first, second):
    """What two stages one after the other could do at most, each with the machine to itself: 1/(1/N + 1/B)."""
    return lambda medians: 1 / (1 / medians[first] + 1 / medians[second])


def expect_row(port, path):
    """One look before the figures: the contender answers with the row that was asked for."""
    asked = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=dict(line.split(": ", 1) for line in identity_headers()))
    try:
        with urllib.request.urlopen(asked, timeout=20) as answer:
            rows = json.load(answer)
    except (OSError, ValueError) as error:
        raise Spoilt(f"{path}: {error}") from error
    wanted = {"id": 77, "name": "Person number 77", "email": "person77@example.org", "is_active": 1}
    if len(rows) != 1 or {key: int(rows[0][key]) if key == "is_active" else rows[0][key] for key in wanted} != wanted:
        raise Spoilt(f"{path} answers {rows}")


def expect_rows(world, path):
    """wrk looks at no body; so for a second all answers of the gateway are looked at, with as many clients."""
    load(world, "drive", "--port", world.gateway().port, "--connections", CONNECTIONS, "--seconds", 1, "--target", path + "{}", "--ids", POINT_ROWS,
         "--expect", '"name":"Person number ', *headers_of(identity_headers()))


def read_rows(world, sizes, wanted):
    """N, B and everything that reads one row by its key."""
    path = users_path() + "?id=eq."

    def point_select(seconds):
        return sysbench("oltp_point_select", world.database(), "sysbench", seconds, 16, "--tables=1", f"--table-size={POINT_ROWS}",
                        "--rand-type=uniform")[0]

    ports = {"gateway": lambda: world.gateway().port, "bare": world.bare_port, "stock": world.stock_port}
    contenders = {"nginx": lambda seconds: wrk(world.nginx_port(), "/row.json", seconds), "sysbench": point_select}
    for name, port in ports.items():
        contenders[name] = lambda seconds, port=port: wrk(port(), path, seconds, ids=True, identity=True)
    contenders["livez"] = lambda seconds: wrk(world.gateway().port, "/livez", seconds)
    contenders["xmysql"] = lambda seconds: wrk(world.xmysql_port(), "/api/users/", seconds, ids=True)
    needs = {"N": ["nginx"], "B": ["sysbench"], "read_by_key": ["nginx", "sysbench", "gateway"], "read_vs_bare": ["gateway", "bare"],
             "read_vs_stock": ["gateway", "stock"], "read_vs_xmysql": ["gateway", "xmysql"], "livez": ["nginx", "livez"]}
    used = {name for row in wanted if row in needs for name in needs[row]}
    contenders = {name: measure for name, measure in contenders.items() if name in used}
    if "sysbench" in contenders:
        run(["sysbench", "oltp_point_select", "--db-driver=mysql", f"--mysql-socket={world.database().socket}", "--mysql-user=root",
             "--mysql-db=sysbench", "--tables=1", f"--table-size={POINT_ROWS}", "prepare"])
    failed = {}
    for name in list(contenders):
        try:
            if name in ports:
                expect_row(ports[name](), path + "77")
                if name == "gateway":
                    expect_rows(world, path)
            elif name == "xmysql":
                expect_row(world.xmysql_port(), "/api/users/77")
            if not sizes.is_short:
                contenders[name](sizes.seconds)  # warm
        except Spoilt as spoilt:
            failed[name] = str(spoilt)
            del contenders[name]

    def settled(measure):
        """Each turn begins with a second that does not count: how fast a server is, not how it gets there."""
        if not sizes.is_short:
            measure(1)
        return measure(sizes.seconds)

    figures, more = take_turns(world, {name: functools.partial(settled, measure) for name, measure in contenders.items()}, sizes.rounds)
    medians = Medians(figures, {**failed, **more})
    rows = [basis("N", "nginx, 2 workers, a file of 300 bytes, access log, 32 connections", medians, "nginx"),
            basis("B", "sysbench oltp_point_select, its own table, 16 threads, unix socket", medians, "sysbench"),
            compare("read_by_key", "one row by key, full contract; against 1/(1/N + 1/B)", 0.70, medians, "gateway", in_turn("nginx", "sysbench")),
            compare("read_vs_bare", "the same; against tests/bench/bare.cpp", 0.85, medians, "gateway", "bare"),
            compare("read_vs_stock", "the same; against stock cpp-httplib with the same pipeline", 1.3, medians, "gateway", "stock"),
            compare("read_vs_xmysql", f"the same; against xmysql {XMYSQL}, 2 processes", 6, medians, "gateway", "xmysql"),
            compare("livez", "/livez, the front alone; against N", 0.8, medians, "livez", "nginx")]
    return [row for row in rows if row.name in wanted]


class Victims:
    """The table that is deleted from: refilled before every run, counted after it."""

    def __init__(self, world, rows):
        self._world, self._rows = world, rows

    def refill(self):
        with self._world.database().connect("bench").cursor() as cursor:
            cursor.execute("TRUNCATE victims")
            cursor.execute(f"INSERT INTO victims SELECT seq, {ROW} FROM seq_1_to_{self._rows}")
        time.sleep(SETTLED)

    def gone(self):
        with self._world.database().connect("bench").cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM victims")
            left = cursor.fetchone()[0]
        if left == 0:
            raise Spoilt("the rows were used up before the time was")
        return self._rows - left


def erase(world, kind, rows, seconds):
    """The gateway's deletes, each id once: what our client reports, every answer having said that one row went."""
    gateway = world.gateway()
    nothing = gateway_client(gateway).request("DELETE", users_path(kind, "victims") + "?id=eq.-1")  # the new table is looked at before the clock starts
    if nothing.status != 200 or nothing.json() != {"rows_affected": 0}:
        raise Spoilt(f"DELETE of no row: {nothing}")
    return load(world, "drive", "--port", gateway.port, "--connections", CONNECTIONS, "--seconds", seconds, "--method", "DELETE", "--target",
                users_path(kind, "victims") + "?id=eq.{}", "--ids", rows, "--once", "--expect", DELETED, *headers_of(identity_headers()))


def delete_rows(world, sizes, wanted):
    """N, D and the gateway's durable deletes on MariaDB."""
    rows = sizes.seconds * 70000
    victims = Victims(world, rows)

    def durable():
        victims.refill()
        seconds = sysbench(os.path.join(HERE, "delete.lua"), world.database(), "bench", sizes.seconds, CONNECTIONS, "--table=victims",
                           f"--rows={rows}")[1]
        return victims.gone() / seconds

    def ours():
        victims.refill()
        figures = erase(world, "ms", rows, sizes.seconds)
        gone = victims.gone()
        if gone != figures["answers"]:
            raise Spoilt(f"{figures['answers']} answers said that a row went, {gone} rows went")
        return gone / figures["seconds"]

    contenders = {"nginx": lambda: wrk(world.nginx_port(), "/row.json", sizes.seconds), "sysbench": durable, "gateway": ours}
    if wanted == {"D"}:
        contenders = {"sysbench": durable}
    medians = Medians(*take_turns(world, contenders, sizes.rounds))
    rows_out = [basis("D", "durable DELETE … WHERE id=?, each id once (delete.lua), 32 connections, rows gone", medians, "sysbench"),
                compare("delete_by_key", "the same by DELETE …?id=eq.N, full contract, each answer and each row checked; against 1/(1/N + 1/D)", 0.7,
                        medians, "gateway", in_turn("nginx", "sysbench"))]
    return [row for row in rows_out if row.name in wanted]


def sqlite_rows(world, sizes, _):
    """Durable deletes on SQLite: ours over HTTP, and a loop in C."""
    rows = sizes.seconds * 40000
    path = world.sqlite_file()
    direct = sqlite3.connect(path, timeout=60, isolation_level=None)

    def refill():
        direct.execute("BEGIN")
        direct.execute("DELETE FROM victims")
        direct.execute("WITH RECURSIVE seq(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM seq WHERE n < ?) INSERT INTO victims SELECT n, "
                       "'Person number ' || n, 'person' || n || '@example.org', n % 2, '2026-01-02 03:04:05' FROM seq", (rows,))
        direct.execute("COMMIT")
        direct.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def gone():
        left = direct.execute("SELECT COUNT(*) FROM victims").fetchone()[0]
        if left == 0:
            raise Spoilt("the rows were used up before the time was")
        return rows - left

    def loop():
        refill()
        count, seconds = run([world.program("sqlite_loop"), path, "victims", str(sizes.seconds)]).split()
        if int(count) != gone():
            raise Spoilt(f"the loop says {count} rows, {gone()} are gone")
        return int(count) / float(seconds)

    def ours():
        refill()
        figures = erase(world, "sl", rows, sizes.seconds)
        if gone() != figures["answers"]:
            raise Spoilt(f"{figures['answers']} answers said that a row went, {gone()} rows went")
        return figures["answers"] / figures["seconds"]

    try:
        refill()
        medians = Medians(*take_turns(world, {"loop": loop, "gateway": ours}, sizes.rounds))
    finally:
        direct.close()
    return [compare("sqlite_delete", "SQLite, WAL, synchronous=FULL: DELETE …?id=eq.N; against a loop in C", 0.5, medians, "gateway", "loop")]


def version_of(command):
    """First line with a figure that a program says of itself."""
    try:
        text = run(command, timeout=20)
    except (OSError, Spoilt):
        return ""
    found = re.search(r"\d+\.\d+(\.\d+)?", text)
    return found.group(0) if found else ""
