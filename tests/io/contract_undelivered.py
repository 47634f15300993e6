"""What is not delivered yet is refused before anything happens, never ignored."""


def run(t):
    for name, value in (("If-Match", '"x"'), ("If-Unmodified-Since", "Wed, 21 Oct 2026 07:28:00 GMT"), ("Idempotency-Key", '"k"'),
                        ("X-Hard-Delete", "true"), ("ES-HardDelete", "true")):
        for method, target, body in (("DELETE", "people?id=eq.7", None), ("PUT", "people?id=eq.7", {"age": 1}),
                                     ("PATCH", "people?id=eq.7", {"age": 1}), ("POST", "people", {"name": "x", "email": "y"}),
                                     ("DELETE", "people/7", None), ("POST", "people/bulk-delete", {"ids": [7]})):
            t.ask(method, target, 501, body=body, code="not_implemented", headers={name: value}, detail=name)
            t.ask(method, target, 501, body=body, code="not_implemented", headers={name.lower(): value})
    for method, target, body in (("DELETE", "people?id=eq.7", None), ("PUT", "people?id=eq.7", {"age": 1}),
                                 ("POST", "people", {"name": "x", "email": "y"}), ("DELETE", "people/7", None)):
        t.ask(method, target, 501, body=body, code="not_implemented", headers={"If-None-Match": "*"})
    for value in ("undo=24h", "respond-async", "resolution=merge-duplicates", "resolution=ignore-duplicates", "foo, Undo=1h"):
        for method, target, body in (("DELETE", "people?id=eq.7", None), ("PUT", "people?id=eq.7", {"age": 1}),
                                     ("POST", "people", {"name": "x", "email": "y"}), ("DELETE", "people/7", None)):
            t.ask(method, target, 501, body=body, code="not_implemented", headers={"Prefer": value})
    t.ask("DELETE", "people?id=eq.7", 501, headers=[("Prefer", "foo=bar"), ("Prefer", "undo=1h")], code="not_implemented")
    for query in ("offset=1", "offset=0", "limit=1&order=id&offset=1"):
        for method, body in (("DELETE", None), ("PUT", {"age": 1}), ("PATCH", {"age": 1})):
            t.ask(method, f"people?id=eq.7&{query}", 501, body=body, code="not_implemented")
    for query in ("or=(id.eq.7,id.eq.6)", "and=(id.eq.7)", "not=id.eq.7", "any=1", "all=1", "having=x", "on_conflict=id", "columns=id",
                  "_deleted=only"):
        for method, body in (("GET", None), ("DELETE", None), ("PUT", {"age": 1})):
            t.ask(method, f"people?id=eq.7&{query}", 501, body=body, code="not_implemented")
            t.ask(method, f"people/7?{query}", 501, body=body, code="not_implemented")
        t.ask("POST", f"people/bulk-delete?{query}", 501, body={"ids": [7]}, code="not_implemented")
    for query in ("or=(id.eq.7,id.eq.6)", "and=(id.eq.7)"):
        t.ask("DELETE", f"people?{query}", 501, code="not_implemented")
    for query in ("confirm=true", "_preview=true", "columns=id", "confirm=true&_no-content=true", "limit=1&order=id"):
        t.ask("DELETE", f"people?{query}", 406, code="filter_required")
    t.ask("GET", "people?order=id.desc.nullslast", 501, code="not_implemented")
    for path in ("/7/x", "/7/restore", "/1/2/3", "/7/bulk-delete"):
        for method, body in (("GET", None), ("DELETE", None), ("POST", {"ids": [7]})):
            t.ask(method, t.path("people") + path, 404, body=body, code="path_unknown")
