"""What is not delivered yet is refused before anything happens, never ignored."""


def run(t):
    for name, value in (("If-Match", '"x"'), ("If-Unmodified-Since", "Wed, 21 Oct 2026 07:28:00 GMT"), ("Idempotency-Key", '"k"'),
                        ("X-Delete-Token", "t"), ("X-Conditional-Delete", "remove-all"), ("X-Hard-Delete", "true"), ("ES-HardDelete", "true")):
        for method, target, body in (("DELETE", "people?id=eq.7", None), ("PUT", "people?id=eq.7", {"age": 1}),
                                     ("PATCH", "people?id=eq.7", {"age": 1}), ("POST", "people", {"name": "x", "email": "y"})):
            t.ask(method, target, 501, body=body, code="not_implemented", headers={name: value}, detail=name)
            t.ask(method, target, 501, body=body, code="not_implemented", headers={name.lower(): value})
    for method, target, body in (("DELETE", "people?id=eq.7", None), ("PUT", "people?id=eq.7", {"age": 1}),
                                 ("POST", "people", {"name": "x", "email": "y"})):
        t.ask(method, target, 501, body=body, code="not_implemented", headers={"If-None-Match": "*"})
    for value in ("max-affected=1", "return=representation", "return=minimal", "return=headers-only", "tx=rollback", "undo=24h", "respond-async",
                  "resolution=merge-duplicates", "resolution=ignore-duplicates", "Max-Affected=1", "foo, tx=rollback", "return = representation"):
        for method, target, body in (("DELETE", "people?id=eq.7", None), ("PUT", "people?id=eq.7", {"age": 1}),
                                     ("POST", "people", {"name": "x", "email": "y"})):
            t.ask(method, target, 501, body=body, code="not_implemented", headers={"Prefer": value})
    t.ask("DELETE", "people?id=eq.7", 501, headers=[("Prefer", "foo=bar"), ("Prefer", "max-affected=1")], code="not_implemented")
    for query in ("limit=1", "offset=1", "order=id", "limit=0", "limit=1&order=id"):
        for method, body in (("DELETE", None), ("PUT", {"age": 1}), ("PATCH", {"age": 1})):
            t.ask(method, f"people?id=eq.7&{query}", 501, body=body, code="not_implemented")
    for query in ("ids=7", "confirm=true", "or=(id.eq.7,id.eq.6)", "and=(id.eq.7)", "not=id.eq.7", "any=1", "all=1", "having=x", "on_conflict=id",
                  "columns=id", "_preview=true", "_no-content=true", "_deleted=only"):
        for method, body in (("GET", None), ("DELETE", None), ("PUT", {"age": 1})):
            t.ask(method, f"people?id=eq.7&{query}", 501, body=body, code="not_implemented")
    for query in ("ids=7", "ids=1,2,3", "or=(id.eq.7,id.eq.6)", "and=(id.eq.7)"):
        t.ask("DELETE", f"people?{query}", 501, code="not_implemented")
    for query in ("confirm=true", "_preview=true", "columns=id", "confirm=true&_no-content=true"):
        t.ask("DELETE", f"people?{query}", 406, code="filter_required")
    t.ask("GET", "people?order=id.desc.nullslast", 501, code="not_implemented")
    t.ask("GET", "people?ids=1&ids=2", 400)
    for method, body in (("GET", None), ("DELETE", None), ("PUT", {"age": 1}), ("PATCH", {"age": 1})):
        t.ask(method, t.path("people") + "/7", 501, body=body, code="not_implemented")
        t.ask(method, t.path("people") + "/7?id=eq.7", 501, body=body, code="not_implemented")
        t.ask(method, t.path("pairs") + "/1,x", 501, body=body, code="not_implemented")
    t.ask("POST", t.path("people") + "/bulk-delete", (404, 405, 501), body={"ids": [7]})
    for path in ("/7/x", "/7/restore", "/1/2/3"):
        t.ask("GET", t.path("people") + path, (400, 404, 501))
        t.ask("DELETE", t.path("people") + path, (400, 404, 501))
