"""What the two databases' rules share: a copy of the data that a statement is tried out on, and how it can fail."""
from schema_maker import TRAIL


class Refused(Exception):
    """The database would not do it. `reason`: referenced, orphan, duplicate, depth or null; `constraint` is the foreign key's name where there is one."""

    def __init__(self, reason, constraint=None):
        super().__init__(f"{reason} {constraint}")
        self.reason, self.constraint = reason, constraint


class World:
    """Rows by table and number. A row is never changed in place, so that a copy is cheap."""

    def __init__(self, rows):
        self.rows = {table: dict(some) for table, some in rows.items()}

    def trail(self, line, n):
        self.rows[TRAIL][len(self.rows[TRAIL])] = {"line": line, "n": n}

    def content(self):
        """Every table's rows as a sorted list: what two databases are compared by."""
        return {table: sorted((tuple(row.values()) for row in rows.values()), key=repr) for table, rows in self.rows.items()}


def part(row, columns, whole=True):
    """The cells of these columns; None where one is NULL and `whole`: it refers to nothing then."""
    values = tuple(row[name] for name in columns)
    return None if whole and None in values else values


def sort_key(row, columns):
    """NULL first, as both databases order."""
    return tuple((row[name] is not None, row[name]) for name in columns)
