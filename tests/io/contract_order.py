"""Refusals come in one order, the first wins: each pair of faults at once. And the shape of a problem, member by member."""
import itertools


def run(t):
    pairs(t)
    shape(t)


# name, what it changes, status, code; in the order of the contract. A PUT that is right but for the faults.
FAULTS = (
    ("path", {"suffix": "%zz"}, 400, ("path_invalid", "encoding_invalid")),
    ("tenant header", {"drop": ["X-Space-Id"]}, 400, "header_missing"),
    ("identity", {"drop": ["X-User-Id"]}, 401, "identity_missing"),
    ("mismatch", {"headers": {"X-Project-Id": "nosuch"}}, 403, "tenant_mismatch"),
    ("database", {"database": "nodb"}, 404, "database_unknown"),
    ("table", {"table": "nosuch"}, 404, "table_unknown"),
    ("operator", {"query": ["id=xx.1"]}, 417, "operator_unknown"),
    ("no filter", {"filter": False}, 406, "filter_required"),
    ("column", {"query": ["nosuch=eq.1"]}, 400, "column_unknown"),
    ("media type", {"content_type": "text/plain"}, 415, "media_type_unsupported"),
    ("body", {"body": b"{"}, 400, "body_invalid"),
    ("row", {"body": b'{"nosuch":1}'}, 422, "row_invalid"),
)


def pairs(t):
    for first, second in itertools.combinations(FAULTS, 2):
        if "body" in first[1] and "body" in second[1] or first[0] == "no filter" and second[0] == "column":
            continue  # not possible at once
        made = {"drop": [], "headers": {}, "query": [], "suffix": "", "database": "main", "table": "people", "filter": True,
                "content_type": "application/json", "body": b'{"age":1}'}
        for _, change, _, _ in (second, first):
            for key, value in change.items():
                made[key] = made[key] + value if isinstance(value, list) else value
        query = (["id=eq.1"] if made["filter"] else []) + made["query"]
        if not made["filter"] and "operator" in (first[0], second[0]):
            query = ["id=xx.1"]
        path = t.path(made["table"], database=made["database"]) + made["suffix"] + ("?" + "&".join(query) if query else "")
        t.ask("PUT", path, first[2], code=first[3], drop=made["drop"], headers=made["headers"], body=made["body"],
              content_type=made["content_type"])
    # A table that a grant names with another verb comes before the query; so does a view.
    t.ask("PUT", "readonly?v=xx.1", 403, body=b"{", code="forbidden")
    t.ask("PUT", "adults?id=xx.1", 405, body=b"{", code="method_not_allowed")
    t.ask("DELETE", "people?limit=1", 406, code="filter_required")
    t.ask("DELETE", "people?id=eq.1&offset=1&nosuch=eq.1", 501, code="not_implemented")
    t.ask("PUT", "people?id=eq.1", 413, body=b"{" + b" " * 70000, code="body_too_large")
    t.ask("PUT", "people?nosuch=eq.1", 400, body=b"{" + b" " * 70000, code="column_unknown")
    t.ask("PUT", "people", 406, body=b"{" + b" " * 70000, code="filter_required")
    t.ask("PUT", "people?id=eq.1", 400, drop=["X-Org-Id"], body=b"{" + b" " * 70000, code="header_missing")


def shape(t):
    answer = t.ask("DELETE", "people?id=10", 417)
    if answer is not None:
        problem = answer.problem()
        t.report.equal(set(problem), {"type", "title", "status", "code", "detail", "hint", "parameter", "position"},
                       f"[{t.kind}] members of a problem")
    one = t.ask("GET", "people?id=xx.1", 417)
    two = t.ask("GET", "people?name=yy.1", 417)
    if one is not None and two is not None:
        t.report.equal([one.problem().get(name) for name in ("type", "title")], [two.problem().get(name) for name in ("type", "title")],
                       f"[{t.kind}] type and title of one code")
    answer = t.ask("GET", "people?nosuch=eq.<script>", 400)
    if answer is not None:
        t.report.equal(answer.header("Content-Type"), "application/problem+json", f"[{t.kind}] Content-Type")
