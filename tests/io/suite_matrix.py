"""Every column type x every literal x every operator x GET, PUT, DELETE and bodies: the rows touched are exactly those that the tests'
own typed comparison names, and none when the literal is not of the type. Short form: a random sample for a minute; --full: all of it.
"""
import json
import multiprocessing
import os
import time

from lib import places
from lib.client import Broken
from lib.direct import open_mariadb, open_sqlite
from lib.gateway import Gateway, encode, mariadb_database, sqlite_database, table_path, tenant
from lib.report import Report, short
from typed_columns import SHAPES, STRAYS, mariadb_columns, sqlite_columns
from typed_values import FOREIGN, Invalid

ORDERED = ("eq", "ne", "lt", "gt", "le", "ge")
LISTS = ("in", "in+", "nin", "nin+", "bw<", "bw>")
PATTERNS = ("li", "rli", "lli")
FORMS = ORDERED + LISTS + PATTERNS
SHORT_SECONDS = 50


def run(context):
    report = Report("matrix")
    folder = places.scratch("matrix")
    server = context.mariadb.get()
    server.make_schema("rg_matrix")
    path = os.path.join(folder, "main.sqlite")
    gateway = Gateway(context.preset, [tenant([mariadb_database(server, "rg_matrix"), sqlite_database(path)])])
    open_sqlite(path).close()
    gateway.start()
    print(f"  seed {context.seed}", flush=True)
    try:
        children = []
        for kind, opened, columns in (("ms", lambda: open_mariadb(server, "rg_matrix"), mariadb_columns()), ("sl", lambda: open_sqlite(path), sqlite_columns())):
            ours, theirs = multiprocessing.Pipe(False)
            child = multiprocessing.Process(target=work, args=(theirs, kind, opened, columns, gateway.port, context.full, context.random(f"matrix-{kind}")))
            child.start()
            theirs.close()
            children.append((kind, child, ours))
        for kind, child, ours in children:
            try:
                passed, failed, notes = ours.recv()
                report.add(passed, failed)
                report.notes += notes
            except EOFError:
                report.fail(f"[{kind}] the worker broke")
            child.join()
    finally:
        gateway.destroy(report)
        places.remove(folder)
    return report


def work(pipe, kind, opened, columns, port, full, numbers):
    from lib.client import Client
    from lib.gateway import IDENTITY
    report = Report("matrix")
    bench = Bench(kind, opened(), Client(port, IDENTITY), report)
    units = []
    for column in columns:
        bench.make(column)
        literals = list(dict.fromkeys(column.literals + SHAPES))
        bench.count_valid(column, literals)
        units += [(column, indexed, literal) for literal in literals for indexed in ((False, True) if column.key else (False,))]
    begun = time.monotonic()
    done = 0
    if not full:
        numbers.shuffle(units)
    for column, indexed, literal in units:
        if not full and time.monotonic() - begun > SHORT_SECONDS:
            break
        bench.unit(column, indexed, literal, None if full else numbers)
        done += 1
    bench.rest()
    share = 100 * bench.valid // max(1, bench.valid + bench.invalid)
    report.check(share >= 33, f"[{kind}] only {share} % of the literals are valid for their column")
    pipe.send((report.passed, report.failed,
               [f"{kind}: {done} of {len(units)} literals x columns, {bench.requests} requests, {share} % of literals valid"]))
    pipe.close()


class Bench:
    def __init__(self, kind, direct, client, report):
        self.kind, self.direct, self.client, self.report = kind, direct, client, report
        self.cells = {}      # column name: {id: value, None or FOREIGN}
        self.found = {}      # (column name, literal): (ids equal, ids less), or None where the literal is foreign to the character set
        self.requests = self.valid = self.invalid = 0

    # --- the tables -------------------------------------------------------------------------------------------------

    def table(self, column, indexed):
        return f"{'i' if indexed else 'n'}_{column.name}"

    def make(self, column):
        run = self.direct.run
        base = f"b_{column.name}"
        run(f"CREATE TABLE {base} (id INTEGER PRIMARY KEY, v {column.declared})" if self.kind == "sl" else
            f"CREATE TABLE {base} (id INT PRIMARY KEY, v {column.declared})")
        rows = list(column.rows)
        if self.kind == "sl" and column.family.is_comparable:
            rows += STRAYS[column.family.classes[-1]]
        run(f"INSERT INTO {base} VALUES (0, NULL)")
        for number, value in enumerate(rows, 1):
            run(f"INSERT INTO {base} VALUES (?, ?)", number, value)
        if column.name == "geometry":
            run(f"INSERT INTO {base} VALUES (1, ST_GeomFromText('POINT(1 2)')), (2, ST_GeomFromText('LINESTRING(0 0,1 1)'))")
        for indexed in (False, True):
            if indexed and not column.key:
                continue
            table = self.table(column, indexed)
            run(f"CREATE TABLE {table} (id {'INTEGER' if self.kind == 'sl' else 'INT'} PRIMARY KEY, v {column.declared}, mark INT NOT NULL DEFAULT 0)")
            run(f"INSERT INTO {table} SELECT id, v, 0 FROM {base}")
            if indexed and self.kind == "ms":
                run(f"CREATE INDEX {table}_v ON {table} ({column.key})")
            elif indexed:
                run(f"CREATE INDEX {table}_v ON {table} (v)")
        self.cells[column.name] = {number: self.cell(column, number, value, storage) for number, value, storage in self.stored(column, base)}

    def stored(self, column, table, where=""):
        storage = "typeof(v)" if self.kind == "sl" else "''"
        return self.direct.rows(f"SELECT id, {column.family.select}, {storage} FROM {table} {where}")

    def cell(self, column, number, value, storage):
        if value is None:
            return None
        if self.kind == "sl" and column.family.classes and storage not in column.family.classes:
            return FOREIGN
        try:
            return column.family.cell(value)
        except Invalid:
            raise RuntimeError(f"{column} row {number}: {value!r} cannot be read") from None

    def count_valid(self, column, literals):
        for literal in literals:
            try:
                column.family.read(literal)
                self.valid += 1
            except Invalid:
                self.invalid += 1

    # --- what must match --------------------------------------------------------------------------------------------

    def comparable(self, column):
        return {number for number, value in self.cells[column.name].items() if value is not None and value is not FOREIGN}

    def ask(self, column, condition, *values):
        return set(self.direct.column(f"SELECT id FROM b_{column.name} WHERE v IS NOT NULL AND {condition}", *values))

    def sets(self, column, literal):
        """The rows that equal the literal and those that are less; None when the column's character set cannot hold it. May raise Invalid."""
        key = (column.name, literal)
        if key in self.found:
            return self.found[key]
        family = column.family
        value = family.read(literal)
        rows = {number: self.cells[column.name][number] for number in self.comparable(column)}
        if getattr(family, "collation", None) and self.kind == "ms":
            if not family.holds(value):
                self.found[key] = None
                return None
            left = "v" if family.is_text else "CAST(v AS CHAR)"
            right = f"CONVERT(? USING {family.charset}) COLLATE {family.collation}"
            result = tuple(self.ask(column, f"{left} {sign} {right}", value) for sign in ("=", "<"))
        else:
            if family.is_text:
                fold = {"BINARY": lambda text: text.encode(), "RTRIM": lambda text: text.rstrip(" ").encode(),
                        "NOCASE": lambda text: "".join(letter.lower() if letter.isascii() else letter for letter in text).encode()}[family.collation]
                rows = {number: fold(cell) for number, cell in rows.items()}
                value = fold(value)
            result = ({number for number, cell in rows.items() if cell == value}, {number for number, cell in rows.items() if cell < value})
        self.found[key] = result
        return result

    def pattern(self, column, form, literal):
        family = column.family
        if not family.is_text or not literal:
            raise Invalid
        if not family.holds(literal):
            return set()
        if self.kind == "ms":
            body = literal.replace("|", "||").replace("%", "|%").replace("_", "|_")
            body = {"li": f"%{body}%", "rli": f"{body}%", "lli": f"%{body}"}[form]
            return self.ask(column, f"v LIKE CONVERT(? USING {family.charset}) COLLATE {family.collation} ESCAPE '|'", body)
        fold = (lambda text: "".join(letter.lower() if letter.isascii() else letter for letter in text)) if family.collation == "NOCASE" else str
        wanted = fold(literal)
        rows = {number: fold(self.cells[column.name][number]) for number in self.comparable(column)}
        return {number for number, cell in rows.items()
                if form == "li" and wanted in cell or form == "rli" and cell.startswith(wanted) or form == "lli" and cell.endswith(wanted)}

    def expected(self, column, form, literal, second):
        """The ids; raises Invalid when the request must be refused."""
        family = column.family
        if form in PATTERNS:
            return self.pattern(column, form, literal)
        if not family.is_comparable:
            raise Invalid
        everything = self.comparable(column)
        one = self.sets(column, literal)
        if form in ORDERED:
            if one is None:
                return everything if form == "ne" else set()
            equal, less = one
            return {"eq": equal, "ne": everything - equal, "lt": less, "gt": everything - equal - less, "le": equal | less, "ge": everything - less}[form]
        two = self.sets(column, second)
        items = [one] if form in ("in", "nin") else [one, two]
        if form[:2] == "in":
            return set().union(*(item[0] for item in items if item))
        if form[:3] == "nin":
            return everything - set().union(*(item[0] for item in items if item))
        low, high = (one, two) if form == "bw<" else (two, one)
        if low is None or high is None:
            return set()
        return (everything - low[1]) & (high[0] | high[1])

    @staticmethod
    def spell(form, literal, second):
        quote = lambda text: encode('"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"')  # noqa: E731
        if form in ORDERED + PATTERNS:
            return f"v={form}.{encode(literal)}"
        if form in ("in", "nin"):
            return f"v={form}.{quote(literal)}"
        if form in ("in+", "nin+"):
            return f"v={form[:-1]}.{quote(literal)},{quote(second)}"
        low, high = (literal, second) if form == "bw<" else (second, literal)
        return f"v=bw.{quote(low)}.{quote(high)}"

    # --- one literal on one table -----------------------------------------------------------------------------------

    def second(self, column):
        """A valid literal of the column, for the other place in a list or a range."""
        for literal in column.literals[len(column.literals) // 3:] + column.literals:
            try:
                column.family.read(literal)
                return literal
            except Invalid:
                continue
        return "1"

    def unit(self, column, indexed, literal, numbers):
        table = self.table(column, indexed)
        second = self.second(column)
        work = [(method, form) for form in FORMS for method in ("GET", "DELETE", "PUT")]
        work += [(method, how) for how in ("string", "raw") for method in ("PUT body", "POST body")]
        if numbers is not None:
            work = numbers.sample(work, 14)
        refused = False
        for method, form in work:
            try:
                if method.endswith("body"):
                    if column.name != "geometry":
                        self.body(column, table, method[:-5], form, literal)
                    continue
                refused |= self.filter(column, table, method, form, literal, second)
            except Broken as broken:
                self.report.fail(f"[{self.kind}] {table} {method} {form} {literal!r}: {broken}")
        if refused:
            self.untouched(column, table, f"after refused requests with {literal!r}")

    def untouched(self, column, table, told):
        ids = self.direct.rows(f"SELECT id, mark FROM {table} ORDER BY id")
        if not self.report.check(ids == [(number, 0) for number in sorted(self.cells[column.name])], f"[{self.kind}] {table}: rows changed {told}: {short(ids)}"):
            self.restore(column, table)

    def restore(self, column, table):
        self.direct.run(f"DELETE FROM {table}")
        self.direct.run(f"INSERT INTO {table} SELECT id, v, 0 FROM b_{column.name}")

    def filter(self, column, table, method, form, literal, second):
        """True when the request had to be refused."""
        self.requests += 1
        query = self.spell(form, literal, second)
        target = f"{table_path(self.kind, table)}?{query}"
        told = f"[{self.kind}] {column.declared} {method} {table}?{query} ({literal!r})"
        try:
            wanted = self.expected(column, form, literal, second)
        except Invalid:
            answer = self.client.request(method, target, {"mark": 1} if method == "PUT" else None)
            self.report.check(answer.status == 400, f"{told}: not refused: {answer!r}")
            if answer.status < 400 and method != "GET":
                self.restore(column, table)
            return True
        if method == "GET":
            answer = self.client.request("GET", target + "&select=id")
            got = sorted(row["id"] for row in answer.json()) if answer.status == 200 else None
            self.report.check(got == sorted(wanted), f"{told}: rows {got}, wanted {sorted(wanted)}: {answer!r}")
            return False
        answer = self.client.request(method, target, {"mark": 1} if method == "PUT" else None)
        right = answer.status == 200 and answer.json() == {"rows_affected": len(wanted)}
        if method == "DELETE":
            touched = set(self.cells[column.name]) - set(self.direct.column(f"SELECT id FROM {table}"))
            if touched:
                self.direct.run(f"INSERT INTO {table} SELECT id, v, 0 FROM b_{column.name} WHERE id IN ({','.join(map(str, touched))})")
        else:
            touched = set(self.direct.column(f"SELECT id FROM {table} WHERE mark = 1"))
            if touched:
                self.direct.run(f"UPDATE {table} SET mark = 0 WHERE mark = 1")
        self.report.check(right and touched == wanted, f"{told}: touched {sorted(touched)}, wanted {sorted(wanted)}: {answer!r}")
        return False

    def body(self, column, table, method, how, literal):
        if how == "raw":
            try:
                json.loads(literal, parse_constant=lambda word: 1 / 0)
            except (ValueError, ZeroDivisionError):
                return
            raw = literal.strip(" ")
        else:
            raw = json.dumps(literal, ensure_ascii=False)
        try:
            if how == "raw" and raw[0] == '"':
                wanted = column.family.store(json.loads(raw))
            elif how == "raw":
                wanted = column.family.store_json(raw)
            else:
                wanted = column.family.store(literal)
            status = 200 if method == "PUT" else 201
        except Invalid:
            wanted, status = None, 422
        too_large = how == "raw" and raw[0] in "-0123456789" and abs(float(raw)) == float("inf")  # the JSON reader's own refusal
        self.requests += 1
        # Row 0 holds NULL, row 1 the first value: both must take the new one.
        number = 9000 if method == "POST" else len(raw) % 2
        text = f'{{"v":{raw}}}' if method == "PUT" else f'{{"id":{number},"v":{raw}}}'
        target = table_path(self.kind, table) + (f"?id=eq.{number}" if method == "PUT" else "")
        answer = self.client.request(method, target, text.encode())
        told = f"[{self.kind}] {column.declared} {method} {table} {text}"
        if not self.report.check(answer.status == status or too_large and answer.status == 400,
                                 f"{told}: status {answer.status}, wanted {status}: {answer!r}") or status == 422:
            changed = self.direct.rows(f"SELECT id FROM {table} WHERE id = 9000")
            self.report.check(answer.status < 400 or not changed, f"{told}: refused, and there it is")
            self.restore(column, table) if answer.status < 400 else None
            return
        rows = self.stored(column, table, f"WHERE id = {number}")
        try:
            got = self.cell(column, *rows[0]) if rows else "no row"
        except RuntimeError as error:
            got = str(error)
        self.report.check(got == wanted and type(got) is type(wanted), f"{told}: stored {rows}, read as {got!r}, wanted {wanted!r}")
        self.direct.run(f"DELETE FROM {table} WHERE id = {number}")
        if method == "PUT":
            self.direct.run(f"INSERT INTO {table} SELECT id, v, 0 FROM b_{column.name} WHERE id = {number}")

    def rest(self):
        """`is` on each column; and each table as it was at the end, values included."""
        for name, cells in self.cells.items():
            for table in (f"n_{name}", f"i_{name}"):
                if table == "i_geometry":
                    continue
                for query, wanted in (("v=is.null", [number for number, cell in cells.items() if cell is None]),
                                      ("v=not.is.null", [number for number, cell in cells.items() if cell is not None])):
                    answer = self.client.request("GET", f"{table_path(self.kind, table)}?{query}&select=id&order=id")
                    got = [row["id"] for row in answer.json()] if answer.status == 200 else answer
                    self.report.equal(got, sorted(wanted), f"[{self.kind}] {table}?{query}")
                value = "HEX(v)" if self.kind == "ms" else "v"
                before = self.direct.rows(f"SELECT id, {value} FROM b_{name} ORDER BY id")
                after = self.direct.rows(f"SELECT id, {value} FROM {table} ORDER BY id")
                self.report.check(before == after, f"[{self.kind}] {table} is not as it was: {short(after)}, was {short(before)}")
