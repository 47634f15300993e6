"""What a write gives back and in what order it takes rows: representations, other returns, preferences, order and limit."""
from deletes_scene import ROWS, ROWS_MAX, role

BACK = {"Prefer": "return=representation"}
NEW = {"id": 99, "name": "new", "kind": "a", "owner": "ann"}
COLUMNS = ("id", "name", "kind", "qty", "code", "owner")
LEFT = "SELECT id FROM item ORDER BY id"


def row(number, **changes):
    return {**dict(zip(COLUMNS, ROWS["item"][number - 1])), **changes}


def left_without(*gone):
    return LEFT, [(n,) for n in range(1, 15) if n not in gone]


def run(t):
    given_back(t)
    shaped(t)
    reading(t)
    row_filters(t)
    columns(t)
    too_many(t)
    too_large(t)
    keyless(t)
    key_changes(t)
    minimal(t)
    headers_only(t)
    applied(t)
    contradictions(t)
    in_order(t)
    not_in_order(t)


def given_back(t):
    applied_alone = {"Preference-Applied": "return=representation", "Content-Type": "application/json", "Location": None, "Content-Range": None}
    for target, numbers in (("item/3", [3]), ("item?id=in.5,3", [3, 5]), ("item?ids=5,3,5", [3, 5]), ("item?kind=eq.a&qty=gt.100", [12, 14]),
                            ("item?id=eq.99", []), ("item/3?kind=eq.b", [3])):
        t.ask("DELETE", target, 200, headers=BACK, json=[row(n) for n in numbers], has=applied_alone, after=left_without(*numbers))
        for method in ("PUT", "PATCH"):  # as they now are, those that were already so too
            t.ask(method, target, 200, body={"qty": 30}, headers=BACK, json=[row(n, qty=30) for n in numbers], has=applied_alone)
    t.ask("DELETE", "item", 200, body={"ids": [3, 5, "3"]}, headers=BACK, json=[row(3), row(5)], after=left_without(3, 5))
    t.ask("POST", "item/bulk-delete", 200, body={"ids": [3, 5, 99]}, headers=BACK, json=[row(3), row(5)], after=left_without(3, 5))
    t.ask("POST", "item/bulk-delete", 200, body={"filter": "id=in.3,5"}, headers=BACK, json=[row(3), row(5)], after=left_without(3, 5))
    for method, body in (("DELETE", None), ("PATCH", {"qty": 1})):
        t.ask(method, "item/99", 404, body=body, headers=BACK, code="row_unknown")
        t.ask(method, "item?nosuch=eq.1", 400, body=body, headers=BACK, code="column_unknown")
        t.ask(method, "item", 406, body=body, headers=BACK, code="filter_required")
    t.ask("POST", "item", 201, body=NEW, headers=BACK, json=[{**NEW, "qty": None, "code": None}],
          has={"Location": t.path("item") + "/99", "Preference-Applied": "return=representation"})
    t.ask("POST", "item", 201, body=[{**NEW, "id": 98, "name": "b"}, NEW], headers=BACK, has={"Location": None},
          json=[{**NEW, "id": 98, "name": "b", "qty": None, "code": None}, {**NEW, "qty": None, "code": None}])
    t.ask("POST", "item", 409, body=[NEW, NEW], headers=BACK, code="constraint_violated")
    t.ask("PATCH", "item?id=in.1,2", 409, body={"code": 500}, headers=BACK, code="constraint_violated")
    t.ask("DELETE", "duo?a=eq.1", 200, headers=BACK, json=[{"a": 1, "b": "x", "v": 1}, {"a": 1, "b": "y", "v": 2}],
          after=("SELECT id FROM trio ORDER BY id", [(4,), (5,)]))
    # What triggers write is in the transaction too.
    t.ask("PATCH", "traced/1", 200, body={"v": 5}, headers=BACK, json=[{"id": 1, "v": 5}], after=("SELECT what FROM trail", [("new 1",)]))
    # Rows that a cascade of the same delete takes are among those given back, once.
    t.ask("DELETE", "node?id=in.1,2,3", 200, headers=BACK, json=[{"id": 1, "parent": None}, {"id": 2, "parent": 1}, {"id": 3, "parent": 2}],
          after=("SELECT id FROM node ORDER BY id", [(5,), (6,)]))
    t.ask("DELETE", "link?next=not.is.null", 200, headers=BACK, json=[{"id": 2, "next": 1}, {"id": 3, "next": 2}, {"id": 4, "next": 4}],
          after=("SELECT id FROM link", [(1,)]))
    t.ask("DELETE", "link?next=not.is.null", 200, json={"rows_affected": 3}, after=("SELECT id FROM link", [(1,)]))


def shaped(t):
    t.ask("DELETE", "item?id=in.3,5&select=name,id", 200, headers=BACK, json=[{"name": "n3", "id": 3}, {"name": "n5", "id": 5}])
    t.ask("DELETE", "item?id=in.3,5&select=id&order=id.desc", 200, headers=BACK, json=[{"id": 5}, {"id": 3}])
    t.ask("DELETE", "item?id=in.1,2,3,4&select=id&order=kind,qty.desc", 200, headers=BACK, json=[{"id": 4}, {"id": 2}, {"id": 3}, {"id": 1}])
    t.ask("DELETE", "item/3?select=*", 200, headers=BACK, json=[row(3)])
    t.ask("PATCH", "item?id=in.3,5&select=qty&order=id.desc", 200, body={"qty": 9}, headers=BACK, json=[{"qty": 9}, {"qty": 9}])
    t.ask("POST", "item?select=id,qty", 201, body=NEW, headers=BACK, json=[{"id": 99, "qty": None}])
    answer = t.ask("DELETE", "item/3?select=name,id", 200, headers=BACK)
    if answer is not None:
        t.report.equal(answer.body, b'[{"name":"n3","id":3}]', f"[{t.kind}] the order of select")
    for method, target, body in (("DELETE", "item/3", None), ("PATCH", "item/3", {"qty": 1}), ("POST", "item", NEW)):
        t.ask(method, f"{target}?select=nosuch", 400, body=body, headers=BACK, code="column_unknown", parameter="nosuch")
        t.ask(method, f"{target}?select=id,id", 400, body=body, headers=BACK, code=("control_invalid", "query_invalid"))
        t.ask(method, f"{target}?select=id", 400, body=body, code="query_invalid", parameter="select", detail="return=representation")
        for value in ("return=minimal", "return=headers-only"):
            t.ask(method, f"{target}?select=id", 400, body=body, headers={"Prefer": value}, code="query_invalid", parameter="select")
    for method, body in (("DELETE", None), ("PATCH", {"qty": 1})):
        t.ask(method, "item/3?order=id", 400, body=body, code="query_invalid", parameter="order")
        t.ask(method, "item/3?order=nosuch", 400, body=body, headers=BACK, code="column_unknown")
    t.ask("POST", "item?order=id", 400, body=NEW, headers=BACK, code="query_invalid", parameter="order")
    t.ask("POST", "item?limit=1", 400, body=NEW, headers=BACK, code="query_invalid", parameter="limit")


def reading(t):
    """Who may write but not read is given nothing back."""
    for method, target, body, name in (("DELETE", "item/3", None, "remover"), ("DELETE", "item?id=eq.3", None, "remover"),
                                       ("POST", "item/bulk-delete", {"ids": [3]}, "remover"), ("PATCH", "item/3", {"qty": 1}, "writer"),
                                       ("PUT", "item?id=eq.3", {"qty": 1}, "writer"), ("POST", "item", NEW, "writer")):
        t.ask(method, target, 403, body=body, headers=role(name, **BACK), code="forbidden", detail="GET")
        t.ask(method, target, (200, 201), body=body, headers=role(name))
        t.ask(method, target, 204, body=body, headers=role(name, Prefer="return=minimal"))
    t.ask("DELETE", "item/3", 403, headers=role("reader", **BACK), code="forbidden")
    t.ask("DELETE", "item/3", 404, headers=role("nobody", **BACK), code="table_unknown")
    t.ask("DELETE", "item/3", 200, headers=role("reader, remover", **BACK), json=[row(3)], after=left_without(3))
    # A preview needs no permission to read, and shows no keys then.
    told = t.preview("DELETE", "item?id=in.3,5", headers=role("remover"), would_affect=2, sample=[])
    t.ask("DELETE", "item?id=in.3,5", 200, headers=role("remover", **{"X-Delete-Token": told.get("token") or "none"}), json={"rows_affected": 2})


def row_filters(t):
    """`split` deletes and changes rows of kind a (the even ones) and reads ann's (1 to 7)."""
    split = role("split", **BACK)
    t.ask("DELETE", "item?id=in.5,6,8", 200, headers=split, json=[row(6)], after=left_without(6, 8))
    t.ask("DELETE", "item?id=in.5,6,8", 200, headers=role("split"), json={"rows_affected": 2}, after=left_without(6, 8))
    t.ask("DELETE", "item/8", 200, headers=split, json=[], after=left_without(8))
    t.ask("DELETE", "item/5", 404, headers=split, code="row_unknown")
    t.ask("DELETE", "item/99", 404, headers=split, code="row_unknown")
    t.ask("PATCH", "item?id=in.5,6,8", 200, body={"qty": 1}, headers=split, json=[row(6, qty=1)],
          after=("SELECT id FROM item WHERE qty = 1 ORDER BY id", [(6,), (8,)]))
    # Shown or not goes by the row as it was deleted, and as it was written.
    t.ask("PATCH", "item?id=in.6,8", 200, body={"owner": "ann"}, headers=split, json=[row(6), row(8, owner="ann")])
    t.ask("PATCH", "item?id=in.6,8", 200, body={"owner": "bob"}, headers=split, json=[])
    t.ask("PATCH", "item?id=in.5,6", 403, body={"kind": "b"}, headers=split, code="row_forbidden")
    t.ask("POST", "item", 201, body=NEW, headers=split, json=[{**NEW, "qty": None, "code": None}])
    t.ask("POST", "item", 201, body={**NEW, "owner": "bob"}, headers=split, json=[])
    t.ask("POST", "item", 403, body={**NEW, "kind": "b"}, headers=split, code="row_forbidden")
    told = t.preview("DELETE", "item?id=in.5,6,8", headers=role("split"), would_affect=2, sample=[6])
    t.ask("DELETE", "item?id=in.5,6,8", 200, headers=role("split", **{"X-Delete-Token": told.get("token") or "none"}), json={"rows_affected": 2})
    t.preview("DELETE", "item?id=in.5,8", headers=role("split"), would_affect=1, sample=[])
    t.preview("PATCH", "item?id=in.5,6", body={"qty": 1}, headers=role("split"), would_affect=1, sample=[6])


def columns(t):
    seen = {"name": "n3", "kind": "b", "owner": "ann"}
    blinkered = role("blinkered", **BACK)
    t.ask("DELETE", "item?id=eq.3", 200, headers=blinkered, json=[seen])
    t.ask("DELETE", "item/3", 200, headers=blinkered, json=[seen])
    t.ask("DELETE", "item/3?select=name", 200, headers=blinkered, json=[{"name": "n3"}])
    t.ask("PATCH", "item/3", 200, body={"kind": "z"}, headers=blinkered, json=[{**seen, "kind": "z"}])
    t.ask("POST", "item", 201, body=NEW, headers=blinkered, json=[{"name": "new", "kind": "a", "owner": "ann"}], has={"Location": None})
    hidden = [t.ask("DELETE", f"item/3?select={name}", 400, headers=blinkered, code="column_unknown") for name in ("qty", "qtx")]
    if None not in hidden:
        t.report.equal(hidden[0].body.replace(b"qty", b"qtx"), hidden[1].body, f"[{t.kind}] a hidden column is as a missing one")
    t.preview("DELETE", "item/3", headers=role("blinkered"), would_affect=1, sample=[])
    t.preview("DELETE", "item?name=eq.n3", headers=role("keyblind"), would_affect=1, sample=[])
    t.ask("DELETE", "item?name=eq.n3", 200, headers=role("keyblind", **BACK), json=[{"name": "n3"}])
    t.ask("DELETE", "item?name=eq.n3&order=name", 200, headers=role("keyblind", **BACK), json=[{"name": "n3"}])
    t.ask("DELETE", "item?name=eq.n3&order=id", 400, headers=role("keyblind", **BACK), code="column_unknown")
    t.ask("PATCH", "item?name=eq.n3", 204, body={"name": "m3"}, headers=role("keyblind", Prefer="return=headers-only"), has={"Location": None})


def too_many(t):
    """More rows than one answer holds: nothing is done."""
    for target in (f"item?id=le.{ROWS_MAX}&select=id", "item?ids=" + ",".join(map(str, range(1, ROWS_MAX + 1))) + "&select=id&order=id"):
        t.ask("DELETE", target, 200, headers=BACK, ids=range(1, ROWS_MAX + 1), after=left_without(*range(1, ROWS_MAX + 1)))
    for method, target, body in (("DELETE", f"item?id=le.{ROWS_MAX + 1}", None), ("PATCH", f"item?id=le.{ROWS_MAX + 1}", {"qty": 1}),
                                 ("PUT", "item?id=gt.0&select=id", {"qty": 1}), ("DELETE", "many?id=gt.0", None),
                                 ("POST", "many/bulk-delete", {"filter": "id=gt.0"}), ("DELETE", "many", {"ids": list(range(1, ROWS_MAX + 2))})):
        t.ask(method, target, 412, body=body, headers=BACK, code="set_too_large", detail=[str(ROWS_MAX), str(ROWS_MAX + 1), "rows_max"])
        t.ask(method, target.replace("&select=id", ""), 200, body=body)
    rows = [{"id": 100 + n, "v": n} for n in range(ROWS_MAX + 1)]
    t.ask("POST", "many", 412, body=rows, headers=BACK, code="set_too_large", detail="rows_max")
    t.ask("POST", "many", 201, body=rows[:-1], headers=BACK, json=rows[:-1])
    t.ask("DELETE", f"many?id=gt.0&order=id&limit={ROWS_MAX}&select=id", 200, headers=BACK, ids=range(1, ROWS_MAX + 1))
    t.ask("DELETE", f"many?id=gt.0&order=id&limit={ROWS_MAX + 1}&select=id", 412, headers=BACK, code="set_too_large")


def too_large(t):
    """A space's answer_bytes_max: nothing is done either."""
    small = {"X-Space-Id": "space-3"}
    for method, target, body in (("DELETE", "item?id=in.1,2,3", None), ("PATCH", "item?id=in.1,2,3", {"qty": 1}), ("PUT", "item?ids=1,2,3", {"qty": 1}),
                                 ("POST", "item", [{**NEW, "id": 90 + n, "name": f"new{n}"} for n in range(3)]), ("POST", "nokey", [{"v": n, "w": "long" * 2} for n in range(9)])):
        t.ask(method, target, 400, body=body, headers={**small, **BACK}, code="limit_exceeded", detail="answer_bytes_max")
        t.ask(method, target, (200, 201), body=body, headers=small)
    t.direct.run("INSERT INTO nokey VALUES (3, 'long'), (4, 'long'), (5, 'long'), (6, 'long')")
    t.settle()
    t.ask("DELETE", "nokey?v=gt.0", 400, headers={**small, **BACK}, code="limit_exceeded", detail="answer_bytes_max")
    t.ask("DELETE", "nokey?v=gt.3", 200, headers={**small, **BACK}, json=[{"v": n, "w": "long"} for n in (4, 5, 6)])
    t.ask("DELETE", "item/3", 200, headers={**small, **BACK}, json=[row(3)])  # what a GET gives, no less
    t.ask("GET", "item?id=eq.3", 200, headers=small, json=[row(3)])
    t.ask("DELETE", "item?id=in.1,2,3&select=id", 200, headers={**small, **BACK}, ids=[1, 2, 3])


def keyless(t):
    t.ask("DELETE", "nokey?v=eq.2", 200, headers=BACK, json=[{"v": 2, "w": "two"}] * 2, after=("SELECT v FROM nokey", [(1,)]))
    t.ask("DELETE", "nokey?v=gt.0&order=v.desc&select=v", 200, headers=BACK, json=[{"v": 2}, {"v": 2}, {"v": 1}])
    t.ask("POST", "nokey", 201, body=[{"v": 8}, {"w": "x"}], headers=BACK, json=[{"v": 8, "w": None}, {"v": None, "w": "x"}])
    t.ask("POST", "nokey", 201, body={"v": 8}, headers={"Prefer": "return=headers-only"}, has={"Location": None})
    for method in ("PUT", "PATCH"):
        t.ask(method, "nokey?v=eq.2", 501, body={"w": "x"}, headers=BACK, code="not_implemented", parameter="return")
        t.ask(method, "nokey?v=eq.2", 200, body={"w": "x"}, json={"rows_affected": 2})
        t.ask(method, "nokey?v=eq.2", 204, body={"w": "x"}, headers={"Prefer": "return=headers-only"}, has={"Location": None})
    t.ask("DELETE", "nokey?v=eq.2", 412, headers={"Prefer": "max-affected=1"}, code="set_too_large", detail=["2", "1"])
    t.ask("DELETE", "nokey?v=eq.2", 200, headers={"Prefer": "max-affected=2"}, json={"rows_affected": 2})
    t.ask("DELETE", "nokey?v=gt.0&order=v&limit=1", 400, code="query_invalid", parameter="order")


def key_changes(t):
    """A key that the write changes: the rows are found again by what they became."""
    t.ask("PATCH", "item?id=eq.3", 200, body={"id": 33}, headers=BACK, json=[row(3, id=33)], after=left_after_move(3, 33))
    t.ask("PUT", "item?name=eq.n3", 200, body={"id": "33", "qty": None}, headers=BACK, json=[row(3, id=33, qty=None)])
    t.ask("PATCH", "item?id=eq.3", 204, body={"id": 33}, headers={"Prefer": "return=headers-only"}, has={"Location": t.path("item") + "/33"})
    t.ask("PATCH", "item?id=in.3,5", 409, body={"id": 33}, headers=BACK, code="constraint_violated")
    t.ask("PATCH", "item?id=eq.3", 409, body={"id": 5}, headers=BACK, code="constraint_violated")
    t.ask("PATCH", "item/3", 422, body={"id": 33}, headers=BACK, code="row_invalid", parameter="id")
    t.ask("PATCH", "duo?a=eq.2", 200, body={"b": "z"}, headers=BACK, json=[{"a": 2, "b": "z", "v": 3}])
    t.ask("PATCH", "city?code=eq.ber", 200, body={"code": "bln"}, headers=BACK, json=[{"code": "bln", "v": 1}],
          after=("SELECT id FROM street WHERE city = 'bln' ORDER BY id", [(1,), (2,)]))
    t.ask("PATCH", "city?code=eq.ber", 200, body={"code": "a,b"}, headers={"Prefer": "return=representation"}, json=[{"code": "a,b", "v": 1}])
    # Equal by the collation, another row by its letters.
    if t.is_mariadb:
        t.ask("PATCH", "city?code=eq.BER", 200, body={"code": "Ber"}, headers=BACK, json=[{"code": "Ber", "v": 1}])


def left_after_move(old, new):
    return LEFT, sorted([(n,) for n in range(1, 15) if n != old] + [(new,)])


def minimal(t):
    for extra, headers in (("", {"Prefer": "return=minimal"}), ("_no-content=true", {}), ("_no-content=true", {"Prefer": "return=minimal"})):
        wanted = "return=minimal" if headers else None
        for method, target, body, after in (("DELETE", "item/3", None, left_without(3)), ("DELETE", "item?id=in.3,5", None, left_without(3, 5)),
                                            ("DELETE", "item?id=eq.99", None, left_without()), ("DELETE", "item", {"ids": [3]}, left_without(3)),
                                            ("POST", "item/bulk-delete", {"ids": [3]}, left_without(3)),
                                            ("PUT", "item/3", {"qty": 1}, ("SELECT id FROM item WHERE qty = 1", [(3,)])),
                                            ("PATCH", "item?id=eq.3", {"qty": 1}, ("SELECT id FROM item WHERE qty = 1", [(3,)])),
                                            ("POST", "item", NEW, ("SELECT name FROM item WHERE id = 99", [("new",)]))):
            asked = target + (("&" if "?" in target else "?") + extra if extra else "")
            answer = t.ask(method, asked, 204, body=body, headers=headers, after=after, has={"Preference-Applied": wanted, "Content-Type": None})
            if answer is not None:
                t.report.equal(answer.body, b"", f"[{t.kind}] the body of a 204")
        for method, target, body in (("DELETE", "item/99", None), ("PATCH", "item/99", {"qty": 1})):
            t.ask(method, target + ("?" + extra if extra else ""), 404, body=body, headers=headers, code="row_unknown")
    for value in ("false", "1", "TRUE", "", "true,true"):
        t.ask("DELETE", f"item/3?_no-content={value}", 400, code="control_invalid", parameter="_no-content")
    t.ask("DELETE", "item/3?_no-content=true&_no-content=true", 400, code="control_invalid")
    for method, target, code in (("GET", "item/3", "query_invalid"), ("GET", "item", "query_invalid"), ("HEAD", "item", None)):
        t.ask(method, f"{target}?_no-content=true", 400, code=code)
    for value in ("representation", "headers-only"):
        t.ask("DELETE", "item/3?_no-content=true", 400, headers={"Prefer": f"return={value}"}, code="query_invalid", parameter="_no-content")


def headers_only(t):
    only = {"Prefer": "return=headers-only"}
    applied_alone = {"Preference-Applied": "return=headers-only", "Content-Type": None}
    for method in ("PUT", "PATCH"):
        for target in ("item/3", "item?id=eq.3", "item?name=eq.n3", "item?ids=3", "item?id=in.3,99"):
            t.ask(method, target, 204, body={"qty": 1}, headers=only, has={**applied_alone, "Location": t.path("item") + "/3"},
                  after=("SELECT id FROM item WHERE qty = 1", [(3,)]))
        t.ask(method, "item?id=in.3,5", 204, body={"qty": 1}, headers=only, has={**applied_alone, "Location": None})
        t.ask(method, "item?id=eq.99", 204, body={"qty": 1}, headers=only, has={**applied_alone, "Location": None})
        t.ask(method, "duo/1,x", 204, body={"v": 9}, headers=only, has={**applied_alone, "Location": t.path("duo") + "/1,x"})
        t.ask(method, "item/99", 404, body={"qty": 1}, headers=only, code="row_unknown")
    for target, body in (("item/3", None), ("item?id=eq.3", None), ("item", {"ids": [3]})):
        t.ask("DELETE", target, 204, body=body, headers=only, has={**applied_alone, "Location": None}, after=left_without(3))
    answer = t.ask("POST", "item", 201, body=NEW, headers=only, has={**applied_alone, "Location": t.path("item") + "/99"})
    if answer is not None:
        t.report.equal(answer.body, b"", f"[{t.kind}] the body of an insert with headers only")
    t.ask("POST", "item", 201, body=[NEW, {**NEW, "id": 98, "name": "x"}], headers=only, has={**applied_alone, "Location": None})
    # Who may not read the row's key is told it only if he named it.
    for name, target, told in (("writer", "item?name=eq.n6", False), ("writer", "item/6", True), ("split", "item?name=eq.n6", False), ("split", "item/6", True),
                               ("split", "item/8", True), ("writer, reader", "item?name=eq.n6", True), ("split, reader", "item?name=eq.n8", True)):
        number = 8 if "8" in target else 6
        t.ask("PATCH", target, 204, body={"qty": 1}, headers=role(name, **only), has={**applied_alone, "Location": f"{t.path('item')}/{number}" if told else None},
              after=("SELECT id FROM item WHERE qty = 1", [(number,)]))
    # In the address that the request came by.
    long = t.path("item", base="/minimal/api/rest/auto/v1")
    t.ask("PATCH", long + "/3", 204, body={"qty": 1}, headers=only, has={"Location": long + "/3"})


def applied(t):
    """What was honoured comes back in the order it was sent, the rest does not."""
    for value, wanted in (("max-affected=5", "max-affected=5"), ("max-affected=5, return=minimal", "max-affected=5, return=minimal"),
                          ("return=minimal,max-affected=5", "return=minimal, max-affected=5"), ("foo, max-affected=5;x=y, bar=1", "max-affected=5"),
                          ("handling=strict, max-affected=5", "max-affected=5"), ("tx=commit", "tx=commit"), ("foo=bar", None), ("", None), (",,", None),
                          ("RETURN=minimal", "return=minimal"), ('return="minimal"', "return=minimal"), ('Max-Affected = "5"', "max-affected=5"),
                          ("return=minimal, return=minimal", "return=minimal"), ("numbers=string", None), ("max-affected=5, numbers=string", "max-affected=5"),
                          ("return=representation, numbers=string", "return=representation, numbers=string"),
                          ("numbers=string, return=representation", "return=representation, numbers=string"),
                          ("return=representation; foo, tx=commit", "return=representation, tx=commit"),
                          ("max-affected=99999999999999999999999", "max-affected=99999999999999999999999")):
        status = 204 if "minimal" in value else 200
        t.ask("DELETE", "item/3", status, headers={"Prefer": value}, has={"Preference-Applied": wanted}, after=left_without(3))
        t.ask("PATCH", "item/3", status, body={"qty": 1}, headers={"Prefer": value}, has={"Preference-Applied": wanted})
        status = 204 if "minimal" in value else 201
        t.ask("POST", "item", status, body=NEW, headers={"Prefer": value}, has={"Preference-Applied": wanted})
    t.ask("DELETE", "item/3", 204, headers=[("Prefer", "return=minimal"), ("prefer", "max-affected=1")],
          has={"Preference-Applied": "return=minimal, max-affected=1"})
    t.ask("DELETE", "item?id=in.3,5&_preview=true", 200, headers={"Prefer": "max-affected=2, foo"}, has={"Preference-Applied": "max-affected=2"}, changes=False)
    t.ask("DELETE", "item?id=in.3,5", 200, headers={"Prefer": "tx=rollback"}, has={"Preference-Applied": "tx=rollback"}, changes=False)
    t.ask("DELETE", "item?id=in.3,5", 412, headers={"Prefer": "max-affected=1"}, has={"Preference-Applied": None})
    for value, wanted in (("return=minimal, tx=rollback", "tx=rollback"), ("return=representation, max-affected=2, tx=rollback", "max-affected=2, tx=rollback")):
        t.ask("DELETE", "item?id=in.3,5", 200, headers={"Prefer": value}, has={"Preference-Applied": wanted}, changes=False)  # not answered with what it asks
    t.ask("DELETE", "item?id=in.3,5&_preview=true", 200, headers={"Prefer": "return=headers-only"}, has={"Preference-Applied": None}, changes=False)
    t.ask("GET", "item/3?select=id", 200, headers={"Prefer": "return=minimal, max-affected=0, tx=rollback"}, json={"id": 3}, has={"Preference-Applied": None})


def contradictions(t):
    for value in ("return=minimal, return=representation", "max-affected=1, max-affected=2", "tx=rollback, tx=commit", "return=all", "return",
                  "return=Minimal", "max-affected", "max-affected=-1", "max-affected=1.0", "max-affected=01", "max-affected=+1",
                  "max-affected=1e3", 'max-affected=" 1"', "max-affected=one", "tx=roll-back", "tx", "tx=ROLLBACK", "max-affected=5, MAX-AFFECTED=6"):
        for method, target, body in (("DELETE", "item/3", None), ("PATCH", "item?id=eq.3", {"qty": 1}), ("POST", "item", NEW),
                                     ("POST", "item/bulk-delete", {"ids": [3]})):
            t.ask(method, target, 400, body=body, headers={"Prefer": value}, code="prefer_invalid", parameter=value.partition("=")[0].partition(",")[0])
        t.ask("GET", "item/3?select=id", 200, headers={"Prefer": value}, json={"id": 3})
    for value in ("=", "return=", "max-affected=", "return=minimal max-affected=1", 'return="minimal', "return=minimal;=1", "max-affected=1 2", "return=mini mal", "a b"):
        for method, target, body in (("DELETE", "item/3", None), ("POST", "item", NEW)):
            t.ask(method, target, 400, body=body, headers={"Prefer": value}, code="prefer_invalid")
    t.ask("DELETE", "item/3", 400, headers=[("Prefer", "max-affected=1"), ("Prefer", "max-affected=0")], code="prefer_invalid", parameter="max-affected")
    t.ask("POST", "item", 400, body=NEW, headers={"Prefer": "tx=rollback"}, code="prefer_invalid", parameter="tx")
    # Preferences are the request's: they come before its rows are bound.
    t.ask("DELETE", "item?nosuch=eq.1", 400, headers={"Prefer": "return=all"}, code="prefer_invalid")


def in_order(t):
    for query, gone in (("id=gt.0&order=id&limit=2", (1, 2)), ("id=gt.0&order=id.desc&limit=2", (14, 13)), ("id=gt.0&order=id.asc&limit=1", (1,)),
                        ("kind=eq.a&order=qty,id&limit=2", (10, 2)), ("kind=eq.a&order=qty.desc,id&limit=2", (14, 12)),
                        ("id=gt.0&order=name&limit=2", (1, 10)), ("id=gt.0&order=kind,name.desc&limit=1", (8,)),
                        ("id=gt.0&order=id&limit=0", ()), ("id=eq.99&order=id&limit=3", ()), ("id=le.2&order=id&limit=9007199254740993", (1, 2)),
                        ("ids=5,3,9&order=id.desc&limit=2", (9, 5)), ("order=id&limit=1&id=in.7,6", (6,))):
        t.ask("DELETE", f"item?{query}", 200, json={"rows_affected": len(gone)}, after=left_without(*gone))
        for method in ("PUT", "PATCH"):
            t.ask(method, f"item?{query}", 200, body={"qty": 777}, json={"rows_affected": len(gone)},
                  after=("SELECT id FROM item WHERE qty = 777 ORDER BY id", [(n,) for n in sorted(gone)]))
        t.ask("DELETE", f"item?{query}&select=id", 200, headers=BACK, ids=gone, after=left_without(*gone))
        t.preview("DELETE", f"item?{query}", would_affect=len(gone), sample=list(gone))
    t.ask("DELETE", "item", 200, body={"ids": [5, 3, 9]}, changes=True, json={"rows_affected": 3})
    t.reset()
    t.ask("POST", "item/bulk-delete?order=id&limit=2", 200, body={"ids": [5, 3, 9]}, json={"rows_affected": 2}, after=left_without(3, 5))
    t.ask("DELETE", "item?order=id.desc&limit=1", 200, body={"ids": [5, 3, 9]}, json={"rows_affected": 1}, after=left_without(9))
    t.ask("DELETE", "duo?v=gt.0&order=a,b&limit=2", 200, json={"rows_affected": 2}, after=("SELECT a, b FROM duo", [(2, "x")]))
    t.ask("DELETE", "duo?v=gt.0&order=b.desc,a&limit=1", 200, json={"rows_affected": 1}, after=("SELECT a, b FROM duo ORDER BY a", [(1, "x"), (2, "x")]))
    t.ask("DELETE", "item?id=gt.0&order=id&limit=3", 412, headers={"Prefer": "max-affected=2"}, code="set_too_large", detail=["3", "2"])
    t.ask("DELETE", "item?id=gt.0&order=id&limit=2", 200, headers={"Prefer": "max-affected=2"}, json={"rows_affected": 2})
    # Without a primary key, by a unique one; NULLs behind it make no difference.
    for query, gone in (("order=u&limit=2", [1, 2]), ("order=u.desc,n&limit=1", [4]), ("order=n,u&limit=2", [2, 4]), ("order=n.desc,u.desc,w&limit=3", [3, 1, 4]),
                        ("order=u&limit=9", [1, 2, 3, 4]), ("order=w,u&limit=1", [3])):
        left = ("SELECT u FROM uniq ORDER BY u", [(n,) for n in range(1, 5) if n not in gone])
        t.ask("DELETE", f"uniq?u=gt.0&{query}", 200, json={"rows_affected": len(gone)}, after=left)
        t.ask("DELETE", f"uniq?u=gt.0&{query}&select=u", 200, headers=BACK, json=[{"u": n} for n in gone], after=left)
        t.ask("DELETE", f"uniq?u=gt.0&{query}", 200, headers={"Prefer": f"max-affected={len(gone)}"}, json={"rows_affected": len(gone)}, after=left)
        t.ask("DELETE", f"uniq?u=gt.0&{query}", 412, headers={"Prefer": f"max-affected={len(gone) - 1}"}, code="set_too_large")
        for method in ("PUT", "PATCH"):
            t.ask(method, f"uniq?u=gt.0&{query}", 200, body={"w": "new"}, json={"rows_affected": len(gone)},
                  after=("SELECT u FROM uniq WHERE w = 'new' ORDER BY u", [(n,) for n in sorted(gone)]))
        t.preview("DELETE", f"uniq?u=gt.0&{query}", would_affect=len(gone), sample=[], token=None)
    t.ask("DELETE", "uniq?u=gt.0&order=n&limit=1", 400, code="query_invalid", parameter="order")
    # What the write changes is what the order goes by: the rows are chosen before.
    t.ask("PATCH", "item?id=gt.0&order=id&limit=1", 200, body={"id": 500}, json={"rows_affected": 1}, after=left_after_move(1, 500))
    t.ask("PATCH", "item?qty=not.is.null&order=qty,id&limit=2", 200, body={"qty": 999}, json={"rows_affected": 2},
          after=("SELECT id FROM item WHERE qty = 999 ORDER BY id", [(1,), (2,)]))
    # One row by its key, in whatever order.
    t.ask("DELETE", "item/3?order=id&limit=1", 200, json={"rows_affected": 1}, after=left_without(3))
    t.ask("DELETE", "item/3?order=id&limit=0", 404, code="row_unknown")


def not_in_order(t):
    for method, body in (("DELETE", None), ("PUT", {"qty": 1}), ("PATCH", {"qty": 1})):
        t.ask(method, "item?id=gt.0&limit=2", 400, body=body, code="query_invalid", parameter="limit", hint="order")
        t.ask(method, "item?id=gt.0&limit=2", 400, body=body, headers=BACK, code="query_invalid", parameter="limit")
        for order in ("kind", "qty", "code", "kind,qty", "owner.desc", "code,qty"):  # `code` is unique, but not of its NULLs
            t.ask(method, f"item?id=gt.0&order={order}&limit=2", 400, body=body, code="query_invalid", parameter="order", hint="primary key")
        t.ask(method, "duo?v=gt.0&order=a&limit=2", 400, body=body and {"v": 1}, code="query_invalid", parameter="order")
        t.ask(method, "item?id=gt.0&order=nosuch&limit=2", 400, body=body, code="column_unknown")
        t.ask(method, "item?id=gt.0&order=id&limit=2&offset=1", 501, body=body, code="not_implemented")
        for limit in ("-1", "02", "1.0", "two", "", "1,2"):
            t.ask(method, f"item?id=gt.0&order=id&limit={limit}", 400, body=body, code=("control_invalid", "limit_exceeded"), parameter="limit")
        t.ask(method, "item?order=id&limit=2", 406, body=body, code="filter_required")
        t.ask(method, "item?id=gt.0&order=id&limit=2&limit=3", 400, body=body, code="control_invalid")
        t.ask(method, "item?id=gt.0&order=id&limit=2", 403, body=body, headers=role("reader"), code="forbidden")
    t.ask("DELETE", "item?name=rli.n&order=id&limit=2", 400, headers=role("keyblind"), code="column_unknown")
    t.ask("DELETE", "item?name=rli.n&order=name&limit=1&select=name", 200, headers=role("keyblind", **BACK), json=[{"name": "n1"}])
