"""What the grants of a caller allow, said once more: an oracle that filters the whole table itself. It shares no code with the gateway."""

COLUMNS = ["id", "owner", "kind", "n", "secret", "note"]
NUMBERS = {"id", "n"}


def matches(row, condition):
    """`condition` is (column, operator, values); NULL matches no comparison."""
    column, operator, values = condition
    cell = row[column]
    if operator == "is.null":
        return cell is None
    if cell is None:
        return False
    if operator == "in":
        return cell in values
    if operator == "rli":
        return cell.startswith(values[0])
    if operator == "bw":
        return values[0] <= cell <= values[1]
    return {"eq": cell == values[0], "ne": cell != values[0], "gt": cell > values[0], "le": cell <= values[0]}[operator]


class Grant:
    def __init__(self, verbs, read=None, write=None, filter=None, row_filter=(), values=None):
        self.verbs = verbs
        self.read_list, self.write_list, self.filter_list = read, write, filter
        self.row_filter = list(row_filter)
        self.values = values or {}

    @property
    def read(self):
        return set(COLUMNS if self.read_list is None else self.read_list)

    @property
    def write(self):
        return set(COLUMNS if self.write_list is None else self.write_list)

    @property
    def filter(self):
        return self.read if self.filter_list is None else set(self.filter_list)

    def shows(self, row, user):
        return all(matches(row, (column, operator, [user if value == "$user_id" else value for value in values]))
                   for column, operator, values in self.row_filter)

    def forced(self, user):
        return {column: user if value == "$user_id" else value for column, value in self.values.items()}


class Both:
    """A grant of the roles and one of the key's, as one: it lets through what each of them does."""

    def __init__(self, of_role, of_key):
        self.grants = (of_role, of_key)
        self.verbs = [verb for verb in of_role.verbs if verb in of_key.verbs]
        self.read, self.write, self.filter = of_role.read & of_key.read, of_role.write & of_key.write, of_role.filter & of_key.filter
        # Only whether there is a list, a filter or a value at all is asked of these.
        self.read_list, self.write_list, self.filter_list = (
            [name] if any(getattr(grant, name) is not None for grant in self.grants) else None for name in ("read_list", "write_list", "filter_list"))
        self.row_filter = of_role.row_filter + of_key.row_filter
        self.values = {**of_role.values, **of_key.values}

    def shows(self, row, user):
        return all(grant.shows(row, user) for grant in self.grants)

    def forced(self, user):
        return {column: value for grant in self.grants for column, value in grant.forced(user).items()}

    def clashes(self, user):
        """The key would write what the role does not let be written, or another value than the role's."""
        of_role, of_key = self.grants
        forced = of_role.forced(user)
        return any(forced[column] != value if column in forced else column not in of_role.write for column, value in of_key.forced(user).items())


class Expected:
    """`rows` are what a read gives; `table` is what the table holds afterwards, `affected` how many rows a write says."""

    def __init__(self, status, rows=None, table=None, affected=None):
        self.status, self.rows, self.table, self.affected = status, rows, table, affected


class Oracle:
    def __init__(self, grants, user):
        self.user = user
        self.grants = grants
        reading = [grant for grant in grants if "GET" in grant.verbs]
        self.in_select = set().union(*(grant.read for grant in reading))
        self.in_filter = self.in_select.union(*(grant.filter for grant in grants if set(grant.verbs) - {"POST"}))
        self.in_body = self.in_select.union(*(grant.write for grant in grants if set(grant.verbs) & {"POST", "PUT", "PATCH"}))

    def shown(self, grants, row):
        return any(grant.shows(row, self.user) for grant in grants)

    def answer(self, verb, table, select=None, where=(), order=(), body=None):
        """`table` is a list of rows; a row that is inserted has no id yet when the database is to make it."""
        allowed = [grant for grant in self.grants if verb in grant.verbs]
        if not self.grants:
            return Expected(404)
        if not allowed:
            return Expected(403)
        used = {column for column, _, _ in where} | set(order)
        if used - self.in_filter or set(select or ()) - self.in_select:
            return Expected(400)
        allowed_all = any(not (grant.read_list or grant.write_list or grant.filter_list or grant.row_filter or grant.values) for grant in allowed)
        if verb == "GET":
            return self._read([grant for grant in allowed if used <= grant.filter], table, select, where)
        if body is not None:
            rows = body if isinstance(body, list) else [body]
            if any(set(row) - (set(COLUMNS) if allowed_all else self.in_body) for row in rows):
                return Expected(422)
        if verb == "DELETE":
            grants = [grant for grant in allowed if used <= grant.filter]
            if not grants:
                return Expected(403)
            gone = [row for row in table if all(matches(row, one) for one in where) and self.shown(grants, row)]
            return Expected(200, table=[row for row in table if row not in gone], affected=len(gone))
        return self._write([grant for grant in allowed if used <= grant.filter or verb == "POST"], verb, table, where, body)

    def _read(self, grants, table, select, where):
        if select is None:
            # All rows that the grants show; the columns that go with every one of them.
            whole = [grant for grant in grants if not grant.row_filter]
            if whole:
                select = max((grant.read for grant in whole), key=len)
            else:
                select = set(COLUMNS).intersection(*(grant.read for grant in grants)) if grants else set()
            select = [column for column in COLUMNS if column in select]
        grants = [grant for grant in grants if set(select) <= grant.read]
        if not grants or not select:
            return Expected(403)
        rows = [row for row in table if all(matches(row, one) for one in where) and self.shown(grants, row)]
        return Expected(200, rows=[{column: row[column] for column in select} for row in rows])

    def _write(self, grants, verb, table, where, body):
        rows = body if isinstance(body, list) else [body]
        named = set().union(*rows)
        grants = [grant for grant in grants if named <= grant.write | set(grant.values)]
        if not grants:
            return Expected(403)
        grants = [grant for grant in grants
                  if all(row[column] == value for row in rows for column, value in grant.forced(self.user).items() if column in row)]
        if not grants:
            return Expected(403)
        # The grants must add the same values to what the body says, or nothing.
        adds = [{column: value for column, value in grant.forced(self.user).items() if any(column not in row for row in rows)} for grant in grants]
        if any(one != adds[0] for one in adds):
            grants = [grant for grant, one in zip(grants, adds) if not one]
            adds = [{}]
            if not grants:
                return Expected(403)
        if verb == "POST":
            known = {row["id"] for row in table}
            new = []
            for row in rows:
                made = {"owner": None, "kind": "a", "n": None, "secret": None, "note": None, "id": None, **adds[0], **row}
                if made["id"] is not None and made["id"] in known:
                    return Expected(409)
                known.add(made["id"])
                new.append(made)
            # A row filter on an id that the database has yet to make is not asked of the oracle.
            if not all(self.shown(grants, row) for row in new):
                return Expected(403)
            return Expected(201, table=table + new, affected=len(new))
        touched = [row for row in table if all(matches(row, one) for one in where) and self.shown(grants, row)]
        changed = [{**row, **adds[0], **body} for row in touched]
        if not all(self.shown(grants, row) for row in changed):
            return Expected(403)
        left = [row for row in table if row not in touched]
        return Expected(200, table=left + changed, affected=len(changed))
