"""What section 6 of the contract says that a request does, worked out on a copy of the data. It shares no code with the gateway; what the database itself
decides (which row a foreign key lets go) comes from rules_mariadb.py and rules_sqlite.py, which `selfcheck.py` holds against the databases.

Where the outcome hangs on the order in which the database takes the rows of one statement, or on foreign keys that share a column, it allows each
outcome that some order has.
"""
import contextlib
import dataclasses
import itertools
import sqlite3

from grant_oracle import matches
from rules_common import Refused, part, sort_key
from rules_mariadb import DEPTH_MAX, InnoDB
from rules_sqlite import SQLite
from schema_maker import ddl, inserts

RULES = {"ms": InnoDB, "sl": SQLite}
SHUFFLES = 12
ALL_ORDERS_MAX = 5  # rows


@dataclasses.dataclass
class Policy:
    """Of one table. `cap` counts the set and what its foreign keys reach; `cascade_cap` only the latter."""
    cap: int = None
    cascade_cap: int = None
    is_one: bool = False  # conditional_delete = "one"
    needs_confirm: bool = False
    missing_ok: bool = False


@dataclasses.dataclass
class Expected:
    """`statuses` may be several (see above). `worlds`: what the tables may hold after success; None: as before."""
    statuses: set
    count: int = None
    worlds: list = None
    representation: list = None  # one list of rows for each of `worlds`
    preview: object = None  # Reach
    keys: set = None  # those of the set
    constraints: set = None  # any of these may be named in a 409
    in_way: dict = None  # constraint: (child table, range of rows), where the gateway can count them
    why: str = ""
    reasons: set = frozenset()  # of the database's refusals


class Reach:
    """The foreign keys from a set of rows on, without any order: which rows go, which change, which are in the way. `is_loose`: a row may be set to NULL,
    and others for it, before it goes by another key."""

    def __init__(self, schema, rows, table, numbers, changes=None, is_loose=False):
        self.schema, self.rows, self.is_loose = schema, rows, is_loose
        self.root = {(table, number) for number in numbers}
        self.deleted = set(self.root) if changes is None else set()
        self.changed = {}  # (table, number): names of its columns that change
        self.by_key = {}  # (name of the foreign key, whether by ON DELETE): (key, action, rows)
        self.in_way = {}
        if changes is None:
            self._delete()
        else:
            for number in numbers:
                self._change((table, number), {name for name, value in changes.items() if rows[table][number][name] != value})
            self._update([place for place in self.root if place in self.changed])
        self.in_way = {name: (key, places - self.deleted) for name, (key, places) in self.in_way.items() if places - self.deleted}
        self.followed = {name for name, _ in self.by_key}  # also those that lead only to rows of the set itself
        reached = {}
        for (name, is_delete), (key, action, places) in self.by_key.items():
            left = places - self.root if action == "CASCADE" and is_delete else places - self.deleted - self.root
            if left:
                reached[name, is_delete] = (key, action, left)
        self.by_key = reached

    def places(self):
        """Every row but the set's own that a foreign key would touch."""
        return set().union(*(places for _, _, places in self.by_key.values()))

    def _children(self, key, place):
        values = part(self.rows[key.parent][place[1]], key.parent_columns)
        if values is None:
            return set()
        return {(key.child, number) for number, row in self.rows[key.child].items() if part(row, key.columns) == values}

    def _note(self, key, is_delete, found):
        self.by_key.setdefault((key.name, is_delete), (key, key.action(is_delete), set()))[2].update(found)

    def _change(self, place, names):
        """Whether that is news."""
        before = self.changed.get(place, set())
        self.changed[place] = before | names
        return bool(names - before)

    def _delete(self):
        waiting, nulled = list(self.root), []
        while waiting:
            place = waiting.pop()
            for key in self.schema.referencing(place[0]):
                found = self._children(key, place)
                if key.on_delete in ("RESTRICT", "NO ACTION"):
                    self.in_way.setdefault(key.name, (key, set()))[1].update(found)
                    continue
                self._note(key, True, found)
                if key.on_delete == "CASCADE":
                    waiting += found - self.deleted
                    self.deleted |= found
                else:
                    nulled += [(one, set(key.columns)) for one in found]
        self._update([place for place, names in nulled if (self.is_loose or place not in self.deleted) and self._change(place, names)])

    def _update(self, waiting):
        while waiting:
            place = waiting.pop()
            for key in self.schema.referencing(place[0]):
                if not self.changed[place] & set(key.parent_columns):
                    continue
                found = self._children(key, place)
                if key.on_update in ("RESTRICT", "NO ACTION"):
                    self.in_way.setdefault(key.name, (key, set()))[1].update(found)
                    continue
                self._note(key, False, found)
                waiting += [one for one in found if self._change(one, set(key.columns))]


def is_match(row, condition):
    return row[condition[0]] is not None if condition[1] == "not.is.null" else matches(row, condition)


class Oracle:
    """For one schema, as one database has it."""

    def __init__(self, kind, schema, policies, rows_max, numbers):
        self.kind, self.schema, self.policies, self.rows_max, self.numbers = kind, schema, policies, rows_max, numbers

    def chosen(self, request):
        """The numbers of the rows that the request means."""
        rows = self.schema.rows[request.table]
        primary = self.schema.tables[request.table].primary
        found = [number for number, row in rows.items() if all(is_match(row, one) for one in request.conditions)]
        if request.key is not None:
            found = [number for number in found if part(rows[number], primary) == tuple(request.key)]
        if request.ids is not None:
            found = [number for number in found if part(rows[number], primary) in {tuple(one) for one in request.ids}]
        if request.order is not None:
            for column, is_descending in reversed(request.order):
                found.sort(key=lambda number: sort_key(rows[number], (column,)), reverse=is_descending)
        return found if request.limit is None else found[:request.limit]

    def answer(self, request):
        if request.flaw is not None:
            return Expected({request.flaw}, why="a deliberate mistake")
        policy = self.policies.get(request.table, Policy())
        if not request.is_filtered:
            return Expected({406}, why="no filter")
        if request.is_delete and policy.needs_confirm and not request.confirm and not request.preview:
            return Expected({428}, why="no confirm")
        if request.returns == "representation" and not request.is_delete and not request.preview and not self.schema.tables[request.table].primary:
            return Expected({501}, why="rows without a key cannot be found again")
        chosen = self.chosen(request)
        count = len(chosen)
        if request.key is not None and not count:
            return Expected({204 if policy.missing_ok and request.is_delete and not request.preview else 404}, why="no row at the key")
        too_many = [(limit, why) for limit, why in (
            (request.max_affected, "max-affected"), (policy.cap, "the standing cap"),
            (1 if policy.is_one and request.is_delete and not request.remove_all else None, "conditional_delete"),
            (self.rows_max if request.returns == "representation" and not request.preview else None, "rows_max")) if limit is not None and count > limit]
        if too_many:
            return Expected({412}, why=f"{count} rows, {too_many[0][1]} is {too_many[0][0]}")
        reach = Reach(self.schema, self.schema.rows, request.table, chosen, request.changes)
        done, refused = self._tries(request, chosen)
        is_refused = bool(refused or reach.in_way)
        # A cascade that InnoDB cannot carry out (two updates of one table in one chain) may be told although another key stops it before.
        constraints = set(reach.in_way) | {one.constraint for one in refused if one.constraint} | reach.followed
        primary = self.schema.tables[request.table].primary
        keys = {part(self.schema.rows[request.table][number], primary) for number in chosen} if primary else set()
        reached = len(reach.places())
        limits = [(limit, why) for limit, why in ((request.max_affected, "max-affected"), (policy.cap, "the standing cap"))
                  if limit is not None and count + reached > limit]
        if policy.cascade_cap is not None and reached > policy.cascade_cap:
            limits.append((policy.cascade_cap, "the cap on cascades"))
        is_countable = self._is_countable(request.table)
        asks_for_count = request.preview or request.max_affected is not None or policy.cap is not None or policy.cascade_cap is not None
        if not is_countable and asks_for_count and count:
            return Expected({409}, why="rows without a key, and foreign keys lead back to them: they cannot be told apart")
        statuses = {409} if is_refused or not is_countable and self.kind == "ms" and count else set()
        if done:
            statuses.add(412 if limits else 200)
        elif limits and not reach.in_way:
            statuses.add(412)  # only the database itself knows of the 409, and the cap comes before it
        why = (f"{count} rows of the set, {reached} beyond; {len(done)} orders of rows go through, {len(refused)} do not; in the way: "
               f"{ {name: len(places) for name, (_, places) in reach.in_way.items()} }; over: {limits}")
        is_uncountable = count and (not is_countable or asks_for_count and self._has_unknown_default(reach))
        if request.preview:
            # The contract does not say what the preview answers when only the cascades pass a cap.
            statuses = {200, 412} if limits and done else {200}
        statuses |= {409} if is_uncountable and asks_for_count else set()
        if any(one.reason == "null" for one in refused):
            statuses.add(422)  # a cascade's NULL where none may be: the contract gives no status of its own for it
        if request.preview:
            return Expected(statuses, count, None, preview=(reach, is_refused, bool(done)), keys=keys, why=why,
                            reasons={"uncountable"} if is_uncountable else set())
        worlds = [world.content() for world in done]
        reasons = {one.reason for one in refused} | ({"uncountable"} if is_uncountable else set())
        if self.kind == "ms" and request.is_delete and count > ALL_ORDERS_MAX:
            reasons.add("orders untried")
        if self.kind == "ms" and reached >= DEPTH_MAX:
            reasons.add("long")
        in_way = {}
        # A trigger may take rows out of the way: the database is asked first, and names the key that it came to first.
        is_left_to_database = self.kind == "ms" and self._has_trigger(request)
        if is_countable and not is_left_to_database and any(self._stays_in_way(reach, key) for key, _ in self._not_let_go(request, chosen, reach)):
            in_way = {name: (key.child, range(len(places), self._most_in_way(reach, name) + 1)) for name, (key, places) in reach.in_way.items()}
        return Expected(statuses, count, worlds, [self._representation(request, chosen, world) for world in done], None, keys, constraints,
                        in_way, why, reasons)

    def _has_trigger(self, request):
        return ("DELETE" if request.is_delete else "UPDATE") in self.schema.tables[request.table].triggers

    def _not_let_go(self, request, chosen, reach):
        """What is in the way, but for rows that the same key would change by ON UPDATE, had InnoDB come to their parents by another key first."""
        if self.kind != "ms" or not request.is_delete:
            return list(reach.in_way.values())
        loose = Reach(self.schema, self.schema.rows, request.table, chosen, is_loose=True)
        return [(key, places) for key, places in reach.in_way.values() if places - loose.by_key.get((key.name, False), (None, None, set()))[2]]

    def _most_in_way(self, reach, name):
        """InnoDB refuses a second update of a table in one chain: rows that a key may not change are in its way too, beside those that it forbids to go."""
        places = set(reach.in_way[name][1])
        if self.kind == "ms":
            places |= reach.by_key.get((name, False), (None, None, set()))[2] - reach.deleted
        return len(places)

    @staticmethod
    def _stays_in_way(reach, key):
        """Whether its rows are in the way whatever other keys change: no other one shares a column with it. Otherwise what it says is not told first."""
        return not any(other is not key and other.child == key.child and set(other.columns) & set(key.columns) for other, _, _ in reach.by_key.values())

    def _has_unknown_default(self, reach):
        """Whether a row comes to refer to its default parent by a column of another key too: it may go with that key's parent."""
        if any(self._stays_in_way(reach, key) for key, _ in reach.in_way.values()):
            return False  # told first
        return any(action == "SET DEFAULT" and any(other is not key and set(other.columns) & set(key.columns)
                                                   for other in self.schema.tables[key.child].foreign)
                   for key, action, _ in reach.by_key.values())

    def _is_countable(self, table):
        """Whether the rows of the table can be told from those that foreign keys lead to."""
        if self.schema.tables[table].primary:
            return True
        met, waiting = set(), [table]
        while waiting:
            for key in self.schema.referencing(waiting.pop()):
                if key.child == table:
                    return False
                if key.child not in met and {key.on_delete, key.on_update} - {"RESTRICT", "NO ACTION"}:
                    met.add(key.child)
                    waiting.append(key.child)
        return True

    def _tries(self, request, chosen):
        """(worlds afterwards, refusals) of the statement, with its rows in several orders."""
        rules = RULES[self.kind]
        natural = rules(self.schema, self.schema.rows).order(request.table, chosen)
        orders = [natural]
        if len(chosen) > 1:
            orders += [natural[::-1], chosen] + [self.numbers.sample(chosen, len(chosen)) for _ in range(SHUFFLES)]
            if len(chosen) <= ALL_ORDERS_MAX:
                orders = list(itertools.permutations(natural))
        done, refused = [], []
        for order in orders:
            world = rules(self.schema, self.schema.rows)
            try:
                if request.is_delete:
                    world.delete(request.table, order)
                else:
                    world.update(request.table, order, request.changes)
                world.finish()
            except Refused as one:
                refused.append(one)
                if not (self.kind == "sl" and one.reason == "referenced" and self._passes_alone(request, chosen)):
                    continue
            if not any(world.content() == other.content() for other in done):
                done.append(world)
        return done, refused

    def _passes_alone(self, request, chosen):
        """Whether SQLite alone takes the statement, though it breaks a key: 3.40 miscounts where rows of a table refer to each other by another key than
        the primary one. Nobody but SQLite can mend that."""
        made = self.schema.tables[request.table]
        if not made.primary or not any(key.parent == request.table and key.parent_columns != made.primary for key in made.foreign):
            return False
        names = ", ".join(f'"{name}"' for name in made.primary)
        marks = ", ".join(f"({', '.join('?' * len(made.primary))})" for _ in chosen)
        verb = f'DELETE FROM "{request.table}"' if request.is_delete else f'UPDATE "{request.table}" SET ' + ", ".join(f'"{name}" = ?' for name in request.changes)
        values = [] if request.is_delete else list(request.changes.values())
        values += [value for number in chosen for value in part(self.schema.rows[request.table][number], made.primary)]
        with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
            for statement in ddl(self.schema, "sl") + inserts(self.schema, "sl"):
                database.execute(statement)
            database.execute("PRAGMA foreign_keys=ON")
            try:
                database.execute(f"{verb} WHERE ({names}) IN (VALUES {marks})", values)
            except sqlite3.IntegrityError:
                return False
        return True

    def _representation(self, request, chosen, world):
        if request.returns != "representation":
            return None
        columns = request.select or self.schema.tables[request.table].names
        rows = self.schema.rows[request.table] if request.is_delete else world.rows[request.table]
        return [{name: rows[number][name] for name in columns} for number in chosen if number in rows]
