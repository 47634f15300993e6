"""Never more than asked: random schemas with foreign keys of every action, random deletes and updates by every way of section 6, and an oracle on a copy of
the data. What is refused or fails leaves every table as it was. Then clients against each other, kills, and forged tokens (deletes_races.py).

Parts: `selfcheck` (the oracle's rules against the databases alone), `requests` (the gateway against the oracle), `races`.
"""
import os
import sys
import time

sys.path.append(os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "tenants"))

import selfcheck
from delete_oracle import Oracle
from deletes_judge import judge
from deletes_odd import odd_all
from deletes_races import race_all
from deletes_stale import stale_all
from lib import places
from lib.client import Broken
from lib.direct import open_mariadb, open_sqlite
from lib.gateway import Gateway, grant, mariadb_database, merged, sqlite_database, tenant
from lib.report import Report, short
from request_maker import RequestMaker, random_policies
from rules_common import World
from schema_maker import Maker, ddl, inserts

ROWS_MAX = 6  # small, so that a representation passes it now and then
SCHEMAS_A_GATEWAY = 10
SHORT_S, SELFCHECK_S = 18, 4


def policy_settings(policies):
    """The policies as the gateway's files say them: grants of their own for the tables that have one."""
    made = []
    for table, policy in policies.items():
        words = {"affected_max": policy.cap, "cascaded_max": policy.cascade_cap, "conditional_delete": "one" if policy.is_one else None,
                 "confirm": policy.needs_confirm or None, "missing": "ok" if policy.missing_ok else None}
        made.append({**grant("admin", [table]), **{name: value for name, value in words.items() if value is not None}})
    return made


class Scene:
    """One schema in one database: its tables, its oracle and the requests about it."""

    def __init__(self, base, kind, name, policies, numbers, direct):
        self.schema, self.kind, self.name, self.direct = base.fits(kind), kind, name, direct
        self.oracle = Oracle(kind, self.schema, policies, ROWS_MAX, numbers)
        self.maker = RequestMaker(numbers, kind, name, self.schema, policies)
        self.before = World(self.schema.rows).content()
        self._keys_off()
        for statement in ddl(self.schema, kind) + inserts(self.schema, kind):
            direct.run(statement)

    def _keys_off(self):
        self.direct.run("SET foreign_key_checks=0" if self.kind == "ms" else "PRAGMA foreign_keys=OFF")

    def content(self):
        return {table: sorted(self.direct.rows(f"SELECT * FROM {self.direct.quote(table)}"), key=repr) for table in self.schema.tables}

    def reset(self):
        self.direct.run("BEGIN")
        for table in self.schema.tables:  # the trail is the last: triggers write to it
            self.direct.run(f"DELETE FROM {self.direct.quote(table)}")
        for statement in inserts(self.schema, self.kind):
            self.direct.run(statement)
        self.direct.run("COMMIT")

    def told(self, request, client):
        lines = [line + ";" for line in ddl(self.schema, self.kind) + inserts(self.schema, self.kind)]
        return "\n" + "\n".join(lines) + f"\n{request.curl(client)}\npolicies: {self.oracle.policies}\n"


class Trial:
    """Sends requests and holds each answer, and every table after it, against the oracle."""

    def __init__(self, report, numbers):
        self.report, self.numbers = report, numbers
        self.sent = self.good = self.changing = self.loose = 0
        self.seen = {}

    def attempt(self, scene, client):
        request = scene.maker.make()
        answer = self.ask(scene, client, request)
        if answer is not None and request.preview and answer.status == 200 and answer.json().get("token"):
            self.with_token(scene, client, request, answer.json()["token"])

    def ask(self, scene, client, request, expected=None):
        expected = expected or scene.oracle.answer(request)
        self.sent += 1
        self.loose += len(expected.statuses) > 1
        try:
            answer = request.send(client)
        except Broken as broken:
            self.report.fail(f"[{scene.kind}] {request.method()} {request.target()}: {broken}{scene.told(request, client)}")
            return None
        after = scene.content()
        wrong = judge(scene.schema, request, expected, answer, scene.before, after)
        self.good += answer.status < 300
        self.changing += after != scene.before
        self.seen[answer.status] = self.seen.get(answer.status, 0) + 1
        if after != scene.before:
            scene.reset()
        self.report.check(not wrong, f"[{scene.kind}] {request.method()} {request.target()}: {'; '.join(wrong)}: {short(repr(answer))}; wanted "
                          f"{sorted(expected.statuses)}: {expected.why}{scene.told(request, client) if wrong else ''}")
        return answer

    def with_token(self, scene, client, request, token):
        """The same request with the token; or one that is not the same; or after a change of one of the rows."""
        request.preview, request.token = None, token
        way = self.numbers.choice(("same", "same", "same", "same", "row", "row gone", "other")) if scene.oracle.chosen(request) else "same"
        if way == "other":
            if request.changes:
                request.changes = {**request.changes, "note": "another"}
            else:
                request.conditions = request.conditions + [("sort", "ne", ["nothing"])]
        elif way != "same":
            self.touch(scene, request, is_gone=way == "row gone")
        scene.before = scene.content()
        expected = scene.oracle.answer(request)
        if way != "same" and expected.statuses != {428}:  # a token is no confirmation
            expected.statuses, expected.worlds, expected.why = {412}, None, f"token of another request or set: {way}"
            if way != "other" and request.key is not None:
                expected.statuses |= {404, 204}  # the contract does not say which comes first; nothing may happen in any case
        self.ask(scene, client, request, expected)
        scene.before = World(scene.schema.rows).content()
        if scene.content() != scene.before:
            scene.reset()

    def touch(self, scene, request, is_gone):
        """Changes a cell of a row of the set, or takes the row away, behind the gateway's back."""
        table = scene.schema.tables[request.table]
        row = scene.schema.rows[request.table][self.numbers.choice(scene.oracle.chosen(request))]
        where = " AND ".join(f"{scene.direct.quote(name)} = ?" for name in table.primary)
        values = [row[name] for name in table.primary]
        if is_gone:
            scene.direct.run(f"DELETE FROM {scene.direct.quote(table.name)} WHERE {where}", *values)
        else:
            scene.direct.run(f"UPDATE {scene.direct.quote(table.name)} SET {scene.direct.quote('note')} = 'touched' WHERE {where}", *values)


def try_schemas(context, report, trial, maker, numbers, with_policies=True):
    """One gateway over some schemas, each on both databases."""
    server = context.mariadb.get()
    folder = places.scratch("deletes")
    scenes, databases = [], []
    for at in range(SCHEMAS_A_GATEWAY):
        base = maker.make()
        policies = random_policies(numbers, base) if with_policies else {}
        grants = [grant("admin", ["*"])] + policy_settings(policies)
        name, path = f"d{at}", os.path.join(folder, f"d{at}.sqlite")
        server.make_schema(f"rg_deletes_{at}")
        scenes.append(Scene(base, "ms", name, policies, numbers, open_mariadb(server, f"rg_deletes_{at}")))
        scenes.append(Scene(base, "sl", name, policies, numbers, open_sqlite(path)))
        databases += [mariadb_database(server, f"rg_deletes_{at}", name, grants), sqlite_database(path, name, grants)]
    settings = merged({"limits": {"rows_max": ROWS_MAX}})
    gateway = Gateway(context.preset, [tenant(databases)], settings).start()
    client = gateway.client()
    try:
        for scene in scenes:
            for _ in range(100 if context.full else 20):
                trial.attempt(scene, client)
    finally:
        gateway.destroy(report)
        for scene in scenes:
            scene.direct.close()
        places.remove(folder)


def run(context):
    report = Report("deletes", shown_max=10)
    numbers = context.random("deletes")
    done, _ = selfcheck.check(report, context.random("selfcheck"), context.mariadb.get(), 1000 if context.full else 10**6, 40,
                              None if context.full else SELFCHECK_S)
    report.note(f"rules held against the databases on {done} schemas")
    trial = Trial(report, numbers)
    maker = Maker(numbers)
    end = time.monotonic() + SHORT_S
    for turn in range(1000 // SCHEMAS_A_GATEWAY):
        if not context.full and turn and time.monotonic() > end:
            break
        try_schemas(context, report, trial, maker, numbers)
    report.check(trial.good >= 0.4 * trial.sent, f"only {trial.good} of {trial.sent} requests were answered 2xx: they prove little")
    report.check(trial.changing >= trial.sent / 3, f"only {trial.changing} of {trial.sent} requests changed a row: they prove little")
    report.note(f"{trial.sent} requests, {trial.good} answered 2xx, {trial.changing} changed rows, {trial.loose} with more than one right status")
    race_all(context, report)
    stale_all(context, report)
    odd_all(context, report)
    return report
