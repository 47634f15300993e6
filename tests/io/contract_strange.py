"""What a stranger or an attacker sends to deletes: odd headers, bodies, keys; and rows that a database should not hold, but does."""
from deletes_scene import role

BACK = {"Prefer": "return=representation"}
LEFT = ("SELECT id FROM item ORDER BY id", [(n,) for n in range(1, 15) if n != 3])


def run(t):
    headers(t)
    every_address(t)
    bodies(t)
    ids(t)
    odd_rows(t)


def headers(t):
    for value in ("max-affected=1;max-affected=99", "max-affected=1, x;max-affected=0", "max-affected\t=\t1", 'max-affected="1"', 'max-affected="\\1"',
                  ",max-affected=1,,", "x" * 4000 + ", max-affected=1", ", ".join(f"p{n}=1" for n in range(500)) + ", max-affected=1"):
        t.ask("DELETE", "item/3", 200, headers={"Prefer": value}, json={"rows_affected": 1}, has={"Preference-Applied": "max-affected=1"}, after=LEFT)
        t.ask("DELETE", "item?id=in.3,5", 412, headers={"Prefer": value}, code="set_too_large")
    for value in ("return='representation'", 'max-affected="1\\""', "max-affected=\uff11", b"max-affected=1\xff", '"max-affected"=1', "max-affected:1", "max-affected==1",
                  "max-affected=0x1", "max-affected=1_0", "max-affected=\u0661"):
        t.ask("DELETE", "item/3", 400, headers={"Prefer": value}, code="prefer_invalid")
    # A word for another preference is that of nobody: it does not lower a cap, and does not come back.
    t.ask("DELETE", "item/3", 200, headers={"Prefer": "max_affected=0, maxaffected=0, max-affected-rows=0"}, json={"rows_affected": 1}, has={"Preference-Applied": None})
    for one in ("p1.\u00e9", "a,b", '"p1.x"', "p1." + "/" * 86):
        t.ask("DELETE", "item/3", 412, headers={"X-Delete-Token": one}, code="preview_token_invalid")
    t.ask("DELETE", "item/3", 400, headers={"X-Delete-Token": "p1.\x01"}, code="request_malformed")
    t.ask("DELETE", "item/3", 501, headers={"X-Hard-Delete": "true", **BACK}, code="not_implemented")
    t.ask("DELETE", "item/3", 406, headers={"Accept": "text/html", **BACK}, code="not_acceptable")


def every_address(t):
    allowed = {"item": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS", "item/3": "GET, HEAD, PUT, PATCH, DELETE, OPTIONS",
               "item/99": "GET, HEAD, PUT, PATCH, DELETE, OPTIONS", "duo/1": "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"}
    for target, allow in allowed.items():
        t.ask("OPTIONS", target, 204, has={"Allow": allow})
        t.ask("OPTIONS", target, 204, headers={"Prefer": "return=nonsense"}, has={"Allow": allow, "Preference-Applied": None})
        for method in ("OPTIONS", "HEAD", "GET"):
            for control in ("_preview=true", "confirm=true", "_no-content=true"):
                t.ask(method, f"{target}?{control}", 400, code="query_invalid")
            for name, value in (("X-Delete-Token", "p1.x"), ("X-Conditional-Delete", "remove-all")):
                t.ask(method, target, 400, headers={name: value}, code="header_invalid")
    for target in ("spy_net", "spy_net/1", "spy_net/bulk-delete", "nosuch", "nosuch/1"):
        for method in ("OPTIONS", "HEAD", "GET", "DELETE", "PATCH", "PUT", "POST"):
            body = {"ids": [1]} if method not in ("OPTIONS", "HEAD", "GET") else None
            t.ask(method, target, 404, body=body, code="table_unknown", headers=BACK)
            t.ask(method, target, 404, body=body, code="table_unknown", headers={"Prefer": "tx=rollback"})
    t.ask("POST", "item/Bulk-Delete", 405, body={"ids": [3]}, code="method_not_allowed")
    t.ask("POST", "item/bulk-delete/", 200, body={"ids": [3]}, json={"rows_affected": 1})
    t.ask("POST", "item/bulk%2Ddelete", 200, body={"ids": [3]}, json={"rows_affected": 1})
    t.ask("POST", "item/bulk-delete?select=id", 200, body={"ids": [3]}, headers=BACK, ids=[3])
    t.ask("POST", "item/bulk-delete", 403, body={"ids": [3]}, headers=role("writer"), code="forbidden")


def bodies(t):
    for body, status, code in ((b'{"ids":[3],"ids":[5]}', 400, "body_invalid"), (b'{"ids":[3],}', 400, "body_invalid"), (b"[3]", 400, "body_invalid"), (b"3", 400, "body_invalid"),
                               (b"null", 400, "body_invalid"), (b'{"ids":3}', 400, "body_invalid"), (b'{"ids":"3"}', 400, "body_invalid"), (b'{"ids":[{"id":3}]}', 400, "body_invalid"),
                               (b'{"ids":[null]}', 400, "value_invalid"), (b'{"ids":[true]}', 400, "value_invalid"), (b'{"ids":[3.0]}', 400, "value_invalid"),
                               (b'{"ids":[3e0]}', 400, "value_invalid"), (b'{"ids":[" 3"]}', 400, "value_invalid"), (b'{"ids":["03"]}', 400, "value_invalid"),
                               (b'{"ids":[3,"x"]}', 400, "value_invalid"), (b'{"ids":[[3,5]]}', 400, "query_invalid"), (b'{"ids":[[]]}', 400, ("query_invalid", "body_invalid")),
                               (b'{"ids":[]}', 422, "row_invalid"), (b"{}", 400, "body_invalid"), (b'{"Ids":[3]}', 400, "body_invalid"), (b'{"ids":[3],"x":1}', 400, "body_invalid"),
                               (b'\xef\xbb\xbf{"ids":[3]}', 400, "body_invalid"), (b'{"ids":[3]}x', 400, "body_invalid"), (b" ", 400, "body_invalid"),
                               (b'{"ids":["\xff"]}', 400, "body_invalid"), (b'{"ids":["3\\u0000"]}', 400, ("value_invalid", "body_invalid"))):
        for method, target in (("DELETE", "item"), ("DELETE", "item?id=eq.3"), ("DELETE", "item/3"), ("POST", "item/bulk-delete"), ("POST", "item/bulk-delete?id=eq.3")):
            t.ask(method, target, status, body=body, code=code)
    for body in (b'{"ids":[3]} ', b'{"ids":[[3]]}', b'{"id\\u0073":[3]}', b'{"ids":[3,"3",3]}', b'{"ids":[3,-0]}'):
        t.ask("DELETE", "item", 200, body=body, json={"rows_affected": 1}, after=LEFT)
        t.ask("POST", "item/bulk-delete", 200, body=body, json={"rows_affected": 1}, after=LEFT)
    for text, code in (("?id=eq.3", "column_unknown"), ("id=eq.3 ", "value_invalid"), ("id=eq.3\\u0000", "encoding_invalid"), ("id%3Deq.3", "control_unknown"), ("a#b", "operator_unknown"),
                       ("id=eq.3&select=id", "control_invalid"), ("confirm=true", "control_invalid")):
        t.ask("POST", "item/bulk-delete", (400, 417), body=b'{"filter":"' + text.encode() + b'"}', code=code)
    t.ask("POST", "item/bulk-delete", 400, body=b'{"filter":"id=eq.3","filter":"id=eq.5"}', code="body_invalid")
    t.ask("POST", "duo/bulk-delete", 400, body={"ids": [[1, "x"], [2, None]]}, code="value_invalid")
    t.ask("POST", "duo/bulk-delete", 400, body={"ids": ["1,x"]}, code="query_invalid")
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1"):
        for method, target in (("DELETE", "item?id=eq.3"), ("DELETE", "item/3"), ("POST", "item/bulk-delete")):
            t.ask(method, target, 415, body=b'{"ids":[3]}', content_type=content_type, code="media_type_unsupported")


def ids(t):
    for items in ("3,%20", "3,+5", "%203", "3.", "eq.3", "in.3", "null", "3;5", "3,%C3%A9", "3,", "", ",", "3,,5", "(3)", '"3', '3"', "3&ids=5", "3%00"):
        for method, body in (("DELETE", None), ("PATCH", {"qty": 1}), ("GET", None)):
            t.ask(method, f"item?ids={items}", 400, body=body)
    t.ask("DELETE", "item?IDS=3", 417, code="operator_unknown")
    for items in ("3", "3,3,3", '3,"3"', "%33", "3,99,-3"):
        t.ask("DELETE", f"item?ids={items}", 200, json={"rows_affected": 1}, after=LEFT)
    t.ask("DELETE", "item?ids=3%2C5", 200, json={"rows_affected": 2})
    t.ask("DELETE", "item?ids=3&id=eq.5", 200, json={"rows_affected": 0})


def odd_rows(t):
    """Rows that no write of ours makes: what is told must be what is done."""
    if t.is_mariadb:  # dates without a day, or without anything, are no values to a strict session
        t.direct.run("SET @mode = @@sql_mode, sql_mode = ''")
        t.direct.run("REPLACE INTO key_day VALUES ('0000-00-00', 7), ('2024-00-00', 7), ('2024-05-00', 7)")
        rows = "SELECT v FROM key_day WHERE v = 7"
        for headers_, told in (({}, None), ({"Prefer": "max-affected=9"}, None), (BACK, None)):
            before = len(t.direct.rows(rows))
            answer = t.send("DELETE", t.path("key_day", "v=eq.7"), None, headers_)
            gone = before - len(t.direct.rows(rows))
            value = answer.json()
            told = len(value) if isinstance(value, list) else value.get("rows_affected", 0)
            t.report.equal((answer.status in (200, 422), told), (True, gone), f"[ms] days that are none, {headers_}: {answer!r}: told and gone")
            t.direct.run("REPLACE INTO key_day VALUES ('0000-00-00', 7), ('2024-00-00', 7), ('2024-05-00', 7)")
        t.direct.run("DELETE FROM key_day WHERE v = 7")
        t.direct.run("SET sql_mode = @mode")
    else:  # a key column takes NULL and any storage class
        insert = "INSERT INTO key_word VALUES ('abc', 7), (x'616263', 7), (7, 7)"
        for more, status in (("", 200), (", (NULL, 7)", 422)):
            t.direct.run("DELETE FROM loose")
            t.direct.run(insert.replace("key_word", "loose") + more)
            if status == 422:
                answer = t.send("DELETE", t.path("loose", "v=eq.7"), None, BACK)
                t.report.equal((answer.status, t.direct.one("SELECT count(*) FROM loose")), (422, 4), f"[sl] a row with NULL in its key: {answer!r}")
                t.report.equal(t.send("DELETE", t.path("loose", "v=eq.7")).json(), {"rows_affected": 4}, "[sl] the same without giving it back")
            else:
                answer = t.send("DELETE", t.path("loose", "v=eq.7"), None, BACK)
                t.report.equal((answer.status, len(answer.json()), t.direct.one("SELECT count(*) FROM loose")), (200, 3, 0), f"[sl] keys of other classes: {answer!r}")
