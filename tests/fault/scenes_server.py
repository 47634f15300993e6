"""Scenes of the database itself: stopped, killed, read-only, full, locked, deadlocked, slow. Another session of the database is the adversary."""
import concurrent.futures
import os
import subprocess
import time

import pymysql

from lab import (ANY_AWAY, AWAY, BUSY, CONNECT_S, CONNECTIONS, LATE, LATE_S, READ_ONLY, RECOVERY_S, REQUEST_S, STATEMENT_S, UNAVAILABLE, UNKNOWN, USER,
                 filtered)
from lib.direct import open_mariadb
from lib.gateway import table_path

SOON_S = 1.0
DEADLINE_S = REQUEST_S + LATE_S


def paused(lab):
    """`kill -STOP`: connections stay open and nothing answers. More clients than connections: the others' threads must not go."""
    markers = [lab.marker("paused") for _ in range(12)]
    for marker in markers[6:]:
        lab.put(marker)
    lab.ask("GET", "t?id=eq.1")
    lab.server.pause()
    try:
        posts = [lab.begin("POST", "t", {"marker": marker, "v": 1}) for marker in markers[:6]]
        deletes = [lab.begin("DELETE", filtered(marker)) for marker in markers[6:]]
        gets = [lab.begin("GET", "t?id=eq.1") for _ in range(80)]
        end = time.monotonic() + REQUEST_S
        while time.monotonic() < end:
            lab.is_alive("paused")
            lab.others_unharmed("paused", 1)
            time.sleep(0.1)
        answers = [lab.judge("POST, paused", one.result(), ANY_AWAY, DEADLINE_S) for one in posts]
        answers += [lab.judge("DELETE, paused", one.result(), ANY_AWAY, DEADLINE_S) for one in deletes]
        for one in gets:
            lab.judge("GET, paused", one.result(), AWAY, DEADLINE_S)
    finally:
        lab.server.resume()
    took = lab.serves("after kill -CONT")
    time.sleep(0.3)
    for index, (marker, answer) in enumerate(zip(markers, answers)):
        if answer is not None and answer.problem().get("code") != UNKNOWN[1]:
            lab.holds(f"what was refused while paused ({answer.status} {answer.problem().get('code')})", marker, 0 if index < 6 else 1)
    lab.report.note(f"back {took:.2f} s after CONT")


def killed_and_restarted(lab):
    """`kill -9` under load, then a restart: what was acknowledged is there, once."""
    acknowledged, told = [], []

    def write(number):
        end = time.monotonic() + 1.2
        while time.monotonic() < end:
            marker = lab.marker(f"killed{number}")
            answer, took = lab.ask("POST", "t", {"marker": marker, "v": 1})
            told.append((marker, answer, took))
            if getattr(answer, "status", 0) == 201:
                acknowledged.append(marker)
    writers = [lab.pool.submit(write, number) for number in range(4)]
    time.sleep(0.4)
    lab.server.kill()
    for one in writers:
        one.result()
    for method, target, body in (("GET", "t?id=eq.1", None), ("POST", "t", {"marker": "killed", "v": 1}), ("DELETE", "t?marker=eq.killed", None)):
        lab.judge(f"{method}, killed", lab.ask(method, target, body), (UNAVAILABLE,), SOON_S)
    lab.is_alive("killed")
    lab.others_unharmed("killed", 1)
    lab.server.start()
    took = lab.serves("after kill -9 and restart")
    lab.report.note(f"back {took:.2f} s after a restart")
    lab.direct.close()
    lab.direct = open_mariadb(lab.server, "rg_fault")
    there = dict(lab.direct.rows("SELECT marker, COUNT(*) FROM t WHERE marker LIKE 'killed%' GROUP BY marker"))
    lab.report.check(len(acknowledged) > 10, f"only {len(acknowledged)} writes before the kill")
    lost = [marker for marker in acknowledged if there.get(marker) != 1]
    lab.report.check(not lost, f"acknowledged and lost, or twice, by kill -9: {lost[:5]}")
    for marker, answer, took in told:
        got = (getattr(answer, "status", 0), answer.problem().get("code") if hasattr(answer, "problem") else None)
        if got[0] != 201:
            lab.judge("POST while it was killed", (answer, took), ANY_AWAY, DEADLINE_S)
            if got in AWAY:
                lab.report.check(marker not in there, f"refused with {got} and there")


def read_only(lab):
    """A primary that became a replica: writes are refused, reads go on; and back."""
    marker = lab.marker("read-only")
    lab.put(marker)
    lab.direct.run("SET GLOBAL read_only=1")
    try:
        lab.judge("POST, read-only", lab.ask("POST", "t", {"marker": marker, "v": 1}), (READ_ONLY,), SOON_S)
        lab.judge("PUT, read-only", lab.ask("PUT", filtered(marker), {"v": 5}), (READ_ONLY,), SOON_S)
        lab.judge("DELETE, read-only", lab.ask("DELETE", filtered(marker)), (READ_ONLY,), SOON_S)
        lab.judge("GET, read-only", lab.ask("GET", filtered(marker)), (200,), SOON_S)
    finally:
        lab.direct.run("SET GLOBAL read_only=0")
    lab.holds("read-only", marker, 1)
    lab.serves("after read-only")


def too_many_connections(lab):
    """Others hold all connections of the server."""
    held = []
    before = lab.direct.one("SELECT @@max_connections")
    lab.direct.run("SET GLOBAL max_connections=10")
    lab.proxy.cut("rst")
    time.sleep(0.1)
    try:
        while len(held) < 40:
            try:
                held.append(lab.session(USER))
            except pymysql.err.OperationalError:
                break
        lab.report.check(0 < len(held) < 40, f"max_connections did not hold: {len(held)}")
        for method, target, body in (("GET", "t?id=eq.1", None), ("POST", "t", {"marker": "full", "v": 1}), ("DELETE", "t?marker=eq.full", None)):
            lab.judge(f"{method}, max_connections", lab.ask(method, target, body), (BUSY,), SOON_S)
    finally:
        for one in held:
            one.close()
        took = lab.serves("after max_connections")
        lab.direct.run(f"SET GLOBAL max_connections={before}")
    lab.holds("max_connections", "full", 0)
    lab.report.note(f"back {took:.2f} s after max_connections")


def lock_wait(lab):
    """Another session holds the row past our wait: 503, nothing waits on, and success when it has ended."""
    marker = lab.marker("locked")
    lab.put(marker)
    other = lab.session()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT id FROM t WHERE marker=%s FOR UPDATE", (marker,))
        asked = [lab.begin("PUT", filtered(marker), {"v": 7}), lab.begin("DELETE", filtered(marker))]
        lab.judge("GET beside a lock", lab.ask("GET", filtered(marker)), (200,), SOON_S)
        for one in asked:
            lab.judge("a write behind a lock", one.result(), (BUSY,), REQUEST_S)
        lab.nothing_runs("a write behind a lock", 0.3)
        soon = lab.begin("PUT", filtered(marker), {"v": 8})
        time.sleep(0.2)
        other.rollback()
        lab.judge("a write whose lock came free", soon.result(), (200,), SOON_S)
    finally:
        other.close()
    lab.report.equal(lab.direct.column("SELECT v FROM t WHERE marker=?", marker), [8], "the locked row")


def table_lock(lab):
    """ALTER TABLE by somebody else: the metadata lock is waited for no longer than a row lock."""
    other = lab.session()
    try:
        with other.cursor() as cursor:
            cursor.execute("LOCK TABLES other WRITE")
            asked = [lab.begin("POST", "other", {"marker": "ddl", "v": 1}), lab.begin("GET", "other?id=eq.1"), lab.begin("DELETE", "other?marker=eq.ddl")]
            lab.others_unharmed("table lock", 1)
            for one in asked:
                lab.judge("behind LOCK TABLES", one.result(), (BUSY, LATE), DEADLINE_S)
            cursor.execute("UNLOCK TABLES")
    finally:
        other.close()
    lab.holds("behind LOCK TABLES", "ddl", 0, table="other")
    lab.judge("POST after LOCK TABLES", lab.ask("POST", "other", {"marker": "ddl", "v": 1}), (201,), RECOVERY_S)


def deadlock(lab):
    """A cycle with a session that has changed more rows, so that the gateway's statement is the victim."""
    for number in range(3):
        one, two = lab.marker("dead"), lab.marker("dead")
        lab.put(one)
        lab.put(two)
        ids = [lab.direct.one("SELECT id FROM t WHERE marker=?", marker) for marker in (one, two)]
        before = int(lab.direct.rows("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'")[0][1])
        other = lab.session()
        try:
            with other.cursor() as cursor:
                cursor.execute("INSERT INTO other (marker, v) SELECT 'weight', 1 FROM seq_1_to_500")
                cursor.execute("UPDATE t SET v=100 WHERE id=%s", (ids[1],))
                asked = lab.begin("PUT", f"t?id=in.{ids[0]},{ids[1]}", {"v": 5 + number})
                end = time.monotonic() + 1
                while not lab.running() and time.monotonic() < end:
                    time.sleep(0.01)
                time.sleep(0.05)
                cursor.execute("UPDATE t SET v=200 WHERE id=%s", (ids[0],))
                time.sleep(0.1)
            other.commit()
        finally:
            other.close()
        after = int(lab.direct.rows("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'")[0][1])
        lab.report.check(after > before, "deadlock: there was none")
        answer = lab.judge("PUT in a deadlock", asked.result(), (200, BUSY), REQUEST_S)
        values = lab.direct.column(f"SELECT v FROM t WHERE id IN ({ids[0]},{ids[1]}) ORDER BY id")
        if answer is not None:
            lab.report.equal(values, [5 + number] * 2 if answer.status == 200 else [200, 100], f"PUT in a deadlock, {answer.status}: values")
    lab.direct.run("DELETE FROM other")
    lab.nothing_runs("deadlock")


def deadlock_in_a_batch(lab):
    """Two transactions of several statements insert the same unique keys in opposite order, again and again: all or nothing."""
    def write(rows):
        return lab.ask("POST", "once", rows)
    for _ in range(6):
        markers = [lab.marker("batch") for _ in range(400)]
        # Rows of two shapes are statements of their own.
        bodies = [[{"marker": marker, "v": side} if place % 2 else {"marker": marker} for place, marker in enumerate(order)]
                  for side, order in ((1, markers), (2, markers[::-1]))]
        results = [one.result() for one in [lab.pool.submit(write, body) for body in bodies]]
        kinds = [(answer.status, answer.problem().get("code")) if getattr(answer, "status", 500) >= 400 else 201 for answer, _ in results]
        for one in results:
            lab.judge("POST of the same keys in opposite order", one, (201, (409, "constraint_violated"), BUSY), REQUEST_S)
        inserted = lab.direct.one("SELECT COUNT(*) FROM once WHERE marker IN (" + ",".join(["?"] * 400) + ")", *markers)
        lab.report.equal(inserted, 400 * kinds.count(201), f"batches answered {kinds}: rows")
        lab.report.check(kinds.count(201) <= 1, f"both batches succeeded: {kinds}")


def packet_too_large(lab):
    """A value larger than the server's packet: the body is at fault, and the connection is of use afterwards."""
    before = lab.direct.one("SELECT @@global.max_allowed_packet")
    lab.direct.run("SET GLOBAL max_allowed_packet=1048576")
    lab.proxy.cut("rst")
    time.sleep(0.1)
    try:
        for size in (1_048_000, 1_500_000, 3_000_000):
            marker = lab.marker("packet")
            answer = lab.judge(f"POST of {size} bytes at max_allowed_packet 1 MiB", lab.ask("POST", "texts", {"marker": marker, "body": "x" * size}),
                               ((413, "body_too_large"),) if size > 1_048_576 else (201, (413, "body_too_large")), REQUEST_S)
            if answer is not None:
                lab.holds(f"POST of {size} bytes", marker, 1 if answer.status == 201 else 0, table="texts")
        marker = lab.marker("packet")
        lab.put(marker)
        lab.judge("PUT too large", lab.ask("PUT", f"texts?marker=eq.{'y' * 4000}", {"body": "x" * 2_000_000}), ((413, "body_too_large"),), REQUEST_S)
        lab.serves("after packets that were too large")
    finally:
        lab.direct.run(f"SET GLOBAL max_allowed_packet={before}")
        lab.proxy.cut("rst")
        time.sleep(0.1)
    marker = lab.marker("packet")
    lab.judge("POST of 3 MB with room for it", lab.ask("POST", "texts", {"marker": marker, "body": "x" * 3_000_000}), (201,), REQUEST_S)


def full_disk(lab):
    """The table's file cannot grow: a file system of 8 MiB, or where none can be mounted the server's own file of limited size. The rows are
    short of a page: MariaDB 10.11.19 itself crashes when the pages of a long text find no room."""
    folder = os.path.join(lab.folder, "small")
    os.makedirs(folder)
    is_mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "rowgate-fault", folder], capture_output=True, check=False).returncode == 0
    where = f"DATA DIRECTORY='{folder}'" if is_mounted else ""
    lab.direct.run(f"SET GLOBAL innodb_file_per_table={int(is_mounted)}")
    try:
        lab.direct.run(f"CREATE TABLE small (id INT AUTO_INCREMENT PRIMARY KEY, marker VARCHAR(120) NOT NULL, body VARCHAR(3000)) {where}")
        acknowledged = refused = 0
        for _ in range(300):
            answer, took = lab.ask("POST", "small", [{"marker": "row", "body": "x" * 3000} for _ in range(100)])
            if getattr(answer, "status", 0) == 201:
                acknowledged += 100
                continue
            lab.judge("POST on a full disk", (answer, took), (BUSY, UNAVAILABLE, READ_ONLY), REQUEST_S)
            refused += 1
            if refused == 5:
                break
        lab.report.check(acknowledged > 0 and refused == 5, f"a full disk: {acknowledged} rows fitted, {refused} requests were refused")
        lab.holds("a full disk", "row", acknowledged, table="small")
        lab.nothing_runs("a full disk")
        lab.judge("GET on a full disk", lab.ask("GET", "small?select=id,marker&limit=1"), (200,), SOON_S)
        answer = lab.judge("DELETE on a full disk", lab.ask("DELETE", "small?marker=eq.row&id=le.100"), (200, BUSY, UNAVAILABLE, READ_ONLY), REQUEST_S)
        if answer is not None and answer.status == 200:
            lab.holds("DELETE on a full disk", "row", acknowledged - 100, table="small")
        lab.direct.run("DROP TABLE small")
        lab.serves("after a full disk")
    finally:
        lab.direct.run("DROP TABLE IF EXISTS small")
        lab.direct.run("SET GLOBAL innodb_file_per_table=1")
        if is_mounted:
            subprocess.run(["umount", "-l", folder], check=False)


def slow_statement(lab):
    """A read that takes nine seconds is stopped in the database; so is one that began late and has less than a statement's time left."""
    slow = [lab.begin("GET", "slow") for _ in range(CONNECTIONS)]
    time.sleep(0.8)
    late = lab.begin("GET", "slow")
    for one in slow:
        lab.judge("GET of a slow view", one.result(), (LATE,), STATEMENT_S + 0.5)
    lab.judge("GET of a slow view that waited first", late.result(), (LATE,), REQUEST_S + 0.5)
    lab.nothing_runs("slow reads")
    lab.serves("after slow reads")


def slow_write(lab):
    """A trigger makes each row take its time: the statement is stopped and rolled back, alone and in a transaction."""
    asked = [(method, lab.begin(method, target, body)) for method, target, body in (
        ("POST", "slowly", [{"marker": "new", "v": 1}] * 8), ("DELETE", "slowly?id=le.8", None), ("PUT", "slowly?id=gt.8", {"marker": "changed"}))]
    for method, one in asked:
        lab.judge(f"{method} with a slow trigger", one.result(), (LATE,), REQUEST_S + 0.5)
    lab.nothing_runs("writes with a slow trigger")
    lab.report.equal(lab.direct.rows("SELECT marker, COUNT(*) FROM slowly GROUP BY marker"), [("old", 16)], "writes with a slow trigger: rows")
    lab.serves("after slow writes")


def killed_statement(lab):
    """An operator's KILL QUERY and KILL: rolled back, or unknown; never reported as done."""
    for kind in ("QUERY", "CONNECTION"):
        marker = lab.marker("killed-by-hand")
        lab.put(marker)
        other = lab.session()
        try:
            with other.cursor() as cursor:
                cursor.execute("SELECT id FROM t WHERE marker=%s FOR UPDATE", (marker,))
            asked = lab.begin("DELETE", filtered(marker))
            ids = []
            end = time.monotonic() + 1
            while not ids and time.monotonic() < end:
                ids = lab.direct.column("SELECT id FROM information_schema.processlist WHERE user=? AND info LIKE 'DELETE%'", USER)
            lab.report.check(bool(ids), "the DELETE did not wait")
            for one in ids:
                lab.direct.run(f"KILL {kind} {one}")
            answer = lab.judge(f"DELETE, KILL {kind}", asked.result(), (LATE, UNKNOWN, UNAVAILABLE, BUSY), REQUEST_S)
        finally:
            other.rollback()
            other.close()
        time.sleep(0.1)
        if answer is not None:
            lab.holds(f"DELETE, KILL {kind}", marker, 1)
        lab.serves(f"after KILL {kind}")


def no_state_is_left(lab):
    """A request that fails in the middle of its transaction leaves nothing to the next one on the same connection."""
    taken = lab.marker("taken")
    lab.put(taken, table="once")
    for number in range(3 * CONNECTIONS):
        marker = lab.marker("left")
        body = [{"marker": marker, "v": 1}, {"marker": taken, "v": 1}] if number % 2 else [{"marker": marker}, {"marker": taken, "v": 1}]
        lab.judge("POST of a batch whose second row is refused", lab.ask("POST", "once", body), ((409, "constraint_violated"),), SOON_S)
        end = time.monotonic() + 0.5  # the server shows a statement a moment longer than it runs
        while lab.running() and time.monotonic() < end:
            time.sleep(0.02)
        lab.report.equal(lab.running(), [], "transactions open after a refused batch")
        answer = lab.judge("GET after it", lab.ask("GET", filtered(marker, "once")), (200,), SOON_S)
        if answer is not None:
            lab.report.equal(answer.json(), [], "rows of the refused batch that the next request sees")
        lab.judge("POST after it", lab.ask("POST", "once", {"marker": marker + "-next"}), (201,), SOON_S)
        lab.holds("the refused batch, after the next commit", marker, 0, table="once")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        def mixed(number):
            marker = lab.marker("mixed")
            fails = number % 2
            answer, _ = lab.ask("POST", "once", [{"marker": marker}, {"marker": taken if fails else marker + "-b", "v": 2}])
            return marker, fails, getattr(answer, "status", 0)
        for marker, fails, status in pool.map(mixed, range(60)):
            lab.report.equal((status, lab.count(marker, "once")), (409, 0) if fails else (201, 1), "a batch beside others that fail")


def wrong_from_the_start(lab):
    """While the database is away a request that its own text refuses is still refused for that, or not judged; it is never done."""
    marker = lab.marker("wrong")
    lab.put(marker)
    lab.proxy.refuse()
    lab.proxy.cut("rst")
    try:
        lab.judge("an unknown operator, no database", lab.ask("DELETE", f"t?marker={marker}"), ((417, "operator_unknown"), UNAVAILABLE), SOON_S)
        lab.judge("no filter, no database", lab.ask("DELETE", "t"), ((406, "filter_required"), UNAVAILABLE), SOON_S)
        answer, _ = lab.ask("GET", table_path("ms", "", "main"))
        lab.judge("the listing, no database", (answer, 0.0), (UNAVAILABLE,), CONNECT_S)
    finally:
        lab.proxy.refuse(False)
    lab.holds("wrong requests", marker, 1)
    lab.serves("after wrong requests")


SCENES = (no_state_is_left, read_only, lock_wait, table_lock, deadlock, deadlock_in_a_batch, packet_too_large, full_disk, slow_statement, slow_write,
          killed_statement, too_many_connections, wrong_from_the_start, paused, killed_and_restarted)
