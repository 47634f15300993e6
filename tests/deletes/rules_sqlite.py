"""What SQLite does with rows that refer to each other (fkey.c, delete.c, update.c of 3.40): after each row its foreign keys' actions run as triggers do,
the newest key first; RESTRICT looks at that moment, all else at the statement's end, a deferred key at COMMIT.
"""
from rules_common import Refused, World, part, sort_key
from schema_maker import holds


class SQLite(World):
    def __init__(self, schema, rows):
        super().__init__(rows)
        self.schema = schema

    # The statement.

    def order(self, table, numbers):
        """By rowid, or by the key of a table without one."""
        made = self.schema.tables[table]
        columns = made.primary if made.without_rowid else (made.rowid_column,) if made.rowid_column else ()
        return sorted(numbers, key=lambda number: (sort_key(self.rows[table][number], columns), number))

    def delete(self, table, numbers):
        affected = 0
        for number in numbers:
            if number in self.rows[table]:
                self._delete(table, number)
                affected += 1
        return affected

    def update(self, table, numbers, changes):
        for number in numbers:
            if number in self.rows[table]:
                self._update(table, number, changes)

    def finish(self):
        """The statement's end, and then COMMIT."""
        for key in sorted(self.schema.foreign, key=lambda key: key.is_deferred):
            if not holds(self.schema, self.rows, key):
                raise Refused("referenced", key.name)

    # One row.

    def _delete(self, table, number):
        row = self.rows[table].pop(number)
        for key in reversed(self.schema.referencing(table)):
            self._follow(key, row, None)
        if "DELETE" in self.schema.tables[table].triggers:
            self.trail(f"delete {table}", row["n"])

    def _update(self, table, number, changes):
        made = self.schema.tables[table]
        old = self.rows[table][number]
        new = {**old, **changes}
        if any(new[name] is None and not made.column(name).nullable for name in changes):
            raise Refused("null")
        for columns in [made.primary, *made.uniques]:
            values = part(new, columns) if columns else None
            if values is not None and any(other != number and part(cells, columns) == values for other, cells in self.rows[table].items()):
                raise Refused("duplicate")
        self.rows[table][number] = new
        for key in reversed(self.schema.referencing(table)):
            if any(old[name] != new[name] for name in key.parent_columns):
                self._follow(key, old, new)
        if "UPDATE" in made.triggers:
            self.trail(f"update {table}", old["n"])

    def _follow(self, key, old, new):
        values = part(old, key.parent_columns)
        action = key.action(new is None)
        if values is None or action == "NO ACTION":
            return
        found = self.order(key.child, [number for number, row in self.rows[key.child].items() if part(row, key.columns) == values])
        if found and action == "RESTRICT":
            raise Refused("referenced", key.name)
        child = self.schema.tables[key.child]
        for number in found:
            if number not in self.rows[key.child]:
                continue
            if action == "CASCADE" and new is None:
                self._delete(key.child, number)
            elif action == "CASCADE":
                self._update(key.child, number, {name: new[target] for name, target in zip(key.columns, key.parent_columns)})
            else:
                to_default = action == "SET DEFAULT"
                self._update(key.child, number, {name: child.column(name).default if to_default else None for name in key.columns})
