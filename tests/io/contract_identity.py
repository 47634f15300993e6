"""Section "who is asking": the five headers, the one 403, the first grants."""
from lib.gateway import IDENTITY

TENANT = ("X-Org-Id", "X-Project-Id", "X-Space-Id")
PERSON = ("X-User-Id", "X-User-Roles")
CHALLENGE = {"WWW-Authenticate": "Rowgate-Headers"}


def run(t):
    headers_missing(t)
    headers_bad(t)
    mismatch(t)
    grants(t)
    roles(t)


def headers_missing(t):
    for name in TENANT:
        t.ask("GET", "people", 400, drop=[name], code="header_missing", detail=name)
        t.ask("DELETE", "people?id=eq.1", 400, drop=[name], code="header_missing", detail=name)
    for name in PERSON:
        t.ask("GET", "people", 401, drop=[name], code="identity_missing", detail=name, has=CHALLENGE)
        t.ask("DELETE", "people?id=eq.1", 401, drop=[name], code="identity_missing", detail=name, has=CHALLENGE)
    for tenant in TENANT:
        for person in PERSON:
            t.ask("GET", "people", 400, drop=[tenant, person], code="header_missing", detail=[tenant, person])
    t.ask("GET", "people", 400, identity=False, code="header_missing", detail=list(TENANT + PERSON))
    t.ask("GET", "people", 401, drop=PERSON, code="identity_missing", detail=list(PERSON))


def headers_bad(t):
    good = dict(IDENTITY)
    for names, status, code in ((TENANT, 400, "header_missing"), (PERSON, 401, "identity_missing")):
        for name in names:
            for value in ("", "   ", b"\xff\xfe", b"\xc0\xaf", "x" * 257, "é" * 129):
                t.ask("DELETE", "people?id=eq.1", status, headers=[(name, value)], code=code, detail=name)
            t.ask("DELETE", "people?id=eq.1", status, headers=[(name, good[name]), (name, good[name])], code=code, detail=name)
            t.ask("DELETE", "people?id=eq.1", status, headers=[(name, good[name]), (name.lower(), "other")], code=code, detail=name)
    t.ask("DELETE", "people?id=eq.1", 401, headers={"X-User-Roles": " , ,"}, code="identity_missing", detail="X-User-Roles")
    # The limit itself is accepted; header names are case-insensitive, outer blanks are not part of a value.
    t.ask("GET", "people?id=eq.1", 200, ids=[1], headers={"X-User-Id": "x" * 256})
    t.ask("GET", "people", 403, headers={"X-Org-Id": "x" * 256}, code="tenant_mismatch")
    t.ask("GET", "people?id=eq.1", 200, ids=[1], drop=["X-Org-Id"], headers={"x-oRG-iD": "org-1"})
    t.ask("GET", "people?id=eq.1", 200, ids=[1], headers={"X-Org-Id": "  org-1\t"})
    t.ask("GET", "people?id=eq.1", 200, ids=[1], headers={"X-User-Id": "Ünal"})
    # Values are taken as they are: nothing is percent-decoded.
    t.ask("GET", "people", 403, headers={"X-Org-Id": "org%2D1"}, code="tenant_mismatch")


def mismatch(t):
    """One answer, byte for byte, whatever does not agree, and whether or not it exists."""
    own = t.path("people", "id=eq.1")
    attempts = [
        (own, {"X-Org-Id": "org-2"}), (own, {"X-Org-Id": "nosuch"}), (own, {"X-Org-Id": "ORG-1"}), (own, {"X-Org-Id": "org-1x"}),
        (own, {"X-Project-Id": "project-2"}), (own, {"X-Project-Id": "nosuch"}), (own, {"X-Space-Id": "space-2"}),
        (own, {"X-Space-Id": "nosuch"}), (own, {"X-Org-Id": "project-1", "X-Project-Id": "org-1"}),
        (own.replace("/acme/", "/other/"), {}), (own.replace("/acme/", "/nosuch/"), {}), (own.replace("/acme/", "/Acme/"), {}),
        (own.replace("/demo/", "/nosuch/"), {}), (own.replace("/acme/", "/org-1/"), {}),
        (own.replace("/acme/", "/other/"), {"X-Org-Id": "org-2"}),
        (own, {"X-Org-Id": "org-2", "X-Project-Id": "project-2", "X-Space-Id": "space-2"}),
        (own.replace("/main/", "/nodb/"), {"X-Org-Id": "nosuch"}), (own.replace("people", "nosuch"), {"X-Org-Id": "nosuch"}),
    ]
    bodies = set()
    for target, headers in attempts:
        for method in ("GET", "DELETE"):
            answer = t.ask(method, target, 403, code="tenant_mismatch", headers=headers)
            if answer is not None:
                bodies.add(answer.body)
    t.report.check(len(bodies) == 1, f"[{t.kind}] the 403 tells tenants apart: {sorted(bodies)[:3]}")
    for body in bodies:
        for word in (b"org-2", b"acme", b"other", b"project-2", b"space-1"):
            t.report.check(word not in body, f"[{t.kind}] the 403 names {word!r}")
    # The other tenant, asked for as itself, is there, and is another.
    ids = {"X-Org-Id": "org-2", "X-Project-Id": "project-2", "X-Space-Id": "space-2"}
    t.ask("GET", own.replace("/acme/", "/other/"), 200, json=[{"id": 1, "name": "another tenant's"}], headers=ids)


def grants(t):
    # No grant names it: as if it were not there, with the very answer of a table that is not.
    answers = [t.ask(method, t.path(table, "id=eq.1"), 404, code="table_unknown", body=body)
               for table in ("secret", "nosuch") for method, body in (("GET", None), ("DELETE", None), ("PUT", {"v": 5}), ("OPTIONS", None))]
    if all(answers):
        for hidden, absent in zip(answers[:4], answers[4:]):
            t.report.equal(hidden.body.replace(b"secret", b"nosuch"), absent.body, f"[{t.kind}] hidden and absent tables")
    # A grant names it with another verb.
    t.ask("GET", "readonly", 200, ids=[1])
    t.ask("HEAD", "readonly", 200)
    for method, body in (("POST", {"v": 1}), ("PUT", {"v": 1}), ("PATCH", {"v": 1}), ("DELETE", None)):
        t.ask(method, t.path("readonly", "id=eq.1" if method != "POST" else None), 403, body=body, code="forbidden")
    t.ask("OPTIONS", "readonly", 204, has={"Allow": "GET, HEAD, OPTIONS"})


def roles(t):
    def ask(role, method, table, status, **more):
        t.ask(method, t.path(table, "id=eq.1" if method != "POST" else None), status, headers={"X-User-Roles": role}, **more)

    for role in ("nobody", "Admin", "adm", "admin2", "users admin", "*", "%61dmin", "\"admin\""):
        ask(role, "GET", "people", 404, code="table_unknown")
        ask(role, "DELETE", "people", 404, code="table_unknown")
    for role in ("reader", "reader,nobody", " nobody ,\treader", "nobody,,reader"):
        ask(role, "GET", "people", 200, ids=[1])
        ask(role, "DELETE", "people", 403, code="forbidden")
        ask(role, "GET", "orders", 404, code="table_unknown")
    # Patterns.
    ask("auditor", "GET", "secret", 200, ids=[1])
    ask("auditor", "DELETE", "secret", 403, code="forbidden")
    ask("poster", "POST", "people", 201, body={"name": "P", "email": "p@p"})
    ask("poster", "POST", "orders", 201, body={"person_id": 1})
    ask("poster", "POST", "pairs", 404, body={"a": 9, "b": "z"}, code="table_unknown")
    ask("poster", "GET", "people", 403, code="forbidden")
    # Roles add up.
    ask("poster,reader", "GET", "people", 200, ids=[1])
    ask("poster,reader", "POST", "people", 201, body={"name": "P", "email": "p@p"})
    ask("poster,reader", "DELETE", "people", 403, code="forbidden")
