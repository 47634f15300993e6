"""Bodies: what is JSON, what a column takes, what the table refuses; nothing is written by a request that is refused."""
import json


def run(t):
    not_json(t)
    media_types(t)
    shapes(t)
    columns(t)
    values(t)
    stored(t)
    sizes(t)


WRITES = (("POST", "people"), ("PUT", "people?id=eq.1"), ("PATCH", "people?id=eq.1"))


def everywhere(t, status, body, **more):
    for method, target in WRITES:
        t.ask(method, target, status, body=body, **more)


def not_json(t):
    for body, position in (
            (b"", None), (b"{", None), (b"nul", None), (b"{\"name\":}", 8), (b"{\"name\":\"x\"}x", 12), (b"{\"name\":\"x\",}", None),
            (b"\xef\xbb\xbf{\"name\":\"x\"}", None), (b"{'name':1}", None), (b"{\"name\":\"\xff\"}", None), (b"{\"name\":\"\\udc00\"}", None),
            (b"{\"name\":\"\\ud800\"}", None), (b"{\"name\":\"\xc0\xaf\"}", None), (b"{\"name\":\"\xed\xa0\x80\"}", None),
            (b"{\"age\":01}", None), (b"{\"age\":+1}", None), (b"{\"age\":.5}", None), (b"{\"age\":1.}", None), (b"{\"age\":0x1}", None),
            (b"{\"age\":NaN}", None), (b"{\"age\":Infinity}", None), (b"{\"name\":\"a\nb\"}", None), (b"{\"name\":\"\\x41\"}", None),
            (b"{name:1}", None), (b"{\"name\":1 \"age\":2}", None), (b"// c\n{}", None), (b"\x00", None), (b"name=x", None),
            (b"[" * 65 + b"]" * 65, None), (b"{\"note\":" + b"[" * 5000 + b"]" * 5000 + b"}", None)):
        everywhere(t, 400, body, code="body_invalid", **({"position": position} if position is not None else {}))
    for method, target in WRITES:
        t.ask(method, target, (400, 415), content_type=None)  # no body at all


def media_types(t):
    good = b'{"age":5}'
    for value in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json; charset=latin1",
                  "application/vnd.api+json", "application/merge-patch+json", "application/jsonx", "json", "text/csv", "application/json; q=1"):
        t.ask("PUT", "people?id=eq.1", 415, body=good, content_type=value, code="media_type_unsupported")
        t.ask("POST", "people", 415, body=b'{"name":"x","email":"y"}', content_type=value, code="media_type_unsupported")
    t.ask("PUT", "people?id=eq.1", 415, body=good, content_type=None, code="media_type_unsupported")
    for value in ("application/json", "application/json; charset=utf-8", "application/json;charset=UTF-8", "APPLICATION/JSON",
                  "application/json; charset=\"utf-8\""):
        t.ask("PUT", "people?id=eq.1", 200, body=good, content_type=value, json={"rows_affected": 1})


def shapes(t):
    for body in (b"[]", b"{}", b"1", b"\"x\"", b"null", b"true", b"[1]", b"[null]", b"[[]]", b"[{}]", b"[[{\"name\":\"x\"}]]"):
        everywhere(t, 422, body, code="row_invalid")
    for method in ("PUT", "PATCH"):
        t.ask(method, "people?id=eq.1", 422, body=[{"age": 1}], code="row_invalid")
    everywhere(t, 422, b'{"age":1,"age":2}', code="row_invalid", detail="age")
    everywhere(t, 422, b'{"age":1,"\\u0061ge":2}', code="row_invalid", detail="age")
    t.ask("POST", "people", 422, body=b'[{"name":"a","email":"a"},{}]', code="row_invalid", detail="2")
    t.ask("POST", "people", 422, body=b'[{"name":"a","email":"a"},1]', code="row_invalid")
    # The same name in two rows, or deep inside a JSON value, is no duplicate.
    t.ask("POST", "nokey", 201, body=b'[{"v":1},{"v":2}]', json={"rows_affected": 2, "last_insert_id": None})
    t.ask("PUT", "kinds?id=eq.1", 200, body=b'{"doc":{"a":1,"a":2}}')


def columns(t):
    everywhere(t, 422, {"nosuch": 1, "name": "x", "email": "y"}, code="row_invalid", detail="nosuch")
    everywhere(t, 422, {"Age": 1, "name": "x", "email": "y"}, code="row_invalid", detail="Age")
    for method, target in (("POST", "generated"), ("PUT", "generated?id=eq.1")):
        t.ask(method, target, 422, body={"a": 1, "b": 2}, code="row_invalid", detail="b")
    t.ask("POST", "people", 422, body={"name": "x"}, code="row_invalid", detail="email")
    t.ask("POST", "people", 422, body=[{"name": "a", "email": "a"}, {"name": "b", "email": "b"}, {"email": "c"}], code="row_invalid",
          detail=["name", "3"])
    t.ask("POST", "defaults", 422, body={"a": 1}, code="row_invalid", detail="d")
    for column in ("name", "email"):
        t.ask("POST", "people", 422, body={**{"name": "x", "email": "y"}, column: None}, code="row_invalid", detail=column)
        t.ask("PUT", "people?id=eq.1", 422, body={column: None}, code="row_invalid", detail=column)
    t.ask("PUT", "pairs?a=eq.1", 422, body={"a": None}, code="row_invalid", detail="a")
    t.ask("PUT", "people?id=eq.1", 422, body={"id": None}, code="row_invalid", detail="id")
    # The row that is refused decides nothing about which rows the filter finds: none found, refused all the same.
    t.ask("PUT", "people?id=eq.99", 422, body={"nosuch": 1}, code="row_invalid")
    t.ask("PUT", "people?id=eq.99", 422, body={"age": "x"}, code="row_invalid")


def values(t):
    """422, naming the column; position within the body."""
    text = json.dumps
    for column, value in (
            # people.name and note are text: never a number or a truth value; nothing is cut.
            ("name", 1), ("name", 1.5), ("name", True), ("name", ["x"]), ("name", {"x": 1}), ("name", "x" * 101), ("name", "é" * 101),
            ("age", "1abc"), ("age", ""), ("age", " 1"), ("age", "1.0"), ("age", 1.5), ("age", True), ("age", 2147483648), ("age", -2147483649),
            ("age", [1]), ("age", {}), ("age", "１"), ("age", "null"), ("is_active", 2), ("is_active", -1), ("is_active", "yes"),
            ("is_active", 0.5), ("is_active", ""), ("created_at", 0), ("created_at", 1700000000), ("created_at", "2024-02-30"),
            ("created_at", "2024-02-29T12:00:00.5Z"), ("created_at", ""), ("created_at", True), ("created_at", "0000-00-00 00:00:00")):
        body = f'{{"{column}":{text(value)}}}'.encode()
        t.ask("PUT", "people?id=eq.1", 422, body=body, code="row_invalid", detail=column, position=len(f'{{"{column}":'))
    for raw in (b"1e0", b"1.0", b"-0.0", b"1E2", b"99999999999999999999"):
        t.ask("PUT", "people?id=eq.1", 422, body=b'{"age":' + raw + b"}", code="row_invalid", detail="age")
    for column, value in (
            ("small", 128), ("small", -129), ("small", "128"), ("big", 9223372036854775808), ("big", "-9223372036854775809"),
            ("ubig", -1), ("ubig", 18446744073709551616), ("ubig", "-1"), ("price", 12.505), ("price", "12.505"), ("price", 100000000),
            ("price", "NaN"), ("price", True), ("price", ""), ("f", "nan"), ("f", "1e39"), ("d", "inf"), ("d", True), ("d", "abc"),
            ("day", "2024-02-29T00:00:00"), ("day", 20240229), ("day", "2024-02-30"), ("t", "839:00:00"), ("t", "12:34:56.5"), ("t", 123456),
            ("dt", "2024-02-29T12:34:56Z"), ("dt", "2024-02-29T12:34:56.1234567"), ("ts", "2024-02-29T25:34:56"), ("bin", "abc"), ("bin", 5),
            ("bin", "\\x" + "00" * 17), ("bin", "b64:AP8"), ("u", "x"), ("u", 5), ("flag", 2), ("flag", "TRUE"), ("y", 1900), ("y", 2156),
            ("y", "24"), ("word", "sixsix"), ("word", "héllos")):
        t.ask("PUT", "kinds?id=eq.1", 422, body={column: value}, code="row_invalid", detail=column)
        t.ask("POST", "kinds", 422, body=[{"small": 1}, {column: value}], code="row_invalid", detail=[column, "2"])
    for target, body in (("kinds?id=eq.1", b'{"d":1e999}'), ("people?id=eq.1", b'{"age":1e400}')):
        t.ask("PUT", target, 422, body=body, code="row_invalid")
    if t.is_mariadb:
        for column, value in (("v", "☃"), ("v", "😀"), ("color", "purple"), ("color", "RED"), ("color", 1), ("color", ""), ("tags", "d"),
                              ("tags", "a,a"), ("tags", 1)):
            t.ask("PUT", "latin?id=eq.1", 422, body={column: value}, code="row_invalid", detail=column)


def stored(t):
    """A column takes its JSON type, or a string holding the literal that a filter would take; what is stored is exact."""
    for column, value, query in (
            ("small", -128, "small=eq.-128"), ("small", "127", "small=eq.127"), ("big", 9223372036854775807, "big=eq.9223372036854775807"),
            ("big", "-9223372036854775808", "big=eq.-9223372036854775808"), ("price", 99999999.99, "price=eq.99999999.99"),
            ("price", "1.5", "price=eq.1.50"), ("price", "1.500", "price=eq.1.5"), ("price", -0.01, "price=eq.-0.01"), ("price", 7, "price=eq.7"),
            ("price", "15e-1", "price=eq.1.5"), ("f", 0.5, "f=eq.0.5"), ("f", 0.1, "f=eq.0.1"), ("d", 1e300, "d=eq.1e300"), ("d", "1e-5", "d=eq.0.00001"),
            ("d", 3, "d=eq.3"), ("day", "2023-01-31", "day=eq.2023-01-31"), ("t", "-838:59:59", "t=eq.-838:59:59"), ("t", "00:00:01", "t=eq.00:00:01"),
            ("dt", "2023-01-31", "dt=eq.2023-01-31T00:00:00"), ("dt", "2023-01-31 01:02:03.5", "dt=eq.2023-01-31 01:02:03.500000"),
            ("ts", "2023-01-31T01:02:03.000001Z", "ts=eq.2023-01-31T01:02:03.000001"), ("ts", "2023-01-31T01:02:03-02:00", "ts=eq.2023-01-31T03:02:03Z"),
            ("bin", "\\x00", "bin=eq.b64:AA=="), ("bin", "b64:", "bin=eq.\\x"), ("bin", "\\xDEADbeef", "bin=eq.\\xdeadbeef"),
            ("u", "AAAAAAAA-BBBB-cccc-dddd-eeeeeeeeeeee", "u=eq.aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"), ("flag", False, "flag=eq.0"),
            ("flag", "true", "flag=eq.1"), ("flag", 0, "flag=eq.false"), ("y", 1901, "y=eq.1901"), ("y", "2155", "y=eq.2155"), ("word", "😀😀😀😀😀", "word=eq.😀😀😀😀😀"),
            ("word", "", "word=eq."), ("word", "  a  ", "word=li.%20a%20")):
        t.ask("PUT", "kinds?id=eq.2", 200, body={column: value}, json={"rows_affected": 1}, changes=True)
        t._before = t.content()
        t.ask("GET", f"kinds?id=eq.2&{query}", 200, ids=[2])
        t.reset()
    for value in ({"a": [1, {"b": None}]}, [], {}, "text", 1.5, True, [1, 2, 3]):
        t.ask("PUT", "kinds?id=eq.2", 200, body={"doc": value}, json={"rows_affected": 1}, changes=True)
        t._before = t.content()
        t.ask("GET", "kinds?id=eq.2&select=doc", 200, json=[{"doc": value}])
        t.reset()
    if t.is_mariadb:
        t.ask("PUT", "kinds?id=eq.2", 200, body={"ubig": 18446744073709551615}, after=("SELECT ubig FROM kinds WHERE id = 2", [(18446744073709551615,)]))
    t.ask("PUT", "kinds?id=eq.1", 200, body={"doc": None}, after=("SELECT count(*) FROM kinds WHERE doc IS NULL", [(2,)]))


def sizes(t):
    """The test gateway's body_bytes_max is 65,536."""
    frame = len(b'{"note":""}')
    t.ask("PUT", "people?id=eq.1", 200, body=b'{"note":"' + b"x" * (65536 - frame) + b'"}', json={"rows_affected": 1})
    t.ask("PUT", "people?id=eq.1", 413, body=b'{"note":"' + b"x" * (65537 - frame) + b'"}', code="body_too_large")
    t.ask("POST", "people", 413, body=b"[" + b" " * 200000 + b"]", code="body_too_large")
    t.ask("GET", "people?id=eq.1", 200, ids=[1])
