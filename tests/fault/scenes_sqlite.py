"""Scenes of a SQLite file: its writer lock held by another program, the file moved, its disk full, its -wal removed."""
import os
import sqlite3
import subprocess
import time

from lab import BUSY, LATE, LATE_S, READ_ONLY, REQUEST_S, UNAVAILABLE, Lab
from lib.direct import open_sqlite
from lib.gateway import sqlite_database

SOON_S = 1.0


def ask(lab, method, target, body=None, database="own"):
    return lab.ask(method, target, body, kind="sl", database=database)


def serves(lab, told, path, database="own"):
    """A write is taken again within two seconds, and another program sees it."""
    marker = lab.marker("again")
    end = time.monotonic() + 2 * lab.slow
    answer = None
    while time.monotonic() < end:
        answer, _ = ask(lab, "POST", "t", {"marker": marker, "v": 1}, database)
        if getattr(answer, "status", 0) == 201:
            break
        time.sleep(0.02)
    lab.report.check(getattr(answer, "status", 0) == 201, f"{told}: no write within 2 s: {answer!r}")
    seen = open_sqlite(path)
    lab.report.equal(seen.one("SELECT COUNT(*) FROM t WHERE marker=?", marker), 1, f"{told}: the row as another program sees it")
    seen.close()


def writer_lock(lab):
    """Another program is in a write transaction: reads go on, writes wait no longer than they may."""
    other = sqlite3.connect(lab.own_path, isolation_level=None, timeout=1)
    try:
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO t (marker, v) VALUES ('of-the-other', 1)")
        asked = [lab.begin("POST", "t", {"marker": "locked-out", "v": 1}, kind="sl", database="own"),
                 lab.begin("DELETE", "t?marker=eq.locked-out", kind="sl", database="own"),
                 lab.begin("PUT", "t?marker=eq.locked-out", {"v": 2}, kind="sl", database="own")]
        lab.judge("GET beside a writer", ask(lab, "GET", "t?limit=1"), (200,), SOON_S)
        for one in asked:
            lab.judge("a write behind another program's", one.result(), (BUSY,), REQUEST_S + LATE_S)
        soon = lab.begin("POST", "t", {"marker": "let-in", "v": 1}, kind="sl", database="own")
        time.sleep(0.3)
        other.execute("ROLLBACK")
        lab.judge("a write whose lock came free", soon.result(), (201,), SOON_S)
    finally:
        other.close()
    for marker, wanted in (("locked-out", 0), ("let-in", 1), ("of-the-other", 0)):
        lab.holds("behind a writer", marker, wanted, direct=lab.own)
    serves(lab, "after another program's lock", lab.own_path)


def exclusive_lock(lab):
    """A file in rollback-journal mode with a writer that excludes readers: 503 for all."""
    other = sqlite3.connect(lab.solid_path, isolation_level=None, timeout=1)
    try:
        ask(lab, "GET", "t?limit=1", database="solid")
        other.execute("BEGIN EXCLUSIVE")
        asked = [lab.begin("GET", "t?limit=1", kind="sl", database="solid"),
                 lab.begin("POST", "t", {"marker": "excluded", "v": 1}, kind="sl", database="solid")]
        for one in asked:
            lab.judge("behind an exclusive lock", one.result(), (BUSY, LATE, 200), REQUEST_S + LATE_S)
        other.execute("ROLLBACK")
    finally:
        other.close()
    seen = sqlite3.connect(lab.solid_path)
    lab.report.equal(seen.execute("SELECT COUNT(*) FROM t WHERE marker='excluded'").fetchone()[0], 0, "the excluded row")
    seen.close()


def file_moved(lab):
    """Away: 503, and no new empty file. What was acknowledged is in the file that was moved."""
    names = [lab.own_path + end for end in ("", "-wal", "-shm")]
    marker = lab.marker("moved")
    lab.judge("POST before the move", ask(lab, "POST", "t", {"marker": marker, "v": 1}), (201,), SOON_S)
    lab.own.close()
    for name in names:
        if os.path.exists(name):
            os.rename(name, name + ".away")
    try:
        for method, target, body in (("GET", "t?limit=1", None), ("POST", "t", {"marker": "nowhere", "v": 1}), ("DELETE", f"t?marker=eq.{marker}", None)):
            lab.judge(f"{method}, file moved", ask(lab, method, target, body), (UNAVAILABLE,), SOON_S)
        lab.report.check(not os.path.exists(lab.own_path), "the gateway made a new, empty file")
    finally:
        for name in names:
            if os.path.exists(name + ".away"):
                os.rename(name + ".away", name)
        lab.own = open_sqlite(lab.own_path)
    lab.holds("a file moved and back", marker, 1, direct=lab.own)
    lab.holds("a file moved and back", "nowhere", 0, direct=lab.own)
    serves(lab, "after a file moved and back", lab.own_path)


def wal_removed(lab):
    """Somebody removes the -wal under open connections. Whatever is acknowledged afterwards must be seen by another program, at once and after a
    restart of everything."""
    for name in (lab.scratch_path + "-wal", lab.scratch_path + "-shm"):
        ask(lab, "POST", "t", {"marker": "before", "v": 1}, "scratch")
        if os.path.exists(name):
            os.unlink(name)
        acknowledged = []
        for _ in range(6):
            marker = lab.marker("unlinked")
            answer, took = ask(lab, "POST", "t", {"marker": marker, "v": 1}, "scratch")
            if getattr(answer, "status", 0) == 201:
                acknowledged.append(marker)
            else:
                lab.judge(f"POST, {name[-4:]} removed", (answer, took), (UNAVAILABLE, BUSY), SOON_S)
            time.sleep(0.05)
        seen = sqlite3.connect(lab.scratch_path, timeout=5)
        try:
            there = {row[0] for row in seen.execute("SELECT marker FROM t")}
            state = seen.execute("PRAGMA integrity_check").fetchone()[0]
        except sqlite3.Error as error:
            there, state = set(), repr(error)
        seen.close()
        lab.report.equal(state, "ok", f"integrity after {name[-4:]} was removed")
        lab.report.equal([marker for marker in acknowledged if marker not in there], [], f"acknowledged after {name[-4:]} was removed, and lost")


def full_disk(lab):
    """The file is on a file system of 1 MiB: refused, whole, and of use again when there is room."""
    if not lab.small_folder:
        print("  skipped: full_disk (SQLite): a tmpfs cannot be mounted here", flush=True)
        return
    acknowledged = refused = 0
    for _ in range(60):
        answer, took = ask(lab, "POST", "t", [{"marker": "row" + "x" * 20_000, "v": 1}] * 3, "small")
        if getattr(answer, "status", 0) == 201:
            acknowledged += 3
            continue
        lab.judge("POST on a full disk", (answer, took), (BUSY, UNAVAILABLE, READ_ONLY), REQUEST_S)
        refused += 1
        if refused == 4:
            break
    lab.report.check(acknowledged > 0 and refused == 4, f"a full disk: {acknowledged} rows fitted, {refused} requests were refused")
    lab.judge("GET on a full disk", ask(lab, "GET", "t?limit=1", database="small"), (200,), SOON_S)
    path = os.path.join(lab.small_folder, "small.sqlite")
    subprocess.run(["mount", "-o", "remount,size=8m", lab.small_folder], check=True)
    serves(lab, "when the disk has room", path, "small")
    seen = open_sqlite(path)
    lab.report.equal(seen.one("SELECT COUNT(*) FROM t WHERE marker LIKE 'row%'"), acknowledged, "rows after a full disk")
    lab.report.equal(seen.one("PRAGMA integrity_check"), "ok", "integrity after a full disk")
    seen.close()


SCENES = (writer_lock, exclusive_lock, file_moved, wal_removed, full_disk)


class SqliteLab(Lab):
    """The lab with more files, one for each way to be cruel: these scenes run beside those of MariaDB."""

    small_folder = ""

    def more_databases(self):
        self.own_path = os.path.join(self.folder, "own.sqlite")
        self.scratch_path = os.path.join(self.folder, "scratch.sqlite")
        self.solid_path = os.path.join(self.folder, "solid.sqlite")
        table = "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, marker TEXT NOT NULL, v BIGINT)"
        files = [("own", self.own_path), ("scratch", self.scratch_path), ("solid", self.solid_path)]
        folder = os.path.join(self.folder, "small-sqlite")
        os.makedirs(folder)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "rowgate-fault", folder], capture_output=True, check=False).returncode == 0:
            self.small_folder = folder
            files.append(("small", os.path.join(folder, "small.sqlite")))
        for name, path in files:
            connection = sqlite3.connect(path, isolation_level=None)
            if name != "solid":
                connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(table)
            connection.close()
        self.own = open_sqlite(self.own_path)
        return [sqlite_database(path, name) for name, path in files]

    def destroy(self):
        self.own.close()
        if self.small_folder:
            self.gateway.destroy(self.report)
            subprocess.run(["umount", "-l", self.small_folder], check=False)
        super().destroy()
