"""A DELETE, PUT or PATCH without a filter, in every spelling: a table of 1,000 rows stays as it was, on both databases."""
import os

from lib import places
from lib.client import Broken, audit
from lib.direct import open_mariadb, open_sqlite
from lib.gateway import Gateway, LONG_BASE, mariadb_database, sqlite_database, table_path, tenant
from lib.report import Report

# Each is a query string as sent. None of them may change a row: 406 where it is merely empty, else another refusal.
SPELLINGS = [
    None, "", "&", "&&&", "limit=1", "limit=1000", "offset=0", "order=id", "order=id.desc&limit=1", "select=id", "select=*", "select=*&limit=5",
    "id", "id=", "id=eq", "=", "=eq.1", "==", "eq.1", "eq", "*", "*=eq.*", "id=*", "id=eq.", "id=eq.*", "id=eq.%25", "id=is", "id=is.", "id=is.notnull",
    "id=is.true", "id=not.is", "id=not", "id=not.eq.0", "id=neq.0", "id=gte.0", "id=lte.9999", "id=like.%25", "id=in.", "id=in.()", "id=in.(1)",
    "id=nin.", "id=bw.", "id=bw..", "id=bw.,", "name=li.", "name=rli.", "name=lli.", "name=in.", "name=ilike.*", "name=eq", "1=1", "1=eq.1", "true",
    "true=eq.true", "true=true", "id=id", "id=eq.id", "id=eq.1%20or%201=1", "id=eq.1+OR+1=1", "id=ge.-", "id=ge.%2d", "id=ne.", "id=ne.x", "id=ne.1e9",
    "id=gt.-1.5", "id=gt.NaN", "id=lt.inf", "id=lt.Infinity", "id=ne.null", "id=eq.null", "id=ne.true", "nosuch=is.null", "nosuch=ne.1", "NAME=ne.x",
    "Id=ge.0", "ID=ge.0", "rowid=ge.0", "_rowid_=ge.0", "oid=ge.0", "%00=eq.1", "id%00=ge.0", "id=ge.0%00", "id%zz=ge.0", "id=ge.%zz", "id=ge.0%",
    "%", "%%", "?", "?id=ge.0", "#", ";", ";id=ge.0", "id%3Dge.0", "id%3dge%2e0", "&amp;id=ge.0", "all=true", "any=1", "confirm=true", "ids=", "ids=all",
    "ids=*", "or=", "or=()", "or=(id.ge.0)", "and=()", "and=(id.ge.0)", "not=", "not=(id.eq.0)", "having=1", "columns=", "on_conflict=", "_=1", "_all=true",
    "_where=1=1", "_preview=false", "_no-content=true", "_deleted=with", "where=1", "where=true", "filter=", "filter=*", "q=*", "force=true", "a.b=eq.1",
    ".", "..", "id.ge=0", "id.=ge.0", ".id=ge.0", '""=eq.1', '"', '"id', '"id=ge.0', 'id"=ge.0', "'id'=ge.0", "`id`=ge.0", "[id]=ge.0", "id[]=ge.0",
    "id[gt]=0", "id>=0", "id>0", "id<>0", "id!=0", "(id)=ge.0", "+=ge.0", "+id=ge.0", "%20id=ge.0", "id+=ge.0", "%EF%BB%BFid=ge.0", "id=GE.0", "id=Ge.0",
    "id=%20ge.0", "id=ge%20.0", "id=+ge.0", "id=ge.+0", "id=ge.%EF%BC%90", "limit=0", "limit=all", "limit=-1", "limit=", "offset=", "order=", "select=",
    "limit=1&limit=1", "id=eq.1&", "&".join(["id=ge.0"] * 65), "id=in." + ",".join(["1"] * 1001),
]
# These do name rows, and none of the table's: they are allowed, and touch nothing.
NOTHING = ["id=lt.0", "id=eq.0", "id=bw.10.1", "id=in.0", "id=ge.1&id=lt.1", "name=is.null", "name=eq.", "name=eq.%25", "name=li.%25%25", "name=li._"]
# Bodies of a delete that say nothing about its rows, or what cannot be said.
NO_ROWS = [b"", b" ", b"{}", b"[]", b"null", b"1", b'"x"', b'{"id":1}', b'{"ids":[]}', b'{"ids":null}', b'{"ids":{}}', b'{"ids":"1"}', b'{"ids":1}', b'{"ids":[null]}',
           b'{"ids":[[]]}', b'{"ids":["*"]}', b'{"ids":[""]}', b'{"ids":["1 or 1=1"]}', b'{"ids":[1],"all":true}', b'{"ids":[1]', b'{"filter":""}', b'{"filter":"&"}',
           b'{"filter":null}', b'{"filter":"id"}', b'{"filter":"id=1"}', b'{"filter":"limit=1"}', b'{"filter":"1=1"}', b'{"filter":"ids=1"}', b'{"filter":"or=(id.ge.0)"}',
           b'{"filter":{}}', b'{"where":"id=eq.1"}', b'{"all":true}', b'{"ids":[1],"filter":"id=ge.0"}', b"\xff", b"{\"ids\":[1]}x"]


def run(context):
    report = Report("unfiltered")
    folder = places.scratch("unfiltered")
    server = context.mariadb.get()
    server.make_schema("rg_unfiltered")
    path = os.path.join(folder, "main.sqlite")
    directs = {"ms": open_mariadb(server, "rg_unfiltered"), "sl": open_sqlite(path)}
    for kind, direct in directs.items():
        key = "INT AUTO_INCREMENT PRIMARY KEY" if kind == "ms" else "INTEGER PRIMARY KEY AUTOINCREMENT"
        direct.run(f"CREATE TABLE users (id {key}, name VARCHAR(100) NOT NULL, age INT NULL)")
        direct.run("INSERT INTO users VALUES " + ",".join(f"({n},'user {n}',{n % 90 if n % 7 else 'NULL'})" for n in range(1, 1001)))
    gateway = Gateway(context.preset, [tenant([mariadb_database(server, "rg_unfiltered"), sqlite_database(path)])]).start()
    try:
        for kind, direct in directs.items():
            attempt_all(report, gateway, kind, direct)
    finally:
        gateway.destroy(report)
        places.remove(folder)
    report.note(f"{len(SPELLINGS)} spellings x 3 verbs x 2 databases")
    return report


def attempt_all(report, gateway, kind, direct):
    client = gateway.client()
    whole = "SELECT * FROM users ORDER BY id"
    before = direct.rows(whole)
    paths = [table_path(kind, "users"), table_path(kind, "users") + "/", table_path(kind, "users", base=LONG_BASE)]
    for number, spelling in enumerate(SPELLINGS):
        for method, body in (("DELETE", None), ("PUT", {"age": 1}), ("PATCH", {"name": "gone"})):
            # `id=eq.1&` is one row, honestly: it stands here to show that the last, empty parameter takes nothing away.
            if spelling == "id=eq.1&":
                continue
            for path in paths if number < 8 else paths[:1]:
                target = path if spelling is None else f"{path}?{spelling}"
                try:
                    answer = client.request(method, target, body)
                except Broken as broken:
                    report.fail(f"[{kind}] {method} {target}: {broken}")
                    continue
                wrong = audit(answer, method)
                if answer.status < 400 or answer.status >= 500 and answer.status != 501:
                    wrong.append("it is not refused")
                if (spelling or "").strip("&") == "" and answer.status != 406:
                    wrong.append("it is not 406")
                report.check(not wrong, f"[{kind}] {method} {target}: {'; '.join(wrong)}: {answer!r}")
        if not report.check(direct.rows(whole) == before, f"[{kind}] rows changed by {spelling!r}"):
            direct.run("DELETE FROM users")
            for row in before:
                direct.run("INSERT INTO users VALUES (?,?,?)", *row)
    for spelling in NOTHING:
        for method, body in (("DELETE", None), ("PUT", {"age": 1}), ("PATCH", {"name": "gone"})):
            answer = client.request(method, f"{paths[0]}?{spelling}", body)
            report.check(answer.status == 200 and answer.json() == {"rows_affected": 0}, f"[{kind}] {method} ?{spelling}: {answer!r}")
    # A body that names no rows is no filter, nor is a header, nor a method override.
    for method, path in (("DELETE", paths[0]), ("POST", paths[0] + "/bulk-delete"), ("DELETE", paths[0] + "/1001"), ("DELETE", paths[0] + "?id=ge.0")):
        for body in NO_ROWS:
            if body == b"" and method == "DELETE" and path != paths[0]:
                continue  # no body, and the address names rows
            answer = client.request(method, path, body)
            report.check(answer.status in (400, 406, 417, 422), f"[{kind}] {method} {path} with body {body}: {answer!r}")
    for method in ("PUT", "PATCH"):
        answer = client.request(method, paths[0], b'{"ids":[1]}')
        report.check(answer.status == 406, f"[{kind}] {method} with ids in its body: {answer!r}")
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        answer = client.request("POST", paths[0], {"age": 1}, headers=[(name, "DELETE")])
        report.check(answer.status == 422, f"[{kind}] POST with {name}: {answer!r}")
        answer = client.request("GET", paths[0] + "?limit=1", headers=[(name, "DELETE")])
        report.check(answer.status == 200, f"[{kind}] GET with {name}: {answer!r}")
    report.equal(direct.rows(whole), before, f"[{kind}] the 1,000 rows at the end")
    # And the filter that is one does its work.
    answer = client.request("DELETE", paths[0] + "?id=eq.1&")
    report.check(answer.status == 200 and answer.json() == {"rows_affected": 1}, f"[{kind}] DELETE ?id=eq.1&: {answer!r}")
    client.close()
