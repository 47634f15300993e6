"""Holds the oracle's rules against the databases themselves, without the gateway: plain DELETE and UPDATE statements in a transaction, compared row by
row, and rolled back. Also a program: `selfcheck.py [--schemas N] [--statements N] [--seed N]`.
"""
import argparse
import os
import random
import re
import sqlite3
import sys
import time

if __name__ == "__main__":
    HERE = os.path.dirname(os.path.realpath(__file__))
    sys.path[1:1] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "tenants")]

import pymysql

from delete_oracle import Reach
from lib.report import Report, short
from rules_common import Refused, part
from rules_mariadb import InnoDB
from rules_sqlite import SQLite
from schema_maker import Maker, ddl, inserts, literal

SCHEMA = "rg_deletes_check"
ERRORS = {1451: "referenced", 1452: "orphan", 1296: "depth", 1062: "duplicate", 1761: "duplicate", 1762: "duplicate", 1048: "null"}


class MariaDBSide:
    kind, rules = "ms", InnoDB

    def __init__(self, server):
        self._connection = server.connect()
        self._connection.autocommit(False)
        self.cursor = self._connection.cursor()

    def make(self, schema):
        self.cursor.execute(f"DROP DATABASE IF EXISTS {SCHEMA}")
        self.cursor.execute(f"CREATE DATABASE {SCHEMA} CHARACTER SET utf8mb4")
        self.cursor.execute(f"USE {SCHEMA}")
        self.cursor.execute("SET foreign_key_checks=0")
        for statement in ddl(schema, "ms") + inserts(schema, "ms"):
            self.cursor.execute(statement)
        self._connection.commit()
        self.cursor.execute("SET foreign_key_checks=1")

    def attempt(self, sql, tables):
        """(rows affected, content) or Refused."""
        try:
            affected = self.cursor.execute(sql)
            found = {table: self._rows(table) for table in tables}
            return affected, found
        except pymysql.Error as error:
            if error.args[0] not in ERRORS:
                raise
            name = re.search(r"CONSTRAINT `(\w+)`", error.args[1])
            return Refused(ERRORS[error.args[0]], name and name[1])
        finally:
            self._connection.rollback()

    def _rows(self, table):
        self.cursor.execute(f"SELECT * FROM `{table}`")
        return sorted(self.cursor.fetchall(), key=repr)

    def close(self):
        self._connection.close()


class SQLiteSide:
    kind, rules = "sl", SQLite

    def __init__(self):
        self._connection = None

    def make(self, schema):
        self.close()
        self._connection = sqlite3.connect(":memory:", isolation_level=None)
        for statement in ddl(schema, "sl") + inserts(schema, "sl"):
            self._connection.execute(statement)
        self._connection.execute("PRAGMA foreign_keys=ON")

    def attempt(self, sql, tables):
        self._connection.execute("BEGIN")
        try:
            cursor = self._connection.execute(sql)
            found = {table: sorted(self._connection.execute(f'SELECT * FROM "{table}"').fetchall(), key=repr) for table in tables}
            # Deferred keys speak at COMMIT only, and that would change the data.
            broken = self._connection.execute("PRAGMA foreign_key_check").fetchall()
            return Refused("referenced") if broken else (cursor.rowcount, found)
        except sqlite3.IntegrityError as error:
            text = str(error)
            return Refused("duplicate" if "UNIQUE" in text else "null" if "NOT NULL" in text else "referenced")
        finally:
            self._connection.execute("ROLLBACK")

    def close(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def condition(row, columns):
    return "(" + " AND ".join(f"{name} = {literal(row[name])}" if row[name] is not None else f"{name} IS NULL" for name in columns) + ")"


class Check:
    def __init__(self, report, numbers):
        self.report, self.numbers = report, numbers
        self.maker = Maker(numbers)
        self.seen = {}
        self.exact = self.done = 0

    def schema(self, sides, statements):
        made = self.maker.make()
        for side in sides:
            schema = made.fits(side.kind)
            side.make(schema)
            for _ in range(statements):
                self.statement(side, schema)

    def statement(self, side, schema):
        tables = [name for name in schema.tables if schema.rows[name]]
        pointed = [name for name in tables if schema.referencing(name)]
        table = self.numbers.choice(pointed if pointed and self.numbers.random() < 0.9 else tables)
        rows = schema.rows[table]
        world = side.rules(schema, rows=schema.rows)
        chosen = self.numbers.sample(sorted(rows), min(len(rows), self.numbers.choice((1, 1, 2, 3, 5))))
        columns = schema.tables[table].primary
        if not columns:
            # No key says which: all that look the same go together. What a key may set to NULL is left out: MariaDB reads WHERE row by row.
            columns = [name for name in schema.tables[table].names if not any(name in key.columns for key in schema.tables[table].foreign)]
            alike = {part(rows[one], columns, whole=False) for one in chosen}
            chosen = [number for number, row in rows.items() if part(row, columns, whole=False) in alike]
        chosen = world.order(table, chosen)
        where = " OR ".join(condition(rows[number], columns) for number in chosen)
        if side.kind == "ms":
            where = f"({where}) + 0 > 0"  # no index can serve this: the rows come in the order of the clustered one
        if self.numbers.random() < 0.7:
            sql, run = f"DELETE FROM {table} WHERE {where}", lambda: world.delete(table, chosen)
            self.closure(side, schema, table, chosen)
        else:
            if side.kind == "ms" or self.numbers.random() < 0.8:
                chosen, where = chosen[:1], condition(rows[chosen[0]], columns)
            if not schema.tables[table].primary:
                return
            changes = self.changes(schema, table)
            sets = ", ".join(f"{name} = {literal(value)}" for name, value in changes.items())
            sql, run = f"UPDATE {table} SET {sets} WHERE {where}", lambda: world.update(table, chosen, changes) or len(chosen)
        self.compare(side, schema, sql, run, world)

    def closure(self, side, schema, table, chosen):
        """What the foreign keys reach, counted without any order, is never less than what the rules do: so a cap on it holds."""
        world = side.rules(schema, schema.rows)
        try:
            world.delete(table, chosen)
            world.finish()
        except Refused:
            return
        reach = Reach(schema, schema.rows, table, chosen, is_loose=True)
        touched = {(name, number) for name, rows in schema.rows.items() for number, row in rows.items() if world.rows[name].get(number) != row}
        known = reach.deleted | set(reach.changed)
        self.report.check(touched <= known, f"[{side.kind}] {sorted(touched - known)} of {table} {chosen} are beyond the closure\n" +
                          "\n".join(line + ";" for line in script(schema, side.kind)) if not touched <= known else "")
        self.exact += touched == known
        self.done += 1

    def changes(self, schema, table):
        made = schema.tables[table]
        pointed = sorted({name for key in schema.referencing(table) for name in key.parent_columns} |
                         {name for key in made.foreign for name in key.columns})
        names = ["n"]
        if pointed and self.numbers.random() < 0.9:
            names = self.numbers.sample(pointed, min(len(pointed), self.numbers.choice((1, 1, 2))))
        changes = {}
        for name in names:
            column = made.column(name)
            value = self.numbers.choice((1, 2, 3, 30, 31)) if column.kind == "number" else self.numbers.choice(("k1", "k2", "k3", "k30"))
            changes[name] = None if column.nullable and self.numbers.random() < 0.3 else value
        return changes

    def compare(self, side, schema, sql, run, world):
        try:
            affected = run()
            world.finish()
            wanted = (affected, world.content())
        except Refused as refused:
            wanted = refused
        got = side.attempt(sql, list(schema.tables))
        verb = sql.split()[0]
        outcome = wanted.reason if isinstance(wanted, Refused) else "done"
        self.seen[side.kind, verb, outcome] = self.seen.get((side.kind, verb, outcome), 0) + 1
        if isinstance(wanted, Refused) or isinstance(got, Refused):
            same = isinstance(wanted, Refused) and isinstance(got, Refused) and wanted.reason == got.reason
            same = same and (side.kind == "sl" or wanted.constraint == got.constraint)
        elif verb == "UPDATE" and side.kind == "ms":
            same = wanted[1] == got[1]  # its count leaves out rows that were so already
        else:
            same = wanted == got
        if same:
            self.report.ok()
            return
        if not isinstance(wanted, Refused) and not isinstance(got, Refused):
            tables = [name for name in wanted[1] if wanted[1][name] != got[1][name]]
            told = f"{got[0]} rows, wanted {wanted[0]}; " + "; ".join(f"{name}: got {got[1][name]}, wanted {wanted[1][name]}" for name in tables)
        else:
            told = f"got {short(repr(got))}, wanted {short(repr(wanted))}"
        self.report.fail(f"[{side.kind}] {told}\n" + "\n".join(line + ";" for line in script(schema, side.kind)) + f"\n{sql};\n")


def script(schema, kind):
    return ddl(schema, kind) + inserts(schema, kind)


def check(report, numbers, server, schemas, statements, seconds=None):
    """So many schemas, or until the time is over."""
    one = Check(report, numbers)
    sides = [MariaDBSide(server), SQLiteSide()]
    end = None if seconds is None else time.monotonic() + seconds
    done = 0
    try:
        while done < schemas and (end is None or time.monotonic() < end):
            one.schema(sides, statements)
            done += 1
    finally:
        for side in sides:
            side.close()
    report.note(f"the closure was exact in {one.exact} of {one.done} deletes, never too small")
    return done, one.seen


def main():
    from lib.mariadb import MariaDB
    parser = argparse.ArgumentParser()
    parser.add_argument("--schemas", type=int, default=100)
    parser.add_argument("--statements", type=int, default=40)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3), "big"))
    parser.add_argument("--shown", type=int, default=3)
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}")
    report = Report("selfcheck", arguments.shown)
    server = MariaDB().start()
    try:
        done, seen = check(report, random.Random(arguments.seed), server, arguments.schemas, arguments.statements)
    finally:
        server.destroy()
    print("  ", *report.notes)
    for name, count in sorted(seen.items()):
        print("  ", *name, count)
    print(f"{done} schemas\n{report.passed} passed, {report.failed} failed")
    sys.exit(1 if report.failed else 0)


if __name__ == "__main__":
    main()
