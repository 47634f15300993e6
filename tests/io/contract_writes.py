"""POST, PUT, PATCH, DELETE that succeed, and what the database refuses: keys, foreign keys, constraints."""
from lib.gateway import LONG_BASE


def run(t):
    inserts(t)
    updates(t)
    deletes(t)
    conflicts(t)
    unfiltered(t)


def inserts(t):
    before = t.direct.one("SELECT max(id) FROM people")
    for base in ("/v1", LONG_BASE):
        answer = t.ask("POST", t.path("people", base=base), 201, body={"name": "New", "email": "new@x"}, changes=True)
        if answer is None or answer.status != 201:
            continue
        value = answer.json()
        new = t.direct.one("SELECT max(id) FROM people")
        t.report.check(new > before, f"[{t.kind}] the new id {new} is not above {before}")
        t.report.equal(value, {"rows_affected": 1, "last_insert_id": new}, f"[{t.kind}] POST's answer")
        location = answer.header("Location")
        t.report.equal(location, f"{t.path('people', base=base)}/{new}", f"[{t.kind}] Location")
        t._before = t.content()
        t.ask("GET", (location or "") + "?select=id", 200, json={"id": new})
        t.report.equal(t.direct.rows("SELECT name, is_active, age, note FROM people WHERE id = ?", new), [("New", 1, None, None)],
                       f"[{t.kind}] defaults of a new row")
        t.reset()
    # A batch: rows may differ in their columns; a missing one takes its default; the order of the rows is kept.
    rows = [{"d": 1}, {"d": 2, "a": 0, "b": "y"}, {"a": None, "d": 3, "c": 9}, {"d": 4, "b": "z"}, {"id": 5000, "d": 5}]
    t.ask("POST", "defaults", 201, body=rows, json={"rows_affected": 5, "last_insert_id": 5000},
          after=("SELECT a, b, c, d FROM defaults WHERE d < 5 OR id = 5000 ORDER BY d",
                 [(7, "x", None, 1), (0, "y", None, 2), (None, "x", 9, 3), (7, "z", None, 4), (7, "x", None, 5)]), has={"Location": None})
    t.direct.run("DELETE FROM defaults WHERE id = 5000")
    t.ask("POST", "defaults", 201, body=[{"d": 11}], after=("SELECT a, b, c, d FROM defaults WHERE d = 11", [(7, "x", None, 11)]))
    t.ask("POST", "defaults", 201, body=[{"d": 11 + n % 2, "c": n} for n in range(600)],
          after=("SELECT count(*), min(c), max(c), sum(c) FROM defaults WHERE d >= 11", [(600, 0, 599, 179700)]))
    # No auto-increment, no id.
    answer = t.ask("POST", "pairs", 201, body={"a": 5, "b": "n,\"w"}, json={"rows_affected": 1, "last_insert_id": None}, changes=True)
    if answer is not None and answer.status == 201:
        location = answer.header("Location")
        t._before = t.content()
        t.report.check(location, f"[{t.kind}] no Location although the key is known")
        if location:
            t.ask("GET", location, 200, json={"a": 5, "b": "n,\"w", "v": None})
    t.reset()
    t.ask("POST", "nokey", 201, body={"v": 3}, json={"rows_affected": 1, "last_insert_id": None}, has={"Location": None})
    t.ask("POST", "generated", 201, body={"a": 4}, after=("SELECT b FROM generated WHERE a = 4", [(8,)]))
    t.ask("POST", "people", 201, body={"name": "", "email": "e", "note": "", "is_active": False, "age": -1},
          after=("SELECT name, is_active, age, note FROM people WHERE email = 'e'", [("", 0, -1, "")]))
    t.ask("POST", "people", 201, body={"name": "Robert'); DROP TABLE people;--", "email": "\u0001\t\n'\"\\`;%_?"},
          after=("SELECT count(*) FROM people", [(8,)]))
    t.ask("POST", "people", 201, body=b'{"name":"\\u00e9\\ud83d\\ude00\\/","email":"u"}', after=("SELECT name FROM people WHERE email = 'u'", [("é😀/",)]))
    t.ask("POST", "people?id=eq.1", 400, body={"name": "x", "email": "y"})


def updates(t):
    for method in ("PUT", "PATCH"):
        # rows_affected counts the rows that match, those that are already equal too; only the columns sent change.
        for _ in (1, 2):
            t.ask(method, "people?id=eq.2", 200, body={"age": 50}, json={"rows_affected": 1}, changes=True,
                  after=("SELECT name, age, note FROM people WHERE id = 2", [("Bob", 50, "100% wool")]))
            t._before = t.content()
        t.ask(method, "people?age=eq.50", 200, body={"age": 50, "note": None}, json={"rows_affected": 1},
              after=("SELECT note FROM people WHERE id = 2", [(None,)]))
        t.ask(method, "people?id=in.1,2,3", 200, body={"age": 1}, json={"rows_affected": 3},
              after=("SELECT id FROM people WHERE age = 1 ORDER BY id", [(1,), (2,), (3,)]))
        t.ask(method, "people?id=eq.99", 200, body={"age": 1}, json={"rows_affected": 0}, changes=False)
        t.ask(method, "people?id=eq.99", 200, body={"id": 99, "name": "no", "email": "no"}, json={"rows_affected": 0}, changes=False)
        t.ask(method, "people?id=eq.7", 200, body={"id": 70}, json={"rows_affected": 1}, after=("SELECT name FROM people WHERE id = 70", [("(odd)",)]))
        t.ask(method, "people?id=eq.1", 200, body={"is_active": True}, json={"rows_affected": 1})
        t.ask(method, "people?id=eq.1", 200, body={"created_at": "2024-02-29T12:00:00+02:00"}, json={"rows_affected": 1},
              after=("SELECT count(*) FROM people WHERE created_at = '2024-02-29 10:00:00'", [(1,)]))
        t.ask(method, "generated?id=eq.1", 200, body={"a": 5}, json={"rows_affected": 1}, after=("SELECT b FROM generated", [(10,)]))
        t.direct.run("UPDATE generated SET a = 21")
        t._before = t.content()


def deletes(t):
    t.ask("DELETE", "people?id=eq.3", 200, json={"rows_affected": 1}, changes=True, after=("SELECT count(*) FROM people", [(6,)]))
    t._before = t.content()
    t.ask("DELETE", "people?id=eq.3", 200, json={"rows_affected": 0}, changes=False)
    t.reset()
    t.ask("DELETE", "people?email=lli.@test.com&is_active=eq.0", 200, json={"rows_affected": 2},
          after=("SELECT id FROM people ORDER BY id", [(1,), (2,), (4,), (6,), (7,)]))
    t.ask("DELETE", "pairs?a=eq.1&b=eq.x", 200, json={"rows_affected": 1}, after=("SELECT b FROM pairs WHERE a = 1", [("y",)]))
    t.ask("DELETE", "nokey?v=eq.1", 200, json={"rows_affected": 1}, after=("SELECT v FROM nokey", [(2,)]))
    t.ask("DELETE", "people?id=eq.7", 200, headers={"Content-Length": "0"}, json={"rows_affected": 1})
    t.ask("DELETE", "people?id=eq.7", 200, headers={"Content-Type": "application/json"}, json={"rows_affected": 1})


def conflicts(t):
    named = "people_email" if t.is_mariadb else "email"
    t.ask("POST", "people", 409, body={"name": "x", "email": "bob@example.com"}, code="constraint_violated", detail=named)
    t.ask("POST", "people", 409, body={"id": 1, "name": "x", "email": "x"}, code="constraint_violated")
    t.ask("PUT", "people?id=eq.1", 409, body={"email": "bob@example.com"}, code="constraint_violated", detail=named)
    t.ask("PATCH", "people?id=in.1,2", 409, body={"email": "same"}, code="constraint_violated")
    t.ask("POST", "pairs", 409, body={"a": 1, "b": "x"}, code="constraint_violated")
    foreign = "orders_person" if t.is_mariadb else None
    t.ask("POST", "orders", 409, body={"person_id": 999}, code="constraint_violated", detail=foreign)
    t.ask("PUT", "orders?id=eq.1", 409, body={"person_id": 999}, code="constraint_violated", detail=foreign)
    t.ask("DELETE", "people?id=eq.1", 409, code="constraint_violated", detail=foreign)
    t.ask("DELETE", "people?id=ge.1", 409, code="constraint_violated")
    t.ask("PUT", "people?id=eq.1", 409, body={"id": 500}, code="constraint_violated")
    # All rows or none, wherever the bad one stands.
    good = [{"name": f"n{n}", "email": f"n{n}"} for n in range(4)]
    for at in range(5):
        t.ask("POST", "people", 409, body=good[:at] + [{"name": "x", "email": "bob@example.com"}] + good[at:], code="constraint_violated")
    t.ask("POST", "people", 409, body=[*good, {"name": "twice", "email": "n1"}], code="constraint_violated")
    rows = [{"d": n % 900} for n in range(700)]
    t.ask("POST", "defaults", (422, 409), body=[*rows, {"d": 1000}])
    t.ask("POST", "defaults", (422, 409), body={"d": 1000})
    t.ask("PUT", "defaults?id=eq.1", (422, 409), body={"d": 1000})


def unfiltered(t):
    for method, body in (("DELETE", None), ("PUT", {"age": 1}), ("PATCH", {"age": 1})):
        for query in ("", "?", "?&", "?limit=1", "?order=id", "?select=id", "?limit=5&order=id&offset=0"):
            t.ask(method, "people" + query, 406, body=body, code="filter_required")
