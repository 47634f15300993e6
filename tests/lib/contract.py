"""One request against the contract: what was asked, what had to come back, what the tables had to hold afterwards.

A Trial belongs to one database (`ms` or `sl`). After every request that must be refused, and every GET, each table is compared
with what it held before: "nothing at all" is checked, not assumed.
"""
import os

from lib import places
from lib.client import Broken, audit
from lib.gateway import table_path
from lib.report import short

# MariaDB's identifiers hold no character beyond U+FFFF, SQLite's do.
EVIL_TABLE = {"ms": "we`ird\"; drop table people; -- ☃", "sl": "we`ird\"; drop table people; -- 😀"}
LONG_NAME = "l" + "o" * 62 + "g"
EVIL_COLUMNS = {"ms": ["`", "\"", ";", "☃", "a b", "x'--", "%zz", LONG_NAME, "é"],
                "sl": ["`", "\"", ";", "😀", "a b", "x'--", "%zz", LONG_NAME, "é"]}

PEOPLE = [
    (1, "Alice Carter", "alice@test.com", 1, 30, None, "2026-01-01 10:00:00"),
    (2, "Bob", "bob@example.com", 1, 41, "100% wool", "2026-01-02 10:00:00"),
    (3, "carol", "carol@test.com", 0, None, "a_b", "2026-01-03 10:00:00"),
    (4, "d,\"v\"\\e", "dave@example.org", 1, 19, "", "2026-01-04 10:00:00"),
    (5, "Eve.Malice", "eve@test.com", 0, 7, "eq.\"a\"", "2026-01-05 10:00:00"),
    (6, "Ünal 😀", "uenal@example.com", 1, 66, "a+b c&d=e", "2026-01-06 10:00:00"),
    (7, "(odd)", "odd@example.com", 1, -5, "axb", "2026-01-07 10:00:00"),
]
# The instant before 1970, 0 and so on are the matrix suite's; here is one row of each kind, and one of NULLs.
KINDS = [
    (1, -128, -9223372036854775808, 9223372036854775807, "12.50", 0.1, 0.1, "2024-02-29", "12:34:56", "2024-02-29 12:34:56.123456",
     "2024-02-29 12:34:56.123456", b"\x00\xff\x10", "{\"a\":[1,2.50]}", "0f0e0d0c-1234-5678-9abc-def012345678", 1, 2024, "héllo"),
    (2,) + (None,) * 16,
]
RESET = {
    "people": PEOPLE,
    "orders": [(1, 1, "10.00", 5, "a", 1, 2), (2, 1, "20.50", None, None, None, None)],
    "pairs": [(1, "x", 1), (1, "y", 2), (2, "x", 3)],
    "words": [("apple", 1), ("bulk-delete", 2), ("a,b", 3), ("say \"x\"", 4)],
    "nokey": [(1, "one"), (2, "two")],
    "defaults": [(1, 1, "b", None, 5)],
    "kinds": KINDS,
    "secret": [(1, 1)],
    "readonly": [(1, 1)],
    "a/b": [(1, 1)],
}
PARENTS_LAST = ["orders", "people", "pairs", "words", "nokey", "defaults", "kinds", "secret", "readonly", "a/b"]


def make_fixture(direct):
    with open(os.path.join(places.TESTS, "fixtures", f"io.{direct.kind}.sql"), encoding="utf-8") as text:
        direct.script(text.read())
    key = "INT AUTO_INCREMENT PRIMARY KEY" if direct.kind == "ms" else "INTEGER PRIMARY KEY AUTOINCREMENT"
    columns = ", ".join(f"{direct.quote(name)} INT NULL" for name in EVIL_COLUMNS[direct.kind])
    direct.run(f"CREATE TABLE {direct.quote(EVIL_TABLE[direct.kind])} (id {key}, {columns})")
    direct.run(f"CREATE TABLE {direct.quote(LONG_NAME)} (id {key}, v INT NULL)")
    direct.run("INSERT INTO many (id, v) VALUES " + ",".join(f"({n},{n % 10})" for n in range(1, 1006)))
    direct.run("INSERT INTO generated (id, a) VALUES (1, 21)")
    if direct.kind == "ms":
        direct.run("INSERT INTO latin VALUES (1, 'é', 'red', 'a,c'), (2, 'E', 'blue', ''), (3, NULL, NULL, NULL)")


class Trial:
    def __init__(self, kind, gateway, direct, report):
        self.kind, self.gateway, self.direct, self.report = kind, gateway, direct, report
        self.client = gateway.client()
        self.tables = [name for name in RESET if name not in ("many",)] + [EVIL_TABLE[kind], LONG_NAME, "generated"]
        self.reset()
        self._before = self.content()

    @property
    def is_mariadb(self):
        return self.kind == "ms"

    def path(self, table="", query=None, **more):
        path = table_path(self.kind, table, **more)
        return path if query is None else f"{path}?{query}"

    def reset(self):
        """Every table as the fixture has it; what auto-increment goes on with is not reset, as in life."""
        quote = self.direct.quote
        for table in PARENTS_LAST:
            self.direct.run(f"DELETE FROM {quote(table)}")
        for table in reversed(PARENTS_LAST):
            for row in RESET[table]:
                self.direct.run(f"INSERT INTO {quote(table)} VALUES ({','.join('?' * len(row))})", *row)
        self.direct.run("DELETE FROM generated WHERE id <> 1")
        for table in (EVIL_TABLE[self.kind], LONG_NAME):
            self.direct.run(f"DELETE FROM {quote(table)}")
        evil = EVIL_COLUMNS[self.kind]
        for number in (1, 2):
            self.direct.run(f"INSERT INTO {quote(EVIL_TABLE[self.kind])} VALUES ({','.join('?' * (len(evil) + 1))})",
                            number, *[number * 10 + at for at in range(len(evil))])
            self.direct.run(f"INSERT INTO {quote(LONG_NAME)} VALUES (?,?)", number, number)
        self._before = self.content()

    def content(self):
        if self.is_mariadb:  # one round trip: every request is followed by this
            return dict(self.direct.rows("CHECKSUM TABLE " + ",".join(self.direct.quote(table) for table in self.tables)))
        return {table: self.direct.rows(f"SELECT * FROM {self.direct.quote(table)} ORDER BY 1, 2") for table in self.tables}

    def send(self, method, target, body=None, headers=(), **more):
        return self.client.request(method, target, body, list(headers.items()) if isinstance(headers, dict) else list(headers), **more)

    def ask(self, method, target, status, *, body=None, headers=(), code=None, ids=None, json=None, detail=None, hint=None,
            parameter=None, position=None, has=None, after=None, changes=None, **more):
        """Sends and judges. `target` without a leading slash is `table?query` or `table/key?query` of this database, the key as it is sent.

        code, parameter, position: the problem's. detail, hint: text that must occur there (several in a list).
        ids: the `id` of each row of the answer, in order. json: the whole answer. has: headers, name to value or None.
        after: (sql, rows) read directly. changes: what this write must do; without it a write that succeeds is followed by
        a reset, and one that is refused must have changed nothing."""
        if not target.startswith("/"):
            address, _, query = target.partition("?")
            table, _, key = address.partition("/")
            target = self.path(table) + ("/" + key if "/" in address else "") + ("?" + query if "?" in target else "")
        target = target.replace(" ", "%20")  # a case may be written with a blank; a request line has none
        told = f"[{self.kind}] {method} {short(target, 200)}"
        if body is not None:
            told += f" {short(body if not isinstance(body, bytes) else repr(body), 120)}"
        if headers:
            told += f" {short(headers, 150)}"
        try:
            answer = self.send(method, target, body, headers, **more)
        except Broken as broken:
            self.report.fail(f"{told}: {broken}")
            return None
        wrong = audit(answer, method)
        statuses = status if isinstance(status, tuple) else (status,)
        if answer.status not in statuses:
            wrong.append(f"status {answer.status}, wanted {status}")
        elif answer.status >= 400 and method != "HEAD":
            wrong += self._judge_problem(answer.problem(), code, detail, hint, parameter, position)
        elif answer.status < 400:
            wrong += self._judge_rows(answer, ids, json)
        for name, value in (has or {}).items():
            got = answer.header(name)
            if (name == "Allow" and value is not None and
                    sorted(part.strip() for part in (got or "").split(",")) != sorted(part.strip() for part in value.split(","))):
                wrong.append(f"Allow is {got!r}, wanted {value!r}")
            elif name != "Allow" and got != value:
                wrong.append(f"{name} is {got!r}, wanted {value!r}")
        writes = method in ("POST", "PUT", "PATCH", "DELETE")
        succeeds = statuses[0] < 400
        if after is not None:
            got = self.direct.rows(after[0])
            if got != after[1]:
                wrong.append(f"afterwards {after[0]} gives {short(got)}, wanted {short(after[1])}")
        if not (writes and succeeds) or answer.status >= 400 or changes is False:
            now = self.content()
            if now != self._before:
                changed = [table for table in now if now[table] != self._before[table]]
                wrong.append(f"table {changed} was changed: {short(now[changed[0]])}")
                self.reset()
        elif changes is None:
            self.reset()
        if wrong:
            self.report.fail(f"{told}: {'; '.join(wrong)}: {short(repr(answer), 500)}")
        else:
            self.report.ok()
        return answer

    @staticmethod
    def _judge_problem(problem, code, detail, hint, parameter, position):
        wrong = []
        codes = code if isinstance(code, tuple) else (code,)
        if code is not None and problem.get("code") not in codes:
            wrong.append(f"code {problem.get('code')}, wanted {code}")
        for member, wanted in (("detail", detail), ("hint", hint)):
            for text in [wanted] if isinstance(wanted, str) else wanted or []:
                if text not in str(problem.get(member, "")):
                    wrong.append(f"{member} {problem.get(member)!r} does not hold {text!r}")
        if parameter is not None and problem.get("parameter") != parameter:
            wrong.append(f"parameter {problem.get('parameter')!r}, wanted {parameter!r}")
        if position is not None and problem.get("position") != position:
            wrong.append(f"position {problem.get('position')!r}, wanted {position!r}")
        return wrong

    @staticmethod
    def _judge_rows(answer, ids, json):
        wrong = []
        if ids is None and json is None:
            return wrong
        try:
            value = answer.json()
        except ValueError as error:
            return [f"the answer is not JSON: {error}"]
        if json is not None and value != json:
            wrong.append(f"answer {short(value)}, wanted {short(json)}")
        if ids is not None:
            got = [row.get("id") for row in value] if isinstance(value, list) else value
            if got != list(ids):
                wrong.append(f"rows {short(got)}, wanted {short(list(ids))}")
        return wrong
