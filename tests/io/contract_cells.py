"""Cells and keys of every type: what a write gives back is byte for byte what a GET gives, and previews, tokens and keys hold for them all."""
import json

BACK = {"Prefer": "return=representation"}
STRINGS = {"Prefer": "return=representation, numbers=string"}
# What the column types of the tables `cells` are in both databases, then what only MariaDB has; values of two rows, as literals of SQL.
BOTH = {"small": ("TINYINT", "-128", "127"), "big": ("BIGINT", "-9223372036854775808", "9223372036854775807"),
        "ubig": ("BIGINT UNSIGNED", "0", "9223372036854775807"), "price": ("DECIMAL(14,2)", "'-0.50'", "'123456789012.30'"), "f": ("FLOAT", "0.1", "-3e38"),
        "d": ("DOUBLE", "0.1", "1.7976931348623157e308"), "day": ("DATE", "'2024-02-29'", "'0001-01-01'"), "tm": ("TIME", "'12:34:56'", "'-838:59:59'"),
        "dt": ("DATETIME(6)", "'2024-02-29 12:34:56.123456'", "'1000-01-01 00:00:00'"), "ts": ("TIMESTAMP", "'2024-02-29 12:34:56'", "'1970-01-02 00:00:01'"),
        "bin": ("VARBINARY(20)", "x'00ff10'", "x''"), "blb": ("BLOB", "x'0a0d00225c'", "x'ff'"), "doc": ("JSON", "'{\"a\":[1,2.50,\"\\\\u00e9\"]}'", "'null'"),
        "u": ("UUID", "'0f0e0d0c-1234-5678-9abc-def012345678'", "'00000000-0000-0000-0000-000000000000'"), "flag": ("BOOLEAN", "1", "0"), "y": ("YEAR", "1901", "2155"),
        "txt": ("TEXT", "'é😀\\'\"\\\\ '", "''"), "word": ("VARCHAR(20)", "'a,b'", "' '")}
MARIADB_ALONE = {"bits": ("BIT(10)", "b'1000000001'", "b'0'"), "en": ("ENUM('red','gr,een')", "'gr,een'", "'red'"), "se": ("SET('a','b','c')", "'a,c'", "''"),
                 "t3": ("TIME(3)", "'-00:00:00.500'", "'838:59:59.000'"), "ts6": ("TIMESTAMP(6)", "'2024-02-29 12:34:56.000001'", "'2000-01-01 00:00:00'"),
                 "ch": ("CHAR(5)", "'ab'", "''"), "wide": ("DECIMAL(30,10)", "'12345678901234567890.0123456789'", "'-0.0000000001'")}
UNKEYED = ("blb", "doc", "txt")


def types_of(kind):
    return {**BOTH, **MARIADB_ALONE} if kind == "ms" else BOTH


def literal(kind, text):
    """MariaDB reads a backslash in a string, SQLite does not."""
    return text if kind == "ms" else text.replace("\\'", "''").replace("\\\\", "\\")


def make_tables(direct):
    columns = types_of(direct.kind)
    direct.run(f"CREATE TABLE cells (id INT PRIMARY KEY, {', '.join(f'{name} {type_} NULL' for name, (type_, _, _) in columns.items())})")
    for name, (type_, _, _) in columns.items():
        if name not in UNKEYED:
            direct.run(f"CREATE TABLE key_{name} (k {type_} NOT NULL PRIMARY KEY, v INT NULL)")
    direct.run("CREATE TABLE key_two (a VARBINARY(8) NOT NULL, b DECIMAL(6,2) NOT NULL, v INT NULL, PRIMARY KEY (b, a))")


def fill(direct):
    columns = types_of(direct.kind)
    for at, number in ((1, 1), (2, 2)):
        direct.run(f"INSERT INTO cells VALUES ({number}, {', '.join(literal(direct.kind, one[at]) for one in columns.values())})")
    direct.run(f"INSERT INTO cells VALUES (3{', NULL' * len(columns)})")
    for name, values in columns.items():
        if name not in UNKEYED:
            direct.run(f"INSERT INTO key_{name} VALUES ({literal(direct.kind, values[1])}, 1), ({literal(direct.kind, values[2])}, 2)")
    direct.run("INSERT INTO key_two VALUES (x'002c', '-1.50', 1), (x'', '0.00', 2)")


def tables_of(kind):
    return ["cells", "key_two"] + [f"key_{name}" for name in types_of(kind) if name not in UNKEYED]


def run(t):
    renew(t)
    representations(t)
    keys(t)


def renew(t):
    for table in tables_of(t.kind):
        t.direct.run(f"DELETE FROM {table}")
    fill(t.direct)


def told(t, method, table, query, body=None, headers=None):
    answer = t.send(method, t.path(table, query), body, headers or {})
    good = t.report.check(answer.status in (200, 201), f"[{t.kind}] {method} {table}?{query} {body or ''}: {answer!r}")
    return answer.body if good else None


def representations(t):
    names = list(types_of(t.kind))
    for select in ("", "&select=" + ",".join(reversed(names)), "&select=big,price"):
        for headers in (BACK, STRINGS):
            numbers = {"Prefer": headers["Prefer"].replace("return=representation", "x")}
            for where in ("id=eq.1", "id=eq.2", "id=eq.3", "id=gt.0&order=id"):
                read = told(t, "GET", "cells", where + select, headers=numbers)
                changed = told(t, "PATCH", "cells", where + select, {"small": 5}, headers)
                t.report.equal(changed, told(t, "GET", "cells", where + select, headers=numbers), f"[{t.kind}] {where}{select}: a PATCH's rows and a GET's")
                renew(t)
                t.report.equal(told(t, "DELETE", "cells", where + select, headers=headers), read, f"[{t.kind}] {where}{select}: a DELETE's rows and a GET's")
                renew(t)
            # What a GET gives is taken back by a POST, which gives the same again.
            rows = told(t, "GET", "cells", "id=gt.0&order=id", headers=numbers)
            t.direct.run("DELETE FROM cells")
            given = told(t, "POST", "cells", select[1:], rows, headers)
            t.report.equal(given, told(t, "GET", "cells", "id=gt.0&order=id" + select, headers=numbers), f"[{t.kind}] {select}: a POST's rows and a GET's")
            renew(t)
    # A change of each cell, to NULL and from it, changes the set.
    token = {}
    for number in (1, 2, 3):
        preview = json.loads(told(t, "DELETE", "cells", f"id=eq.{number}&_preview=true") or b"{}")
        token[number] = preview.get("token") or "none"
    for number in (1, 2, 3):
        t.report.check(token[number] != "none", f"[{t.kind}] no token for row {number}")
        for name in names:
            other = "NULL" if number < 3 else literal(t.kind, types_of(t.kind)[name][2])
            t.direct.run(f"UPDATE cells SET {name} = {other} WHERE id = {number}")
            answer = t.send("DELETE", t.path("cells", f"id=eq.{number}"), None, {"X-Delete-Token": token[number]})
            t.report.check(answer.status == 412 and answer.problem().get("code") == "set_changed", f"[{t.kind}] row {number}, {name} became {other}: {answer!r}")
            renew(t)
        answer = t.send("DELETE", t.path("cells", f"id=eq.{number}"), None, {"X-Delete-Token": token[number]})
        t.report.check(answer.status == 200, f"[{t.kind}] row {number} with its token: {answer!r}")
        renew(t)


def keys(t):
    """Tables whose key is of the type: by filter, by `ids`, in a body, by the path that an insert answers, with previews."""
    for name in types_of(t.kind):
        if name not in UNKEYED:
            key_of(t, f"key_{name}")
    two = json.loads(told(t, "GET", "key_two", "order=v") or b"[]")
    preview = json.loads(told(t, "DELETE", "key_two", "v=gt.0&_preview=true") or b"{}")
    t.report.equal(sorted(preview.get("sample", []), key=str), sorted(([row["b"], row["a"]] for row in two), key=str), f"[{t.kind}] sample of key_two")
    gone = told(t, "DELETE", "key_two", "v=gt.0", headers={"X-Delete-Token": preview.get("token") or "none"})
    t.report.equal(gone, b'{"rows_affected":2}', f"[{t.kind}] key_two with a token")
    renew(t)


def key_of(t, table):
    whole = told(t, "GET", table, "order=v")
    rows = json.loads(whole or b"[]", parse_float=str, parse_int=str)
    plain = json.loads(whole or b"[]")
    for row, typed in zip(rows, plain):
        key, where = row["k"], f"v=eq.{row['v']}"
        read = told(t, "GET", table, where)
        for query in (f"k=eq.{_query(key)}", f"ids={_query(_quoted(key))}", f"{where}&k=in.{_query(_quoted(key))}"):
            preview = json.loads(told(t, "DELETE", table, query + "&_preview=true") or b"{}")
            t.report.equal((preview.get("would_affect"), preview.get("sample")), (1, [typed["k"]]), f"[{t.kind}] preview of {table}?{query}")
            changed = told(t, "PATCH", table, query, {"v": int(row["v"])}, {**BACK, "Prefer": "return=representation, max-affected=1"})
            t.report.equal(changed, read, f"[{t.kind}] PATCH {table}?{query}")
            gone = told(t, "DELETE", table, query, headers={**BACK, "X-Delete-Token": preview.get("token") or "none"})
            t.report.equal(gone, read, f"[{t.kind}] DELETE {table}?{query}")
            t.report.equal(t.direct.one(f"SELECT count(*) FROM {table}"), 1, f"[{t.kind}] rows left of {table} after {query}")
            renew(t)
        gone = told(t, "DELETE", table, "", b'{"ids":[' + json.dumps(key).encode() + b"]}", BACK)
        t.report.equal(gone, read, f"[{t.kind}] DELETE {table} with {key!r} in a body")
        spelled = json.dumps(key) if isinstance(typed["k"], str) else key  # a number with all its digits
        answer = t.send("POST", t.path(table), f'{{"k":{spelled},"v":{row["v"]}}}'.encode(), BACK)
        t.report.equal((answer.status, answer.body), (201, read), f"[{t.kind}] POST {table} of {key!r}")
        location = answer.header("Location") or ""
        answer = t.send("GET", location)
        found = answer.body if "?" in location else b"[" + answer.body + b"]"
        t.report.equal((answer.status, found), (200, read), f"[{t.kind}] GET {location}")
        if "?" not in location:
            answer = t.send("PATCH", location, {"v": 7}, {"Prefer": "return=headers-only"})
            t.report.equal(answer.status, 204, f"[{t.kind}] PATCH {location}")
            location = answer.header("Location") or ""  # the same row, perhaps spelled as the database writes it
            answer = t.send("DELETE", location + "?select=v", None, BACK)
            t.report.equal((answer.status, answer.body), (200, b'[{"v":7}]'), f"[{t.kind}] DELETE {location}")
        renew(t)


def _quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _query(text):
    return "".join(f"%{byte:02X}" for byte in str(text).encode())
