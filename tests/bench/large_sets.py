"""Rows about large sets: what a preview costs beside reading its rows, and a delete of many rows beside the database's own. Used by table.py.

The rows of a `bucket` are spread over all of the table, those of a `batch` lie side by side. Half of the rows, and of every set, have a row in
`parts`, which goes with them. What was deleted is put back from copies, and the databases come to rest, before the next one begins."""
import fcntl
import os
import random
import select
import sqlite3
import statistics
import subprocess
import time
from contextlib import closing

from lib.client import Broken
from lib.gateway import grant, mariadb_database, sqlite_database, tenant
from limits import milliseconds
from rates import SETTLED, Medians, compare, take_turns
from servers import Spoilt, gateway_client, users_path

SETS = 100  # buckets, and batches
BATCHES_DELETED = 10
PREVIEW_LINE, DELETE_LINE = 3, 1.2
REST_SECONDS_MAX = 60
ANSWER_SECONDS_MAX = 60
PIPE_BYTES = 1 << 20
COLUMNS = ("bucket INT NOT NULL, batch INT NOT NULL, status INT NOT NULL, name VARCHAR(100) NOT NULL, note VARCHAR(200), "
           "amount DECIMAL(12,2) NOT NULL, created_at DATETIME NOT NULL")
PART_COLUMNS = "item_id INTEGER NOT NULL, text VARCHAR(50) NOT NULL"
CASCADE = "FOREIGN KEY (item_id) REFERENCES items (id) ON DELETE CASCADE"


class Session:
    """The mariadb client as it is fastest: it stays, and prints each row as it comes. A client started for each statement, or one that takes
    the whole result first, is slower."""

    def __init__(self, server):
        self._client = subprocess.Popen(["mariadb", "--no-defaults", "--batch", "--unbuffered", "--skip-column-names", "--quick",
                                         f"--socket={server.socket}", "--user=root", "large"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        fcntl.fcntl(self._client.stdout, fcntl.F_SETPIPE_SZ, PIPE_BYTES)  # it need not wait for us
        self.ask("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", 0)  # the gateway's

    def ask(self, statement, lines):
        """Seconds until so many lines were there, and the last of what came; more or fewer lines are a failure."""
        begun = time.perf_counter()
        self._send(statement)
        last = self._take(lines)
        seconds = time.perf_counter() - begun
        self._send("SELECT 'nothing more'")
        if self._take(1) != b"nothing more\n":
            raise Spoilt(f"mariadb: more than {lines} lines for {statement}")
        return seconds, last

    def _send(self, statement):
        try:
            os.write(self._client.stdin.fileno(), statement.encode() + b";\n")
        except BrokenPipeError:
            raise Spoilt("mariadb: the session has ended") from None

    def _take(self, lines):
        piece = b""
        while lines > 0:
            ready, _, _ = select.select([self._client.stdout], [], [], ANSWER_SECONDS_MAX)
            piece = os.read(self._client.stdout.fileno(), PIPE_BYTES) if ready else b""
            if not piece:
                self._client.kill()
                raise Spoilt("mariadb: " + (self._client.stderr.read().decode(errors="replace").strip() or "no answer"))
            lines -= piece.count(b"\n")
        if lines < 0:
            raise Spoilt(f"mariadb: {-lines} lines more than there should be")
        return piece

    def close(self):
        self._client.stdin.close()
        try:
            self._client.wait(10)
        except subprocess.TimeoutExpired:
            self._client.kill()
            self._client.wait()


class MariadbItems:
    kind, client_name = "ms", "a session of the mariadb client"

    def __init__(self, world, items):
        self.items = items
        self._server = world.database()
        self._server.make_schema("large")
        self._direct = self._server.connect("large")
        # The same plans from the first round to the last.
        more = "STATS_AUTO_RECALC=0"
        self._execute(f"CREATE TABLE items (id INT AUTO_INCREMENT PRIMARY KEY, {COLUMNS}, KEY (bucket), KEY (batch)) {more}")
        self._execute(f"CREATE TABLE parts (id INT AUTO_INCREMENT PRIMARY KEY, {PART_COLUMNS}, {CASCADE}) {more}")
        self._execute(f"INSERT INTO items SELECT seq, seq % {SETS}, (seq - 1) DIV {items // SETS}, seq % 5, CONCAT('Item number ', seq), "
                      "IF(seq % 3 = 0, NULL, CONCAT('as it was on day ', seq % 365)), seq % 100000 / 100, "
                      f"'2026-01-02 03:04:05' + INTERVAL seq SECOND FROM seq_1_to_{items}")
        self._execute(f"INSERT INTO parts SELECT id, id, CONCAT('part of ', id) FROM items WHERE id DIV {SETS} % 2 = 0")
        for name in ("items", "parts"):
            self._execute(f"CREATE TABLE {name}_copy (PRIMARY KEY (id)) SELECT * FROM {name}")
        self._execute("ANALYZE TABLE items, parts")
        self._session = Session(self._server)
        self.database = mariadb_database(self._server, "large", grants=[grant("users", ["items", "parts"])])

    def _execute(self, statement):
        with self._direct.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()

    def one(self, statement):
        return self._execute(statement)[0][0]

    def read(self, where, rows):
        return self._session.ask(f"SELECT * FROM items WHERE {where}", rows)[0]

    def delete(self, where, rows):
        seconds, said = self._session.ask(f"DELETE FROM items WHERE {where}; SELECT ROW_COUNT()", 1)
        if int(said) != rows:
            raise Spoilt(f"the client deleted {int(said)} rows of {rows}")
        return seconds

    def put_back(self, where):
        self._execute("BEGIN")
        self._execute(f"INSERT INTO items SELECT * FROM items_copy WHERE {where}")
        self._execute(f"INSERT INTO parts SELECT parts_copy.* FROM parts_copy STRAIGHT_JOIN items_copy ON items_copy.id = item_id WHERE {where}")
        self._execute("COMMIT")

    def _status(self, name):
        return int(self._execute(f"SHOW GLOBAL STATUS LIKE '{name}'")[0][1])

    def rest(self):
        """Nothing is left to purge and no page to write: whoever comes next pays for nothing that another one did."""
        capacity, most = self._execute("SELECT @@innodb_io_capacity, @@innodb_io_capacity_max")[0]
        self._execute("SET GLOBAL innodb_max_dirty_pages_pct = 0, innodb_io_capacity_max = 20000, innodb_io_capacity = 20000")
        end = time.monotonic() + REST_SECONDS_MAX
        while self._status("Innodb_history_list_length") > 0 or self._status("Innodb_buffer_pool_pages_dirty") > 0:
            if time.monotonic() > end:
                raise Spoilt(f"MariaDB did not come to rest in {REST_SECONDS_MAX} s")
            time.sleep(0.05)
        self._execute(f"SET GLOBAL innodb_max_dirty_pages_pct = DEFAULT, innodb_io_capacity = {capacity}, innodb_io_capacity_max = {most}")

    def close(self):
        self._session.close()
        self._execute("DROP DATABASE large")  # the rows after these find the server as those before them
        self._direct.close()


class SqliteItems:
    """In Python's own sqlite3: faster than the shell sqlite3 at reading, for it prints nothing, and equal at deleting."""
    kind, client_name = "sl", "Python's sqlite3, with the gateway's settings"

    def __init__(self, world, items):
        self.items = items
        self._path = os.path.join(world.folder, "large.sqlite")
        self._direct = self._connect()
        self._execute(f"CREATE TABLE items (id INTEGER PRIMARY KEY, {COLUMNS})")
        self._execute(f"CREATE TABLE parts (id INTEGER PRIMARY KEY, {PART_COLUMNS}, {CASCADE})")
        for table, column in (("items", "bucket"), ("items", "batch"), ("parts", "item_id")):
            self._execute(f"CREATE INDEX {table}_{column} ON {table} ({column})")
        self._execute("BEGIN")
        self._execute(f"WITH RECURSIVE seq(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM seq WHERE n < {items}) INSERT INTO items "
                      f"SELECT n, n % {SETS}, (n - 1) / {items // SETS}, n % 5, 'Item number ' || n, iif(n % 3 = 0, NULL, 'as it was on day ' || (n % 365)), "
                      "n % 100000 / 100.0, datetime(1767323045 + n, 'unixepoch') FROM seq")
        self._execute(f"INSERT INTO parts SELECT id, id, 'part of ' || id FROM items WHERE id / {SETS} % 2 = 0")
        for name in ("items", "parts"):
            self._execute(f"CREATE TABLE {name}_copy AS SELECT * FROM {name}")
        self._execute("COMMIT")
        self._execute("ANALYZE")
        # Not the one that fills and puts back: it would have the rows in its own memory, as the gateway has not.
        self._client = self._connect()
        self.database = sqlite_database(self._path, grants=[grant("users", ["items", "parts"])])

    def _connect(self):
        connection = sqlite3.connect(self._path, timeout=60, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute("PRAGMA " + pragma)
        return connection

    def _execute(self, statement):
        return self._direct.execute(statement).fetchall()

    def one(self, statement):
        return self._execute(statement)[0][0]

    def read(self, where, rows):
        begun = time.perf_counter()
        got = len(self._client.execute(f"SELECT * FROM items WHERE {where}").fetchall())
        seconds = time.perf_counter() - begun
        if got != rows:
            raise Spoilt(f"the client read {got} rows of {rows}")
        return seconds

    def delete(self, where, rows):
        begun = time.perf_counter()
        gone = self._client.execute(f"DELETE FROM items WHERE {where}").rowcount
        seconds = time.perf_counter() - begun
        if gone != rows:
            raise Spoilt(f"the client deleted {gone} rows of {rows}")
        return seconds

    def put_back(self, where):
        self._execute("BEGIN")
        self._execute(f"INSERT INTO items SELECT * FROM items_copy WHERE {where}")
        self._execute(f"INSERT INTO parts SELECT * FROM parts_copy WHERE item_id IN (SELECT id FROM items_copy WHERE {where})")
        self._execute("COMMIT")

    def rest(self):
        busy, left, moved = self._execute("PRAGMA wal_checkpoint(TRUNCATE)")[0]
        if busy or left != moved:
            raise Spoilt("the -wal file could not be emptied")

    def close(self):
        self._client.close()
        self._direct.close()
        for end in ("", "-wal", "-shm"):
            if os.path.exists(self._path + end):
                os.unlink(self._path + end)


class Contest:
    """The gateway and the database's own client at one pair of tables."""

    def __init__(self, items, gateway, sizes):
        self._items, self._sizes = items, sizes
        self._client = gateway_client(gateway)
        self._path = users_path(items.kind, "items")
        self.set_rows, self.deleted_rows = items.items // SETS, items.items // SETS * BATCHES_DELETED
        self._all_parts = items.one("SELECT COUNT(*) FROM parts")
        self._parts = {column: dict(self._parts_of(column)) for column in ("bucket", "batch")}

    def _parts_of(self, column):
        for number in range(SETS):
            yield number, self._items.one(f"SELECT COUNT(*) FROM parts WHERE item_id IN (SELECT id FROM items WHERE {column} = {number})")

    def _ask(self, method, query):
        begun = time.perf_counter()
        try:
            answer = self._client.request(method, f"{self._path}?{query}")
        except Broken as broken:
            raise Spoilt(f"{method} …?{query}: {broken}") from broken
        seconds = time.perf_counter() - begun
        if answer.status != 200:
            raise Spoilt(f"{method} …?{query}: {answer}")
        return seconds, answer.json()

    def look(self):
        """The gateway knows the tables before the clock starts."""
        self._ask("DELETE", "id=eq.-1")

    def _preview(self, column, number):
        seconds, shown = self._ask("DELETE", f"{column}=eq.{number}&_preview=true")
        cascades = [(one.get("table"), one.get("rows")) for one in shown.get("cascades", [])]
        if (shown.get("would_affect") != self.set_rows or cascades != [("parts", self._parts[column][number])] or not shown.get("sample")
                or not shown.get("token")):
            raise Spoilt(f"the preview of {column} {number} says {str(shown)[:400]}")
        return seconds

    def _read(self, column, number):
        return self._items.read(f"{column} = {number}", self.set_rows)

    def _median(self, ask, column):
        """In microseconds, of sets drawn at random for as long as a round takes."""
        times = []
        end = time.monotonic() + self._sizes.seconds
        while time.monotonic() < end:
            times.append(ask(column, random.randrange(SETS)))
        return statistics.median(times) * 1e6

    def previews(self):
        contenders = {}
        for column in ("bucket", "batch"):
            contenders[f"client, {column}"] = lambda column=column: self._median(self._read, column)
            contenders[f"gateway, {column}"] = lambda column=column: self._median(self._preview, column)
        return contenders

    def _turn(self, delete):
        """One delete of neighbouring batches, in microseconds; before and after it everything is there and at rest."""
        first = random.randrange(SETS - BATCHES_DELETED + 1)
        last = first + BATCHES_DELETED - 1
        where = f"batch BETWEEN {first} AND {last}"
        self._items.rest()
        seconds = delete(first, last)
        parts = sum(self._parts["batch"][number] for number in range(first, last + 1))
        left = [self._items.one("SELECT COUNT(*) FROM " + name) for name in ("items", "parts", f"items WHERE {where}")]
        if left != [self._items.items - self.deleted_rows, self._all_parts - parts, 0]:
            raise Spoilt(f"after the delete of batches {first} to {last} there are {left}")
        self._items.rest()
        self._items.put_back(where)
        return seconds * 1e6

    def deletes(self):
        def ours(first, last):
            seconds, said = self._ask("DELETE", f"batch=bw.{first}.{last}")
            if said != {"rows_affected": self.deleted_rows}:
                raise Spoilt(f"the gateway deleted {said}")
            return seconds

        def theirs(first, last):
            return self._items.delete(f"batch BETWEEN {first} AND {last}", self.deleted_rows)

        return {"client": lambda: self._turn(theirs), "gateway": lambda: self._turn(ours)}

    def expect_all(self):
        """Nothing that was asked for has changed a row for good."""
        left = [self._items.one("SELECT COUNT(*) FROM " + name) for name in ("items", "parts")]
        if left != [self._items.items, self._all_parts]:
            raise Spoilt(f"at the end there are {left} rows")


def timed(row, medians, ours, theirs):
    if row.ratio is not None:
        row.a, row.b = milliseconds(medians[ours]), milliseconds(medians[theirs])
    return row


def play(world, sizes, items, wanted, prefix):
    gateway = world.fresh_gateway("large", tenants=[tenant([items.database])])
    contest = Contest(items, gateway, sizes)
    rows = []
    try:
        time.sleep(SETTLED)
        contest.look()
        items.rest()
        names = {"bucket": prefix + "preview_vs_read", "batch": prefix + "preview_vs_read_dense"}
        previews = {name: measure for name, measure in contest.previews().items() if names[name.split(", ")[1]] in wanted}
        if previews:
            medians = Medians(*take_turns(world, previews, sizes.rounds, is_alternating=True))
            contest.expect_all()
            where = {"bucket": f"rows all over a table of {items.items:,}, half of them with a child row", "batch": "rows side by side"}
            for column, name in names.items():
                row = compare(name, f"preview of a delete of {contest.set_rows:,} {where[column]}; against reading those rows by {items.client_name}",
                              PREVIEW_LINE, medians, f"gateway, {column}", f"client, {column}", is_ceiling=True)
                rows.append(timed(row, medians, f"gateway, {column}", f"client, {column}"))
        if prefix + "delete_100k_vs_client" in wanted:
            if not sizes.is_short:
                for warm in contest.deletes().values():
                    warm()
            medians = Medians(*take_turns(world, contest.deletes(), sizes.rounds, is_alternating=True))
            contest.expect_all()
            row = compare(prefix + "delete_100k_vs_client", f"delete by filter of {contest.deleted_rows:,} rows of {items.items:,}, with half as many child "
                          f"rows; against the same statement by {items.client_name}", DELETE_LINE, medians, "gateway", "client", is_ceiling=True)
            rows.append(timed(row, medians, "gateway", "client"))
    finally:
        world.end(gateway)
    return [row for row in rows if row.name in wanted]


def mariadb_rows(world, sizes, wanted):
    with closing(MariadbItems(world, sizes.items)) as items:
        return play(world, sizes, items, wanted, "")


def sqlite_rows(world, sizes, wanted):
    with closing(SqliteItems(world, sizes.items)) as items:
        return play(world, sizes, items, wanted, "sqlite_")
