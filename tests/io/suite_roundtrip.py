"""What goes out can be sent back in: random rows of every column type, POST, GET, POST what came back into a second table, GET: the
same bytes, and the same cells in the database. A part of the rows is put there by SQL, so that the gateway's own reading proves nothing.
"""
import base64
import datetime
import json
import os
import random
import struct
import uuid
from decimal import Decimal

from lib import places
from lib.client import audit
from lib.direct import open_mariadb, open_sqlite
from lib.gateway import Gateway, mariadb_database, sqlite_database, table_path, tenant
from lib.report import Report, short

LETTERS = "abcXYZ 0'\"\\`%_;/<>&=+\t\n\r\x01\x7fäéß☃中😀💣\u2028\ufeff\u200f"


def words(numbers, most, alphabet=LETTERS, trailing=True):
    text = "".join(numbers.choice(alphabet) for _ in range(numbers.choice((0, 1, 2, most // 2, most))))
    return text if trailing else text.rstrip(" ")


def raw_bytes(numbers, most, exactly=False):
    return numbers.randbytes(most if exactly else numbers.choice((0, 1, 2, most // 2, most)))


def finite(numbers, form, integer_form, bits):
    while True:
        value = struct.unpack(form, struct.pack(integer_form, numbers.getrandbits(bits)))[0]
        if value == value and abs(value) != float("inf"):
            return value


def integer(low, high):
    return lambda numbers: numbers.choice((low, low + 1, min(max(0, low), high), high - 1, high, numbers.randint(low, high)))


def exact(precision, scale):
    def make(numbers):
        digits = "".join(str(numbers.randint(0, 9)) for _ in range(numbers.choice((1, scale, scale + 1, precision))))
        digits = numbers.choice((digits, "9" * precision, "1", "0")).rjust(scale + 1, "0")
        whole, part = digits[:-scale].lstrip("0") or "0", digits[-scale:]
        text = f"{whole}.{part}"
        return Decimal(numbers.choice(("", "-")) + text) if Decimal(text) else Decimal(text)
    return make


def moment(low, high, digits):
    def make(numbers):
        seconds = numbers.randint(0, int((high - low).total_seconds()))
        micros = numbers.choice((0, 1, 999999, numbers.randint(0, 999999))) // 10 ** (6 - digits) * 10 ** (6 - digits)
        value = numbers.choice((low, high, low + datetime.timedelta(seconds=seconds))) + datetime.timedelta(microseconds=micros)
        return (f"{value.year:04}-{value.month:02}-{value.day:02} {value.hour:02}:{value.minute:02}:{value.second:02}" +
                (f".{value.microsecond:06}"[:digits + 1] if value.microsecond else ""))
    return make


def clock(digits):
    def make(numbers):
        hours = numbers.choice((0, 1, 23, 24, 99, 100, 838, numbers.randint(0, 837)))
        fraction = f".{numbers.randint(0, 10 ** digits - 1):0{digits}}" if digits and hours < 838 and numbers.random() < 0.6 else ""
        sign = "-" if numbers.random() < 0.4 and (hours or fraction.strip(".0")) else ""
        return f"{sign}{hours:02}:{numbers.choice((0, 59, 34)):02}:{numbers.choice((0, 59, 7)):02}{fraction if fraction.strip('.0') else ''}"
    return make


def day(numbers):
    value = datetime.date(1, 1, 1) + datetime.timedelta(days=numbers.choice((0, 1, 3652058, numbers.randint(0, 3652058))))
    return f"{value.year:04}-{value.month:02}-{value.day:02}"


def document(numbers, depth=0):
    kind = numbers.randrange(7 if depth < 3 else 5)
    if kind == 0:
        return numbers.choice((None, True, False))
    if kind == 1:
        return numbers.choice((0, -1, 2 ** 63, 10 ** 30, 1.5, 1e300, 0.1))
    if kind < 5:
        return words(numbers, 12)
    if kind == 5:
        return [document(numbers, depth + 1) for _ in range(numbers.randrange(4))]
    return {words(numbers, 6).replace("\0", ""): document(numbers, depth + 1) for _ in range(numbers.randrange(4))}


def json_text(numbers):
    text = json.dumps(document(numbers), ensure_ascii=numbers.random() < 0.3, indent=numbers.choice((None, None, 1)))
    # SQLite gives a JSON column numeric affinity: a bare number would become SQLite's own.
    return text if text[0] in "[{\"" else f"[{text}]"


UTC0 = datetime.datetime
COMMON = {
    "i8": ("TINYINT", integer(-128, 127)), "i16": ("SMALLINT", integer(-2 ** 15, 2 ** 15 - 1)), "i24": ("MEDIUMINT", integer(-2 ** 23, 2 ** 23 - 1)),
    "i32": ("INT", integer(-2 ** 31, 2 ** 31 - 1)), "u32": ("INT UNSIGNED", integer(0, 2 ** 32 - 1)), "i64": ("BIGINT", integer(-2 ** 63, 2 ** 63 - 1)),
    "flag": ("TINYINT(1)", integer(0, 1)), "bit_8": ("BIT(8)", integer(0, 255)), "f32": ("FLOAT", lambda n: finite(n, "f", "I", 32)),
    "f64": ("DOUBLE", lambda n: n.choice((0.1, 5e-324, 1.7976931348623157e308, finite(n, "d", "Q", 64)))), "y": ("YEAR", integer(1901, 2155)),
    "d": ("DATE", day), "t": ("TIME", clock(0)), "t6": ("TIME(6)", clock(6)),
    "dt": ("DATETIME", moment(UTC0(1, 1, 1), UTC0(9999, 12, 31, 23, 59, 59), 0)), "dt6": ("DATETIME(6)", moment(UTC0(1, 1, 1), UTC0(9999, 12, 31, 23, 59, 58), 6)),
    "ts": ("TIMESTAMP NULL DEFAULT NULL", moment(UTC0(1970, 1, 1, 0, 0, 1), UTC0(2038, 1, 19, 3, 14, 7), 0)),
    "ts6": ("TIMESTAMP(6) NULL DEFAULT NULL", moment(UTC0(1970, 1, 1, 0, 0, 1), UTC0(2038, 1, 19, 3, 14, 6), 6)),
    "u": ("UUID", lambda n: str(uuid.UUID(int=n.getrandbits(128), version=4))), "c": ("CHAR(10)", lambda n: words(n, 10, trailing=False)),
    "vc": ("VARCHAR(200)", lambda n: words(n, 200)), "tx": ("TEXT", lambda n: words(n, 1000)), "b4": ("BINARY(4)", lambda n: raw_bytes(n, 4, True)),
    "vb": ("VARBINARY(40)", lambda n: raw_bytes(n, 40)), "bl": ("BLOB", lambda n: raw_bytes(n, 500)), "js": ("JSON", json_text),
}
COLUMNS = {
    "ms": {**COMMON, "u64": ("BIGINT UNSIGNED", integer(0, 2 ** 64 - 1)), "bit_64": ("BIT(64)", integer(0, 2 ** 64 - 1)), "dec30": ("DECIMAL(65,30)", exact(65, 30)),
           "dec2": ("DECIMAL(10,2)", exact(10, 2)), "en": ("ENUM('red','it''s','a,b','0','é')", lambda n: n.choice(("red", "it's", "a,b", "0", "é"))),
           "st": ("SET('a','b','c d','é')", lambda n: ",".join(m for m in ("a", "b", "c d", "é") if n.random() < 0.5)),
           "i4": ("INET4", lambda n: ".".join(str(n.randint(0, 255)) for _ in range(4))), "i6": ("INET6", lambda n: f"2001:db8::{n.randint(1, 0xffff):x}"),
           "la": ("VARCHAR(50) CHARACTER SET latin1", lambda n: words(n, 50, "abÿé ß€'\"\\")), "lt": ("LONGTEXT", lambda n: words(n, 3000)),
           "bi": ("VARCHAR(50) COLLATE utf8mb4_bin", lambda n: words(n, 50))},
    "sl": {**COMMON, "u64": ("BIGINT UNSIGNED", integer(0, 2 ** 63 - 1)), "dec2": ("DECIMAL(10,2)", exact(10, 2)), "dec5": ("NUMERIC(15,5)", exact(15, 5)),
           "nc": ("VARCHAR(50) COLLATE NOCASE", lambda n: words(n, 50))},
}


def run(context):
    report = Report("roundtrip")
    rows = 6000 if context.full else 240
    numbers = context.random("roundtrip")
    folder = places.scratch("roundtrip")
    server = context.mariadb.get()
    server.make_schema("rg_roundtrip")
    path = os.path.join(folder, "main.sqlite")
    directs = {"ms": open_mariadb(server, "rg_roundtrip"), "sl": open_sqlite(path)}
    for kind, direct in directs.items():
        for table in ("one", "two"):
            columns = ", ".join(f"{name} {declared}" + ("" if "NULL" in declared else " NULL") for name, (declared, _) in COLUMNS[kind].items())
            shape = ", geo GEOMETRY NULL" if kind == "ms" else ""
            key = "INT AUTO_INCREMENT PRIMARY KEY" if kind == "ms" else "INTEGER PRIMARY KEY AUTOINCREMENT"
            direct.run(f"CREATE TABLE {table} (id {key}, {columns}{shape})")
    gateway = Gateway(context.preset, [tenant([mariadb_database(server, "rg_roundtrip"), sqlite_database(path)])]).start()
    print(f"  seed {context.seed}", flush=True)
    try:
        for kind, direct in directs.items():
            client = gateway.client()
            for _ in range(0, rows, 40):
                batch(report, kind, direct, client, numbers)
    finally:
        gateway.destroy(report)
        places.remove(folder)
    report.note(f"{rows} rows on each database, {len(COLUMNS['ms'])} and {len(COLUMNS['sl'])} column types")
    return report


def as_json(declared, value, numbers):
    """The cell as JSON text: as its JSON type, or now and then as a string."""
    if value is None:
        return "null"
    if declared == "JSON":
        return value
    if isinstance(value, bytes):
        return json.dumps(numbers.choice(("\\x" + value.hex(), "b64:" + base64.b64encode(value).decode())))
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=numbers.random() < 0.3)
    text = repr(value) if isinstance(value, float) else format(value, "f") if isinstance(value, Decimal) else str(value)
    return json.dumps(text) if numbers.random() < 0.2 else text


def batch(report, kind, direct, client, numbers):
    columns = COLUMNS[kind]
    for table in ("one", "two"):
        direct.run(f"DELETE FROM {table}")
    made = [{name: None if numbers.random() < 0.1 else make(numbers) for name, (_, make) in columns.items()} for _ in range(40)]
    names = list(columns)
    for row in made[:20]:
        values = [float(value) if kind == "sl" and isinstance(value, Decimal) else value for value in row.values()]
        direct.run(f"INSERT INTO one ({','.join(names)}) VALUES ({','.join('?' * len(names))})", *values)
    if kind == "ms":
        direct.run("UPDATE one SET geo = ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))', 4326) WHERE id % 2 = 0")
        direct.run("UPDATE one SET geo = ST_GeomFromText('POINT(1.5 -2.25)') WHERE id % 2 = 1")
    body = "[" + ",".join("{" + ",".join(f'"{name}":{as_json(columns[name][0], value, numbers)}' for name, value in row.items()) + "}" for row in made[20:]) + "]"
    answer = client.request("POST", table_path(kind, "one"), body.encode())
    if not report.check(answer.status == 201, f"[{kind}] POST of random rows: {answer!r}"):
        blame(kind, client, columns, made[20:], numbers, report)
        return
    selected = ",".join(names + (["geo"] if kind == "ms" else []))
    first = client.request("GET", f"{table_path(kind, 'one')}?select={selected}&order=id")
    report.check(first.status == 200 and not audit(first), f"[{kind}] GET: {short(repr(first))}")
    again = client.request("POST", table_path(kind, "two"), first.body)
    if not report.check(again.status == 201 and again.json()["rows_affected"] == 40, f"[{kind}] POST of what came back: {again!r}"):
        return
    second = client.request("GET", f"{table_path(kind, 'two')}?select={selected}&order=id")
    if first.body != second.body:
        for one, two in zip(first.json(), second.json()):
            for name in one:
                report.check(one[name] == two[name], f"[{kind}] {columns.get(name, name)}: {short(one[name])!r} came back as {short(two[name])!r}")
    report.check(first.body == second.body, f"[{kind}] the second GET is not the first, byte for byte")
    wrap = (lambda name: f"HEX({name})") if kind == "ms" else (lambda name: f"{name}, typeof({name})")
    exact_columns = ",".join(wrap(name) for name in names)
    one, two = (direct.rows(f"SELECT {exact_columns} FROM {table} ORDER BY id") for table in ("one", "two"))
    for number, (left, right) in enumerate(zip(one, two)):
        bad = [names[at // (1 if kind == "ms" else 2)] for at in range(len(left)) if left[at] != right[at]]
        # What SQL stored as a REAL may be an INTEGER of the same worth when the gateway stores it: DECIMAL alone may differ in class.
        bad = [name for name in bad if not (kind == "sl" and name in ("dec2", "dec5", "f32"))]
        report.check(not bad, f"[{kind}] row {number}: cells of {bad} differ in the database")
    report.check(len(one) == len(two) == 40, f"[{kind}] rows: {len(one)} and {len(two)}")
    values_as_made(report, kind, made, first.json(), columns)


def values_as_made(report, kind, made, got, columns):
    """Where the JSON value is simply the Python value."""
    for row, answer in zip(made, got):
        for name, value in row.items():
            declared = columns[name][0]
            if declared == "JSON":
                same = value is None and answer[name] is None or value is not None and answer[name] == json.loads(value)
            elif isinstance(value, bytes):
                same = answer[name] == "b64:" + base64.b64encode(value).decode()
            elif isinstance(value, Decimal):
                same = Decimal(repr(answer[name])) == Decimal(repr(float(value)))
            elif declared == "FLOAT" and value is not None:
                same = struct.pack("f", answer[name]) == struct.pack("f", value) or answer[name] == value == 0
            elif value is None or isinstance(value, (int, float)) or declared.startswith(("VARCHAR", "CHAR", "TEXT", "LONGTEXT", "ENUM", "SET", "UUID")):
                same = answer[name] == value
            else:
                continue
            report.check(same, f"[{kind}] {declared}: {short(repr(value))} came out as {short(repr(answer[name]))}")


def blame(kind, client, columns, rows, numbers, report):
    """Which cell of a refused batch it was."""
    for row in rows:
        for name, value in row.items():
            text = f'{{"{name}":{as_json(columns[name][0], value, random.Random(0))}}}'
            answer = client.request("POST", table_path(kind, "two"), text.encode())
            if answer.status != 201:
                report.fail(f"[{kind}] {columns[name][0]}: POST {short(text)}: {answer!r}")
                return
