"""What InnoDB does with rows that refer to each other, step by step, for which MariaDB 10.11's row0ins.cc and row0upd.cc are the source.

It looks at foreign keys row by row and index by index while the statement runs, never at its end: a row is deleted from the clustered index, then
from each other index in turn, and after each of them the foreign keys that point at that index are followed, in the order of their names. Until its turn
a row is still seen through an index although it is gone from the clustered one. So the order of rows can decide between success and refusal.
"""
from rules_common import Refused, World, part, sort_key

DEPTH_MAX = 15


class InnoDB(World):
    def __init__(self, schema, rows):
        super().__init__(rows)
        self.schema = schema
        self._deleting = {}  # (table, number): how many of its indexes it is gone from
        self._updating = {}  # (table, number): how many have its new cells, whether the next has neither, and the row as it was

    # The statement.

    def order(self, table, numbers):
        """By the clustered index."""
        clustered = self.schema.indexes(table)[0]
        return sorted(numbers, key=lambda number: (sort_key(self.rows[table][number], clustered), number))

    def delete(self, table, numbers):
        """Deletes the rows in this order; how many it found itself, those that went before as somebody's child left out."""
        affected = 0
        for number in numbers:
            if number in self.rows[table]:
                row = self.rows[table][number]
                self._delete(table, number, ((table, True),))
                affected += 1
                if "DELETE" in self.schema.tables[table].triggers:
                    self.trail(f"delete {table}", row["n"])
        return affected

    def update(self, table, numbers, changes):
        for number in numbers:
            row = self.rows[table][number]
            self._nulls(table, changes)
            self._update(table, number, changes, ((table, False),), None)
            if "UPDATE" in self.schema.tables[table].triggers:
                self.trail(f"update {table}", row["n"])

    def finish(self):
        """Nothing is left for the statement's end."""

    # One row.

    def _delete(self, table, number, chain):
        row = self.rows[table][number]
        for at, _ in enumerate(self.schema.indexes(table)):
            self._deleting[table, number] = at + 1
            for key in self._pointing(table, at):
                self._parent_changes(key, row, None, chain)
        del self.rows[table][number]
        del self._deleting[table, number]

    def _update(self, table, number, changes, chain, through):
        old = self.rows[table][number]
        new = {**old, **changes}
        if new == old:
            return
        indexes = self.schema.indexes(table)
        moves = any(old[name] != new[name] for name in indexes[0])
        self.rows[table][number] = new
        for at, columns in enumerate(indexes):
            self._updating[table, number] = (at, False, old)
            if not moves and not any(old[name] != new[name] for name in columns):
                continue
            # The old entry goes, the keys are looked at, the new entry comes.
            self._updating[table, number] = (at, True, old)
            for key in self._pointing(table, at):
                # The key that led here is not looked at again, not even where the row is its parent too: the row's own children are left behind then.
                if key is not through and any(old[name] != new[name] for name in key.parent_columns):
                    self._parent_changes(key, old, new, chain)
            for key in sorted(self.schema.tables[table].foreign, key=lambda key: key.name):
                if key is not through and self.schema.index_of(table, key.columns) == at:
                    self._needs_parent(key, new)
            self._is_unique(table, number, columns, new)
        del self._updating[table, number]

    def _pointing(self, table, at):
        return sorted((key for key in self.schema.referencing(table) if self.schema.index_of(table, key.parent_columns) == at), key=lambda key: key.name)

    def _seen(self, table, number, at):
        """The row as the index `at` still has it, or None."""
        gone_from = self._deleting.get((table, number), 0)
        if at < gone_from:
            return None
        done, is_between, old = self._updating.get((table, number), (len(self.schema.indexes(table)), False, None))
        if at == done and is_between:
            return None
        return self.rows[table][number] if at < done else old

    # From parent to child.

    def _parent_changes(self, key, old, new, chain):
        values = part(old, key.parent_columns)
        if values is None:
            return
        at = self.schema.index_of(key.child, key.columns)
        columns = self.schema.indexes(key.child)[at] + self.schema.indexes(key.child)[0]

        def refers(number):
            seen = self._seen(key.child, number, at) if number in self.rows[key.child] else None
            return seen is not None and part(seen, key.columns) == values

        found = [number for number in self.rows[key.child] if refers(number)]
        for number in sorted(found, key=lambda number: (sort_key(self._seen(key.child, number, at), columns), number)):
            if refers(number):
                self._child(key, number, new, chain)

    def _child(self, key, number, new, chain):
        is_delete = new is None
        action = key.action(is_delete)
        if action in ("RESTRICT", "NO ACTION"):
            raise Refused("referenced", key.name)
        is_deleted = is_delete and action == "CASCADE"
        if not is_deleted and (key.child, False) in chain:
            raise Refused("referenced", key.name)  # two updates of one table in one chain
        if len(chain) >= DEPTH_MAX:
            raise Refused("depth", key.name)
        if (key.child, number) in self._deleting:
            return
        if is_deleted:
            self._delete(key.child, number, chain + ((key.child, True),))
            return
        changes = {name: None if action == "SET NULL" else new[target] for name, target in zip(key.columns, key.parent_columns)}
        if any(value is None and not self.schema.tables[key.child].column(name).nullable for name, value in changes.items()):
            raise Refused("referenced", key.name)
        self._update(key.child, number, changes, chain + ((key.child, False),), key)

    # From child to parent.

    def _needs_parent(self, key, row):
        values = part(row, key.columns)
        if values is None:
            return
        at = self.schema.index_of(key.parent, key.parent_columns)
        for number in self.rows[key.parent]:
            seen = self._seen(key.parent, number, at)
            if seen is not None and part(seen, key.parent_columns) == values:
                return
        raise Refused("orphan", key.name)

    def _is_unique(self, table, number, columns, row):
        made = self.schema.tables[table]
        values = part(row, columns)
        if values is None or columns not in [made.primary, *made.uniques]:
            return
        for other, cells in self.rows[table].items():
            if other != number and (table, other) not in self._deleting and part(cells, columns) == values:
                raise Refused("duplicate")

    def _nulls(self, table, changes):
        if any(value is None and not self.schema.tables[table].column(name).nullable for name, value in changes.items()):
            raise Refused("null")
