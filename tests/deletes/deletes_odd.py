"""Tables of which a key says less than it seems, and triggers that do something else than they are asked: nothing but the row that was meant may go,
and what is told is true. Part of the suite `deletes`.
"""
import os

from lib import places
from lib.client import audit
from lib.direct import open_mariadb, open_sqlite
from lib.gateway import Gateway, grant, mariadb_database, sqlite_database, table_path, tenant
from lib.report import short

SCHEMA = "rg_deletes_odd"
ONE_ROW = ("max-affected=1",)


class Odd:
    """A gateway over one database, once with all rights (`all`) and once with a row filter (`mine`)."""

    def __init__(self, context, report, kind, statements):
        self.kind, self.report, self.folder = kind, report, places.scratch("odd")
        path = os.path.join(self.folder, "odd.sqlite")
        entries, filtered = [], [{**grant("admin", ["*"]), "row_filter": "own=eq.me"}]
        if kind == "ms":
            server = context.mariadb.get()
            server.make_schema(SCHEMA)
            self.direct = open_mariadb(server, SCHEMA)
            entries = [mariadb_database(server, SCHEMA, "all", [grant("admin", ["*"])]), mariadb_database(server, SCHEMA, "mine", filtered)]
        else:
            self.direct = open_sqlite(path)
            entries = [sqlite_database(path, "all", [grant("admin", ["*"])]), sqlite_database(path, "mine", filtered)]
        for statement in statements:
            self.direct.run(statement)
        self.gateway = Gateway(context.preset, [tenant(entries)]).start()
        self.client = self.gateway.client()

    def ask(self, method, target, status, body=None, prefer=(), database="all", **members):
        """`members`: what the JSON of the answer says."""
        table = target.partition("?")[0].partition("/")[0]
        answer = self.client.request(method, table_path(self.kind, table, database) + target[len(table):], body, [("Prefer", one) for one in prefer])
        said = answer.json() if answer.body else {}
        wrong = [f"{name} is {said.get(name)!r}" for name, value in members.items() if said.get(name) != value] if isinstance(said, dict) else []
        self.report.check(answer.status == status and not wrong and not audit(answer, method),
                          f"odd [{self.kind}] {method} {target} {body or ''} {prefer}: wanted {status} {members}: {'; '.join(wrong)} {short(repr(answer))}")
        return said

    def holds(self, query, *rows):
        self.report.equal([tuple(row) for row in self.direct.rows(query)], list(rows), f"odd [{self.kind}] {query}")

    def close(self):
        self.client.close()
        self.gateway.destroy(self.report)
        self.direct.close()
        places.remove(self.folder)


def odd_all(context, report):
    for part in (twins, error_member, loose_keys, skipping_triggers, clearing_triggers, null_by_cascade, equal_parents, moved_rows, foreseen, many_in_order):
        for kind in part.kinds:
            part(context, report, kind)


def on(*kinds):
    def mark(part):
        part.kinds = kinds
        return part
    return mark


@on("ms")
def twins(context, report, kind):
    """Two characters of cp932 are one in Unicode: such a key is none."""
    for byte in ("878A", "FA58"):
        odd = Odd(context, report, kind, ["CREATE TABLE firms (name VARCHAR(20) CHARACTER SET cp932 PRIMARY KEY, stock INT, own VARCHAR(9))",
                                          "INSERT INTO firms VALUES (x'878A', 5, 'me'), (x'FA58', 0, 'me')"])
        try:
            stock, left = (5, ("FA58", 0)) if byte == "878A" else (0, ("878A", 5))
            odd.ask("PATCH", f"firms?stock=eq.{stock}", 501, {"own": "you"}, database="mine", code="not_implemented")
            odd.ask("DELETE", f"firms?stock=eq.{stock}&_preview=true", 200, would_affect=1, token=None)
            odd.ask("GET", "firms/x", 404, code="path_unknown")
            odd.ask("DELETE", f"firms?stock=eq.{stock}", 200, prefer=ONE_ROW, rows_affected=1)
            odd.holds("SELECT HEX(name), stock FROM firms", left)
        finally:
            odd.close()


@on("ms")
def error_member(context, report, kind):
    odd = Odd(context, report, kind, ["CREATE TABLE kinds (k ENUM('a', '') PRIMARY KEY, v INT)", "INSERT IGNORE INTO kinds VALUES ('', 1), ('nothing', 2)"])
    try:
        odd.ask("DELETE", "kinds?v=eq.2", 200, prefer=ONE_ROW, rows_affected=1)
        odd.holds("SELECT k + 0, v FROM kinds", (2, 1))
    finally:
        odd.close()


@on("sl")
def loose_keys(context, report, kind):
    """A key that tells texts apart which its column takes for equal."""
    for tail in ("", " WITHOUT ROWID"):
        odd = Odd(context, report, kind, [
            f"CREATE TABLE names (k TEXT COLLATE NOCASE NOT NULL, own TEXT, v INT, PRIMARY KEY (k COLLATE BINARY)){tail}",
            "INSERT INTO names VALUES ('a', 'me', 1), ('A', 'me', 2), ('b', 'me', 3)",
            "CREATE TABLE codes (id INTEGER PRIMARY KEY, k TEXT COLLATE NOCASE NOT NULL)", "CREATE UNIQUE INDEX codes_k ON codes (k COLLATE BINARY)",
            "CREATE TABLE tight (k TEXT NOT NULL, PRIMARY KEY (k COLLATE NOCASE))", "INSERT INTO tight VALUES ('a'), ('b')"])
        try:
            odd.ask("DELETE", "names/a", 404, code="path_unknown")
            odd.ask("PATCH", "names?v=eq.2", 501, {"own": "you"}, database="mine", code="not_implemented")
            odd.ask("DELETE", "names?v=gt.0&order=k&limit=1", 400, code="query_invalid")
            odd.ask("DELETE", "codes?id=gt.0&order=k&limit=1", 400, code="query_invalid")
            said = odd.ask("DELETE", "names?v=eq.1", 200, prefer=("return=representation",))
            report.equal(said, [{"k": "a", "own": "me", "v": 1}], f"odd [{kind}] what went")
            odd.holds("SELECT v FROM names ORDER BY v", (2,), (3,))
            odd.ask("DELETE", "tight/A", 404, code="row_unknown")
            odd.ask("DELETE", "tight/a", 200, rows_affected=1)
        finally:
            odd.close()


@on("sl")
def skipping_triggers(context, report, kind):
    """A trigger that writes elsewhere and leaves the row out: it runs once, and nothing of it stays."""
    odd = Odd(context, report, kind, [
        "CREATE TABLE soft (id INTEGER PRIMARY KEY, v INT, gone INT DEFAULT 0)", "INSERT INTO soft VALUES (1, 1, 0), (2, 1, 0)", "CREATE TABLE log (x INT)",
        "CREATE TRIGGER soft_gone BEFORE DELETE ON soft WHEN OLD.gone = 0 BEGIN UPDATE soft SET gone = 1 WHERE id = OLD.id; "
        "INSERT INTO log VALUES (OLD.id); SELECT RAISE(IGNORE); END",
        "CREATE TABLE self (id INTEGER PRIMARY KEY, v INT)", "INSERT INTO self VALUES (1, 1)",
        "CREATE TRIGGER self_gone BEFORE DELETE ON self BEGIN DELETE FROM self WHERE id = OLD.id; END",
        "CREATE TRIGGER self_new BEFORE UPDATE ON self BEGIN DELETE FROM self WHERE id = OLD.id; END",
        "CREATE TABLE quiet (id INTEGER PRIMARY KEY)", "INSERT INTO quiet VALUES (1)",
        "CREATE TRIGGER quiet_gone BEFORE DELETE ON quiet BEGIN SELECT RAISE(IGNORE); END"])
    try:
        for prefer in ((), ONE_ROW, ("return=representation",)):
            for target in ("soft/1", "soft?id=eq.1", "soft?id=eq.1&v=eq.1", "self/1"):
                odd.ask("DELETE", target, 422, prefer=prefer, code="row_invalid")
            odd.ask("PATCH", "self/1", 422, {"v": 2}, prefer=prefer, code="row_invalid")
        odd.ask("DELETE", "soft?v=eq.1", 422, code="row_invalid")
        odd.holds("SELECT id, gone FROM soft", (1, 0), (2, 0))
        odd.holds("SELECT x FROM log")
        odd.holds("SELECT id, v FROM self", (1, 1))
        odd.ask("DELETE", "quiet/1", 404, code="row_unknown")
        odd.holds("SELECT id FROM quiet", (1,))
    finally:
        odd.close()


@on("ms", "sl")
def clearing_triggers(context, report, kind):
    """A trigger takes the children of one parent out of the way: what only the database can tell is asked of it."""
    trigger = ("FOR EACH ROW DELETE FROM kids WHERE p = OLD.id AND OLD.id = 1" if kind == "ms" else
               "WHEN OLD.id = 1 BEGIN DELETE FROM kids WHERE p = OLD.id; END")
    odd = Odd(context, report, kind, [
        "CREATE TABLE heads (id INTEGER PRIMARY KEY)", "CREATE TABLE kids (id INTEGER PRIMARY KEY, p INTEGER, CONSTRAINT kid FOREIGN KEY (p) REFERENCES heads (id))",
        "INSERT INTO heads VALUES (1), (2)", "INSERT INTO kids VALUES (1, 1), (2, 1), (3, 2)", f"CREATE TRIGGER clearing BEFORE DELETE ON heads {trigger}"])
    try:
        told = odd.ask("DELETE", "heads/1?_preview=true", 200, would_affect=1, triggers=["clearing"])
        report.check("refused" not in told and told["token"], f"odd [{kind}] a preview with a trigger that clears the way: {told}")
        odd.ask("DELETE", "heads/2?_preview=true", 200, refused=409, token=None)
        said = odd.ask("DELETE", "heads/2", 409, prefer=("max-affected=9",), code="constraint_violated")
        report.check("1 row of table 'kids'" in said.get("detail", ""), f"odd [{kind}] what is in the way: {said}")
        odd.holds("SELECT id FROM kids ORDER BY id", (1,), (2,), (3,))
        odd.ask("DELETE", "heads/1", 200, prefer=("max-affected=9",), rows_affected=1)
        odd.holds("SELECT id FROM kids", (3,))
    finally:
        odd.close()


@on("sl")
def null_by_cascade(context, report, kind):
    """What the database refuses for a cascade's NULL is told before a cap on cascades, as what is in the way is, also where a trigger leaves that to it."""
    odd = Odd(context, report, kind, [
        "CREATE TABLE heads (id INTEGER PRIMARY KEY)", "CREATE TABLE gone (id INTEGER)",
        "CREATE TABLE kids (id INTEGER PRIMARY KEY, p INTEGER REFERENCES heads (id))",
        "CREATE TABLE pets (id INTEGER PRIMARY KEY, p INTEGER NOT NULL REFERENCES heads (id) ON DELETE SET NULL)",
        "CREATE TRIGGER leaving AFTER DELETE ON heads BEGIN INSERT INTO gone VALUES (OLD.id); END",
        "INSERT INTO heads VALUES (1), (2)", "INSERT INTO kids VALUES (1, 1)", "INSERT INTO pets VALUES (1, 1), (2, 2)"])
    try:
        for head in (1, 2):
            for prefer in ((), ONE_ROW):
                odd.ask("DELETE", f"heads/{head}", 422, prefer=prefer, code="row_invalid")
        odd.holds("SELECT id FROM heads ORDER BY id", (1,), (2,))
        odd.holds("SELECT id FROM gone")
    finally:
        odd.close()


@on("ms")
def equal_parents(context, report, kind):
    """Children of a parent whose index is not unique: each counts once."""
    odd = Odd(context, report, kind, [
        "CREATE TABLE heads (id INT PRIMARY KEY, n INT, KEY (n))", "INSERT INTO heads VALUES (1, 1), (2, 1), (3, 2)",
        "CREATE TABLE kids (id INT PRIMARY KEY, a INT, CONSTRAINT kid FOREIGN KEY (a) REFERENCES heads (n) ON DELETE CASCADE)",
        "INSERT INTO kids VALUES (1, 1), (2, 1), (3, 2)"])
    try:
        told = odd.ask("DELETE", "heads/1?_preview=true", 200, would_affect=1)
        report.equal([one["rows"] for one in told.get("cascades", [])], [2], f"odd [{kind}] children of equal parents")
        odd.ask("DELETE", "heads/1", 412, prefer=("max-affected=2",), code="set_too_large")
        odd.ask("DELETE", "heads/1", 200, prefer=("max-affected=3",), rows_affected=1)
        odd.holds("SELECT id FROM kids", (3,))
    finally:
        odd.close()


@on("ms")
def moved_rows(context, report, kind):
    """A trigger gives rows other keys: where they are is not told, and they are not shown as others."""
    odd = Odd(context, report, kind, ["CREATE TABLE moved (id INT PRIMARY KEY, v INT)", "INSERT INTO moved VALUES (1, 1), (2, 2)",
                                      "CREATE TRIGGER moving BEFORE UPDATE ON moved FOR EACH ROW SET NEW.id = NEW.id + 100"])
    try:
        for preference in ("return=representation", "return=headers-only"):
            odd.ask("PATCH", "moved?id=eq.1", 422, {"v": 9}, prefer=(preference,), code="row_invalid")
        odd.holds("SELECT id, v FROM moved ORDER BY id", (1, 1), (2, 2))
        odd.ask("PATCH", "moved?id=eq.1", 200, {"v": 9}, rows_affected=1)
    finally:
        odd.close()


@on("ms", "sl")
def foreseen(context, report, kind):
    """A preview of an update that a CHECK, a key over a generated column or a row filter refuses gives no token."""
    odd = Odd(context, report, kind, [
        "CREATE TABLE twice (id INTEGER PRIMARY KEY, v INTEGER, g INTEGER AS (v * 2) STORED UNIQUE)", "INSERT INTO twice (id, v) VALUES (1, 1), (2, 2)",
        "CREATE TABLE small (id INTEGER PRIMARY KEY, own VARCHAR(9) NOT NULL, v INTEGER NOT NULL CHECK (v < 10))", "INSERT INTO small VALUES (1, 'me', 1)"])
    try:
        odd.ask("PATCH", "twice/2?_preview=true", 200, {"v": 1}, refused=409, token=None)
        odd.ask("PATCH", "small/1?_preview=true", 422, {"v": 11}, code="row_invalid")
        odd.ask("PATCH", "small/1?_preview=true", 403, {"own": "you"}, database="mine")
        odd.ask("PATCH", "small/1?_preview=true", 200, {"own": "you"}, would_affect=1)
        odd.holds("SELECT id, own, v FROM small", (1, "me", 1))
        odd.holds("SELECT v FROM twice ORDER BY id", (1,), (2,))
    finally:
        odd.close()


@on("ms", "sl")
def many_in_order(context, report, kind):
    """The first of more keys than one statement takes: refused by the preview as by the delete."""
    width = 7 if kind == "ms" else 4
    names = [f"c{at}" for at in range(width)]
    odd = Odd(context, report, kind, [f"CREATE TABLE wide ({', '.join(f'{name} INTEGER NOT NULL' for name in names)}, PRIMARY KEY ({', '.join(names)}))",
                                      "INSERT INTO wide VALUES " + ",".join("(" + ",".join([str(n)] + ["1"] * (width - 1)) + ")" for n in range(12))])
    try:
        ids = [[number] + [1] * (width - 1) for number in range(10000)]
        for extra in ("", "&_preview=true"):
            odd.ask("DELETE", f"wide?order={','.join(names)}&limit=5{extra}", 413, {"ids": ids})
        odd.ask("DELETE", "wide?_preview=true", 200, {"ids": ids}, would_affect=12)
        odd.holds("SELECT COUNT(*) FROM wide", (12,))
    finally:
        odd.close()
