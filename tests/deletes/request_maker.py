"""Random requests of the suite `deletes` about one schema: most are good and mean a few rows, some carry one deliberate mistake, some a limit that the
set or its cascades pass. Only the filters' oracle operators on numbers and short text are used: the filter language has suites of its own.
"""
from delete_oracle import Policy
from request import Request
from schema_maker import NUMBER, TRAIL


class RequestMaker:
    def __init__(self, numbers, kind, database, schema, policies):
        self.numbers, self.kind, self.database, self.schema, self.policies = numbers, kind, database, schema, policies

    def likely(self, share):
        return self.numbers.random() < share

    def pick(self, *choices):
        return self.numbers.choice(choices)

    def make(self):
        names = [name for name in self.schema.tables if name != TRAIL]
        pointed = [name for name in names if self.schema.referencing(name)]
        request = Request(self.kind, self.database, self.numbers.choice(pointed if pointed and self.likely(0.75) else names),
                          self.pick("DELETE", "DELETE", "DELETE", "PATCH", "PUT"))
        self._which(request)
        if not request.is_delete:
            request.changes = self._changes(request)
        self._terms(request)
        if self.likely(0.12):
            self._mistake(request)
        return request

    # Which rows.

    def _which(self, request):
        table = self.schema.tables[request.table]
        ways = ["filter", "filter", "filter", "key", "key", "ids", "page"] if table.primary else ["filter"]
        way = self.numbers.choice(ways)
        if way == "key":
            request.key = self._key(request.table)
            if self.likely(0.15):
                request.conditions = self._conditions(request.table)
        elif way == "ids":
            self._ids(request)
        else:
            request.conditions = self._conditions(request.table)
            if way == "page":
                self._page(request, table)
            elif request.is_delete and self.likely(0.15):
                request.ids_in = "bulk"  # the filter goes in the body

    def _row(self, table):
        return self.numbers.choice(list(self.schema.rows[table].values()))

    def _key(self, table):
        """Mostly one that is there."""
        primary = self.schema.tables[table].primary
        row = self._row(table)
        if self.likely(0.1):
            return tuple(99 if self.schema.tables[table].column(name).kind == NUMBER else "k99" for name in primary)
        if len(primary) > 1 and self.likely(0.1):  # half of one row's and half of another's
            other = self._row(table)
            return tuple((row if at else other)[name] for at, name in enumerate(primary))
        return tuple(row[name] for name in primary)

    def _ids(self, request):
        is_single = len(self.schema.tables[request.table].primary) == 1
        request.ids = [self._key(request.table) for _ in range(self.pick(1, 2, 3, 5))]
        if self.likely(0.2):
            request.ids.append(request.ids[0])
        places = ["query"] if is_single else []
        if request.is_delete:
            places += ["body", "bulk"]
        if not places:
            request.ids, request.conditions = None, self._conditions(request.table)
            return
        request.ids_in = self.numbers.choice(places)
        if self.likely(0.2):
            request.conditions = self._conditions(request.table)

    def _page(self, request, table):
        unique = self.numbers.choice([table.primary] + [columns for columns in table.uniques if not table.is_nullable(columns)])
        request.order = [(name, self.likely(0.4)) for name in unique]
        if self.likely(0.3):
            request.order = [(self.pick("n", "note", "sort"), self.likely(0.5))] + request.order
        request.limit = self.pick(1, 1, 2, 3, 5)

    def _conditions(self, table):
        row, other = self._row(table), self._row(table)
        made = []
        for column in self.numbers.sample(self.schema.tables[table].columns, self.pick(1, 1, 2)):
            value = row[column.name]
            if value is None:
                made.append((column.name, "is.null", []))
                continue
            operator = self.pick("eq", "eq", "eq", "in", "gt", "le", "ne", "bw", "rli", "not.is.null")
            if operator == "rli" and column.kind == NUMBER:
                operator = "eq"
            if operator == "not.is.null" and not column.nullable:
                operator = "in"
            values = [value]
            if operator in ("in", "bw"):
                values.append(value if other[column.name] is None else other[column.name])
                values = sorted(set(values)) if operator == "in" else sorted(values)
            made.append((column.name, operator, [] if operator == "not.is.null" else values))
        if self.likely(0.3):
            # What most likely names few rows: a key of the table beside it.
            primary = self.schema.tables[table].primary
            made += [(primary[0], "le", [row[primary[0]]])] if primary else []
        return made

    # What is to become of them.

    def _changes(self, request):
        table = self.schema.tables[request.table]
        pointed = {name for key in self.schema.referencing(request.table) for name in key.parent_columns}
        referring = {name for key in table.foreign for name in key.columns}
        names = [self.pick("n", "note", "sort")]
        if self.likely(0.4) and pointed | referring:
            names = [self.numbers.choice(sorted(pointed | referring))]
        if self.likely(0.2):
            names = sorted({*names, "n"})
        changes = {}
        for name in names:
            if request.key is not None and name in table.primary:
                continue  # it must agree with the address: a mistake of its own, below
            column = table.column(name)
            if column.nullable and self.likely(0.15):
                changes[name] = None
            elif name in referring and self.likely(0.7):
                key = next(key for key in table.foreign if name in key.columns)
                changes[name] = self._row(key.parent)[key.parent_columns[key.columns.index(name)]]
                if changes[name] is None and not column.nullable:
                    changes[name] = 1 if column.kind == NUMBER else "k1"
            else:
                changes[name] = self.pick(1, 2, 3, 30, 31) if column.kind == NUMBER else self.pick("k1", "k2", "k30", "x", "y")
        return changes or {"n": 7}

    def _terms(self, request):
        policy = self.policies.get(request.table, Policy())
        if self.likely(0.2):
            request.max_affected = self.pick(0, 1, 2, 3, 5, 10, 50, 50)
        request.returns = self.numbers.choices((None, "representation", "minimal"), (6, 4, 1))[0]
        if request.returns == "representation" and self.likely(0.4):
            names = self.schema.tables[request.table].names
            request.select = self.numbers.sample(names, self.numbers.randint(1, len(names)))
        request.no_content = request.returns is None and self.likely(0.05)
        if request.is_delete:
            request.confirm = policy.needs_confirm and not self.likely(0.15)
            request.remove_all = policy.is_one and self.likely(0.5) or self.likely(0.03)
        if self.likely(0.15):
            request.preview = self.pick("query", "query", "prefer")
            request.returns, request.select, request.no_content = None, None, False
            policy_cap = policy.cap is not None or policy.cascade_cap is not None
            request.max_affected = None if policy_cap else request.max_affected

    def _mistake(self, request):
        """One mistake; everything before it in the order of refusals is in order."""
        table = self.schema.tables[request.table]
        request.confirm = request.is_delete and self.policies.get(request.table, Policy()).needs_confirm
        kinds = ["no filter", "column", "limit alone", "offset", "preference", "preview"]
        if table.primary:
            kinds += ["key too long", "ids twice"]
        if len(table.primary) > 1:
            kinds += ["half a key"]
        if request.changes and request.key is not None:
            kinds += ["another key"] * 2
        kind = self.numbers.choice(kinds)
        if kind == "no filter":
            request.key, request.ids, request.conditions, request.ids_in, request.flaw = None, None, [], "query", 406
            request.limit, request.order = None, None
        elif kind == "column":
            request.flawed_query, request.flaw = "nosuch=eq.1", 400
        elif kind == "limit alone":
            request.order, request.limit, request.flaw = None, 2, 400
            if request.key is not None:
                request.key, request.conditions = None, [("n", "not.is.null", [])]
        elif kind == "offset":
            request.flawed_query, request.flaw = "offset=1", 501
        elif kind == "preference":
            request.max_affected, request.flaw = self.pick("-1", "x", "1.5"), 400
        elif kind == "preview":
            request.flawed_query, request.flaw = "_preview=perhaps", 400
        elif kind in ("half a key", "key too long"):
            key = self._key(request.table)
            request.ids, request.ids_in = None, "query"
            request.order, request.limit = None, None
            request.key, request.flaw = (key[:-1] if kind == "half a key" else key + ("x",)), 400
            if len(table.primary) == 1 and table.column(table.primary[0]).kind != NUMBER:
                request.flaw = None  # one text column takes the whole segment: a key that nobody has
                request.key = ("k1,x",)
                request.changes = request.changes and ({name: value for name, value in request.changes.items() if name not in table.primary} or {"n": 7})
        elif kind == "ids twice":
            request.flawed_query, request.flaw = "ids=1&ids=2", 400
        else:
            # The key's column in the body, with another value.
            name = table.primary[0]
            request.changes = {name: 98 if table.column(name).kind == NUMBER else "k98"}
            request.flaw = 422


def random_policies(numbers, schema):
    """Of some tables, mild enough that most requests pass."""
    made = {}
    for name in schema.tables:
        if name != TRAIL and numbers.random() < 0.3:
            made[name] = Policy(cap=numbers.choice((None, None, 2, 4)), cascade_cap=numbers.choice((None, None, 1, 3)),
                                is_one=numbers.random() < 0.25, needs_confirm=numbers.random() < 0.25, missing_ok=numbers.random() < 0.3)
    return made
