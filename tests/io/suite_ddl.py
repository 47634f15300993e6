"""Tables that change while eight clients write to them: no row goes that the types and keys of its moment do not match, and no 500.

How that is seen: while `v` is VARCHAR, guard rows hold texts that only a comparison of numbers would find equal to 0 ('abc', '00', '');
while it is INT, guard rows hold 7, which only a comparison of the text '7abc' as a number would find. The clients ask for `v=eq.0` and
`v=eq.7abc` all the time; so a guard that goes, or is marked, was touched by a statement that was bound to the other type.
"""
import os
import threading
import time

from lib import places
from lib.client import Broken, audit
from lib.direct import open_mariadb, open_sqlite
from lib.gateway import Gateway, mariadb_database, sqlite_database, table_path, tenant
from lib.report import Report

TEXT_GUARDS = ["abc", "00", "", "0.0", " 0", "0x"]
CLIENTS = 8
EXPECTED = {200, 201, 400, 404, 409, 422, 503}


def run(context):
    report = Report("ddl")
    seconds = 300 if context.full else 10
    folder = places.scratch("ddl")
    server = context.mariadb.get()
    server.make_schema("rg_ddl")
    path = os.path.join(folder, "main.sqlite")
    directs = {"ms": open_mariadb(server, "rg_ddl"), "sl": open_sqlite(path)}
    for direct in directs.values():
        Changer(direct, report).make()
    gateway = Gateway(context.preset, [tenant([mariadb_database(server, "rg_ddl"), sqlite_database(path)])]).start()
    print(f"  seed {context.seed}", flush=True)
    try:
        for kind, direct in directs.items():
            one_database(report, gateway, kind, direct, seconds, context)
    finally:
        gateway.destroy(report)
        places.remove(folder)
    return report


def one_database(report, gateway, kind, direct, seconds, context):
    stop = threading.Event()
    writers = [Writer(report, gateway, kind, stop, context.random(f"ddl-{kind}-{number}")) for number in range(CLIENTS)]
    changer = Changer(direct, report)
    numbers = context.random(f"ddl-{kind}")
    for writer in writers:
        writer.start()
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end and not report.failed:
            changer.turn(numbers)
    finally:
        stop.set()
        for writer in writers:
            writer.join(60)
    totals = {}
    for writer in writers:
        for status, count in writer.seen.items():
            totals[status] = totals.get(status, 0) + count
    report.note(f"{kind}: {changer.turns} turns, {sum(totals.values())} requests " + " ".join(f"{status}:{totals[status]}" for status in sorted(totals)))
    report.check(totals.get(200, 0) > sum(totals.values()) // 20, f"[{kind}] hardly a request got through: {totals}")
    report.ok(sum(totals.values()))


class Writer(threading.Thread):
    def __init__(self, report, gateway, kind, stop, numbers):
        super().__init__(daemon=True)
        self.report, self.kind, self.stop_asked, self.numbers = report, kind, stop, numbers
        self.client = gateway.client()
        self.seen = {}

    def run(self):
        requests = [("DELETE", "t?v=eq.0", None), ("DELETE", "t?v=eq.7abc", None), ("PUT", "t?v=eq.0", {"hit": 1}), ("PUT", "t?v=eq.7abc", {"hit": 1}),
                    ("PATCH", "t?v=in.0,0", {"hit": 1}), ("DELETE", "t?v=bw.0.0", None), ("POST", "t", {"v": 0}), ("POST", "t", {"v": "0"}),
                    ("POST", "t", [{"v": "0"}, {"v": "0", "hit": 0}]), ("DELETE", "s?v=eq.0", None), ("DELETE", "s?v=eq.7abc", None),
                    ("PUT", "s?v=eq.0", {"hit": 1}), ("POST", "s", {"v": "0"}), ("DELETE", "t?w=eq.0", None), ("PUT", "t?w=eq.0", {"hit": 1}),
                    ("POST", "child", {"parent_id": 1}), ("DELETE", "child?parent_id=eq.1", None), ("DELETE", "parent?id=eq.2", None),
                    ("POST", "parent", {"id": 2}), ("GET", "t?v=eq.0&limit=5", None), ("GET", "s?limit=5", None)]
        while not self.stop_asked.is_set():
            method, target, body = self.numbers.choice(requests)
            table, _, query = target.partition("?")
            path = table_path(self.kind, table) + ("?" + query if query else "")
            try:
                answer = self.client.request(method, path, body)
            except Broken as broken:
                self.report.fail(f"[{self.kind}] {method} {target}: {broken}")
                continue
            self.seen[answer.status] = self.seen.get(answer.status, 0) + 1
            wrong = audit(answer, method)
            if answer.status not in EXPECTED or wrong:
                self.report.fail(f"[{self.kind}] {method} {target} {body}: {wrong} {answer!r}")


class Changer:
    """Changes the tables, one turn after the other, and looks after the guards at the end of each phase."""

    def __init__(self, direct, report):
        self.direct, self.report = direct, report
        self.turns = 0
        self.sqlite = direct.kind == "sl"

    def key(self):
        return "INTEGER PRIMARY KEY AUTOINCREMENT" if self.sqlite else "INT AUTO_INCREMENT PRIMARY KEY"

    def columns(self, declared):
        return f"id {self.key()}, v {declared} NULL, w {declared} NULL, hit INT NOT NULL DEFAULT 0, guard INT NOT NULL DEFAULT 0"

    def make(self):
        self.direct.run(f"CREATE TABLE t ({self.columns('INT')})")
        self.direct.run(f"CREATE TABLE s ({self.columns('INT')})")
        self.direct.run(f"CREATE TABLE parent (id {self.key()})")
        self.direct.run("INSERT INTO parent (id) VALUES (1), (2)")
        self.direct.run(f"CREATE TABLE child (id {self.key()}, parent_id INT NULL)")

    def again(self, action):
        """DDL and guards of ours may meet a lock of the writers; they try until they get it."""
        for attempt in range(50):
            try:
                return action()
            except Exception as error:  # pymysql's and sqlite3's have no common ancestor below this
                if attempt == 49 or not any(word in str(error).lower() for word in ("lock", "deadlock", "changed", "busy")):
                    raise
                try:
                    self.direct.run("ROLLBACK")
                except Exception:  # no transaction was open
                    pass
                time.sleep(0.01)

    def transaction(self, *statements):
        def act():
            self.direct.run("BEGIN" if not self.sqlite else "BEGIN IMMEDIATE")
            for statement in statements:
                self.direct.run(statement)
            self.direct.run("COMMIT")
        self.again(act)

    def modify(self, table, declared):
        """ALTER … MODIFY; SQLite has none: the documented way over a new table."""
        if not self.sqlite:
            self.again(lambda: self.direct.run(f"ALTER TABLE {table} MODIFY v {declared} NULL, MODIFY w {declared} NULL"))
            return
        self.transaction(f"CREATE TABLE {table}_new ({self.columns(declared)})",
                         f"INSERT INTO {table}_new SELECT id, CAST(v AS {'INT' if declared == 'INT' else 'TEXT'}), CAST(w AS {'INT' if declared == 'INT' else 'TEXT'}),"
                         f" hit, guard FROM {table}", f"DROP TABLE {table}", f"ALTER TABLE {table}_new RENAME TO {table}")

    def replace(self, table, declared, guards):
        """Another table takes the name: by rename, or by DROP and CREATE."""
        rows = ",".join(f"('{guard}','{guard}',1)" for guard in guards)
        make = [f"CREATE TABLE {table}_new ({self.columns(declared)})", f"INSERT INTO {table}_new (v, w, guard) VALUES {rows}"]
        if self.sqlite:
            self.transaction(*make, f"DROP TABLE {table}", f"ALTER TABLE {table}_new RENAME TO {table}")
            return
        self.again(lambda: self.direct.run(f"DROP TABLE IF EXISTS {table}_new, {table}_old"))
        for statement in make:
            self.again(lambda statement=statement: self.direct.run(statement))
        if self.turns % 2:
            self.again(lambda: self.direct.run(f"RENAME TABLE {table} TO {table}_old, {table}_new TO {table}"))
        else:
            self.again(lambda: self.direct.run(f"DROP TABLE {table}"))
            self.again(lambda: self.direct.run(f"RENAME TABLE {table}_new TO {table}"))

    def guards_hold(self, table, wanted, phase):
        rows = self.again(lambda: self.direct.rows(f"SELECT v, hit FROM {table} WHERE guard = 1"))
        got = sorted((str(value), hit) for value, hit in rows)
        self.report.check(got == sorted((str(value), 0) for value in wanted),
                          f"[{self.direct.kind}] {table} {phase}: the guards are {got}, they were {sorted(wanted)}: a statement ran under a type that was not its own")

    def pause(self, numbers):
        time.sleep(numbers.choice((0, 0.001, 0.01, 0.05, 0.2, 1.1 if numbers.random() < 0.1 else 0)))

    def turn(self, numbers):
        self.turns += 1
        run = lambda statement: self.again(lambda: self.direct.run(statement))  # noqa: E731
        # t: from INT to VARCHAR and back, in place.
        for table in ("t", "s"):
            run(f"DELETE FROM {table} WHERE guard = 1 OR id % 3 = 0")
        self.modify("t", "VARCHAR(20)")
        run("INSERT INTO t (v, w, guard) VALUES " + ",".join(f"('{text}','{text}',1)" for text in TEXT_GUARDS))
        self.replace("s", "VARCHAR(20)", TEXT_GUARDS)
        self.pause(numbers)
        self.foreign_key(numbers)
        self.extra_column()
        self.pause(numbers)
        self.guards_hold("t", TEXT_GUARDS, "as VARCHAR")
        self.guards_hold("s", TEXT_GUARDS, "replaced as VARCHAR")
        # Only what INT can hold may be there when it becomes INT again.
        run("DELETE FROM t WHERE guard = 1")
        run("UPDATE t SET v = '0', w = '0'" if self.sqlite else "UPDATE t SET v = '0', w = '0' WHERE v NOT REGEXP '^[0-9]+$' OR w NOT REGEXP '^[0-9]+$'")
        self.modify("t", "INT")
        run("INSERT INTO t (v, w, guard) VALUES (7, 7, 1), (7, 7, 1)")
        self.replace("s", "INT", ["7", "7"])
        self.pause(numbers)
        self.drop_and_add(numbers)
        self.pause(numbers)
        self.guards_hold("t", ["7", "7"], "as INT")
        self.guards_hold("s", ["7", "7"], "replaced as INT")
        if self.turns % 20 == 0:
            run("DELETE FROM t")
            run("DELETE FROM child")

    def foreign_key(self, numbers):
        if self.sqlite:
            action = numbers.choice(("CASCADE", "SET NULL", "RESTRICT"))
            self.transaction("DROP TABLE child", f"CREATE TABLE child (id {self.key()}, parent_id INT NULL REFERENCES parent (id) ON DELETE {action})")
            return
        self.again(lambda: self.direct.run("DELETE FROM child"))
        try:
            self.direct.run("ALTER TABLE child ADD CONSTRAINT child_parent FOREIGN KEY (parent_id) REFERENCES parent (id) ON DELETE CASCADE")
        except Exception:  # a child of a parent that is gone slipped in: next turn
            return
        self.pause(numbers)
        self.again(lambda: self.direct.run("ALTER TABLE child DROP FOREIGN KEY child_parent"))

    def extra_column(self):
        self.again(lambda: self.direct.run("ALTER TABLE t ADD COLUMN extra INT NULL"))
        self.again(lambda: self.direct.run("ALTER TABLE t DROP COLUMN extra"))

    def drop_and_add(self, numbers):
        """w goes and comes again as VARCHAR with guards, then as INT."""
        self.again(lambda: self.direct.run("ALTER TABLE t DROP COLUMN w"))
        self.pause(numbers)
        self.again(lambda: self.direct.run("ALTER TABLE t ADD COLUMN w VARCHAR(20) NULL"))
        self.again(lambda: self.direct.run("UPDATE t SET w = 'abc' WHERE guard = 1"))
        self.pause(numbers)
        self.guards_hold("t", ["7", "7"], "with w as VARCHAR")
        self.again(lambda: self.direct.run("ALTER TABLE t DROP COLUMN w"))
        self.again(lambda: self.direct.run("ALTER TABLE t ADD COLUMN w INT NULL"))
