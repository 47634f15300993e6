"""Random faults under a load that keeps a ledger: what was acknowledged, what was refused, what nobody can know. At the end the table must be one
that the ledger allows: nothing acknowledged is lost, nothing is there twice, nothing that was refused happened, now or late.

A marker is touched by one thread only, and after an unknown outcome not again before the end; so what the table may hold for it is a small set.
"""
import threading
import time
import zlib

import pymysql

from lab import AWAY, REQUEST_S, LATE_S, SCHEMA, UNKNOWN, USER, filtered
from lib.client import Broken, audit
from lib.direct import open_mariadb
from lib.gateway import encode, table_path
from lib.report import Report, short

THREADS = 8
ABSENT = None


def crc(marker, v):
    return zlib.crc32(f"{marker}/{v}".encode())


class Ledger:
    """marker -> the set of values of `v` that its one row may have; ABSENT for no row."""

    def __init__(self):
        self.may = {}
        self.counts = {"acknowledged": 0, "refused": 0, "unknown": 0, "read": 0}
        self.lock = threading.Lock()

    def count(self, what):
        with self.lock:
            self.counts[what] += 1


class Writer(threading.Thread):
    def __init__(self, lab, ledger, number, random, stop):
        super().__init__(daemon=True)
        self.lab, self.ledger, self.number, self.random, self.stop = lab, ledger, number, random, stop
        self.client = lab.gateway.client(timeout=30)
        self.known = []  # markers whose row is known
        self.serial = 0
        self.slowest = 0.0
        self.broke = None

    def run(self):
        try:
            while not self.stop.is_set():
                self.step()
        except Exception as error:  # pylint: disable=broad-except
            self.broke = repr(error)
        self.client.close()

    def step(self):
        dice = self.random.random()
        if dice < 0.35 or len(self.known) < 5:
            self.post()
            return
        place = self.random.randrange(len(self.known))
        marker = self.known[place]
        if dice < 0.55:
            self.change(marker, "PUT" if self.random.random() < 0.5 else "PATCH")
        elif dice < 0.70:
            self.delete(marker)
        else:
            self.read(marker)
        if len(self.ledger.may[marker]) > 1 or ABSENT in self.ledger.may[marker]:
            self.known[place] = self.known[-1]
            self.known.pop()
        if self.stop.is_set() or self.random.random() < 0.3:
            time.sleep(self.random.random() * 0.01)

    def send(self, told, method, target, body, success):
        """success, refused, or unknown; every other answer is a failure, and nobody can know."""
        begun = time.monotonic()
        try:
            answer = self.client.request(method, table_path("ms", "t") + target, body)
        except (Broken, OSError) as error:
            self.lab.report.fail(f"load: {told}: no answer: {error!r}")
            return "unknown", None
        took = time.monotonic() - begun
        self.slowest = max(self.slowest, took)
        self.lab.report.check(took <= (REQUEST_S + LATE_S) * self.lab.slow, f"load: {told}: {answer.status} {answer.problem().get('code')} took {took:.2f} s")
        wrong = audit(answer)
        self.lab.report.check(not wrong, f"load: {told}: {wrong}: {short(repr(answer), 300)}")
        if answer.status == success:
            return "success", answer
        got = (answer.status, answer.problem().get("code"))
        if got == UNKNOWN:
            self.ledger.count("unknown")
            return "unknown", answer
        if got in AWAY or got == (503, "database_read_only"):
            self.ledger.count("refused")
            return "refused", answer
        self.lab.report.fail(f"load: {told}: {got} is not an answer of the contract here: {short(repr(answer), 300)}")
        return "unknown", answer

    def post(self):
        count = 1 if self.random.random() < 0.7 else self.random.randrange(2, 6)
        rows = []
        for _ in range(count):
            self.serial += 1
            marker, v = f"load-{self.number}-{self.serial}", self.random.randrange(1 << 40)
            rows.append({"marker": marker, "v": v, "crc": crc(marker, v)})
        how, answer = self.send("POST", "POST", "", rows if count > 1 else rows[0], 201)
        for row in rows:
            self.ledger.may[row["marker"]] = {"success": {row["v"]}, "refused": {ABSENT}, "unknown": {row["v"], ABSENT}}[how]
        if how == "success":
            self.ledger.count("acknowledged")
            self.known += [row["marker"] for row in rows]
            self.lab.report.equal(answer.json().get("rows_affected"), count, "load: POST: rows_affected")
        elif how == "unknown" and count > 1:
            # All or none of them.
            self.ledger.may[rows[0]["marker"] + "/together"] = [row["marker"] for row in rows]

    def change(self, marker, method):
        v = self.random.randrange(1 << 40)
        how, answer = self.send(method, method, f"?marker=eq.{encode(marker)}", {"v": v, "crc": crc(marker, v)}, 200)
        if how == "success":
            self.ledger.may[marker] = {v}
            self.ledger.count("acknowledged")
            self.lab.report.equal(answer.json(), {"rows_affected": 1}, f"load: {method} of a row that is there")
        elif how == "unknown":
            self.ledger.may[marker] = self.ledger.may[marker] | {v}

    def delete(self, marker):
        how, answer = self.send("DELETE", "DELETE", f"?marker=eq.{encode(marker)}", None, 200)
        if how == "success":
            self.ledger.may[marker] = {ABSENT}
            self.ledger.count("acknowledged")
            self.lab.report.equal(answer.json(), {"rows_affected": 1}, "load: DELETE of a row that is there")
        elif how == "unknown":
            self.ledger.may[marker] = self.ledger.may[marker] | {ABSENT}

    def read(self, marker):
        how, answer = self.send("GET", "GET", f"?marker=eq.{encode(marker)}&select=marker,v,crc", None, 200)
        if how != "success":
            return
        self.ledger.count("read")
        rows = answer.json()
        (v,) = self.ledger.may[marker]
        self.lab.report.equal(rows, [{"marker": marker, "v": v, "crc": crc(marker, v)}], "load: GET of a row that was acknowledged")


class Faults:
    """Each is (begin, end): what it does, and what undoes it. A seeded choice of them, one after the other, some at once."""

    def __init__(self, lab, random, report):
        self.lab, self.random, self.report = lab, random, report
        self.counts, self.recoveries = {}, []
        self.held = []

    def choices(self):
        lab, proxy = self.lab, self.lab.proxy
        strike = ("rst", "fin", "corrupt", "stall")

        def rules(pattern):
            def begin():
                for _ in range(self.random.randrange(1, 6)):
                    at = self.random.choice(("command", "sent", "answer"))
                    proxy.when(pattern, at=at, then=self.random.choice(strike[:2] if at == "sent" else strike))
            return begin, proxy.passes
        return {
            "stall both": (lambda: proxy.mode(stall="both"), proxy.passes),
            "stall up": (lambda: proxy.mode(stall="up"), proxy.passes),
            "stall down": (lambda: proxy.mode(stall="down"), proxy.passes),
            "cut rst": (lambda: proxy.cut("rst"), proxy.passes),
            "cut fin": (lambda: proxy.cut("fin"), proxy.passes),
            "cut short": (lambda: proxy.cut_after(self.random.randrange(2000), self.random.choice(("up", "down")), self.random.choice(strike[:2])),
                          proxy.passes),
            "delay": (lambda: proxy.mode(delay_ms=self.random.randrange(1, 60)), proxy.passes),
            "slices": (lambda: proxy.mode(slices=True), proxy.passes),
            "refuse": (lambda: (proxy.refuse(), proxy.cut("rst")), proxy.passes),
            "commit": rules("QUERY COMMIT"),
            "delete": rules("EXECUTE DELETE"),
            "update": rules("EXECUTE UPDATE"),
            "insert": rules("EXECUTE INSERT"),
            "select": rules("EXECUTE SELECT"),
            "any": rules("."),
            "stop": (lab.server.pause, lab.server.resume),
            "kill": (lab.server.kill, self.restart),
            "read-only": (lambda: self.sql("SET GLOBAL read_only=1"), lambda: self.sql("SET GLOBAL read_only=0")),
            "max_connections": (self.take_connections, self.release),
            "locks": (self.lock_rows, self.release),
            "kill query": (lambda: self.kill_statements("QUERY"), lambda: None),
            "kill connection": (lambda: self.kill_statements("CONNECTION"), lambda: None),
        }

    def sql(self, text):
        connection = self.lab.server.connect()
        with connection.cursor() as cursor:
            cursor.execute(text)
            rows = cursor.fetchall()
        connection.close()
        return rows

    def restart(self):
        self.lab.server.start()

    def take_connections(self):
        self.sql("SET GLOBAL max_connections=10")
        self.lab.proxy.cut("rst")
        while len(self.held) < 40:
            try:
                self.held.append(self.lab.session(USER))
            except pymysql.err.OperationalError:
                break

    def lock_rows(self):
        other = self.lab.session()
        self.held.append(other)
        with other.cursor() as cursor:
            cursor.execute("SET innodb_lock_wait_timeout=1")
            try:
                cursor.execute("SELECT id FROM t ORDER BY id DESC LIMIT 400 FOR UPDATE")
            except pymysql.err.OperationalError:
                pass  # they have the rows

    def release(self):
        for one in self.held:
            try:
                one.close()
            except pymysql.Error:
                pass
        self.held = []
        self.sql("SET GLOBAL max_connections=400")

    def kill_statements(self, kind):
        for _ in range(20):
            for (number,) in self.sql(f"SELECT id FROM information_schema.processlist WHERE user='{USER}' AND command<>'Sleep'"):
                try:
                    self.sql(f"KILL {kind} {number}")
                except pymysql.Error:
                    pass  # it has ended
            time.sleep(0.01)

    def run(self, seconds):
        """Every kind comes once before any comes twice."""
        end = time.monotonic() + seconds
        order = []
        while time.monotonic() < end:
            if not order:
                order = list(self.choices())
                self.random.shuffle(order)
            name = order.pop()
            begin, over = self.choices()[name]
            begin()
            time.sleep(min(self.random.uniform(0.1, 0.6), max(0.0, end - time.monotonic())) if seconds < 60 else self.random.uniform(0.1, 3.0))
            over()
            self.counts[name] = self.counts.get(name, 0) + 1
            self.recovered(name)
            time.sleep(self.random.uniform(0.0, 0.2 if seconds < 60 else 1.0))

    def recovered(self, name):
        begun = time.monotonic()
        answer = None
        while time.monotonic() < begun + 10:
            answer, _ = self.lab.ask("GET", "t?id=eq.1")
            if getattr(answer, "status", 0) == 200:
                break
            time.sleep(0.01)
        took = time.monotonic() - begun
        self.recoveries.append((took, name))
        self.report.check(took <= 2.0 * self.lab.slow, f"load: served {took:.2f} s after the end of '{name}': {short(repr(answer), 200)}")


def run(lab, context, report, seconds):
    lab.proxy.passes()
    lab.direct.run("DELETE FROM t")
    ledger, stop = Ledger(), threading.Event()
    writers = [Writer(lab, ledger, number, context.random(f"fault/writer/{number}"), stop) for number in range(THREADS)]
    faults = Faults(lab, context.random("fault/faults"), report)
    for writer in writers:
        writer.start()
    time.sleep(0.5)
    try:
        faults.run(seconds)
        time.sleep(0.3)
    finally:
        stop.set()
        for writer in writers:
            writer.join(60)
    for writer in writers:
        report.check(not writer.is_alive() and writer.broke is None, f"load: thread {writer.number}: {writer.broke or 'did not end'}")
    settle(lab)
    judge(lab, ledger, report)
    judges_wrong_tables(lab, ledger, report)
    report.check(ledger.counts["acknowledged"] > 20 * seconds and ledger.counts["read"] > 10 * seconds, f"load: too little was done: {ledger.counts}")
    slowest = max(faults.recoveries)
    report.note(f"{sum(faults.counts.values())} faults of {len(faults.counts)} kinds in {seconds} s")
    report.note(", ".join(f"{count} {what}" for what, count in ledger.counts.items()))
    report.note(f"slowest answer {max(writer.slowest for writer in writers):.2f} s, slowest recovery {slowest[0]:.2f} s after {slowest[1]}")


def settle(lab):
    """Until the server has no statement and no transaction of the gateway left: what is to come late has come."""
    lab.direct.close()
    lab.direct = open_mariadb(lab.server, SCHEMA)
    lab.nothing_runs("load: at the end", 6)


def judges_wrong_tables(lab, ledger, report):
    """That the judgement can fail: a row taken away, one there twice, one changed, and one that was refused."""
    there = [marker for marker, may in ledger.may.items() if isinstance(may, set) and len(may) == 1 and ABSENT not in may][:3]
    absent = [marker for marker, may in ledger.may.items() if may == {ABSENT}][:1]
    for told, sql, marker in (
            ("lost", "DELETE FROM t WHERE marker=?", there[0]),
            ("twice", "INSERT INTO t (marker, v, crc) SELECT marker, v, crc FROM t WHERE marker=?", there[1]),
            ("changed", "UPDATE t SET v=v+1 WHERE marker=?", there[2]),
            ("undone", "INSERT INTO t (marker, v, crc) VALUES (?, 1, 0)", absent[0] if absent else "load-of-nobody")):
        doubt = Report("judge", shown_max=-1)
        lab.direct.run(sql, marker)
        judge(lab, ledger, doubt)
        report.check(doubt.failed > 0, f"load: the judgement does not see a row {told}")
        lab.direct.run("DELETE FROM t WHERE marker=?", marker)
        if marker in there:
            (v,) = ledger.may[marker]
            lab.direct.run("INSERT INTO t (marker, v, crc) VALUES (?,?,?)", marker, v, crc(marker, v))


def judge(lab, ledger, report):
    rows = lab.direct.rows("SELECT marker, v, crc FROM t WHERE marker LIKE 'load-%'")
    there = {}
    for marker, v, checksum in rows:
        there.setdefault(marker, []).append(v)
        report.check(checksum == crc(marker, v), f"load: the row {marker} holds {v} with the checksum of another value")
    twice = [marker for marker, values in there.items() if len(values) > 1]
    report.check(not twice, f"load: applied twice: {short(twice)}")
    lost, undone = [], []
    for marker, may in ledger.may.items():
        if marker.endswith("/together"):
            report.check(len({one in there for one in may}) == 1, f"load: a batch is half done: {[one in there for one in may]}")
            continue
        value = there.get(marker, [ABSENT])[0]
        if value not in may:
            (lost if value is ABSENT else undone).append((marker, value, may))
        else:
            report.ok()
    report.check(not lost, f"load: acknowledged and lost: {len(lost)}: {short(lost)}")
    report.check(not undone, f"load: refused or deleted, and done: {len(undone)}: {short(undone)}")
    strangers = [marker for marker in there if marker not in ledger.may]
    report.check(not strangers, f"load: nobody wrote {short(strangers)}")
    answer = lab.judge("the last GET", lab.ask("GET", filtered("load-0-1")), (200,), 1.0)
    report.check(answer is not None and len(answer.json()) == len(there.get("load-0-1", [])), "load: the gateway sees other rows than the database has")
