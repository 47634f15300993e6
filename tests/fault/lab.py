"""What the fault scenes share: a MariaDB of their own behind the proxy, a second one without, a SQLite file, the gateway before them all, and
the judgement of an answer: status, code, shape, the time it took, and what the table then holds."""
import concurrent.futures
import itertools
import os
import time

import pymysql

from lib import mariadb, places
from lib.client import Broken, audit
from lib.direct import open_mariadb, open_sqlite
from lib.gateway import Gateway, encode, grant, mariadb_database, sqlite_database, table_path, tenant
from lib.report import short
from proxy import Proxy

SCHEMA = "rg_fault"
USER = "rowgate"  # without the rights by which root passes read_only and max_connections
# Small, so that a scene that waits for them is short. A lock is waited for one second.
REQUEST_S, STATEMENT_S, POOL_WAIT_S, CONNECT_S = 2.5, 2.0, 1.5, 1.0
SETTINGS = {"server": {"request_timeout_ms": 2500},
            "database": {"statement_timeout_ms": 2000, "pool_wait_max_ms": 1500, "connect_timeout_ms": 1000, "catalog_lifetime_ms": 1000}}
CONNECTIONS = 4
# The driver counts its timeouts in whole seconds, and the machine may be busy.
LATE_S = 1.5
RECOVERY_S = 2.0

UNAVAILABLE = (503, "database_unavailable")
BUSY = (503, "database_busy")
READ_ONLY = (503, "database_read_only")
OVERLOADED = (503, "overloaded")
LATE = (504, "deadline_exceeded")
UNKNOWN = (504, "outcome_unknown")
AWAY = (UNAVAILABLE, BUSY, OVERLOADED, LATE)  # nothing was changed
ANY_AWAY = (*AWAY, UNKNOWN)


class Lab:
    def __init__(self, context, report):
        self.report = report
        self.slow = 3 if context.is_sanitized else 1
        self.folder = places.scratch("fault")
        self.pool = concurrent.futures.ThreadPoolExecutor(128)
        self._serial = itertools.count(1)
        self.server = mariadb.MariaDB(["--innodb-data-file-path=ibdata1:12M:autoextend:max:80M"]).start()
        self.proxy = Proxy(self.server.socket)
        self.server.make_schema(SCHEMA)
        self.direct = open_mariadb(self.server, SCHEMA)
        self.direct.run(f"CREATE USER {USER}@localhost")
        self.direct.run(f"GRANT ALL ON {SCHEMA}.* TO {USER}@localhost")
        for name in ("t", "other"):
            self.direct.run(f"CREATE TABLE {name} (id INT AUTO_INCREMENT PRIMARY KEY, marker VARCHAR(120) NOT NULL, v BIGINT, crc BIGINT, KEY (marker))")
        self.direct.run("CREATE TABLE once (id INT AUTO_INCREMENT PRIMARY KEY, marker VARCHAR(120) NOT NULL UNIQUE, v BIGINT)")
        self.direct.run("CREATE TABLE texts (id INT AUTO_INCREMENT PRIMARY KEY, marker VARCHAR(120) NOT NULL, body LONGTEXT)")
        self.direct.run("CREATE TABLE one (id INT PRIMARY KEY)")
        self.direct.run("INSERT INTO one VALUES (1)")
        # Slow is what waits for this session's lock. Not SLEEP(): statements that sleep side by side share a mutex, and where one of them wakes
        # as MariaDB 10.11 stops it, the two threads wait for each other for two seconds, and with them every statement timer.
        self.holder = open_mariadb(self.server, SCHEMA)
        self.report.equal(self.holder.one("SELECT GET_LOCK('never free', 0)"), 1, "the lock that makes statements slow")
        self.direct.run("CREATE VIEW slow AS SELECT id, GET_LOCK('never free', 9) AS waited FROM one")
        self.direct.run("CREATE TABLE slowly (id INT AUTO_INCREMENT PRIMARY KEY, marker VARCHAR(120) NOT NULL, v BIGINT)")
        self.direct.run("INSERT INTO slowly (marker, v) SELECT 'old', seq FROM seq_1_to_16")
        for when in ("INSERT", "UPDATE", "DELETE"):
            self.direct.run(f"CREATE TRIGGER slow_{when.lower()} BEFORE {when} ON slowly FOR EACH ROW DO GET_LOCK('never free', 0.6)")
        near = context.mariadb.get()
        near.make_schema("rg_fault_near")
        self.near = open_mariadb(near, "rg_fault_near")
        self.near.run("CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, marker VARCHAR(120) NOT NULL, v BIGINT)")
        self.sqlite_path = os.path.join(self.folder, "main.sqlite")
        self.files = open_sqlite(self.sqlite_path)
        self.files.run("CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, marker TEXT NOT NULL, v BIGINT)")
        entry = {"type": "ms", "name": "main", "host": "127.0.0.1", "port": self.proxy.port, "user": USER, "schema": SCHEMA,
                 "connections_max": CONNECTIONS, "required": True, "grants": [grant("admin", ["*"])]}
        databases = [entry, mariadb_database(near, "rg_fault_near", name="near"), sqlite_database(self.sqlite_path)]
        self.gateway = Gateway(context.preset, [tenant(databases + self.more_databases())], SETTINGS)
        self.born = time.monotonic()
        self.gateway.start()

    def more_databases(self):
        return []

    def mend(self):
        """After a scene that broke, or a server that crashed in it, the next one starts from a whole lab."""
        self.proxy.passes()
        try:
            self.direct.one("SELECT 1")
        except pymysql.Error:
            self.report.fail("the database did not survive the scene: " + self.server.log_tail()[-1000:])
            self.server.kill()
            self.server.start()
            self.direct = open_mariadb(self.server, SCHEMA)

    def settle(self):
        """A table younger than two seconds is written in a transaction; an older one may be by one statement."""
        time.sleep(max(0.0, self.born + 3.2 - time.monotonic()))

    def destroy(self):
        """Everything that can be ended is ended, whatever else fails."""
        for end in (lambda: self.gateway.destroy(self.report), self.files.close, self.near.close, self.holder.close, self.direct.close,
                    self.proxy.close, self.server.destroy, lambda: self.pool.shutdown(wait=True, cancel_futures=True),
                    lambda: places.remove(self.folder)):
            try:
                end()
            except Exception as error:  # pylint: disable=broad-except
                self.report.fail(f"at the end: {error!r}")

    # asking

    def marker(self, name):
        return f"{name}-{next(self._serial)}"

    def ask(self, method, target, body=None, kind="ms", database="main", identity=True):
        """(answer or Broken, seconds). A new connection each time."""
        client = self.gateway.client(identity=identity, timeout=30)
        begun = time.monotonic()
        try:
            table, mark, query = target.partition("?")
            path = table if table.startswith("/") else table_path(kind, table, database)
            answer = client.request(method, path + mark + query, body)
        except (Broken, OSError) as error:
            answer = error
        took = time.monotonic() - begun
        client.close()
        return answer, took

    def begin(self, *arguments, **more):
        """The same in a thread; `.result()` gives it."""
        return self.pool.submit(self.ask, *arguments, **more)

    def judge(self, told, asked, allowed, within):
        """`allowed`: (status, code) pairs, or a bare status for success. The status, the code, the shape, Retry-After, the time."""
        answer, took = asked
        if isinstance(answer, Exception):
            self.report.fail(f"{told}: no answer: {answer!r} after {took:.2f} s")
            return None
        got = (answer.status, answer.problem().get("code")) if answer.status >= 400 else answer.status
        holds = self.report.check(got in allowed, f"{told}: {got}, wanted {allowed}: {short(repr(answer), 300)}")
        wrong = audit(answer)
        self.report.check(not wrong, f"{told}: {wrong}: {short(repr(answer), 300)}")
        self.report.check(took <= within * self.slow, f"{told}: the answer took {took:.2f} s, at most {within} s were wanted: {got}")
        return answer if holds else None

    # what the table holds

    def count(self, marker, table="t", direct=None):
        return (direct or self.direct).one(f"SELECT COUNT(*) FROM {table} WHERE marker=?", marker)

    def put(self, marker, v=0, table="t"):
        self.direct.run(f"INSERT INTO {table} (marker, v) VALUES (?,?)", marker, v)

    def holds(self, told, marker, wanted, table="t", wait=0.0, direct=None):
        """The rows with this marker; a write of unknown outcome is given `wait` seconds to happen."""
        end = time.monotonic() + wait
        while True:
            got = self.count(marker, table, direct)
            if got == wanted or time.monotonic() > end:
                break
            time.sleep(0.02)
        self.report.equal(got, wanted, f"{told}: rows in the table")

    def struck(self, told, times=1):
        """That the fault of the scene did happen; without it the scene proves nothing."""
        self.report.equal(self.proxy.fired, times, f"{told}: times that the proxy struck")

    def serves(self, told, within=RECOVERY_S):
        """Reads and writes again within so long, and a write does what it says."""
        begun = time.monotonic()
        answer = None
        while time.monotonic() < begun + within * self.slow:
            answer, _ = self.ask("GET", "t?id=eq.1")
            if getattr(answer, "status", 0) == 200:
                break
            time.sleep(0.02)
        took = time.monotonic() - begun
        self.report.check(getattr(answer, "status", 0) == 200, f"{told}: not served within {within} s of the end of the fault: {answer!r}")
        marker = self.marker("again")
        for _ in range(CONNECTIONS + 1):
            self.judge(f"{told}: POST after it", self.ask("POST", "t", {"marker": marker, "v": 1}), (201,), RECOVERY_S)
        answer = self.judge(f"{told}: DELETE after it", self.ask("DELETE", f"t?marker=eq.{marker}"), (200,), RECOVERY_S)
        if answer is not None:
            self.report.equal(answer.json(), {"rows_affected": CONNECTIONS + 1}, f"{told}: rows of the DELETE after it")
        return took

    def is_alive(self, told):
        """The probe answers at once whatever the databases do."""
        answer, took = self.ask("GET", "/livez", identity=False)
        self.report.check(getattr(answer, "status", 0) == 200 and took < 0.5 * self.slow, f"{told}: /livez: {answer!r} in {took:.2f} s")

    def others_unharmed(self, told, rounds=5):
        """The other databases answer quickly, reads and writes."""
        for kind, database in (("ms", "near"), ("sl", "main")) * rounds:
            asked = [self.ask("GET", "t?limit=1", kind=kind, database=database)]
            asked.append(self.ask("POST", "t", {"marker": "other", "v": 1}, kind=kind, database=database))
            for answer, took in asked:
                self.report.check(getattr(answer, "status", 0) in (200, 201) and took < 0.7 * self.slow,
                                  f"{told}: {kind}/{database} was harmed: {answer!r} in {took:.2f} s")

    def running(self):
        """Statements of the gateway that the server is at, transactions that it holds open."""
        statements = self.direct.column("SELECT info FROM information_schema.processlist WHERE user=? AND command<>'Sleep' AND info IS NOT NULL", USER)
        transactions = self.direct.column(
            "SELECT trx_query FROM information_schema.innodb_trx JOIN information_schema.processlist p ON p.id=trx_mysql_thread_id WHERE p.user=?", USER)
        return statements + transactions

    def nothing_runs(self, told, within=1.0):
        end = time.monotonic() + within * self.slow
        running = self.running()
        while running and time.monotonic() < end:
            time.sleep(0.05)
            running = self.running()
        self.report.check(not running, f"{told}: the database still runs {short(running)} {within} s after the answer")

    def session(self, user="root"):
        """A connection of somebody else, in a transaction of its own."""
        connection = pymysql.connect(unix_socket=self.server.socket, user=user, database=SCHEMA, autocommit=False, charset="utf8mb4")
        return connection


def filtered(marker, table="t"):
    return f"{table}?marker=eq.{encode(marker)}"
