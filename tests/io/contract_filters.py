"""Section "filters": the thirteen operators, quoting, lists, bounds, values, limits, controls, each right and wrong."""
from lib.gateway import encode

WRITES = (("DELETE", None), ("PUT", {"note": "changed"}), ("PATCH", {"note": "changed"}))


def run(t):
    operators(t)
    text_and_quoting(t)
    lists_and_bounds(t)
    operator_faults(t)
    column_faults(t)
    value_faults(t)
    encoding(t)
    limits(t)
    controls(t)
    collation(t)


def match(t, query, ids):
    """The same rows for GET, DELETE and PUT."""
    t.ask("GET", "people?" + query, 200, ids=ids)
    kept = [(n,) for n in range(1, 8) if n not in ids]
    t.direct.run("DELETE FROM orders")
    t.ask("DELETE", "people?" + query, 200, json={"rows_affected": len(ids)}, after=("SELECT id FROM people ORDER BY id", kept))
    t.ask("PUT", "people?" + query, 200, body={"created_at": "2030-01-01T00:00:00Z"}, json={"rows_affected": len(ids)},
          after=("SELECT id FROM people WHERE created_at > '2029-01-01' ORDER BY id", [(n,) for n in ids]))


def refuse(t, query, status, table="people", **more):
    """Refused, whatever the verb; nothing changes."""
    t.ask("GET", f"{table}?{query}", status, **more)
    for method, body in WRITES:
        t.ask(method, f"{table}?{query}", status, body=body, **more)


def operators(t):
    for query, ids in (
            ("id=eq.1", [1]), ("id=ne.1", [2, 3, 4, 5, 6, 7]), ("id=lt.3", [1, 2]), ("id=gt.5", [6, 7]), ("id=le.3", [1, 2, 3]),
            ("id=ge.6", [6, 7]), ("id=bw.2.4", [2, 3, 4]), ("id=bw.2,4", [2, 3, 4]), ("id=bw.4.2", []), ("id=bw.3.3", [3]),
            ("id=in.6,7,8", [6, 7]), ("id=in.1", [1]), ("id=in.1,1,1", [1]), ("id=nin.1,2,3", [4, 5, 6, 7]),
            ("name=li.Alice", [1, 5] if t.is_mariadb else [1]), ("name=li.a", [1, 3, 5, 6]),
            ("name=rli.Ali", [1]), ("email=lli.@test.com", [1, 3, 5]), ("note=is.null", [1]), ("note=not.is.null", [2, 3, 4, 5, 6, 7]),
            ("age=is.null", [3]), ("id=gt.5&id=le.6", [6]), ("id=gt.2&is_active=eq.0", [3, 5]), ("is_active=eq.false", [3, 5]),
            ("is_active=eq.true&id=lt.3", [1, 2]), ("id=eq.1&id=eq.2", []), ("id=eq.-0", []), ("age=eq.-5", [7]), ("age=lt.0", [7])):
        match(t, query, ids)
    # NULL matches no comparison.
    for query, ids in (("age=ne.30", [2, 4, 5, 6, 7]), ("age=nin.30,41", [4, 5, 6, 7]), ("age=ge.-100", [1, 2, 4, 5, 6, 7]),
                       ("note=ne.zzz", [2, 3, 4, 5, 6, 7])):
        match(t, query, ids)
    t.ask("GET", "people?age=bw.18.30&select=id", 200, json=[{"id": 1}, {"id": 4}])


def text_and_quoting(t):
    for query, ids in (
            ("note=eq.", [4]), ("note=eq.eq.%22a%22", [5]), ('note=eq.eq."a"', [5]), ("note=eq.100%25+wool", [2]),
            ("note=eq.100%25%20wool", [2]), ("note=li.%25", [2]), ("note=li._", [3]), ("note=li.a_b", [3]), ("note=rli.100%25", [2]),
            ("note=lli.wool", [2]), ("note=li.a%2Bb+c%26d%3De", [6]), ("note=eq.a%2Bb+c%26d=e", [6]), ("name=eq.Eve.Malice", [5]),
            ("name=eq.d,%22v%22%5Ce", [4]), ('name=eq.d,"v"\\e', [4]), ("name=eq.(odd)", [7]), ("name=rli.(", [7]),
            ("name=li.😀", [6]), ("name=li.%F0%9F%98%80", [6]), ("name=lli.😀", [6]), ('name=eq."Bob"', []), ("name=eq.'Bob'", []),
            ("name=eq.Bob%27%20OR%20%271%27=%271", []), ("name=eq.Bob'--", []), ("%6Eame=eq.Bob", [2]), ("name=%65q.Bob", [2]),
            ('"name"=eq.Bob', [2]), ("%22name%22=eq.Bob", [2]), ("name=eq.null", []), ("note=eq.null", []), ("name=li.%5C", [4]),
            ("name=li.!", []), ("name=li.%5B", []), ("name=li.*", []), ("name=li.?", [])):
        match(t, query, ids)


def lists_and_bounds(t):
    for query, ids in (
            ('name=in."d,\\"v\\"\\\\e",Bob', [2, 4]), ('name=in."Bob","carol"', [2, 3]), ("name=in.Bob,carol", [2, 3]),
            ('note=in.""', [4]), ('note=in."",axb', [4, 7]), ('name=in."(odd)"', [7]), ("name=in.o(dd),Bob", [2]),
            ("name=in.%22Bob%22", [2]), ('id=in."1","2"', [1, 2]), ('id=bw."2"."4"', [2, 3, 4]), ('id=bw."2","4"', [2, 3, 4]),
            ('id=bw.2."4"', [2, 3, 4]), ("age=bw.-5.7", [5, 7]), ("name=bw.A.Bz", [1, 2]), ('name=bw."A","Bz"', [1, 2])):
        match(t, query, ids)
    for query in ("id=in.", "id=nin.", "id=in.1,,2", "id=in.,1", "id=in.1,", 'name=in."a', 'name=in.a"b', 'name=in."a"b', 'name=in.a"',
                  "name=in.(Bob)", "id=in.(1,2)", 'name=in."a\\n"', "id=bw.", "id=bw.1", "id=bw.1.", "id=bw..1", "id=bw.1.2.3",
                  "id=bw.1,2,3", "id=bw.1,", "id=bw.,2", 'id=bw."1"."2"."3"', 'id=bw."1""2"', 'id=bw."1', "id=in.1,(2)"):
        refuse(t, query, 400)
    refuse(t, "price=bw.1.5.2.5", 400, table="kinds", hint=["1.5,2.5", '"1.5"."2.5"'])
    t.ask("GET", "kinds?price=bw.12.5,12.5", 200, ids=[1])
    t.ask("GET", 'kinds?price=bw."12.5"."12.5"', 200, ids=[1])
    t.ask("GET", "kinds?price=bw.12.13", 200, ids=[1])


def operator_faults(t):
    position = len(t.path("people", "id="))
    for value in ("10", "", "eq", "=eq.1", "EQ.1", "Eq.1", "xx.1", "eq .1", " eq.1", ".1", "neq.1", "gte.1", "lte.1", "like.1", "cs.1",
                  "ilike.a", "not.eq.1", "not.1", "fts.a", "match.a", "eq(any).1", "e q.1", "is", "not.is", "1.eq"):
        refuse(t, f"id={value}", 417, code="operator_unknown", parameter="id", position=position, detail=["eq", "nin", "rli", "lli", "bw"])
    t.ask("GET", "people?id=10", 417, hint="id=eq.10")
    t.ask("DELETE", "people?id=10", 417, hint="id=eq.10")
    t.ask("GET", "people?name", 417, code="operator_unknown", parameter="name")
    t.ask("GET", "people?id=eq.1&name=Bob", 417, parameter="name", hint="name=eq.Bob")
    t.ask("GET", "people?%6Eame=Bob", 417, parameter="name")
    refuse(t, "note=is.true", 400, code="value_invalid")
    refuse(t, "note=is.", 400, code="value_invalid")
    refuse(t, "note=is.NULL", 400, code="value_invalid")
    refuse(t, "note=not.is.false", 400, code="value_invalid")
    # The first error from the left.
    t.ask("GET", "people?id=xx.1&name=yy.2", 417, parameter="id")


def column_faults(t):
    refuse(t, "nosuch=eq.1", 400, code="column_unknown", parameter="nosuch", position=len(t.path("people", "")))
    refuse(t, "nam=eq.1", 400, code="column_unknown", hint="name")
    for query in ("ID=eq.1", "Name=eq.Bob", "id =eq.1", "+id=eq.1", "id%60=eq.1", "people=eq.1", "rowid=eq.1", "1=eq.1",
                  "*=eq.1", '"id "=eq.1', '"nosuch"=eq.1'):
        refuse(t, query, 400, code="column_unknown")
    for query in ("=eq.1", "=", '"id=eq.1', 'i"d=eq.1', 'id"=eq.1', '""=eq.1', '"id"x=eq.1'):
        refuse(t, query, 400)
    t.ask("GET", "people?order=nosuch", 400, code="column_unknown")
    t.ask("GET", "people?select=id,nosuch", 400, code="column_unknown")
    t.ask("GET", "people?id=eq.1&select=nam", 400, code="column_unknown", hint="name")


def value_faults(t):
    position = len(t.path("people", "id=eq."))
    for value in ("1abc", "", "1e0", "%201", "1%20", "+1", "%2B1", "01", "0x1", "1.0", "1.", "１", "9223372036854775808", "18446744073709551616", "true", "null", "[]", "{}", "NaN", "inf", "--1", "-", "1,2", "1;", "1'"):
        refuse(t, f"id=eq.{value}", 400, code="value_invalid", parameter="id", position=position)
        t.ask("DELETE", f"people?id=in.1,\"{value}\"", 400)
    for column, value in (
            ("age", "2147483648"), ("age", "-2147483649"), ("is_active", "2"), ("is_active", "TRUE"), ("is_active", "t"), ("is_active", ""), ("age", "1_000"),
            ("created_at", "2024-02-30"), ("created_at", "2023-02-29 00:00:00"), ("created_at", "yesterday"), ("created_at", "0"),
            ("created_at", "2024-02-29T25:00:00"), ("created_at", "2024-02-29 12:34:60"), ("created_at", "2024-2-9"),
            ("created_at", "20240229"), ("created_at", "2024-02-29 12:34"), ("created_at", "2024-02-29 12:34:56%2B25:00"),
            ("created_at", "0000-00-00"), ("created_at", "2024-02-29Z")):
        refuse(t, f"{column}=eq.{value}", 400, code="value_invalid", parameter=column)
    for column, value in (
            ("small", "128"), ("small", "-129"), ("big", "9223372036854775808"), ("ubig", "-1"), ("ubig", "18446744073709551616"),
            ("price", "abc"), ("price", "1,5"), ("price", ""), ("price", "NaN"), ("price", "inf"), ("price", "0x1"), ("price", ".5"),
            ("price", "1."), ("f", "nan"), ("f", "inf"), ("f", "1e39"), ("d", "1e309"), ("d", "Infinity"), ("d", "0x1p3"),
            ("day", "2024-02-29T00:00:00"), ("day", "2024-13-01"), ("day", "0"), ("t", "839:00:00"), ("t", "1"), ("t", "12:60:00"),
            ("t", "24"), ("dt", "2024-02-29T12:34:56Z"), ("dt", "2024-02-29 12:34:56%2B02:00"), ("bin", "abc"), ("bin", "\\x0"),
            ("bin", "\\xzz"), ("bin", "b64:A"), ("bin", "b64:AP8Q="), ("bin", ""), ("u", "0f0e0d0c"), ("u", ""), ("flag", "yes"),
            ("y", "1900"), ("y", "2156"), ("y", "24"), ("doc", "{}"), ("doc", "null")):
        refuse(t, f"{column}=eq.{value}", 400, table="kinds", code="value_invalid", parameter=column)
    for column, value in (
            ("small", "-128"), ("big", "-9223372036854775808"), ("ubig", "9223372036854775807"), ("price", "12.5"), ("price", "12.500"),
            ("price", "125e-1"), ("f", "0.1"), ("d", "0.1"), ("d", "1e-1"), ("day", "2024-02-29"), ("t", "12:34:56"), ("t", "12:34:56.000"),
            ("dt", "2024-02-29T12:34:56.123456"), ("dt", "2024-02-29 12:34:56.123456"), ("ts", "2024-02-29T12:34:56.123456Z"),
            ("ts", "2024-02-29T14:34:56.123456%2B02:00"), ("ts", "2024-02-29 12:34:56.123456"), ("bin", "\\x00ff10"), ("bin", "\\x00FF10"),
            ("bin", "b64:AP8Q"), ("u", "0f0e0d0c-1234-5678-9abc-def012345678"), ("u", "0F0E0D0C-1234-5678-9ABC-DEF012345678"),
            ("flag", "true"), ("y", "2024"), ("word", "héllo"), ("doc", None)):
        query = f"{column}=eq.{value}" if value is not None else f"{column}=not.is.null"
        t.ask("GET", f"kinds?{query}", 200, ids=[1])
    # Right for the type, equal to nothing.
    for column, value in (("price", "12.501"), ("price", "99999999999999.5" if t.is_mariadb else "9999999999.5"), ("price", "-12.5"),
                          ("d", "0.10000000000000002"), ("word", "longer than five"), ("dt", "2024-02-29"), ("bin", "\\x00ff"),
                          ("u", "0f0e0d0c-1234-5678-9abc-def012345679"), ("ts", "2024-02-29T12:34:56.123456%2B01:00")):
        t.ask("GET", f"kinds?{column}=eq.{value}", 200, ids=[])
        t.ask("DELETE", f"kinds?{column}=eq.{value}", 200, json={"rows_affected": 0}, changes=False)
    if not t.is_mariadb:
        refuse(t, "price=eq.1234567890.123456", 400, table="kinds", code="value_invalid")
    for column in ("id", "age", "is_active", "created_at"):
        for operator in ("li", "rli", "lli"):
            t.ask("DELETE", f"people?{column}={operator}.1", 400, code="value_invalid", parameter=column)
    for operator in ("li", "rli", "lli"):
        refuse(t, f"name={operator}.", 400, code="value_invalid", parameter="name")
    for operator in ("ne", "lt", "gt", "le", "ge", "li", "in"):
        t.ask("DELETE", f"kinds?doc={operator}.1", 400, code="value_invalid", parameter="doc")


def encoding(t):
    for query in ("name=eq.%", "name=eq.%2", "name=eq.%zz", "name=eq.%00", "name=eq.a%00b", "name=eq.%ff", "name=eq.%c0%80",
                  "name=eq.%ed%a0%80", "name=eq.%f8%88%80%80%80", "%00=eq.1", "na%zzme=eq.1", "name=%zzeq.1", "name=eq.%u0041"):
        refuse(t, query, 400, code="encoding_invalid")
    t.ask("GET", "people?name=eq.%zz", 400, position=len(t.path("people", "name=eq.")))
    answer = t.client.request("DELETE", t.path("people").encode() + b"?name=eq.\xff")
    t.report.equal(answer.status, 400, f"[{t.kind}] a raw byte FF in the query")
    # Decoded once.
    t.ask("GET", "people?name=eq.%2542ob", 200, ids=[])
    # A separator that is encoded separates nothing.
    t.ask("GET", "people?name=eq.x%26id=eq.1", 200, ids=[])
    t.ask("DELETE", "people?id%3Deq.1", (400, 417))
    for mark in ('"', "\\", "<", ">", "^", "{", "|", "}"):
        t.ask("GET", f"people?name=eq.{mark}", 200, ids=[])


def limits(t):
    t.ask("GET", "people?" + "&".join(["id=gt.0"] * 64), 200, ids=[1, 2, 3, 4, 5, 6, 7])
    refuse(t, "&".join(["id=gt.0"] * 65), 400, code="limit_exceeded", detail="64")
    items = ",".join(str(n % 10) for n in range(1000))
    t.ask("GET", f"people?id=in.{items}", 200, ids=[1, 2, 3, 4, 5, 6, 7])
    refuse(t, f"id=in.{items},1", 400, code="limit_exceeded", detail="1000")
    refuse(t, f"id=nin.{items},1", 400, code="limit_exceeded", detail="1000")
    start = t.path("people", "note=eq.")
    t.ask("GET", start + "x" * (8192 - len(start)), 200, ids=[])
    t.ask("GET", start + "x" * (8193 - len(start)), 414, code="target_too_long")
    t.ask("DELETE", start + "x" * (8193 - len(start)), 414, code="target_too_long")


def controls(t):
    for query in ("limit=1&limit=2", "limit=1&limit=1", "order=id&order=name", "select=id&select=name", "offset=1&offset=1", "limit=",
                  "limit=x", "limit=-1", "limit=1.5", "limit=+1", "limit=01", "limit=9223372036854775808", "offset=", "offset=x", "offset=-1",
                  "order=", "order=id.up", "order=id.DESC", "order=id,,name", "order=,id", "order=id,id", "select=", "select=id,,name",
                  "select=id,id", "select=*,id", "select=,id", 'order="id'):
        t.ask("GET", "people?" + query, 400)
    for query in ("_foo=1", "_id=eq.1", "__proto__=1", "a.b=eq.1", "people.id=eq.1", "_=1", ".=1"):
        refuse(t, query, 400, code="control_unknown")
    # A column named like a control is written quoted.
    t.ask("GET", 'orders?"order"=eq.5', 200, ids=[1])
    t.ask("GET", 'orders?"select"=eq.a', 200, ids=[1])
    t.ask("GET", 'orders?"a.b"=eq.1', 200, ids=[1])
    t.ask("GET", 'orders?"_x"=eq.2&order="order".desc&select=id,"order"', 200, json=[{"id": 1, "order": 5}])
    t.ask("DELETE", 'orders?"order"=eq.5', 200, json={"rows_affected": 1}, after=("SELECT id FROM orders", [(2,)]))
    t.ask("DELETE", "orders?order=eq.5", (400, 406, 501))
    t.ask("DELETE", 'orders?"_x"=eq.2', 200, json={"rows_affected": 1})


def collation(t):
    """Text compares as its column does."""
    exact = not t.is_mariadb
    for query, ids in (("name=eq.bob", [] if exact else [2]), ("name=eq.BOB", [] if exact else [2]), ("name=eq.Bob+", [] if exact else [2]),
                       ("name=li.ALICE", [] if exact else [1, 5]), ("name=rli.ALI", [] if exact else [1]),
                       ("name=in.BOB,CAROL", [] if exact else [2, 3]), ("name=eq.CAROL", [] if exact else [3])):
        match(t, query, ids)
    if t.is_mariadb:
        t.ask("GET", "latin?v=eq." + encode("é"), 200, ids=[1, 2])   # latin1_swedish_ci: é = e = E
        t.ask("GET", "latin?v=eq." + encode("☃"), 200, ids=[])       # what latin1 cannot hold matches nothing
        t.ask("GET", "latin?v=ne." + encode("☃"), 200, ids=[1, 2])
        t.ask("GET", "latin?v=li." + encode("☃"), 200, ids=[])
        t.ask("GET", "latin?color=eq.red", 200, ids=[1])
        t.ask("GET", "latin?tags=eq.c,a", 200, ids=[1])
        t.ask("GET", "latin?tags=eq.", 200, ids=[2])
        for query in ("color=eq.1", "color=eq.RED", "color=eq.purple", "color=eq.", "color=eq.0", "tags=eq.1", "tags=eq.a,a", "tags=eq.d"):
            t.ask("GET", "latin?" + query, 400, code="value_invalid")
