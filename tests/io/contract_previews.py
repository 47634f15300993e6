"""Previews and their tokens: what would be done, and that it is done only to the rows that were shown."""
import os
import time

from deletes_scene import NARROW, PREVIEW_ROWS_MAX, SETTINGS, SPACE_2, TIGHT, DeleteTrial, role
from lib.gateway import Gateway, merged

WRITES = (("DELETE", "item?id=in.3,5", None), ("DELETE", "item?ids=3,5", None), ("DELETE", "item", {"ids": [3, 5]}),
          ("POST", "item/bulk-delete", {"ids": [3, 5]}), ("POST", "item/bulk-delete", {"filter": "id=in.3,5"}), ("PUT", "item?id=in.3,5", {"qty": 7}),
          ("PATCH", "item?id=in.3,5", {"qty": 7}), ("DELETE", "item?id=ge.3&kind=eq.b&order=id&limit=2", None))
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def run(t):
    shown(t)
    shown_cascades(t)
    hints(t)
    refused(t)
    not_shown(t)
    asked_wrongly(t)
    carried_out(t)
    changed(t)
    one_row(t)
    bound(t)
    forged(t)
    used_twice(t)


def bearing(token, **more):
    return {"X-Delete-Token": token or "none", **more}


def shown(t):
    for method, target, body in WRITES:
        told = t.preview(method, target, body=body, would_affect=2, sample=[3, 5], cascades=[], triggers=[])
        t.report.check(told.get("token") and "refused" not in told and str(told.get("expires")).endswith("Z"), f"[{t.kind}] {method} {target}: {told}")
        with_header = t.ask(method, target, 200, body=body, headers={"Prefer": "tx=rollback"}, changes=False)
        both = t.ask(method, target + ("&" if "?" in target else "?") + "_preview=true", 200, body=body, headers={"Prefer": "tx=rollback"}, changes=False)
        for answer in (with_header, both):
            if answer is not None and answer.status == 200:
                t.report.equal({name: value for name, value in answer.json().items() if name not in ("token", "expires")},
                               {name: value for name, value in told.items() if name not in ("token", "expires")}, f"[{t.kind}] tx=rollback on {target}")
    t.preview("DELETE", "item?id=gt.0", would_affect=14, sample=list(range(1, 11)))
    t.preview("DELETE", "item?id=gt.0&order=id.desc&limit=12", would_affect=12, sample=list(range(14, 4, -1)))
    t.preview("DELETE", "duo?a=eq.1", would_affect=2, sample=[[1, "x"], [1, "y"]])
    t.preview("DELETE", "duo/1,x", would_affect=1, sample=[[1, "x"]])
    t.preview("DELETE", "city?v=eq.1", would_affect=1, sample=["ber"])
    t.preview("DELETE", "item/3", would_affect=1, sample=[3])
    told = t.preview("DELETE", "item?id=eq.99", would_affect=0, sample=[])
    t.ask("DELETE", "item?id=eq.99", 200, headers=bearing(told.get("token")), json={"rows_affected": 0})
    # Previews of what gives rows back, or nothing.
    for value in ("return=representation", "return=minimal", "return=headers-only"):
        t.preview("DELETE", "item?id=in.3,5", headers={"Prefer": value}, would_affect=2, sample=[3, 5])
    t.preview("DELETE", "item?id=in.3,5&_no-content=true", would_affect=2)
    numbers = t.ask("DELETE", "item/3?_preview=true", 200, headers={"Prefer": "numbers=string"}, changes=False, has={"Preference-Applied": "numbers=string"})
    t.report.check(numbers is not None and numbers.json()["sample"] in ([3], ["3"]), f"[{t.kind}] sample with numbers=string: {numbers!r}")
    t.preview("DELETE", f"many?id=le.{PREVIEW_ROWS_MAX}", would_affect=PREVIEW_ROWS_MAX, sample=list(range(1, 11)))
    told = t.preview("DELETE", f"many?id=le.{PREVIEW_ROWS_MAX + 1}", would_affect=PREVIEW_ROWS_MAX + 1, token=None, expires=None)
    t.report.check("refused" not in told, f"[{t.kind}] too large for a token, and refused: {told}")
    t.preview("DELETE", "many?id=gt.0", would_affect=30, token=None)
    t.preview("DELETE", "nokey?v=eq.2", would_affect=2, sample=[], token=None)
    t.preview("PATCH", "nokey?v=eq.2", body={"w": "x"}, would_affect=2, sample=[], token=None)
    t.preview("DELETE", "traced/1", would_affect=1, triggers=["traced_gone"])
    t.preview("PATCH", "traced/1", body={"v": 2}, would_affect=1, triggers=["traced_new"])
    t.preview("DELETE", "traced?id=eq.99", would_affect=0)


def shown_cascades(t):
    def name(text):
        return text if t.is_mariadb else None
    for target, wanted in (
            ("author/1", [("book", "book_author", "CASCADE", 2), ("chapter", "chapter_book", "CASCADE", 3), ("review", "review_book", "SET NULL", 3)]),
            ("author?id=gt.0", [("book", "book_author", "CASCADE", 3), ("chapter", "chapter_book", "CASCADE", 4), ("review", "review_book", "SET NULL", 3)]),
            ("author/3", []), ("duo?a=eq.1", [("trio", "trio_duo", "CASCADE", 3)]), ("node/1", [("node", "node_parent", "CASCADE", 3)]),
            ("node?id=in.1,3", [("node", "node_parent", "CASCADE", 2)]), ("node/5", []), ("link?id=in.1,2", [("link", "link_next", "SET NULL", 1)]),
            ("egg/2", [("hen", "hen_egg", "CASCADE", 2), ("egg", "egg_hen", "CASCADE", 1)]), ("city/ber", [("street", "street_city", "SET NULL", 2)])):
        told = t.preview("DELETE", target, refused=None)
        wanted = t.cascades(*[(table, name(constraint), action, rows) for table, constraint, action, rows in wanted])
        t.report.equal(sorted(told.get("cascades", []), key=str), sorted(wanted, key=str), f"[{t.kind}] cascades of DELETE {target}")
        t.ask("DELETE", target, 200, headers=bearing(told.get("token")))
    told = t.preview("PATCH", "city?code=eq.ber", body={"code": "bln"}, would_affect=1, sample=["ber"], refused=None)
    t.report.equal(told.get("cascades"), t.cascades(("street", name("street_city"), "CASCADE", 2)), f"[{t.kind}] cascades of an update")
    t.ask("PATCH", "city?code=eq.ber", 200, body={"code": "bln"}, headers=bearing(told.get("token")), json={"rows_affected": 1},
          after=("SELECT id FROM street WHERE city = 'bln' ORDER BY id", [(1,), (2,)]))
    t.preview("PATCH", "city?code=eq.ber", body={"v": 5}, would_affect=1, cascades=[])


def refused(t):
    """What would end with 409 says so, and gives no token."""
    for method, target, body in (("DELETE", "land/1", None), ("DELETE", "land?id=gt.0", None), ("DELETE", "firm/1", None), ("DELETE", "vault/1", None),
                                 ("PATCH", "item/1", {"code": 102}), ("PUT", "item?id=eq.1", {"name": "n2"}), ("PATCH", "item?id=in.1,2", {"code": 900}),
                                 ("PATCH", "item?id=eq.1", {"id": 2}), ("PATCH", "book/10", {"author_id": 77}), ("PUT", "street?city=eq.ber", {"city": "nix"}),
                                 ("PATCH", "author?id=eq.1", {"id": 9}), ("PATCH", "land?id=eq.1", {"id": 9}), ("POST", "land/bulk-delete", {"ids": [1]})):
        told = t.preview(method, target, body=body, refused=409, token=None, expires=None)
        t.report.check(told.get("would_affect", 0) >= 1, f"[{t.kind}] refused, and nothing would be affected: {told}")
        t.ask(method, target, 409, body=body, code="constraint_violated")
    for method, target, body in (("PATCH", "item/1", {"code": 900}), ("PATCH", "item/2", {"code": 102}), ("PUT", "item/1", {"code": None}),
                                 ("PATCH", "book/10", {"author_id": 2}), ("DELETE", "land/3", None), ("PATCH", "street/1", {"city": None})):
        told = t.preview(method, target, body=body, would_affect=1, refused=None)
        t.ask(method, target, 200, body=body, headers=bearing(told.get("token")), json={"rows_affected": 1})


def hints(t):
    """Rows that a condition on text finds by the collation alone."""
    def told(target, rows, of, column="name", **more):
        hint = {"column": column, "rows": rows, "hint": f"{rows} of {of} row{'' if of == 1 else 's'} match{'es' if rows == 1 else ''} by the collation "
                f"{'utf8mb4_general_ci' if t.is_mariadb else 'NOCASE'} alone: the text there is not letter by letter what the request says"}
        t.preview(more.pop("method", "DELETE"), target, would_affect=of, hints=[hint], **more)

    told("clan?name=eq.ann", 2, 3)
    told("clan?name=eq.ann", 2, 3, method="PATCH", body={"alias": "x"})
    told("clan?name=eq.aNN", 3, 3)
    told("clan?name=eq.BO&id=eq.5", 1, 1)
    told("clan?name=in.ann,Ann,bo,xx", 2, 5)
    told("clan?name=li.nN", 4, 4)
    told("clan?name=rli.an", 3, 4)
    told("clan?name=lli.NN", 2, 3)
    told("clan?name=lli.A", 1, 1)
    told("clan?name=eq.ann&name=rli.A", 3, 3)  # none is both
    told("clan?name=eq.ann&order=id&limit=2", 1, 2)
    told("clan/bulk-delete", 2, 3, method="POST", body={"filter": "name=eq.ann"})
    told("pair/A,1", 1, 1, column="a")
    told("pair", 1, 3, column="a", body={"ids": [["A", 1], ["b", 1], ["a", 2]]})
    told("pair", 3, 3, column="a", body={"ids": [[letter, number] for number in range(1, 4001) for letter in "Ab"]})
    for target, rows in (("clan?name=eq.Anna", 1), ("clan?name=in.ann,Ann,ANN", 3), ("clan?name=ne.ann", 4), ("clan?name=gt.b&name=lt.c", 2), ("clan?id=le.3", 3),
                         ("clan?alias=eq.ann", 1), ("clan?alias=li.nn", 3), ("clan?name=eq.nobody", 0), ("clan?name=li.x%25", 1), ("clan?name=rli._", 1),
                         ("clan?name=not.is.null", 7), ("pair/B,1", 1), ("pair?n=eq.1", 2)):
        t.preview("DELETE", target, would_affect=rows)
    # Not of what the caller may not read.
    t.preview("DELETE", "clan?name=eq.ann", headers=role("mute"), would_affect=3)
    t.preview("DELETE", "clan?name=eq.ann", headers=role("deaf"), would_affect=3, sample=[])


def not_shown(t):
    """Previews that are refused as their write would be."""
    for target, body, status, code in (("item/99", None, 404, "row_unknown"), ("item/3?id=eq.5", None, 404, "row_unknown"), ("item", None, 406, "filter_required"),
                                       ("nosuch?id=eq.1", None, 404, "table_unknown"), ("item?nosuch=eq.1", None, 400, "column_unknown"),
                                       ("item?id=3", None, 417, "operator_unknown"), ("capped?id=le.3", None, 412, "set_too_large"),
                                       ("casc/1", None, 412, "set_too_large"), ("one?id=le.2", None, 412, "set_too_large"),
                                       ("item", {"ids": ["x"]}, 400, "value_invalid")):
        t.ask("DELETE", f"{target}{'&' if '?' in target else '?'}_preview=true", status, body=body, code=code)
    for body, status, code in (({}, 422, "row_invalid"), ({"nosuch": 1}, 422, "row_invalid"), ({"qty": "x"}, 422, "row_invalid"), (b"{", 400, "body_invalid"),
                               ({"name": None}, 422, "row_invalid"), ({"id": 4}, 422, "row_invalid")):
        t.ask("PATCH", "item/3?_preview=true", status, body=body, code=code)
    t.ask("DELETE", "item?id=in.3,5&_preview=true", 412, headers={"Prefer": "max-affected=1"}, code="set_too_large", detail="2 rows match")
    t.ask("DELETE", "author/1?_preview=true", 412, headers={"Prefer": "max-affected=8"}, code="set_too_large", detail="9 rows would be affected")
    t.preview("DELETE", "author/1", headers={"Prefer": "max-affected=9"}, would_affect=1)
    t.preview("DELETE", "firm/1", headers={"Prefer": "max-affected=1"}, would_affect=1, refused=409)
    t.ask("DELETE", t.other(TIGHT, "item?id=le.3&_preview=true"), 412, code="set_too_large")
    t.ask("DELETE", "item?id=le.4&_preview=true", 412, headers=SPACE_2, code="set_too_large")
    t.ask("DELETE", "item/3?_preview=true", 403, headers=role("reader"), code="forbidden")
    t.ask("DELETE", "item/3?_preview=true", 404, headers=role("nobody"), code="table_unknown")
    if t.is_mariadb:
        t.ask("DELETE", t.other(NARROW, "near/2?_preview=true"), 409, code="cascade_uncountable")


def asked_wrongly(t):
    for value in ("false", "1", "TRUE", "yes", ""):
        for method, body in (("DELETE", None), ("PATCH", {"qty": 1})):
            t.ask(method, f"item/3?_preview={value}", 400, body=body, code="control_invalid", parameter="_preview")
    t.ask("DELETE", "item/3?_preview=true&_preview=true", 400, code="control_invalid")
    t.ask("DELETE", "item/3?_Preview=true", 400, code="control_unknown", hint="_preview")
    for method, target, body in (("GET", "item/3", None), ("POST", "item", {"id": 99, "name": "x", "kind": "a", "owner": "x"})):
        t.ask(method, f"{target}?_preview=true", 400, body=body, code="query_invalid", parameter="_preview")
        t.ask(method, target, 400, body=body, headers=bearing("p1.x"), code="header_invalid", parameter="X-Delete-Token")
    t.ask("HEAD", "item/3?_preview=true", 400)
    for headers in ([("X-Delete-Token", "")], [("X-Delete-Token", " ")], [("X-Delete-Token", "a"), ("X-Delete-Token", "a")], [("X-Delete-Token", "a" * 4097)]):
        for method, body in (("DELETE", None), ("PATCH", {"qty": 1})):
            t.ask(method, "item/3", 400, body=body, headers=headers, code="header_invalid", parameter="X-Delete-Token")
    for query, headers in (("?_preview=true", {}), ("", {"Prefer": "tx=rollback"})):
        t.ask("DELETE", "item/3" + query, 400, headers=bearing("p1.x", **headers), code="header_invalid", parameter="X-Delete-Token", detail="preview")


def carried_out(t):
    for method, target, body in WRITES:
        told = t.preview(method, target, body=body)
        t.ask(method, target, 200, body=body, headers=bearing(told.get("token")), json={"rows_affected": 2})
        t.ask(method, target, 200, body=body, headers=bearing(f"  {told.get('token')}\t"), json={"rows_affected": 2})
        t.ask(method, target, 204, body=body, headers=bearing(told.get("token"), Prefer="return=minimal, max-affected=2"))
        t.ask(method, target, 412, body=body, headers=bearing(told.get("token"), Prefer="max-affected=1"), code="set_too_large")
        answer = t.ask(method, target, 200, body=body, headers=bearing(told.get("token"), Prefer="return=representation"))
        t.report.check(answer is None or answer.status != 200 or [row["id"] for row in answer.json()] == [3, 5], f"[{t.kind}] rows given back: {answer!r}")
    # A token takes nothing away, and `confirm` and the like are none of its business.
    told = t.preview("DELETE", "item?id=in.3,5")
    t.ask("DELETE", "item?id=in.3,5&confirm=true&_no-content=true", 204, headers=bearing(told.get("token")))
    t.ask("DELETE", "item?id=in.3,5&select=id", 200, headers=bearing(told.get("token"), Prefer="return=representation"), ids=[3, 5])
    t.ask("DELETE", "item?id=in.3,5", 200, headers=bearing(told.get("token"), **role("admin, users")), json={"rows_affected": 2})
    # Conditions in another order are the same request.
    told = t.preview("DELETE", "item?id=gt.2&kind=eq.b&owner=eq.ann")
    for target in ("item?owner=eq.ann&kind=eq.b&id=gt.2", "item?kind=eq.b&id=gt.2&owner=eq.ann&confirm=true", "item?%69d=gt.2&kind=eq.b&&owner=eq.%61nn"):
        t.ask("DELETE", target, 200, headers=bearing(told.get("token")), json={"rows_affected": 3})


def changed(t):
    """A row changed, added or removed after the preview: 412 with the numbers, and nothing is done."""
    for method, target, body in WRITES[:1] + (("PATCH", "item?id=in.3,5", {"qty": 7}), ("DELETE", "item?ids=3,5", None)):
        token = t.preview(method, target, body=body).get("token")
        for sql in ("UPDATE item SET qty = 31 WHERE id = 3", "UPDATE item SET qty = NULL WHERE id = 3", "UPDATE item SET name = 'N3' WHERE id = 3",
                    "UPDATE item SET owner = 'ann ' WHERE id = 5", "UPDATE item SET code = 0 WHERE id = 3"):
            t.direct.run(sql)
            t.settle()
            t.ask(method, target, 412, body=body, headers=bearing(token), code="set_changed", detail=["2 rows match, as the preview showed", "nothing was done"])
            t.reset()
        t.direct.run("DELETE FROM item WHERE id = 5")
        t.settle()
        t.ask(method, target, 412, body=body, headers=bearing(token), code="set_changed", detail=["showed 2 rows", "now 1 match"])
        t.direct.run("DELETE FROM item WHERE id = 3")
        t.settle()
        t.ask(method, target, 412, body=body, headers=bearing(token), code="set_changed", detail=["showed 2 rows", "now 0 match"])
        t.reset()
        t.ask(method, target, 200, body=body, headers=bearing(token), json={"rows_affected": 2})
        t.direct.run("UPDATE item SET qty = 1000 WHERE id = 7")  # a row that the request does not mean
        t.settle()
        t.ask(method, target, 200, body=body, headers=bearing(token), json={"rows_affected": 2})
    token = t.preview("DELETE", "item?kind=eq.b", would_affect=7).get("token")
    t.direct.run("INSERT INTO item VALUES (50, 'n50', 'b', NULL, NULL, 'ann')")
    t.settle()
    t.ask("DELETE", "item?kind=eq.b", 412, headers=bearing(token), code="set_changed", detail=["showed 7 rows", "now 8 match"])
    t.direct.run("DELETE FROM item WHERE id = 1")  # as many as before, others
    t.settle()
    t.ask("DELETE", "item?kind=eq.b", 412, headers=bearing(token), code="set_changed", detail="7 rows match, as the preview showed")
    t.reset()
    t.direct.run("UPDATE item SET id = 40 WHERE id = 3")  # the same row by another key
    t.settle()
    t.ask("DELETE", "item?kind=eq.b", 412, headers=bearing(token), code="set_changed")
    t.reset()
    token = t.preview("DELETE", "item?id=eq.99", would_affect=0).get("token")
    t.direct.run("INSERT INTO item VALUES (99, 'n99', 'b', NULL, NULL, 'ann')")
    t.settle()
    t.ask("DELETE", "item?id=eq.99", 412, headers=bearing(token), code="set_changed", detail=["showed 0 rows", "now 1 match"])
    t.reset()
    # Two cells that change places, two rows that change them.
    token = t.preview("DELETE", "item?id=in.1,2", would_affect=2).get("token")
    t.direct.run("UPDATE item SET qty = CASE id WHEN 1 THEN 20 ELSE 10 END WHERE id IN (1, 2)")
    t.settle()
    t.ask("DELETE", "item?id=in.1,2", 412, headers=bearing(token), code="set_changed")
    t.reset()


def one_row(t):
    for method, body in (("DELETE", None), ("PATCH", {"qty": 7}), ("PUT", {"qty": 7})):
        token = t.preview(method, "item/3", body=body, would_affect=1, sample=[3]).get("token")
        t.ask(method, "item/3", 200, body=body, headers=bearing(token), json={"rows_affected": 1})
        t.ask(method, "item/5", 412, body=body, headers=bearing(token), code="preview_token_invalid")
        t.ask(method, "item?id=eq.3", 412, body=body, headers=bearing(token), code="preview_token_invalid")
        t.ask(method, "item/3?qty=gt.0", 412, body=body, headers=bearing(token), code="preview_token_invalid")
        t.direct.run("UPDATE item SET qty = 31 WHERE id = 3")
        t.settle()
        t.ask(method, "item/3", 412, body=body, headers=bearing(token), code="set_changed", detail="1 row matches, as the preview showed")
        t.direct.run("DELETE FROM item WHERE id = 3")
        t.settle()
        t.ask(method, "item/3", (412, 404), body=body, headers=bearing(token), code=("set_changed", "row_unknown"))
        t.reset()


def bound(t):
    """To caller, roles, space, database, table, method, filter, keys and body."""
    def no(method, target, token, body=None, **headers):
        t.ask(method, target, 412, body=body, headers=bearing(token, **headers), code="preview_token_invalid", detail="nothing was done", hint="_preview=true")
    token = t.preview("DELETE", "item?id=in.3,5").get("token")
    for headers in ({"X-User-Id": "user-2"}, role("admin"), role("admin, users, more"), role("admin, split"), SPACE_2):
        t.ask("DELETE", "item?id=in.3,5", 412, headers=bearing(token, **headers), code="preview_token_invalid")
    no("DELETE", t.other(TIGHT, "item?id=in.3,5"), token)
    no("DELETE", "many?id=in.3,5", token)
    no("PATCH", "item?id=in.3,5", token, {"qty": 1})
    for target in ("item?id=in.5,3", "item?id=in.3,6", "item?id=in.3,5,5", "item?id=in.3", "item?id=in.3,5&id=gt.0", "item?id=in.3,5&order=id&limit=2", "item?ids=3,5",
                   "item?id=bw.3,5"):
        no("DELETE", target, token)
    no("DELETE", "item", token, {"ids": [3, 5]})
    no("POST", "item/bulk-delete", token, {"filter": "id=in.3,5"})
    no("DELETE", "item?id=in.3,5", token, {"ids": [3, 5]})
    token = t.preview("PATCH", "item?id=in.3,5", body={"qty": 7}).get("token")
    no("PATCH", "item?id=in.3,5", token, {"qty": 8})
    no("PATCH", "item?id=in.3,5", token, {"qty": "7"})
    no("PATCH", "item?id=in.3,5", token, {"qty": 7, "code": 7})
    no("PUT", "item?id=in.3,5", token, {"qty": 7})
    no("DELETE", "item?id=in.3,5", token)
    token = t.preview("DELETE", "item?ids=3,5").get("token")
    no("DELETE", "item?ids=3,6", token)
    no("DELETE", "item?ids=3", token)
    no("DELETE", "item?ids=35", token)
    no("DELETE", "item?id=in.3,5", token)
    token = t.preview("DELETE", "item", body={"ids": [3, 5]}).get("token")
    no("DELETE", "item", token, {"ids": [3, 5, 6]})
    no("POST", "item/bulk-delete", token, {"ids": [3, 5]})
    token = t.preview("DELETE", "item?id=gt.3&order=id&limit=2").get("token")
    for query in ("id=gt.3&order=id&limit=3", "id=gt.3&order=id.desc&limit=2", "id=gt.3", "id=gt.2&order=id&limit=2"):
        no("DELETE", f"item?{query}", token)
    key = {"X-API-Key": t.keys["one row"]}
    token = t.preview("DELETE", "item/3", headers=key, sample=[]).get("token")
    no("DELETE", "item/3", token)
    t.ask("DELETE", "item/3", 200, headers=bearing(token, **key), json={"rows_affected": 1})
    # What a caller may not do, no token lets him do.
    token = t.preview("DELETE", "item/3").get("token")
    t.ask("DELETE", "item/3", 403, headers=bearing(token, **role("reader")), code="forbidden")
    t.ask("DELETE", "item/3", 404, headers=bearing(token, **role("nobody")), code="table_unknown")
    t.ask("DELETE", "item/3?nosuch=eq.1", 400, headers=bearing(token), code="column_unknown")


def forged(t):
    token = t.preview("DELETE", "item/3").get("token") or "p1."
    other = t.preview("DELETE", "item/5").get("token") or "p1."
    made = [token[:-1], token[:-4], token[:20], token[:3], "p1", "p2" + token[2:], "P1" + token[2:], token + "A", token + "=", token + "==", token + " x", token + token,
            token[3:], token.replace("p1.", "p1.."), token[:30] + other[30:], other[:30] + token[30:], other, "x", "null", "p1." + "A" * 86, "p1." + "A" * 4000,
            token[:10] + "+" + token[11:], token[:10] + "/" + token[11:], '"' + token + '"', token.lower(), "\u00e9" + token]
    # Every place of it, by the letter beside it in the alphabet.
    made += [token[:at] + LETTERS[(LETTERS.index(token[at]) + 1) % 64] + token[at + 1:] for at in range(3, len(token))]
    for one in made:
        t.ask("DELETE", "item/3", 412, headers=bearing(one), code="preview_token_invalid")
    t.ask("DELETE", "item/3", 200, headers=bearing(token), json={"rows_affected": 1})


def used_twice(t):
    for method, target, body in (("DELETE", "item?id=in.3,5", None), ("PATCH", "item?id=in.3,5", {"qty": 7})):
        token = t.preview(method, target, body=body).get("token")
        t.ask(method, target, 200, body=body, headers=bearing(token), json={"rows_affected": 2}, changes=True)
        t.settle()
        t.ask(method, target, 412, body=body, headers=bearing(token), code="set_changed")
        t.reset()
    # An update that changes nothing leaves the set as it was.
    token = t.preview("PATCH", "item?id=in.3,5", body={"owner": "ann"}).get("token")
    for _ in range(2):
        t.ask("PATCH", "item?id=in.3,5", 200, body={"owner": "ann"}, headers=bearing(token), json={"rows_affected": 2}, changes=False)


def shared_keys(context, report, tenants, directs, folder):
    """Two gateways with one key file, one with another, one without: whose tokens count where, and when they expire."""
    files = []
    for name in ("one", "two"):
        path = os.path.join(folder, f"{name}.key")
        with open(path, "wb") as out:
            out.write(os.urandom(32))
        os.chmod(path, 0o600)
        files.append(path)
    gateways = {name: Gateway(context.preset, tenants, merged(SETTINGS, {"": more})) for name, more in (
        ("first", {"token_key_file": files[0]}), ("second", {"token_key_file": files[0], "preview_token_lifetime_ms": 1000}),
        ("other", {"token_key_file": files[1]}), ("random", {}))}
    try:
        for gateway in gateways.values():
            gateway.start()
        for kind, direct in directs.items():
            trials = {name: DeleteTrial(kind, gateway, direct, report, {}) for name, gateway in gateways.items()}
            tokens = {name: trial.preview("DELETE", "item/3").get("token") for name, trial in trials.items() if name != "second"}
            for made, token in tokens.items():
                for asked, trial in trials.items():
                    if made == asked or (made, asked) == ("first", "second"):
                        trial.ask("DELETE", "item/3", 200, headers=bearing(token), json={"rows_affected": 1})
                    else:
                        trial.ask("DELETE", "item/3", 412, headers=bearing(token), code="preview_token_invalid")
            token = trials["second"].preview("DELETE", "item/3").get("token")
            time.sleep(2.1)
            for asked in ("first", "second"):
                trials[asked].ask("DELETE", "item/3", 412, headers=bearing(token), code="preview_token_invalid", detail="expired")
            for trial in trials.values():
                trial.client.close()
    finally:
        for gateway in gateways.values():
            gateway.destroy(report)
