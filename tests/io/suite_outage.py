"""Databases that go and come back: 503 within a second while they are away, served again within two when they are back."""
import os
import time

from lib import mariadb, places
from lib.client import Broken, audit
from lib.direct import open_mariadb, open_sqlite
from lib.gateway import Gateway, mariadb_database, sqlite_database, table_path, tenant
from lib.report import Report

WRITES = (("DELETE", "?id=eq.1", None), ("POST", "", {"v": 1}), ("PUT", "?id=eq.2", {"v": 9}))


def run(context):
    report = Report("outage")
    folder = places.scratch("outage")
    server = mariadb.MariaDB().start()
    gateway = None
    try:
        server.make_schema("rg_outage")
        direct = open_mariadb(server, "rg_outage")
        direct.run("CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v INT)")
        direct.run("INSERT INTO t VALUES (1,1),(2,2),(3,3)")
        path = os.path.join(folder, "main.sqlite")
        files = open_sqlite(path)
        files.run("CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, v INT)")
        files.run("INSERT INTO t VALUES (1,1),(2,2),(3,3)")
        files.close()
        gateway = Gateway(context.preset, [tenant([mariadb_database(server, "rg_outage"), sqlite_database(path)])]).start()
        grace = 3 if context.is_sanitized else 1
        warm(report, gateway)
        for name, end in (("stopped", server.stop), ("killed", server.kill), ("stopped again", server.stop)):
            end()
            away(report, gateway, "ms", name, grace)
            answer = timed(gateway, "GET", table_path("sl", "t") + "?id=eq.2")[0]
            report.check(getattr(answer, "status", 0) == 200, f"SQLite while MariaDB is {name}: {answer!r}")
            server.start()
            back(report, gateway, "ms", name, grace)
        rows = open_mariadb(server, "rg_outage").rows("SELECT id, v FROM t ORDER BY id")
        report.equal(rows, [(1, 1), (2, 2), (3, 3)], "MariaDB's rows after all outages")
        started_without(context, report, server, path, grace)
        sqlite_moved(report, gateway, path, grace)
    finally:
        if gateway is not None:
            gateway.destroy(report)
        server.destroy()
        places.remove(folder)
    return report


def warm(report, gateway):
    """Connections are open and idle when the database goes."""
    clients = [gateway.client() for _ in range(8)]
    for client in clients:
        for kind in ("ms", "sl"):
            report.equal(client.request("GET", table_path(kind, "t")).status, 200, f"[{kind}] before the outage")


def timed(gateway, method, target, body=None, identity=True):
    client = gateway.client(identity=identity)
    begun = time.monotonic()
    try:
        answer = client.request(method, target, body)
    except (Broken, OSError) as error:
        answer = error
    client.close()
    return answer, time.monotonic() - begun


def ready_within(gateway, status, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer, _ = timed(gateway, "GET", "/readyz", identity=False)
        if getattr(answer, "status", 0) == status:
            return True
        time.sleep(0.02)
    return False


def away(report, gateway, kind, name, grace):
    attempts = [("GET", "?id=eq.1", None), *WRITES, ("GET", "", None), *WRITES]
    for method, query, body in attempts:
        answer, elapsed = timed(gateway, method, table_path(kind, "t") + query, body)
        told = f"[{kind}] {method} while {name}"
        if report.check(getattr(answer, "status", 0) == 503, f"{told}: {answer!r}"):
            wrong = audit(answer)
            report.check(not wrong and answer.problem().get("code") == "database_unavailable" and answer.header("Retry-After"), f"{told}: {wrong} {answer!r}")
        report.check(elapsed < grace, f"{told} took {elapsed:.2f} s")
    answer, elapsed = timed(gateway, "GET", table_path(kind, ""))
    report.check(getattr(answer, "status", 0) == 503 and elapsed < grace, f"[{kind}] the listing while {name}: {answer!r} in {elapsed:.2f} s")
    # A request that is wrong in itself is told so: it needs no database.
    answer, _ = timed(gateway, "DELETE", table_path(kind, "t") + "?id=10")
    report.check(getattr(answer, "status", 0) in (417, 503), f"[{kind}] a wrong request while {name}: {answer!r}")
    report.check(ready_within(gateway, 503, grace), f"readyz is not 503 within {grace} s while {name}")
    answer, _ = timed(gateway, "GET", "/livez", identity=False)
    report.check(getattr(answer, "status", 0) == 200, f"livez while {name}: {answer!r}")


def back(report, gateway, kind, name, grace):
    end = time.monotonic() + 2 * grace
    answer = None
    while time.monotonic() < end:
        answer, _ = timed(gateway, "GET", table_path(kind, "t") + "?id=eq.1")
        if getattr(answer, "status", 0) == 200:
            break
        time.sleep(0.05)
    report.check(getattr(answer, "status", 0) == 200, f"[{kind}] not served within 2 s after it was {name}: {answer!r}")
    # All connections that had been open are met, a write first.
    for _ in range(12):
        answer, _ = timed(gateway, "PUT", table_path(kind, "t") + "?id=eq.3", {"v": 3})
        report.check(getattr(answer, "status", 0) == 200, f"[{kind}] a write after it was {name}: {answer!r}")
    report.check(ready_within(gateway, 200, grace), f"readyz is not 200 within {grace} s after it was {name}")


def started_without(context, report, server, path, grace):
    """The gateway starts while MariaDB is away, serves what it can, and the rest once it is there."""
    server.stop()
    gateway = Gateway(context.preset, [tenant([mariadb_database(server, "rg_outage"), sqlite_database(path)])])
    try:
        gateway.start(ready=False)
        away(report, gateway, "ms", "not there at start", grace)
        answer, _ = timed(gateway, "GET", table_path("sl", "t"))
        report.check(getattr(answer, "status", 0) == 200, f"SQLite of a gateway started without MariaDB: {answer!r}")
        server.start()
        back(report, gateway, "ms", "not there at start", grace)
    finally:
        gateway.destroy(report)


def sqlite_moved(report, gateway, path, grace):
    """The file is moved away and back: no write may go to the file that is not at its place."""
    names = [path, path + "-wal", path + "-shm"]
    for round_number in (1, 2):
        for name in names:
            if os.path.exists(name):
                os.rename(name, name + ".away")
        away(report, gateway, "sl", f"moved away ({round_number})", grace)
        report.check(not os.path.exists(path), "the gateway made a new, empty database")
        for name in names:
            if os.path.exists(name + ".away"):
                os.rename(name + ".away", name)
        back(report, gateway, "sl", f"moved away ({round_number})", grace)
    files = open_sqlite(path)
    report.equal(files.rows("SELECT id, v FROM t ORDER BY id"), [(1, 1), (2, 2), (3, 3)], "SQLite's rows after the file was moved")
    files.close()
