"""Section "address": bases, segments, what is a table, health."""
from lib.contract import EVIL_COLUMNS, EVIL_TABLE, LONG_NAME
from lib.gateway import LONG_BASE, encode


def run(t):
    forms(t)
    malformed(t)
    unknown(t)
    listing(t)
    evil_names(t)
    health(t)


def forms(t):
    for base in ("/v1", LONG_BASE):
        people = t.path("people", base=base)
        t.ask("GET", people + "?id=eq.1", 200, ids=[1])
        t.ask("GET", people + "/?id=eq.1", 200, ids=[1])
        t.ask("GET", people + "/", 200, ids=[1, 2, 3, 4, 5, 6, 7])
        t.ask("HEAD", people + "?id=eq.1", 200)
    # Decoded once, after the split: an encoded letter is the letter, an encoded slash is part of its segment.
    t.ask("GET", t.path().replace("main", "m%61in") + "/peo%70le?id=eq.1", 200, ids=[1])
    t.ask("GET", t.path() + "/a%2Fb?id=eq.1", 200, ids=[1])
    t.ask("GET", t.path() + "/a%2fb?id=eq.1", 200, ids=[1])
    t.ask("GET", t.path() + "/a/b?id=eq.1", 404, code="table_unknown")
    t.ask("GET", t.path() + "/peo%2570le", 404, code="table_unknown")
    t.ask("GET", t.path() + "/people?", 200)
    t.ask("GET", t.path() + "/people?&&id=eq.1&", 200, ids=[1])
    for header in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        t.ask("GET", "people?id=eq.1", 200, ids=[1], headers={header: "DELETE"})


def malformed(t):
    root = t.path()
    for bad in ("people%", "people%2", "people%zz", "people%00", "%00", "peo%ffple", "%c0%ae", "%ed%a0%80", "%f4%90%80%80", ".", "..",
                "%2e", "%2E%2e", ".%2e", "people/..", "people/.", "%u0041"):
        t.ask("GET", f"{root}/{bad}", 400, code=("path_invalid", "encoding_invalid"))
        t.ask("DELETE", f"{root}/{bad}?id=eq.1", 400)
    t.ask("GET", root.replace("/demo", "//demo") + "/people", 400)
    t.ask("GET", root + "//people", 400)
    t.ask("GET", root + "/people//", 400)
    t.ask("GET", root.replace("/demo", "/../demo") + "/people", 400)
    t.ask("DELETE", root + "/x/../people?id=eq.1", 400)
    position = len(root + "/peo")
    t.ask("GET", root + "/peo%zzle", 400, position=position)


def unknown(t):
    for path in ("/", "/v2/acme/demo/sl/main/people", "/v1", "/V1/acme/demo/sl/main/people", "/v1/acme", "/v1/acme/demo",
                 "/v1/acme/demo/sl", "/favicon.ico"):
        t.ask("GET", path, 404)
    t.ask("GET", t.path("people", database="nodb"), 404, code="database_unknown", hint="a hint of the operator's")
    t.ask("GET", t.path("people", database="Main"), 404, code="database_unknown")
    for kind in ("pg", "MS", "SL", "mysql", "xx"):
        t.ask("GET", f"/v1/acme/demo/{kind}/main/people", 404)
    for table in ("nosuch", "People", "PEOPLE", "secret", "people ", " people", "people`", "people\"", "people;", "people--",
                  "sqlite_master", "sqlite_schema", "sqlite_sequence", "pragma_table_info", "information_schema.tables", "tables",
                  "mysql.user", "rg_other.people", "rg_io.people", "main.people", "*", "p%", "😀", "people😀"):
        t.ask("GET", t.path(table), 404, code="table_unknown")
        t.ask("DELETE", t.path(table, "id=eq.1"), 404, code="table_unknown")
    for database in ("information_schema", "mysql", "rg_other", "rg_io", "temp"):
        t.ask("GET", t.path("people", database=database), 404, code="database_unknown")
    for table in ("sqlite_master", "sqlite_sequence", "user"):
        t.ask("GET", t.path(table), 404, code="table_unknown", headers={"X-User-Roles": "auditor"})


def listing(t):
    wanted = {("people", "table"), ("adults", "view"), ("a/b", "table"), ("readonly", "table"), (EVIL_TABLE[t.kind], "table")}
    answer = t.ask("GET", t.path(), 200)
    if answer is not None and answer.status == 200:
        value = answer.json()
        seen = {(entry["name"], entry["kind"]) for entry in value.get("tables", [])}
        t.report.check(set(value) == {"tables"}, f"[{t.kind}] members of the listing: {sorted(value)}")
        t.report.check(wanted <= seen, f"[{t.kind}] the listing lacks {wanted - seen}")
        t.report.check(not {name for name, _ in seen} & {"secret", "sqlite_sequence", "sqlite_master"},
                       f"[{t.kind}] the listing shows what no grant names: {seen}")
        t.report.check(len(seen) == len(value["tables"]), f"[{t.kind}] a table twice in the listing")
    t.ask("GET", t.path() + "/", 200)
    t.ask("GET", t.path(), 200, json={"tables": [{"name": "people", "kind": "table"}]}, headers={"X-User-Roles": "reader"})
    t.ask("GET", t.path(), 200, json={"tables": []}, headers={"X-User-Roles": "nobody"})
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        t.ask(method, t.path(), 405, code="method_not_allowed", has={"Allow": "GET, HEAD, OPTIONS"},
              body={"a": 1} if method != "DELETE" else None)


def evil_names(t):
    table = EVIL_TABLE[t.kind]
    t.ask("GET", t.path(table), 200, ids=[1, 2])
    for number, column in enumerate(EVIL_COLUMNS[t.kind]):
        quoted = encode('"' + column.replace("\\", "\\\\").replace('"', '\\"') + '"')
        t.ask("GET", t.path(table, f"{quoted}=eq.{10 + number}"), 200, ids=[1])
        t.ask("GET", t.path(table, f"select=id,{quoted}&order={quoted}.desc"), 200,
              json=[{"id": 2, column: 20 + number}, {"id": 1, column: 10 + number}])
        if '"' not in column and "." not in column:
            t.ask("GET", t.path(table, f"{encode(column)}=eq.{20 + number}"), 200, ids=[2])
        name = t.direct.quote(column)
        t.ask("PUT", t.path(table, f"{quoted}=eq.{10 + number}"), 200, body={column: 99}, json={"rows_affected": 1},
              after=(f"SELECT id FROM {t.direct.quote(table)} WHERE {name} = 99", [(1,)]))
        t.ask("POST", t.path(table), 201, body={column: 5},
              after=(f"SELECT count(*) FROM {t.direct.quote(table)} WHERE {name} = 5", [(1,)]))
        t.ask("DELETE", t.path(table, f"{quoted}=eq.{20 + number}"), 200, json={"rows_affected": 1},
              after=(f"SELECT id FROM {t.direct.quote(table)}", [(1,)]))
    t.ask("GET", t.path(LONG_NAME, "v=eq.2"), 200, ids=[2])
    t.ask("DELETE", t.path(LONG_NAME, "v=eq.2"), 200, json={"rows_affected": 1})
    t.ask("GET", t.path(LONG_NAME + "x"), 404, code="table_unknown")


def health(t):
    t.ask("GET", "/readyz?verbose", 400, identity=False)  # the operators' listener alone tells
    for path in ("/livez", "/readyz"):
        t.ask("GET", path, 200, identity=False)
        t.ask("HEAD", path, 200, identity=False)
    t.ask("POST", "/livez", 405, body={"a": 1}, identity=False)
