"""How much a write may do: max-affected, standing caps, conditional deletes, confirmation, missing rows, what foreign keys reach and what is in the way."""
import threading
import time

from deletes_scene import NARROW, SPACE_2, TIGHT, role

HUGE = ("18446744073709551615", "18446744073709551616", "9" * 100)
LEFT = "SELECT id FROM item ORDER BY id"


def most(number, **more):
    return {"Prefer": f"max-affected={number}", **more}


def run(t):
    max_affected(t)
    standing(t)
    elsewhere(t)
    conditional(t)
    confirm(t)
    missing(t)
    cascades(t)
    updates_cascade(t)
    in_the_way(t)
    hidden_children(t)
    order_of_refusal(t)
    deep(t)
    if t.is_mariadb:
        unseen_children(t)
        deadlocks(t)


def max_affected(t):
    two = (("DELETE", "item?id=in.3,5", None), ("DELETE", "item?ids=5,3,3,99", None), ("DELETE", "item", {"ids": [3, 5, "5", 99]}),
           ("POST", "item/bulk-delete", {"ids": [3, 5]}), ("POST", "item/bulk-delete", {"filter": "id=in.3,5"}),
           ("PUT", "item?id=in.3,5", {"qty": 1}), ("PATCH", "item?ids=3,5", {"qty": 1}), ("DELETE", "item?id=ge.3&order=id&limit=2", None))
    for method, target, body in two:
        for number in (2, 3, *HUGE):
            t.ask(method, target, 200, body=body, headers=most(number), json={"rows_affected": 2}, has={"Preference-Applied": f"max-affected={number}"})
        for number in (0, 1):
            t.ask(method, target, 412, body=body, headers=most(number), code="set_too_large", detail=[("1 row matches", "2 rows match")[number], f"allows {number} (max-affected)"])
        t.ask(method, target, 200, body=body, headers={"Prefer": "handling=strict, max-affected=2"})
        t.ask(method, target, 412, body=body, headers={"Prefer": "handling=lenient, max-affected=1"}, code="set_too_large")
    # Work stops at one row more than the cap.
    t.ask("DELETE", "item?id=gt.0", 412, headers=most(1), code="set_too_large", detail="at least 2 rows")
    for method, body in (("DELETE", None), ("PATCH", {"qty": 1})):
        t.ask(method, "item/3", 200, body=body, headers=most(1), json={"rows_affected": 1})
        t.ask(method, "item/3", 412, body=body, headers=most(0), code="set_too_large")
        t.ask(method, "item/99", 404, body=body, headers=most(0), code="row_unknown")
        t.ask(method, "item?id=eq.99", 200, body=body, headers=most(0), json={"rows_affected": 0})
        t.ask(method, "item", 406, body=body, headers=most(1), code="filter_required")
        t.ask(method, "item?id=in.3,5", 412, body=body, headers={"Prefer": "max-affected=1, return=representation"}, code="set_too_large", detail="max-affected")
        t.ask(method, "item?id=in.3,5", 412, body=body, headers={"Prefer": "max-affected=1, return=minimal"}, code="set_too_large")
    # Rows that are as the update would have them count too.
    t.ask("PATCH", "item?id=in.3,5", 412, body={"owner": "ann"}, headers=most(1), code="set_too_large")
    # Keys in several spellings, and more composite ones than one statement takes: each row counts once.
    many_keys = [[1, "x"], [1, "y"]] + [[n, "q"] for n in range(100, 5100)] + [["1", "x"], [1, "y"]] + ([[1, "X"]] if t.is_mariadb else [])
    for method, target in (("DELETE", "duo"), ("POST", "duo/bulk-delete")):
        t.ask(method, target, 200, body={"ids": many_keys}, headers=most(5), json={"rows_affected": 2})
        t.ask(method, target, 412, body={"ids": many_keys}, headers=most(4), code="set_too_large", detail="5 rows would be affected, 3 of them")
        t.ask(method, target, 412, body={"ids": many_keys}, headers=most(1), code="set_too_large", detail="2 rows match")
        t.ask(method, f"{target}?order=a.desc,b.desc", 200, body={"ids": many_keys}, headers={"Prefer": "return=representation"},
              json=[{"a": 1, "b": "y", "v": 2}, {"a": 1, "b": "x", "v": 1}])
        t.ask(method, f"{target}?order=a.desc,b.desc&limit=1", 200, body={"ids": many_keys}, json={"rows_affected": 1}, after=("SELECT b FROM duo WHERE a = 1", [("x",)]))
        told = t.preview(method, target, body={"ids": many_keys}, would_affect=2, sample=[[1, "x"], [1, "y"]])
        t.ask(method, target, 200, body={"ids": many_keys}, headers={"X-Delete-Token": told.get("token") or "none"}, json={"rows_affected": 2})
    if t.is_mariadb:
        t.ask("DELETE", "city", 200, body={"ids": ["BER", "ber", "ber "]}, headers=most(3), json={"rows_affected": 1})
    rows = [{"id": 100 + n, "v": n} for n in range(3)]
    t.ask("POST", "many", 201, body=rows, headers=most(3), has={"Preference-Applied": "max-affected=3"})
    t.ask("POST", "many", 412, body=rows, headers=most(2), code="set_too_large", detail=["3", "2"])
    t.ask("POST", "many", 412, body=rows[0], headers=most(0), code="set_too_large")
    for number in HUGE:
        t.ask("POST", "many", 201, body=rows, headers=most(number))
    t.ask("POST", "many", 422, body=[*rows, {"id": "x", "v": 1}], headers=most(2), code="row_invalid")  # what is wrong in a row comes first


def standing(t):
    """Of a table, by its grants, and of an API key."""
    for method, target, body in (("DELETE", "capped?id=le.{}", None), ("PATCH", "capped?id=le.{}", {"v": 9}), ("PUT", "capped?id=le.{}", {"v": 9}),
                                 ("POST", "capped/bulk-delete?id=le.{}", {"filter": "v=gt.0"})):
        t.ask(method, target.format(2), 200, body=body, json={"rows_affected": 2})
        t.ask(method, target.format(3), 412, body=body, code="set_too_large", detail=["3 rows match", "at most 2"])
        t.ask(method, target.format(3), 412, body=body, headers=most(5), code="set_too_large", detail="at most 2")
        t.ask(method, target.format(2), 412, body=body, headers=most(1), code="set_too_large", detail="allows 1 (max-affected)")
    rows = [{"id": 10 + n} for n in range(3)]
    t.ask("POST", "capped", 201, body=rows[:2])
    t.ask("POST", "capped", 412, body=rows, code="set_too_large", detail=["3", "at most 2"])
    t.ask("GET", "capped", 200, ids=[1, 2, 3, 4, 5])
    # The strictest of all grants that name table and verb, in whatever order the roles stand.
    for roles in ("strict", "admin, strict", "strict, admin"):
        t.ask("DELETE", "capped?id=le.1", 200, headers=role(roles), json={"rows_affected": 1})
        t.ask("DELETE", "capped?id=le.2", 412, headers=role(roles), code="set_too_large", detail="at most 1")
    t.ask("PATCH", "capped?id=le.3", 200, body={"v": 1}, headers=role("strict"), json={"rows_affected": 3})
    t.ask("PATCH", "capped?id=le.3", 412, body={"v": 1}, headers=role("strict, admin"), code="set_too_large", detail="at most 2")
    # A cap of cascades alone.
    t.ask("DELETE", "casc?id=eq.2", 200, json={"rows_affected": 1}, after=("SELECT count(*) FROM casc_child", [(2,)]))
    t.ask("DELETE", "casc?id=in.2,3,4,5", 200, json={"rows_affected": 4})
    t.ask("DELETE", "casc?id=eq.1", 412, code="set_too_large", detail=["3 rows would be affected, 2 of them through foreign keys", "at most 1"])
    t.ask("DELETE", "casc/1", 412, code="set_too_large")
    t.ask("DELETE", "casc?id=in.1,2", 412, code="set_too_large", detail="5 rows would be affected, 3 of them")
    t.ask("DELETE", "casc?id=eq.1", 200, headers=role("strict"), json={"rows_affected": 1})
    t.ask("DELETE", "casc?id=eq.1", 412, headers=role("strict, admin"), code="set_too_large")
    for name, table in (("one row", "item"), ("confirmed", "many")):
        t.ask("GET", f"{table}?id=eq.1", 403, headers={"X-API-Key": t.keys[name]}, code="forbidden")
    one = {"X-API-Key": t.keys["one row"]}
    t.ask("DELETE", "item/3", 200, headers=one, json={"rows_affected": 1})
    t.ask("DELETE", "item?id=in.3,5", 412, headers=one, code="set_too_large", detail="at most 1")
    t.ask("DELETE", "item?id=in.3,5", 200, json={"rows_affected": 2})
    confirmed = {"X-API-Key": t.keys["confirmed"]}
    t.ask("DELETE", "many/1", 428, headers=confirmed, code="confirmation_required")
    t.ask("DELETE", "many/1?confirm=true", 200, headers=confirmed, json={"rows_affected": 1})

def elsewhere(t):
    """Caps of a space (3 rows, 1 by cascades) and of a database's entry (2 rows, 3 by cascades)."""
    for method, body in (("DELETE", None), ("PATCH", {"qty": 1})):
        t.ask(method, "item?id=le.3", 200, body=body, headers=SPACE_2, json={"rows_affected": 3})
        t.ask(method, "item?id=le.4", 412, body=body, headers=SPACE_2, code="set_too_large", detail="at most 3")
        t.ask(method, t.other(TIGHT, "item?id=le.2"), 200, body=body, json={"rows_affected": 2})
        t.ask(method, t.other(TIGHT, "item?id=le.3"), 412, body=body, code="set_too_large", detail="at most 2")
        t.ask(method, t.other(TIGHT, "item?id=le.3"), 412, body=body, headers=SPACE_2, code="set_too_large", detail="at most 2")
    rows = [{"id": 100 + n, "v": n} for n in range(4)]
    t.ask("POST", "many", 412, body=rows, headers=SPACE_2, code="set_too_large", detail="at most 3")
    t.ask("POST", "many", 201, body=rows[:3], headers=SPACE_2)
    t.ask("DELETE", "author/2", 412, headers=SPACE_2, code="set_too_large", detail=["3 rows", "2 of them", "at most 1"])
    t.ask("DELETE", "author/3", 200, headers=SPACE_2)
    t.ask("DELETE", t.other(TIGHT, "author/2"), 412, code="set_too_large", detail=["3 rows", "2 of them"])
    t.ask("DELETE", t.other(TIGHT, "author/1"), 412, code="set_too_large", detail=["9 rows", "8 of them"])
    t.ask("DELETE", t.other(TIGHT, "author/3"), 200)
    t.ask("GET", "item?id=le.4", 200, headers=SPACE_2, ids=[1, 2, 3, 4])


def conditional(t):
    every = {"X-Conditional-Delete": "remove-all"}
    for target, body, method in (("one?id=le.2", None, "DELETE"), ("one?ids=1,2", None, "DELETE"), ("one", {"ids": [1, 2]}, "DELETE"),
                                 ("one/bulk-delete", {"ids": [1, 2]}, "POST"), ("one/bulk-delete", {"filter": "id=le.2"}, "POST")):
        t.ask(method, target, 412, body=body, code="set_too_large", detail=["2 rows match", "X-Conditional-Delete: remove-all"])
        t.ask(method, target, 200, body=body, headers=every, json={"rows_affected": 2})
        t.ask(method, target, 412, body=body, headers={**every, **most(1)}, code="set_too_large", detail="max-affected")
        t.ask(method, target, 412, body=body, headers=most(5), code="set_too_large", detail="remove-all")
        t.ask(method, target, 412, body=body, headers={"Prefer": "return=representation"}, code="set_too_large", detail="remove-all")
    for target in ("one?id=eq.1", "one?v=eq.10", "one/1", "one?ids=1,99", "one?id=le.2&v=eq.10", "one?id=gt.0&order=id&limit=1"):
        t.ask("DELETE", target, 200, json={"rows_affected": 1})
        t.ask("DELETE", target, 200, headers=every, json={"rows_affected": 1})
    t.ask("DELETE", "one?id=eq.99", 200, json={"rows_affected": 0})
    t.ask("PATCH", "one?id=le.2", 200, body={"v": 1}, json={"rows_affected": 2})
    t.ask("DELETE", "one?id=le.2", 200, headers=role("strict"), json={"rows_affected": 2})
    t.ask("DELETE", "one?id=le.2", 412, headers=role("strict, admin"), code="set_too_large")
    t.ask("DELETE", "one?id=le.2&_preview=true", 412, code="set_too_large", detail="remove-all")
    t.preview("DELETE", "one?id=le.2", headers=every, would_affect=2)
    t.ask("DELETE", "item?id=in.3,5", 200, headers=every, json={"rows_affected": 2})  # where nothing asks for it
    for value in ("remove-one", "Remove-All", "remove-all, remove-all", "", "true", "remove-all;x"):
        for target in ("one?id=le.1", "item/3"):
            t.ask("DELETE", target, 400, headers={"X-Conditional-Delete": value}, code="header_invalid", parameter="X-Conditional-Delete")
    t.ask("DELETE", "one?id=le.1", 400, headers=[("X-Conditional-Delete", "remove-all")] * 2, code="header_invalid")
    for method, target, body in (("PUT", "one?id=le.1", {"v": 1}), ("PATCH", "one/1", {"v": 1}), ("POST", "one", {"id": 9}), ("GET", "one", None)):
        t.ask(method, target, 400, body=body, headers=every, code="header_invalid", parameter="X-Conditional-Delete")


def confirm(t):
    forms = (("DELETE", "sure/1", None), ("DELETE", "sure?id=eq.1", None), ("DELETE", "sure?id=eq.99", None), ("DELETE", "sure?ids=1", None),
             ("DELETE", "sure", {"ids": [1]}), ("POST", "sure/bulk-delete", {"ids": [1]}), ("POST", "sure/bulk-delete", {"filter": "id=eq.1"}))
    for method, target, body in forms:
        mark = "&" if "?" in target else "?"
        t.ask(method, target, 428, body=body, code="confirmation_required", parameter="confirm", hint="confirm=true")
        t.ask(method, f"{target}{mark}confirm=true", 200, body=body, json={"rows_affected": 0 if "99" in target else 1})
        for value in ("false", "1", "TRUE", "yes", ""):
            t.ask(method, f"{target}{mark}confirm={value}", 400, body=body, code="control_invalid", parameter="confirm")
        told = t.preview(method, target, body=body, would_affect=0 if "99" in target else 1)
        token = {"X-Delete-Token": told.get("token") or "none"}
        t.ask(method, target, 428, body=body, headers=token, code="confirmation_required")
        t.ask(method, f"{target}{mark}confirm=true", 200, body=body, headers=token, json={"rows_affected": 0 if "99" in target else 1})
    for method in ("PUT", "PATCH"):
        t.ask(method, "sure/1", 200, body={"v": 1}, json={"rows_affected": 1})
        t.ask(method, "sure/1?confirm=true", 200, body={"v": 1}, json={"rows_affected": 1})
    t.ask("DELETE", "item/3?confirm=true", 200, json={"rows_affected": 1})
    t.ask("DELETE", "sure/1", 200, headers=role("strict"), json={"rows_affected": 1})
    t.ask("DELETE", "sure/1", 428, headers=role("strict, admin"), code="confirmation_required")
    t.ask("DELETE", "sure", 406, code="filter_required")
    t.ask("DELETE", "sure?confirm=true", 406, code="filter_required")
    t.ask("DELETE", "sure?nosuch=eq.1", 400, code="column_unknown")
    t.ask("DELETE", "sure/1?confirm=true&confirm=true", 400, code="control_invalid")
    t.ask("POST", "sure?confirm=true", 400, body={"id": 9}, code="query_invalid", parameter="confirm")
    t.ask("GET", "sure?confirm=true", 400, code="query_invalid", parameter="confirm")


def missing(t):
    for target in ("lax/99", "lax/1?v=eq.99", "lax/1?ids=2"):
        t.ask("DELETE", target, 204, changes=False, has={"Content-Type": None})
        t.ask("DELETE", target, 204, changes=False, headers={"Prefer": "return=representation"})
        t.ask("DELETE", target, 204, changes=False, headers=most(0))
        t.ask("DELETE", target, 404, headers=role("strict"), code="row_unknown")
        t.ask("DELETE", target, 204, headers=role("strict, admin"), changes=False)
        t.ask("DELETE", f"{target}{'&' if '?' in target else '?'}_preview=true", 404, code="row_unknown")
        t.ask("PATCH", target, 404, body={"v": 1}, code="row_unknown")
        t.ask("PUT", target, 404, body={"v": 1}, code="row_unknown")
    t.ask("GET", "lax/99", 404, code="row_unknown")
    t.ask("DELETE", "lax/1", 200, json={"rows_affected": 1})
    t.ask("DELETE", "lax?id=eq.99", 200, json={"rows_affected": 0})
    t.ask("DELETE", "lax/x", 400, code="value_invalid")
    t.ask("DELETE", "nosuch/99", 404, code="table_unknown")


def cascades(t):
    """Each row that foreign keys take along or set to NULL counts once, through all levels."""
    for target, alone, with_all, left in (("author/1", 1, 9, "SELECT id FROM chapter"), ("author?id=in.1,2", 2, 12, "SELECT id FROM book"),
                                          ("book/10", 1, 5, "SELECT id FROM review WHERE book_id = 10"), ("duo?a=eq.1", 2, 5, "SELECT id FROM trio WHERE a = 1 AND b IS NOT NULL"),
                                          ("duo/1,x", 1, 3, None), ("node/1", 1, 4, "SELECT id FROM node WHERE id < 5"), ("node/5", 1, 1, None),
                                          ("node?id=in.1,2", 2, 4, "SELECT id FROM node WHERE id < 5"), ("node?id=in.1,2,3,4", 4, 4, None),
                                          ("link/1", 1, 2, "SELECT id FROM link WHERE next = 1"), ("link/4", 1, 1, None), ("egg/1", 1, 2, None),
                                          ("egg/2", 1, 4, "SELECT id FROM hen WHERE id > 1"), ("egg/4", 1, 1, None), ("city/ber", 1, 3, "SELECT id FROM street WHERE city = 'ber'")):
        after = (left, [(200,)] if target == "author/1" else []) if left else None
        t.ask("DELETE", target, 200, json={"rows_affected": alone}, after=after)
        t.ask("DELETE", target, 200, headers=most(with_all), json={"rows_affected": alone}, after=after)
        if with_all > alone:
            t.ask("DELETE", target, 412, headers=most(with_all - 1), code="set_too_large",
                  detail=[f"{with_all} rows would be affected, {with_all - alone} of them through foreign keys", f"allows {with_all - 1} (max-affected)"])
            t.ask("DELETE", target, 412, headers=most(alone), code="set_too_large", detail="through foreign keys")
        t.ask("DELETE", target, 412, headers=most(alone - 1), code="set_too_large", detail=" match")
    t.ask("POST", "author/bulk-delete", 412, body={"ids": [1]}, headers=most(8), code="set_too_large", detail="9 rows would be affected")
    t.ask("DELETE", "author/1", 412, headers={"Prefer": "max-affected=8, return=representation"}, code="set_too_large")


def updates_cascade(t):
    for method in ("PUT", "PATCH"):
        t.ask(method, "city?code=eq.ber", 200, body={"code": "bln"}, headers=most(3), json={"rows_affected": 1},
              after=("SELECT id FROM street WHERE city = 'bln' ORDER BY id", [(1,), (2,)]))
        t.ask(method, "city?code=eq.ber", 412, body={"code": "bln"}, headers=most(2), code="set_too_large", detail="3 rows would be affected, 2 of them")
        t.ask(method, "city?code=eq.ber", 200, body={"v": 9}, headers=most(1), json={"rows_affected": 1})
        t.ask(method, "author?id=eq.1", 409, body={"id": 7}, code="constraint_violated", detail=["2 rows", "'book'"])
        t.ask(method, "author?id=eq.1", 409, body={"id": 7}, headers=most(1), code="constraint_violated", detail=["2 rows", "'book'"])
        t.ask(method, "author?id=eq.3", 200, body={"id": 7}, headers=most(1), json={"rows_affected": 1})
        t.ask(method, "book?id=eq.10", 409, body={"author_id": 77}, headers=most(1), code="constraint_violated")
        t.ask(method, "book?id=eq.10", 409, body={"author_id": 77}, code="constraint_violated")


def in_the_way(t):
    """409 with constraint (where the database keeps its name), child table and number of rows; nothing done."""
    def named(name):
        return [f"'{name}'"] if t.is_mariadb else []
    for target, table, constraint, rows in (("land/1", "town", "town_land", "2 rows of"), ("land/2", "town", "town_land", "1 row of"),
                                            ("land?id=gt.0", "town", "town_land", "3 rows of"), ("firm/1", "badge", "badge_staff", "1 row of"),
                                            ("firm?id=gt.0", "badge", "badge_staff", "1 row of"), ("staff/2", "badge", "badge_staff", "1 row of")):
        for headers in ({}, most(99), {"Prefer": "return=representation"}, {"Prefer": "return=minimal"}):
            t.ask("DELETE", target, 409, headers=headers, code="constraint_violated", detail=[rows, f"table '{table}'", "nothing was changed", *named(constraint)])
    t.ask("POST", "land/bulk-delete", 409, body={"ids": [3, 1]}, code="constraint_violated", detail="2 rows of table 'town'")
    t.ask("DELETE", "land", 409, body={"ids": [3, 1]}, code="constraint_violated", detail="2 rows of table 'town'")
    t.ask("DELETE", "land/3", 200, json={"rows_affected": 1})
    t.ask("DELETE", "land/3", 200, headers=most(1), json={"rows_affected": 1})
    t.ask("DELETE", "firm/2", 200, headers=most(2), json={"rows_affected": 1})


def hidden_children(t):
    """Tables that the caller may not see: rows in them count, their names do not come out."""
    answers = [t.ask("DELETE", "vault/1", 409, code="constraint_violated", detail=["1 row of another table", "nothing was changed"]),
               t.ask("DELETE", "vault/1", 409, headers=most(9), code="constraint_violated", detail="1 row of another table"),
               t.ask("PATCH", "vault?id=eq.1", 409, body={"id": 9}, code="constraint_violated", detail="1 row of another table"),
               t.ask("DELETE", "hq/1", 412, headers=most(2), code="set_too_large", detail="3 rows would be affected, 2 of them"),
               t.ask("DELETE", "hq/1?_preview=true", 200, changes=False), t.ask("DELETE", "vault/1?_preview=true", 200, changes=False)]
    for answer in answers:
        t.report.check(answer is None or b"spy" not in answer.body, f"[{t.kind}] the name of a hidden table in {answer!r}")
    t.ask("DELETE", "hq/1", 200, json={"rows_affected": 1}, after=("SELECT count(*) FROM spy_net", [(0,)]))
    told = t.preview("DELETE", "hq/1", would_affect=1)
    t.report.equal(told.get("cascades"), t.cascades((None, None, "CASCADE", 2)), f"[{t.kind}] cascades into a hidden table")
    t.ask("DELETE", "vault/1", 409, headers=role("admin, spymaster"), code="constraint_violated", detail="1 row of table 'spy_lock'")
    told = t.preview("DELETE", "hq/1", headers=role("spymaster"), would_affect=1)
    t.report.equal(told.get("cascades"), t.cascades(("spy_net", "spy_fk" if t.is_mariadb else None, "CASCADE", 2)), f"[{t.kind}] cascades into a seen table")


def order_of_refusal(t):
    """412 for the set itself, then 409, then 412 for cascades."""
    t.ask("DELETE", "firm?id=gt.0", 412, headers=most(1), code="set_too_large", detail="2 rows match")
    t.ask("DELETE", "firm/1", 412, headers=most(0), code="set_too_large", detail="1 row matches")
    t.ask("DELETE", "firm/1", 409, headers=most(1), code="constraint_violated", detail="'badge'")
    t.ask("DELETE", "firm/1", 409, headers=most(2), code="constraint_violated", detail="'badge'")
    t.ask("DELETE", "firm/2", 412, headers=most(1), code="set_too_large", detail="1 of them through foreign keys")
    t.ask("DELETE", t.other(TIGHT, "firm/1"), 409, code="constraint_violated", detail="'badge'")
    t.ask("DELETE", "firm/1", 409, headers=SPACE_2, code="constraint_violated", detail="'badge'")
    t.ask("PATCH", "item?id=in.1,2", 412, body={"code": 104}, headers=most(1), code="set_too_large")
    t.ask("PATCH", "item?id=in.1,2", 409, body={"code": 104}, headers=most(2), code="constraint_violated")
    t.ask("DELETE", "firm/1", 409, headers={"Prefer": "return=representation"}, code="constraint_violated")
    t.ask("DELETE", "sure?id=gt.0", 428, headers=most(0), code="confirmation_required")


def deep(t):
    """InnoDB follows a chain of 15 rows; SQLite any."""
    t.ask("DELETE", "deep/3", 200, json={"rows_affected": 1}, after=("SELECT id FROM deep ORDER BY id", [(1,), (2,)]))
    t.ask("DELETE", "deep/3", 200, headers=most(15), json={"rows_affected": 1})
    t.ask("DELETE", "deep/3", 412, headers=most(14), code="set_too_large", detail="15 rows would be affected, 14 of them")
    for target in ("deep/2", "deep/1"):
        if t.is_mariadb:
            for headers in ({}, most(99), most(1), {"Prefer": "return=representation"}):
                t.ask("DELETE", target, 409, headers=headers, code="constraint_violated", detail=["a chain of foreign keys", "nothing was changed"])
            t.preview("DELETE", target, would_affect=1, refused=409, token=None)
        else:
            t.ask("DELETE", target, 200, json={"rows_affected": 1})
            t.preview("DELETE", target, would_affect=1)


def unseen_children(t):
    """MariaDB: a child in another schema, which the account of this entry is not shown."""
    def far(target):
        return t.other(NARROW, target)
    far_rows = "SELECT near_id FROM rg_far.far_child"
    for address in (far, lambda target: target):  # root sees it, but it lies in another database
        for headers in (most(9), most(1)):
            t.ask("DELETE", address("near/1"), 409, headers=headers, code="cascade_uncountable", detail="nothing was done")
            t.ask("DELETE", address("near?id=gt.0"), 412 if headers == most(1) else 409, headers=headers)
        t.ask("DELETE", address("near/1?_preview=true"), 409, code="cascade_uncountable")
        t.ask("DELETE", address("near/1"), 409, headers={"Prefer": "tx=rollback"}, code="cascade_uncountable")
        t.ask("DELETE", address("near/2"), 200, json={"rows_affected": 1})
        t.ask("DELETE", address("near/2"), 200, headers={"Prefer": "return=representation"}, json=[{"id": 2, "v": 20}])
        t.ask("DELETE", address("near/1"), 200, json={"rows_affected": 1}, after=(far_rows, []))
        t.direct.run("INSERT INTO rg_far.far_child VALUES (1, 1)")
        t.ask("PATCH", address("near/1"), 200, body={"v": 9}, headers={"Prefer": "return=representation"}, json=[{"id": 1, "v": 9}])
        t.ask("DELETE", address("near?id=eq.99"), 200, headers=most(1), json={"rows_affected": 0})
    # What it does see it counts.
    t.ask("DELETE", far("author/1"), 200, json={"rows_affected": 1})
    t.ask("DELETE", far("item/3"), 200, headers={"Prefer": "return=representation"})


def deadlocks(t):
    """A connection of ours holds a row that the delete needs and asks for one that it holds: the delete is tried again."""
    for round_ in range(2):
        other = t.direct.again()
        other.run("BEGIN")
        other.run("UPDATE many SET v = v + 10")  # the heavier transaction: the other one is the victim
        other.run("DELETE FROM item WHERE id = 5")
        answers = []
        asking = threading.Thread(target=lambda: answers.append(t.gateway.client().request(
            "DELETE", t.path("item", "id=in.3,5&order=id&limit=9"), headers=[("Prefer", "max-affected=9")])))
        asking.start()
        time.sleep(0.3)  # it holds row 3 by now and waits for row 5
        try:
            other.run("UPDATE item SET qty = 1 WHERE id = 3")
            other.run("COMMIT" if round_ else "ROLLBACK")
        finally:
            asking.join(30)
            other.close()
        statuses = [(answer.status, answer.json().get("rows_affected")) for answer in answers]
        t.report.check(statuses == [(200, 1 if round_ else 2)], f"a delete in a deadlock, round {round_}: {answers}")
        t.reset()
