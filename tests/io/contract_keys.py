"""Rows by key: one row by the path, many by `ids` in the query or a body, and bulk deletes."""
import json
from urllib.parse import quote

ALL = "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"
SEVEN = {"id": 7, "name": "(odd)"}


def run(t):
    read_row(t)
    composite(t)
    write_row(t)
    agreement(t)
    allowed(t)
    ids(t)
    body_keys(t)
    bad_bodies(t)
    bulk_delete(t)
    bulk_filter(t)
    location(t)


def read_row(t):
    t.ask("GET", "people/7?select=id,name", 200, json=SEVEN, has={"Content-Range": None, "Content-Type": "application/json"})
    t.ask("GET", "people/7/?select=id,name", 200, json=SEVEN)
    t.ask("GET", "people/%37?select=id,name", 200, json=SEVEN)
    got, head = t.ask("GET", "people/7", 200), t.ask("HEAD", "people/7", 200)
    if got is not None and head is not None:
        t.report.equal(head.header("Content-Length"), got.header("Content-Length"), f"[{t.kind}] length of HEAD and GET of a row")
    t.ask("GET", "kinds/1?select=big", 200, json={"big": "-9223372036854775808"}, headers={"Prefer": "numbers=string"},
          has={"Preference-Applied": "numbers=string"})
    t.ask("GET", "words/a,b", 200, json={"w": "a,b", "v": 3})
    t.ask("GET", "words/a%2Cb", 200, json={"w": "a,b", "v": 3})
    t.ask("GET", "words/" + quote('say "x"'), 200, json={"w": 'say "x"', "v": 4})
    t.ask("GET", "words/bulk-delete", 200, json={"w": "bulk-delete", "v": 2})
    t.ask("GET", 'words/"apple"', 404, code="row_unknown")
    for key in ("99", "0", "-7"):
        for method in ("GET", "HEAD"):
            t.ask(method, f"people/{key}", 404, code="row_unknown")
    for key in ("abc", "07", "7.0", "7,7", "+7", "%207", "99999999999999999999", "eq.7", "1%00"):
        t.ask("GET", f"people/{key}", 400, code=("value_invalid", "path_invalid"), position=len(t.path("people")) + (2 if "%00" in key else 1))
    t.ask("GET", "people/7?age=lt.0&select=id", 200, json={"id": 7})
    t.ask("GET", "people/7?ids=6,7&select=id", 200, json={"id": 7})
    t.ask("GET", "people/7?age=gt.0", 404, code="row_unknown")
    t.ask("GET", "people/7?ids=6", 404, code="row_unknown")
    t.ask("GET", "people/7?nosuch=eq.1", 400, code="column_unknown")
    t.ask("GET", "people/7?select=nosuch", 400, code="column_unknown")
    t.ask("GET", "people/7?id=7", 417, code="operator_unknown")
    for control in ("order=id", "limit=1", "offset=0"):
        t.ask("GET", f"people/7?{control}", 400, code="query_invalid", parameter=control.partition("=")[0])
    for table in ("nokey", "adults"):
        for method in ("GET", "HEAD"):
            t.ask(method, f"{table}/1", 404, code="path_unknown", hint="filter")
    t.ask("GET", "nosuch/1", 404, code="table_unknown")
    t.ask("GET", "secret/1", 404, code="table_unknown")
    t.ask("GET", "people/7", 404, code="table_unknown", headers={"X-User-Roles": "nobody"})
    t.ask("GET", "people/7?select=id", 200, json={"id": 7}, headers={"X-User-Roles": "reader"})
    t.ask("GET", "people/7", 406, code="not_acceptable", headers={"Accept": "text/html"})
    t.ask("GET", "people/7", 400, code="body_unexpected", body={"id": 7})


def composite(t):
    row = {"a": 1, "b": "x", "v": 1}
    for key in ("1,x", '1,"x"', "1,%22x%22", '"1",x', "%31,x"):
        t.ask("GET", f"pairs/{key}", 200, json=row)
    t.ask("GET", "pairs/1,z", 404, code="row_unknown")
    t.ask("GET", "pairs/2,y", 404, code="row_unknown")
    start = len(t.path("pairs")) + 1
    for key, at in (("1", 0), ("1%2Cx", 0), ("1,x,y", 4), ("1,", 2), (",x", 0), ("1,,x", 2), ('1,"x', 2), ('1,"x"y', 5), ('1,x"', 3)):
        for method, body in (("GET", None), ("DELETE", None), ("PATCH", {"v": 9})):
            t.ask(method, f"pairs/{key}", 400, body=body, code="path_invalid", position=start + at)
    t.ask("GET", "pairs/x,1", 400, code="value_invalid")
    t.ask("DELETE", "pairs/1,y", 200, json={"rows_affected": 1}, after=("SELECT a, b FROM pairs ORDER BY a, b", [(1, "x"), (2, "x")]))
    t.ask("PATCH", "pairs/1,y", 200, body={"v": 9}, json={"rows_affected": 1}, after=("SELECT a, b FROM pairs WHERE v = 9", [(1, "y")]))


def write_row(t):
    left = "SELECT id FROM people ORDER BY id"
    t.ask("DELETE", "people/7", 200, json={"rows_affected": 1}, after=(left, [(1,), (2,), (3,), (4,), (5,), (6,)]))
    t.ask("DELETE", "people/7?age=lt.0", 200, json={"rows_affected": 1})
    t.ask("DELETE", "people/7?ids=6,7", 200, json={"rows_affected": 1}, after=(left, [(1,), (2,), (3,), (4,), (5,), (6,)]))
    t.ask("DELETE", "words/bulk-delete", 200, json={"rows_affected": 1}, after=("SELECT count(*) FROM words", [(3,)]))
    for method in ("PUT", "PATCH"):
        t.ask(method, "people/7", 200, body={"age": 50}, json={"rows_affected": 1}, after=("SELECT id FROM people WHERE age = 50", [(7,)]))
        t.ask(method, "people/7?age=lt.0", 200, body={"age": 50}, json={"rows_affected": 1})
        t.ask(method, "people/7", 200, body={"age": -5}, json={"rows_affected": 1}, after=("SELECT id FROM people WHERE age = -5", [(7,)]))
        t.ask(method, "words/bulk-delete", 200, body={"v": 9}, json={"rows_affected": 1}, after=("SELECT w FROM words WHERE v = 9", [("bulk-delete",)]))
    for method, body in (("DELETE", None), ("PUT", {"age": 50}), ("PATCH", {"age": 50})):
        for target in ("people/99", "people/7?age=gt.0", "people/7?ids=6", "people/7?id=eq.6"):
            t.ask(method, target, 404, body=body, code="row_unknown")
        for key in ("abc", "07", "7,8", "7.0"):
            t.ask(method, f"people/{key}", 400, body=body, code="value_invalid")
        t.ask(method, "people/7?nosuch=eq.1", 400, body=body, code="column_unknown")
        t.ask(method, "nokey/1", 404, body=body, code="path_unknown", hint="filter")
        t.ask(method, "nosuch/1", 404, body=body, code="table_unknown")
        t.ask(method, "people/7", 403, body=body, code="forbidden", headers={"X-User-Roles": "reader"})
        t.ask(method, "adults/1", 405, body=body, code="method_not_allowed", has={"Allow": "OPTIONS"})
        t.ask(method, "people/7", 406, body=body, code="not_acceptable", headers={"Accept": "text/html"})
    t.ask("DELETE", "people/1", 409, code="constraint_violated")
    t.ask("PATCH", "people/7", 409, body={"email": "bob@example.com"}, code="constraint_violated")
    t.ask("PATCH", "people/7", 422, body={}, code="row_invalid")
    t.ask("PATCH", "people/7", 422, body=[{"age": 1}], code="row_invalid")
    t.ask("PUT", "people/99", 404, body={"id": 99, "name": "x", "email": "x"}, code="row_unknown")  # never creates


def agreement(t):
    """A key column in the body says what the path says, or the request is refused."""
    for method in ("PUT", "PATCH"):
        for key in (7, "7"):
            t.ask(method, "people/7", 200, body={"id": key, "age": 50}, json={"rows_affected": 1},
                  after=("SELECT id FROM people WHERE age = 50", [(7,)]))
        t.ask(method, "people/7", 200, body={"id": 7}, json={"rows_affected": 1}, after=("SELECT count(*) FROM people", [(7,)]))
        t.ask(method, "people/99", 404, body={"id": 99}, code="row_unknown")
        for key in (8, "8", 99):
            t.ask(method, "people/7", 422, body=b'{"age":50,"id":' + json.dumps(key).encode() + b"}", code="row_invalid", parameter="id",
                  position=15, detail=["'id'", "'7'"])
        t.ask(method, "people/7", 422, body={"id": None, "age": 50}, code="row_invalid", parameter="id")
        t.ask(method, "people/7", 422, body={"id": "x"}, code="row_invalid", parameter="id")
        t.ask(method, "pairs/1,x", 200, body={"b": "x", "a": 1, "v": 9}, json={"rows_affected": 1}, after=("SELECT a, b FROM pairs WHERE v = 9", [(1, "x")]))
        t.ask(method, "pairs/1,x", 200, body={"a": 1, "v": 9}, json={"rows_affected": 1})
        t.ask(method, "pairs/1,x", 422, body={"a": 2, "v": 9}, code="row_invalid", parameter="a")
        for word in ("y", "X", "x "):  # equal by a collation is not the same key
            t.ask(method, "pairs/1,x", 422, body={"b": word, "v": 9}, code="row_invalid", parameter="b")
        t.ask(method, "words/apple", 422, body={"w": "Apple"}, code="row_invalid", parameter="w")
    t.ask("PATCH", "people?id=eq.7", 200, body={"id": 70}, json={"rows_affected": 1}, after=("SELECT count(*) FROM people WHERE id = 70", [(1,)]))


def allowed(t):
    t.ask("OPTIONS", "people/7", 204, has={"Allow": ALL})
    t.ask("OPTIONS", "people/99", 204, has={"Allow": ALL})
    t.ask("OPTIONS", "pairs/1,x", 204, has={"Allow": ALL})
    t.ask("OPTIONS", "people/7", 204, has={"Allow": "GET, HEAD, OPTIONS"}, headers={"X-User-Roles": "reader"})
    t.ask("OPTIONS", "people/7", 404, code="path_unknown", headers={"X-User-Roles": "poster"})
    t.ask("OPTIONS", "people/7", 204, has={"Allow": "DELETE, OPTIONS"}, headers={"X-User-Roles": "remover"})
    t.ask("POST", "people/7", 405, body={"age": 1}, has={"Allow": "DELETE, OPTIONS"}, headers={"X-User-Roles": "remover"})
    t.ask("OPTIONS", "people/bulk-delete", 204, has={"Allow": "POST, DELETE, OPTIONS"}, headers={"X-User-Roles": "remover"})
    t.ask("DELETE", "people/7", 200, json={"rows_affected": 1}, headers={"X-User-Roles": "remover"})
    t.ask("POST", "people/bulk-delete", 200, body={"ids": [7]}, json={"rows_affected": 1}, headers={"X-User-Roles": "remover"})
    t.ask("OPTIONS", "people/bulk-delete", 204, has={"Allow": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"})
    t.ask("OPTIONS", "people/bulk-delete", 204, has={"Allow": "GET, HEAD, OPTIONS"}, headers={"X-User-Roles": "reader"})
    t.ask("OPTIONS", "nokey/bulk-delete", 204, has={"Allow": "POST, OPTIONS"})
    t.ask("OPTIONS", "adults/bulk-delete", 204, has={"Allow": "OPTIONS"})
    t.ask("OPTIONS", "people/7", 404, headers={"X-User-Roles": "nobody"}, code="table_unknown")
    for method in ("OPTIONS", "POST"):
        for table in ("nokey", "adults"):
            t.ask(method, f"{table}/1", 404, body={"v": 1} if method == "POST" else None, code="path_unknown")
    for body in ({"name": "x", "email": "y"}, None):
        t.ask("POST", "people/7", 405, body=body, code="method_not_allowed", has={"Allow": ALL})
    t.ask("POST", "people/7", 405, body={"age": 1}, code="method_not_allowed", has={"Allow": "GET, HEAD, OPTIONS"}, headers={"X-User-Roles": "reader"})
    t.ask("POST", "people/7", 404, body={"age": 1}, code="table_unknown", headers={"X-User-Roles": "nobody"})


def ids(t):
    t.ask("GET", "people?ids=3,1,3,99&order=id", 200, ids=[1, 3])
    t.ask("GET", "people?ids=%223%22,%31&order=id", 200, ids=[1, 3])
    t.ask("GET", "people?ids=1,2,3&age=gt.30", 200, ids=[2])
    t.ask("GET", "people?ids=99", 200, ids=[])
    t.ask("HEAD", "people?ids=1", 200)
    t.ask("GET", "words?ids=%22a,b%22,apple&order=v&select=v", 200, json=[{"v": 1}, {"v": 3}])
    six = "SELECT id FROM people ORDER BY id"
    t.ask("DELETE", "people?ids=6,7,7,99", 200, json={"rows_affected": 2}, after=(six, [(1,), (2,), (3,), (4,), (5,)]))
    t.ask("DELETE", "people?ids=6,7&age=gt.0", 200, json={"rows_affected": 1}, after=(six, [(1,), (2,), (3,), (4,), (5,), (7,)]))
    t.ask("DELETE", "people?ids=99", 200, json={"rows_affected": 0})
    for method in ("PUT", "PATCH"):
        t.ask(method, "people?ids=6,7", 200, body={"age": 50}, json={"rows_affected": 2}, after=("SELECT id FROM people WHERE age = 50 ORDER BY id", [(6,), (7,)]))
    t.ask("DELETE", "people?ids=1,7", 409, code="constraint_violated")
    at = len(t.path("people")) + 5
    for method, body in (("GET", None), ("DELETE", None), ("PUT", {"age": 50})):
        for items, where in (("abc", 0), ("1,abc", 2), ("1,1.0", 2), ("07", 0), ("1,99999999999999999999999999999", 2)):
            t.ask(method, f"people?ids={items}", 400, body=body, code="value_invalid", position=at + where)
        for items, where in (("", 0), ("1,", 2), ("1,,2", 2), ("(1,2)", 0), ('"1', 0)):
            t.ask(method, f"people?ids={items}", 400, body=body, code="control_invalid", parameter="ids", position=at + where)
        t.ask(method, "people?ids=1&ids=2", 400, body=body, code="control_invalid", parameter="ids")
        t.ask(method, "pairs?ids=1", 400, body=body, code="query_invalid", parameter="ids", hint="body")
        t.ask(method, "nokey?ids=1", 400, body=body, code="query_invalid", parameter="ids")
        t.ask(method, "people?ids=7&nosuch=eq.1", 400, body=body, code="column_unknown")
    t.ask("POST", "people?ids=7", 400, body={"name": "x", "email": "y"}, code="query_invalid", parameter="ids")


def body_keys(t):
    """`ids` in the body of a DELETE, and of a bulk delete."""
    left = "SELECT id FROM people ORDER BY id"
    for method, path in (("DELETE", ""), ("POST", "/bulk-delete")):
        t.ask(method, f"people{path}", 200, body={"ids": [6, 7, "7", 99]}, json={"rows_affected": 2}, after=(left, [(1,), (2,), (3,), (4,), (5,)]))
        t.ask(method, f"people{path}?age=gt.0", 200, body={"ids": [6, 7]}, json={"rows_affected": 1}, after=(left, [(1,), (2,), (3,), (4,), (5,), (7,)]))
        t.ask(method, f"people{path}?ids=5,6", 200, body={"ids": [6, 7]}, json={"rows_affected": 1}, after=(left, [(1,), (2,), (3,), (4,), (5,), (7,)]))
        t.ask(method, f"people{path}?ids=5", 200, body={"ids": [6, 7]}, json={"rows_affected": 0})
        t.ask(method, f"words{path}", 200, body={"ids": ["a,b", "bulk-delete"]}, json={"rows_affected": 2}, after=("SELECT count(*) FROM words", [(2,)]))
        t.ask(method, f"pairs{path}", 200, body={"ids": [[1, "x"], [2, "x"], [2, "y"], ["1", "x"]]}, json={"rows_affected": 2},
              after=("SELECT a, b FROM pairs", [(1, "y")]))
        t.ask(method, f"people{path}", 200, body=b'{"ids":[7' + b",99999" * 9999 + b"]}", json={"rows_affected": 1})
        t.ask(method, f"people{path}", 400, body=b'{"ids":[7' + b",99999" * 10000 + b"]}", code="limit_exceeded", parameter="ids", position=60004)
        t.ask(method, f"people{path}", 409, body={"ids": [1, 7]}, code="constraint_violated")
        t.ask(method, f"people{path}", 403, body={"ids": [7]}, code="forbidden", headers={"X-User-Roles": "reader"})
        t.ask(method, f"people{path}", 403, body={"ids": [7]}, code="forbidden", headers={"X-User-Roles": "poster"}, detail="DELETE")
        t.ask(method, f"people{path}", 404, body={"ids": [7]}, code="table_unknown", headers={"X-User-Roles": "nobody"})
        t.ask(method, f"people{path}", 406, body={"ids": [7]}, code="not_acceptable", headers={"Accept": "text/html"})
    t.ask("DELETE", "people/7", 200, body={"ids": [6, 7]}, json={"rows_affected": 1}, after=(left, [(1,), (2,), (3,), (4,), (5,), (6,)]))
    t.ask("DELETE", "people/7", 404, body={"ids": [6]}, code="row_unknown")
    t.ask("DELETE", "people?id=eq.7", 200, body=b"", json={"rows_affected": 1})
    t.ask("DELETE", "people", 406, body=b"", code="filter_required")


def bad_bodies(t):
    for method, path in (("DELETE", ""), ("POST", "/bulk-delete")):
        def refused(status, body, code, query="", table="people", **more):
            t.ask(method, f"{table}{path}{query}", status, body=body, code=code, **more)

        for body, at in ((b"x", 0), (b" ", None), (b'{"ids":[7]', 10), (b'{"ids":[7]} x', 12), (b'{"ids":[7,]}', None), (b"[7]", None), (b"7", None),
                         (b'{}', None), (b'{"id":7}', None), (b'{"ids":7}', 7), (b'{"ids":null}', 7), (b'{"ids":[7],"x":1}', None),
                         (b'{"x":1,"ids":[7]}', None), (b'{"ids":[7],"ids":[7]}', None), (b'{"ids":[{}]}', 8), (b'{"ids":[[]]}', 8),
                         (b'{"ids":[[[7]]]}', None), (b'{"IDS":[7]}', None)):
            refused(400, body, "body_invalid", position=at)
            refused(400, body, "body_invalid", query="?id=eq.7", position=at)
        refused(422, b'{"ids":[]}', "row_invalid", parameter="ids")
        for body, at in ((b'{"ids":["abc"]}', 8), (b'{"ids":[7,"7x"]}', 10), (b'{"ids":[7.0]}', 8), (b'{"ids":[7e0]}', 8), (b'{"ids":[true]}', 8),
                         (b'{"ids":[null]}', 8), (b'{"ids":[7, 99999999999999999999]}', 11), (b'{"ids":[[7],[null]]}', 13)):
            refused(400, body, "value_invalid", position=at)
        refused(400, b'{"ids":[7,[7,8]]}', "query_invalid", position=10)
        refused(400, b'{"ids":[[1,"x"],1]}', "query_invalid", table="pairs", position=16)
        refused(400, b'{"ids":[[1]]}', "query_invalid", table="pairs", position=8)
        refused(400, b'{"ids":[[1,"x",2]]}', "query_invalid", table="pairs", position=8)
        refused(400, b'{"ids":[["x",1]]}', "value_invalid", table="pairs", position=9)
        refused(400, b'{"ids":[7]}', "query_invalid", table="nokey")
        refused(400, b'{"ids":[7]}', "value_invalid", table="words", position=8)
        refused(415, b'{"ids":[7]}', "media_type_unsupported", content_type="text/plain")
        refused(415, b'{"ids":[7]}', "media_type_unsupported", content_type=None)
        refused(415, b'{"ids":[7]}', "media_type_unsupported", headers={"Content-Encoding": "gzip"})
        refused(413, b'{"ids":[' + b"7," * 40000 + b"7]}", "body_too_large")
        # What the query is refused for comes first.
        refused(400, b"x", "column_unknown", query="?nosuch=eq.1")
        refused(400, b"x", "value_invalid", query="?ids=x")
        refused(417, b"x", "operator_unknown", query="?id=7")
        refused(501, b"x", "not_implemented", query="?or=(id.eq.7)")
        refused(404, b"x", "table_unknown", table="nosuch")
        refused(405, b'{"ids":[7]}', "method_not_allowed", table="adults")
    t.ask("DELETE", "people", 400, body={"filter": "id=eq.7"}, code="body_invalid")
    t.ask("DELETE", "people/x", 400, body=b"x", code="value_invalid")
    for method in ("GET", "HEAD", "OPTIONS"):
        t.ask(method, "people/7", 400, body={"ids": [7]}, code="body_unexpected")


def bulk_delete(t):
    left = "SELECT id FROM people ORDER BY id"
    t.ask("POST", "people/bulk-delete", 200, body={"ids": [7]}, json={"rows_affected": 1}, has={"Location": None}, after=(left, [(1,), (2,), (3,), (4,), (5,), (6,)]))
    t.ask("POST", "people/%62ulk-delete/", 200, body={"ids": [7]}, json={"rows_affected": 1})
    t.ask("POST", "people/bulk-delete", 400, body=b"", code="body_invalid")
    t.ask("POST", "people/bulk-delete?id=eq.7", 400, body=b"", code="body_invalid")
    t.ask("POST", "people/Bulk-Delete", 405, body={"ids": [7]}, code="method_not_allowed")
    for method, body in (("GET", None), ("DELETE", None), ("PUT", {"age": 1}), ("PATCH", {"age": 1})):
        t.ask(method, "people/bulk-delete", 400, body=body, code="value_invalid")
    t.ask("POST", "adults/bulk-delete", 405, body={"ids": [1]}, code="method_not_allowed", has={"Allow": "OPTIONS"})


def bulk_filter(t):
    left = "SELECT id FROM people ORDER BY id"
    t.ask("POST", "people/bulk-delete", 200, body={"filter": "id=in.6,7"}, json={"rows_affected": 2}, after=(left, [(1,), (2,), (3,), (4,), (5,)]))
    t.ask("POST", "people/bulk-delete?age=gt.0", 200, body={"filter": "id=in.6,7"}, json={"rows_affected": 1}, after=(left, [(1,), (2,), (3,), (4,), (5,), (7,)]))
    t.ask("POST", "people/bulk-delete?ids=7", 200, body={"filter": "id=in.6,7&age=lt.10"}, json={"rows_affected": 1})
    t.ask("POST", "people/bulk-delete", 200, body={"filter": "name=eq.nobody"}, json={"rows_affected": 0})
    t.ask("POST", "people/bulk-delete", 200, body={"filter": "name=rli.%C3%9Cnal&email=lli.@example.com"}, json={"rows_affected": 1})
    t.ask("POST", "nokey/bulk-delete", 200, body={"filter": "v=eq.1"}, json={"rows_affected": 1}, after=("SELECT v FROM nokey", [(2,)]))
    t.ask("POST", "pairs/bulk-delete", 200, body={"filter": "a=eq.1&b=eq.x"}, json={"rows_affected": 1})
    for text, status, code, at in (("id=7", 417, "operator_unknown", 14), ("nosuch=eq.1", 400, "column_unknown", 11), ("id=eq.x", 400, "value_invalid", 17),
                                   ("id=eq.7&id=eq.x", 400, "value_invalid", 25), ("id=in.", 400, "value_invalid", None), ("limit=1", 400, "control_invalid", 17),
                                   ("id=eq.7&limit=1", 400, "control_invalid", 25), ("ids=7", 400, "control_invalid", 11), ("id=eq.7&or=(a)", 400, "control_invalid", 19),
                                   ("_x=1", 400, "control_unknown", 11), ("id=eq.%zz", 400, "encoding_invalid", 17), ("id=eq.7&_preview=true", 400, "control_invalid", 19),
                                   ("", 422, "row_invalid", None), ("&&", 422, "row_invalid", None)):
        t.ask("POST", "people/bulk-delete", status, body=b'{"filter":"' + text.encode() + b'"}', code=code, position=at)
    for body in ({"filter": 7}, {"filter": None}, {"filter": ["id=eq.7"]}, {"filter": "id=eq.7", "ids": [7]}, {"ids": [7], "filter": "id=eq.7"}):
        t.ask("POST", "people/bulk-delete", 400, body=body, code="body_invalid")
    t.ask("POST", "people/bulk-delete?id=eq.7", 422, body={"filter": ""}, code="row_invalid")


def location(t):
    """What an insert answers leads to the row, whatever its key holds."""
    for word in ("plain", "a/b", "a,b,c", "100%", "%41", "sp ace", "plus+", "é☃", "q?x#y&z=1", '"', "'", "\\", "...", ";", "bulk-delete2", "~-_.", "", ".", ".."):
        answer = t.ask("POST", "words", 201, body={"w": word, "v": 9}, changes=True)
        if answer is None or answer.status != 201:
            continue
        where = answer.header("Location") or ""
        t._before = t.content()
        row = {"w": word, "v": 9}
        if word in ("", ".", ".."):  # no path leads there
            t.report.equal(where, t.path("words") + f"?w=eq.{word}", f"[{t.kind}] Location of {word!r}")
            t.ask("GET", where, 200, json=[row])
            t.ask("DELETE", where, 200, json={"rows_affected": 1})
        else:
            t.report.equal(where, t.path("words") + "/" + quote(word, safe=""), f"[{t.kind}] Location of {word!r}")
            t.ask("GET", where, 200, json=row)
            t.ask("DELETE", where, 200, json={"rows_affected": 1})
    for text in ("eu", "a,b", '"', "", "\\", ",", "a b", "."):
        answer = t.ask("POST", "pairs", 201, body={"b": text, "a": -3}, changes=True)
        if answer is None or answer.status != 201:
            continue
        where = answer.header("Location") or ""
        t._before = t.content()
        t.report.check(where.startswith(t.path("pairs") + "/-3,"), f"[{t.kind}] Location {where!r} of {text!r}")
        t.ask("GET", where, 200, json={"a": -3, "b": text, "v": None})
        t.ask("DELETE", where, 200, json={"rows_affected": 1})
