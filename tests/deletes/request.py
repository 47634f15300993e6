"""One request of the suite `deletes` as data: what it asks for, its spelling in HTTP, and as a line of curl to repeat it by hand."""
import dataclasses
import json
import shlex

from lib.gateway import encode, table_path


@dataclasses.dataclass
class Request:
    kind: str  # ms or sl
    database: str
    table: str
    verb: str = "DELETE"
    key: tuple = None
    conditions: list = dataclasses.field(default_factory=list)  # (column, operator, values), as grant_oracle reads them
    ids: list = None  # tuples, one cell a key column
    ids_in: str = "query"  # query, body (of a DELETE) or bulk (POST …/bulk-delete, without ids: the filter goes in its body)
    order: list = None  # (column, is_descending)
    limit: int = None
    select: list = None
    max_affected: int = None
    returns: str = None  # representation, minimal, headers-only
    no_content: bool = False
    preview: str = None  # query or prefer
    confirm: bool = False
    remove_all: bool = False
    token: str = None
    changes: dict = None
    flaw: int = None  # the status that a deliberate mistake must get
    flawed_query: str = ""

    @property
    def is_delete(self):
        return self.verb == "DELETE"

    @property
    def is_filtered(self):
        return self.key is not None or self.ids is not None or bool(self.conditions)

    def method(self):
        return "POST" if self.ids_in == "bulk" else self.verb

    def filter_text(self):
        return "&".join(f"{encode(column)}={operator}" + ("" if operator.endswith("null") else "." + spelled(operator, values))
                        for column, operator, values in self.conditions)

    def target(self):
        path = table_path(self.kind, self.table, self.database)
        parts = []
        if self.key is not None:
            path += "/" + ",".join(encode(str(cell)) for cell in self.key)
        if self.ids_in == "bulk":
            path += "/bulk-delete"
        if self.ids_in != "bulk" or self.ids is not None:
            parts.append(self.filter_text())
        if self.ids is not None and self.ids_in == "query":
            parts.append("ids=" + ",".join(encode(str(cell)) for (cell,) in self.ids))
        if self.order is not None:
            parts.append("order=" + ",".join(column + (".desc" if is_descending else "") for column, is_descending in self.order))
        if self.limit is not None:
            parts.append(f"limit={self.limit}")
        if self.select is not None:
            parts.append("select=" + ",".join(self.select))
        parts += ["_no-content=true"] * self.no_content + ["_preview=true"] * (self.preview == "query") + ["confirm=true"] * self.confirm
        parts.append(self.flawed_query)
        query = "&".join(part for part in parts if part)
        return path + ("?" + query if query else "")

    def preferences(self):
        wanted = []
        if self.max_affected is not None:
            wanted.append(f"max-affected={self.max_affected}")
        if self.returns is not None:
            wanted.append(f"return={self.returns}")
        if self.preview == "prefer":
            wanted.append("tx=rollback")
        return wanted

    def headers(self):
        made = [("Prefer", ", ".join(self.preferences()))] if self.preferences() else []
        if self.remove_all:
            made.append(("X-Conditional-Delete", "remove-all"))
        if self.token is not None:
            made.append(("X-Delete-Token", self.token))
        return made

    def body(self):
        if self.changes is not None:
            return self.changes
        if self.ids_in == "bulk" and self.ids is None:
            return {"filter": self.filter_text()}
        if self.ids is not None and self.ids_in != "query":
            return {"ids": [list(one) if len(one) > 1 else one[0] for one in self.ids]}
        return None

    def send(self, client):
        return client.request(self.method(), self.target(), self.body(), self.headers())

    def curl(self, client):
        words = ["curl", "-i", "-X", self.method()]
        for name, value in [*client.identity, *self.headers()]:
            words += ["-H", f"{name}: {value}"]
        if self.body() is not None:
            words += ["-H", "Content-Type: application/json", "-d", json.dumps(self.body())]
        return " ".join(shlex.quote(word) for word in words + [f"http://{client.host}:{client.port}{self.target()}"])


def spelled(operator, values):
    return (".".join if operator == "bw" else ",".join)(encode(str(value)) for value in values)
