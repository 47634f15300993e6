"""Random schemas with foreign keys of every action, and small random data that keeps them. The same schema is written for MariaDB and for
SQLite; where one of them does not have a thing (SET DEFAULT in InnoDB, deferred constraints), it gets the nearest that it has.
"""
import dataclasses

ACTIONS = ("RESTRICT", "NO ACTION", "CASCADE", "SET NULL", "SET DEFAULT")
TRAIL = "trail"  # where triggers write: keyless, and nothing refers to it
NUMBER, TEXT = "number", "text"


@dataclasses.dataclass
class Column:
    name: str
    kind: str
    nullable: bool = True
    default: object = None


@dataclasses.dataclass
class ForeignKey:
    name: str
    child: str
    columns: tuple
    parent: str
    parent_columns: tuple
    on_delete: str
    on_update: str
    is_deferred: bool = False

    def action(self, is_delete):
        return self.on_delete if is_delete else self.on_update


@dataclasses.dataclass
class Table:
    name: str
    columns: list
    primary: tuple = ()
    uniques: list = dataclasses.field(default_factory=list)
    foreign: list = dataclasses.field(default_factory=list)
    triggers: tuple = ()  # of DELETE, UPDATE: each writes one line to the trail, after each row
    without_rowid: bool = False

    def column(self, name):
        return next(column for column in self.columns if column.name == name)

    @property
    def names(self):
        return [column.name for column in self.columns]

    @property
    def rowid_column(self):
        """SQLite: the column that is the rowid itself."""
        is_alias = len(self.primary) == 1 and not self.without_rowid and self.column(self.primary[0]).kind == NUMBER
        return self.primary[0] if is_alias else None

    def is_nullable(self, columns):
        return any(self.column(name).nullable for name in columns)


class Schema:
    """`rows` is the data at the start: table to {row number: {column: value}}; the numbers are the order of insertion."""

    def __init__(self, tables):
        self.tables = {table.name: table for table in tables}
        self.rows = {table.name: {} for table in tables}
        self._indexes, self._referencing = {}, {}

    @property
    def foreign(self):
        return [key for table in self.tables.values() for key in table.foreign]

    def referencing(self, name):
        """The foreign keys that point at this table, in order of creation."""
        if name not in self._referencing:
            self._referencing[name] = [key for key in self.foreign if key.parent == name]
        return self._referencing[name]

    def fits(self, kind):
        """This schema as the database `kind` has it."""
        tables = [dataclasses.replace(table, foreign=[as_in(kind, key) for key in table.foreign],
                                      without_rowid=table.without_rowid and not is_misread_by_sqlite(table)) for table in self.tables.values()]
        copy = Schema(tables)
        copy.rows = {name: dict(rows) for name, rows in self.rows.items()}
        return copy

    def indexes(self, name):
        """InnoDB's, as it orders them: the clustered one first, an empty tuple where it is hidden."""
        if name not in self._indexes:
            table = self.tables[name]
            whole = [columns for columns in table.uniques if not table.is_nullable(columns)]
            rest = [columns for columns in table.uniques if table.is_nullable(columns)]
            first = [table.primary] if table.primary else [] if whole else [()]
            found = first + whole + rest
            for columns in needed_indexes(table):
                found.append(columns)
            self._indexes[name] = found
        return self._indexes[name]

    def index_of(self, name, columns):
        """The first index that begins with these columns: InnoDB's choice for a foreign key."""
        return next(at for at, index in enumerate(self.indexes(name)) if index[:len(columns)] == columns)


def needed_indexes(table):
    """Indexes of foreign keys that no key of the table serves already."""
    made = []
    for key in table.foreign:
        if not any(index[:len(key.columns)] == key.columns for index in [table.primary, *table.uniques, *made]):
            made.append(key.columns)
    return made


def is_misread_by_sqlite(table):
    """SQLite 3.40 looks for a row's children in its own table, WITHOUT ROWID, by another key than the primary one, and passes over those whose own
    cells of that key are NULL: it lets go a row that they refer to, without a word."""
    return any(key.parent == table.name and key.parent_columns != table.primary for key in table.foreign)


def as_in(kind, key):
    if kind == "sl":
        return key
    plain = {"SET DEFAULT": "NO ACTION"}
    return dataclasses.replace(key, on_delete=plain.get(key.on_delete, key.on_delete), on_update=plain.get(key.on_update, key.on_update),
                               is_deferred=False)


def ddl(schema, kind):
    """CREATE statements, in order; MariaDB wants foreign_key_checks off while they run."""
    quote = (lambda name: f"`{name}`") if kind == "ms" else (lambda name: f'"{name}"')
    several = lambda names: ", ".join(map(quote, names))  # noqa: E731
    made = []
    for table in schema.tables.values():
        lines = []
        for column in table.columns:
            sort = {"ms": "INT", "sl": "INTEGER"}[kind] if column.kind == NUMBER else "VARCHAR(20)"
            default = "" if column.default is None else f" DEFAULT {literal(column.default)}"
            lines.append(f"{quote(column.name)} {sort}{'' if column.nullable else ' NOT NULL'}{default}")
        if table.primary:
            lines.append(f"PRIMARY KEY ({several(table.primary)})")
        for at, columns in enumerate(table.uniques):
            lines.append(f"UNIQUE {'KEY ' + quote(f'{table.name}_u{at}') if kind == 'ms' else ''} ({several(columns)})")
        if kind == "ms":
            lines += [f"KEY {quote(f'{table.name}_k{at}')} ({several(columns)})" for at, columns in enumerate(needed_indexes(table))]
        for key in table.foreign:
            lines.append(f"CONSTRAINT {quote(key.name)} FOREIGN KEY ({several(key.columns)}) REFERENCES {quote(key.parent)} "
                         f"({several(key.parent_columns)}) ON DELETE {key.on_delete} ON UPDATE {key.on_update}"
                         + (" DEFERRABLE INITIALLY DEFERRED" if key.is_deferred else ""))
        tail = " ENGINE=InnoDB" if kind == "ms" else " WITHOUT ROWID" if table.without_rowid else ""
        made.append(f"CREATE TABLE {quote(table.name)} ({', '.join(lines)}){tail}")
    for table in schema.tables.values():
        for event in table.triggers:
            insert = f"INSERT INTO {quote(TRAIL)} VALUES ('{event.lower()} {table.name}', OLD.n)"
            body = insert if kind == "ms" else f"BEGIN {insert}; END"
            made.append(f"CREATE TRIGGER {quote(f'{table.name}_{event.lower()}')} AFTER {event} ON {quote(table.name)} FOR EACH ROW {body}")
    return made


def literal(value):
    return "NULL" if value is None else str(value) if isinstance(value, int) else f"'{value}'"


def inserts(schema, kind):
    quote = (lambda name: f"`{name}`") if kind == "ms" else (lambda name: f'"{name}"')
    made = []
    for name, rows in schema.rows.items():
        if rows:
            values = ", ".join("(" + ", ".join(literal(row[column]) for column in schema.tables[name].names) + ")" for row in rows.values())
            made.append(f"INSERT INTO {quote(name)} ({', '.join(map(quote, schema.tables[name].names))}) VALUES {values}")
    return made


class Maker:
    """Makes schemas from random numbers."""

    def __init__(self, numbers):
        self.numbers = numbers
        self._serial = 0

    def likely(self, share):
        return self.numbers.random() < share

    def make(self):
        while True:
            schema = self._tables()
            if self._fill(schema):
                return schema

    def _tables(self):
        self._names = self.numbers.sample(range(100, 1000), 60)
        count = self.numbers.choice((1, 2, 3, 3, 4, 4, 5, 6))
        tables = [self._table(f"t{at}") for at in range(count)]
        for at, table in enumerate(tables):
            for _ in range(self.numbers.choice((0, 1, 1, 2, 3)) if count > 1 else self.numbers.choice((1, 1, 2))):
                self._foreign(tables, at)
            if self.likely(0.15):
                table.triggers = self.numbers.choice((("DELETE",), ("UPDATE",), ("DELETE", "UPDATE")))
        # A column that refers and is referred to: what it is set to goes on from there.
        for at, table in enumerate(tables):
            for key in table.foreign:
                if self.likely(0.2) and tables.index(self._named(tables, key.parent)) < at and key.columns not in table.uniques + [table.primary]:
                    table.uniques.append(key.columns)
                    self._foreign(tables, self.numbers.randrange(at, count), target=(table, key.columns))
        tables.append(Table(TRAIL, [Column("line", TEXT), Column("n", NUMBER)]))
        return Schema(tables)

    @staticmethod
    def _named(tables, name):
        return next(table for table in tables if table.name == name)

    def _table(self, name):
        style = self.numbers.choice(("number", "number", "number", "text", "pair", "pair", "triple", "none"))
        keys = {"number": [("id", NUMBER)], "text": [("name", TEXT)], "pair": [("a", NUMBER), ("b", TEXT)],
                "triple": [("a", NUMBER), ("b", TEXT), ("c", NUMBER)], "none": []}[style]
        columns = [Column(key, kind, False) for key, kind in keys]
        columns += [Column("n", NUMBER), Column("note", TEXT), Column("sort", TEXT, False, "x")]
        table = Table(name, columns, tuple(key for key, _ in keys))
        if self.likely(0.35):
            table.columns.append(Column("code", NUMBER, self.likely(0.5)))
            table.uniques.append(("code",))
        if self.likely(0.15):
            table.columns += [Column("u", NUMBER, self.likely(0.5)), Column("v", TEXT, self.likely(0.5))]
            table.uniques.append(("u", "v"))
        table.without_rowid = bool(table.primary) and self.likely(0.15)
        return table

    def _foreign(self, tables, at, target=None):
        child = tables[at]
        if target is None:
            # Mostly earlier tables; itself, and later ones for cycles, now and then.
            parent = child if self.likely(0.25) else tables[self.numbers.randrange(at)] if at and self.likely(0.8) else self.numbers.choice(tables)
            targets = [columns for columns in [parent.primary, *parent.uniques] if columns]
            if not targets:
                return
            target = (parent, targets[0] if self.likely(0.7) else self.numbers.choice(targets))
        parent, parent_columns = target
        is_earlier = tables.index(parent) < at
        on_delete = self.numbers.choices(ACTIONS, (3, 3, 8, 5, 1))[0]
        on_update = self.numbers.choices(ACTIONS, (2, 4, 6, 3, 1))[0]
        kinds = [parent.column(name).kind for name in parent_columns]
        # MariaDB refuses ON UPDATE CASCADE from a nullable column to one that is not.
        sets_null = "SET NULL" in (on_delete, on_update) or on_update == "CASCADE" and parent.is_nullable(parent_columns)
        default = "SET DEFAULT" in (on_delete, on_update)
        columns = self._own_columns(child, kinds, is_earlier, sets_null, default)
        name = f"fk_{self._names.pop()}"
        child.foreign.append(ForeignKey(name, child.name, columns, parent.name, parent_columns, on_delete, on_update, self.likely(0.08)))

    def _own_columns(self, child, kinds, is_earlier, sets_null, sets_default):
        """New columns, or some of the key's, or one that another foreign key has already."""
        own = [child.column(name).kind for name in child.primary[:len(kinds)]]
        is_free = not any(set(child.primary) & set(key.columns) for key in child.foreign)
        if is_earlier and is_free and own == kinds and not sets_null and not sets_default and self.likely(0.15):
            return child.primary[:len(kinds)]
        columns = []
        nullable = sets_null or self.likely(0.6)
        for kind in kinds:
            shared = [name for key in child.foreign for name in key.columns
                      if child.column(name).kind == kind and name not in columns and name not in child.primary and child.column(name).nullable]
            if shared and self.likely(0.06):
                columns.append(self.numbers.choice(shared))
                continue
            self._serial += 1
            default = None
            if sets_default and self.likely(0.7):
                default = 1 if kind == NUMBER else "k1"
            child.columns.append(Column(f"f{self._serial}", kind, nullable, default))
            columns.append(f"f{self._serial}")
        return tuple(columns)

    # Data.

    def _fill(self, schema):
        tables = [table for table in schema.tables.values() if table.name != TRAIL]
        order = {table.name: at for at, table in enumerate(tables)}
        chain = self.likely(0.12)
        for table in tables:
            rows = {}
            for number in range(self.numbers.choice((12, 18, 24)) if chain else self.numbers.randint(1, 9)):
                row = self._row(schema, table, number, [key for key in table.foreign if order[key.parent] < order[table.name]])
                if row is not None and not any(clashes(row, other, table) for other in rows.values()):
                    rows[number] = row
            schema.rows[table.name] = rows
        for table in tables:
            later = [key for key in table.foreign if order[key.parent] >= order[table.name]]
            before = None
            for number, row in list(schema.rows[table.name].items()):
                for key in later:
                    follow = before if chain and key.parent == table.name and self.likely(0.95) else None
                    if not self._refer(schema, row, key, follow):
                        return False
                before = row
        for table in tables:
            rows = list(schema.rows[table.name].values())
            if not rows or any(clashes(row, other, table) for at, row in enumerate(rows) for other in rows[:at]):
                return False
        return all(holds(schema, schema.rows, key) for key in schema.foreign)

    def _row(self, schema, table, number, earlier):
        row = {}
        for column in table.columns:
            if column.name in ("id", "name", "code"):
                value = number + 1 if column.kind == NUMBER else f"k{number + 1}"
                value = None if column.name == "code" and column.nullable and self.likely(0.2) else value
            elif column.kind == NUMBER:
                value = self.numbers.randint(1, 4)
            else:
                value = self.numbers.choice("xyz") if column.name in ("note", "sort") else f"k{self.numbers.randint(1, 3)}"
            if column.nullable and column.name in ("n", "note", "u", "v") and self.likely(0.2):
                value = None
            row[column.name] = value
        for key in table.foreign:
            for name in key.columns:
                if table.column(name).nullable:
                    row[name] = None
        for key in earlier:
            if not self._refer(schema, row, key, None):
                return None
        return row

    def _refer(self, schema, row, key, follow):
        """Makes the row refer to one of the parent's, or to none. What another foreign key has set stays."""
        child = schema.tables[key.child]
        fixed = {name for other in child.foreign if other is not key for name in other.columns if name in key.columns and row[name] is not None}
        nullable = [name for name in key.columns if child.column(name).nullable and name not in fixed]
        candidates = [other for other in ([follow] if follow else schema.rows[key.parent].values())
                      if all(other[target] is not None for target in key.parent_columns)
                      and all(row[name] == other[target] for name, target in zip(key.columns, key.parent_columns) if name in fixed)]
        if candidates and not (nullable and self.likely(0.2) and not follow):
            chosen = self.numbers.choice(candidates)
            row.update({name: chosen[target] for name, target in zip(key.columns, key.parent_columns)})
            return True
        if nullable:
            row[nullable[0]] = None
            return True
        return False


def clashes(row, other, table):
    return any(columns and all(row[name] is not None and row[name] == other[name] for name in columns)
               for columns in [table.primary, *table.uniques])


def holds(schema, rows, key):
    """Whether every row refers to a row that is there."""
    there = {tuple(row[name] for name in key.parent_columns) for row in rows[key.parent].values()}
    for row in rows[key.child].values():
        values = tuple(row[name] for name in key.columns)
        if None not in values and values not in there:
            return False
    return True
