"""Deletes beside each other and beside a kill, and tokens that nobody signed: the parts of the suite `deletes` that no oracle can foresee row by row.
What is held against the answers is a ledger: every id is used once, so that a row can be told, and counted, for ever.
"""
import base64
import json
import signal
import threading
import time

import pymysql

from lib.client import Broken, audit
from lib.direct import open_mariadb
from lib.gateway import IDENTITY, table_path
from lib.mariadb import MariaDB
from lib.report import short
from deletes_place import SCHEMA, Place

CLIENTS = 16
KEYS = 10000
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def race_all(context, report):
    for kind in ("ms", "sl"):
        churn(context, report, kind, 300 if context.full else 3)
    newcomers(context, report, 60 if context.full else 2.5)
    for victim, kind in (("gateway", "ms"), ("database", "ms"), ("gateway", "sl")):
        kills(context, report, victim, kind, 67 if context.full else 3)
    forged(context, report, 10000 if context.full else 600)


# 16 clients on the same rows.


class Churn:
    def __init__(self, place, report, numbers, seconds):
        self.place, self.report, self.end = place, report, time.monotonic() + seconds
        self._numbers, self._lock, self._serial = numbers, threading.Lock(), 0
        self.made, self.gone = set(), {}  # gone: id and the note that the row was said to have at last
        self.doubles = 0
        self.notes = {}  # by id: the last one that was written and acknowledged; only the client that the id belongs to writes it
        self.seen, self.token_runs, self.token_refusals = {}, 0, 0

    def next_ids(self, count):
        with self._lock:
            self._serial += count
            return list(range(self._serial - count + 1, self._serial + 1))

    def client(self, own, seed):
        client = self.place.gateway.client()
        numbers = type(self._numbers)(seed)
        path = table_path(self.place.kind, "parents")
        while time.monotonic() < self.end:
            try:
                if numbers.random() < 0.35:
                    self.insert(client, path, numbers)
                elif numbers.random() < 0.25:
                    self.update(client, path, own, numbers)
                elif numbers.random() < 0.25:
                    self.preview_then_delete(client, path, numbers)
                else:
                    self.delete(client, *self.which(path, numbers), numbers)
            except Broken as broken:
                self.report.fail(f"churn: {broken}")
        client.close()

    def judged(self, answer, told, allowed):
        with self._lock:
            self.seen[answer.status] = self.seen.get(answer.status, 0) + 1
        wrong = audit(answer)
        return self.report.check(answer.status in allowed and not wrong, f"churn [{self.place.kind}]: {told}: {wrong} {short(repr(answer))}")

    def insert(self, client, path, numbers):
        ids = self.next_ids(numbers.randint(1, 20))
        answer = client.request("POST", path, [{"id": one, "bucket": numbers.randrange(30)} for one in ids])
        if self.judged(answer, "POST", (201, 503)) and answer.status == 201:
            with self._lock:
                self.made.update(ids)
            children = [{"id": one, "parent": one} for one in ids]
            self.judged(client.request("POST", table_path(self.place.kind, "children"), children), "POST of children", (201, 409, 503))

    def update(self, client, path, own, numbers):
        latest = self._serial - self._serial % CLIENTS + own
        ids = [one for one in (latest - CLIENTS * numbers.randrange(12) for _ in range(numbers.choice((1, 1, 8)))) if one > 0]
        note = f"note {self.next_ids(1)[0]}"
        answer = client.request("PATCH", f"{path}?ids={','.join(map(str, ids))}", {"note": note}, [("Prefer", "return=representation")])
        if ids and self.judged(answer, f"PATCH {ids}", (200, 503)) and answer.status == 200:
            with self._lock:
                self.notes.update((row["id"], note) for row in answer.json())

    @staticmethod
    def which(path, numbers):
        bucket = numbers.randrange(30)
        return numbers.choice(((f"{path}?bucket=eq.{bucket}", None), (f"{path}?bucket=in.{bucket},{bucket // 2},{bucket // 3}", None),
                               (f"{path}?bucket=le.{bucket}&order=id{numbers.choice(('', '.desc'))}&limit={numbers.randint(1, 9)}", None),
                               (path, {"ids": [numbers.randint(1, 2000) for _ in range(numbers.choice((5, 200)))]})))

    def delete(self, client, target, body, numbers, token=None):
        headers = [("Prefer", "return=representation")] + ([("X-Delete-Token", token)] if token else [])
        if not token and numbers.random() < 0.2:
            headers[0] = ("Prefer", "return=representation, max-affected=10")
        answer = client.request("DELETE", target, body, headers)
        if self.judged(answer, target, (200, 412, 503)) and answer.status == 200:
            with self._lock:
                rows = {row["id"]: row["note"] for row in answer.json()}
                self.doubles += len(answer.json()) - len(rows.keys() - self.gone.keys())
                self.gone.update(rows)
        return answer

    def preview_then_delete(self, client, path, numbers):
        target, body = self.which(path, numbers)
        mark = "&" if "?" in target else "?"
        answer = client.request("DELETE", f"{target}{mark}_preview=true", body)
        if not self.judged(answer, "preview", (200, 503)) or answer.status != 200 or not answer.json()["token"]:
            return
        told = answer.json()
        ran = self.delete(client, target, body, numbers, told["token"])
        with self._lock:
            self.token_runs += ran.status == 200
            self.token_refusals += ran.status == 412
        if ran.status == 200:
            ids = {row["id"] for row in ran.json()}
            self.report.check(len(ids) == told["would_affect"] and ids >= set(told["sample"]),
                              f"churn: a preview of {told['would_affect']} rows, {told['sample']}, ran on {sorted(ids)}")


def churn(context, report, kind, seconds):
    place = Place(context, kind, "churn")
    numbers = context.random(f"churn-{kind}")
    one = Churn(place, report, numbers, seconds)
    try:
        crowd = [threading.Thread(target=one.client, args=(own, numbers.random())) for own in range(CLIENTS)]
        for thread in crowd:
            thread.start()
        for thread in crowd:
            thread.join()
        left = place.ids()
        report.equal(one.doubles, 0, f"churn [{kind}]: rows reported more than once")
        report.check(one.gone.keys() == one.made - left, f"churn [{kind}]: {len(one.gone)} rows were said to go, {len(one.made - left)} went")
        wrong = {row: (note, one.notes.get(row)) for row, note in one.gone.items() if note != one.notes.get(row)}
        report.check(not wrong, f"churn [{kind}]: {len(wrong)} rows went otherwise than they were given back: {short(repr(wrong))}")
        report.check(one.notes.keys() & one.gone.keys(), f"churn [{kind}]: no row was changed before it went")
        orphans = place.direct.one("SELECT COUNT(*) FROM children WHERE parent NOT IN (SELECT id FROM parents)")
        report.equal(orphans, 0, f"churn [{kind}]: children without a parent")
        report.check(one.gone and one.token_runs, f"churn [{kind}]: nothing was deleted, or nothing by token: it proves nothing")
        report.note(f"churn {kind}: {len(one.gone)} rows gone, {one.token_runs} tokens ran, {one.token_refusals} came too late, {one.seen}")
    finally:
        place.close(report)


# Rows that come between a preview and what runs by its token.


def newcomers(context, report, seconds):
    """The newest three rows of a bucket, previewed and deleted by token, while rows are added: it is those three, or none."""
    place = Place(context, "ms", "newcomers")
    path = table_path("ms", "parents")
    end, buckets = time.monotonic() + seconds, 4
    numbers = context.random("newcomers")
    ran, late = [0], [0]
    pause = 0.04 if context.is_sanitized else 0.004  # most tokens shall come in time

    def goes_on():
        """Both ends have to be seen, however busy the machine is."""
        now = time.monotonic()
        return now < end or now < end + 30 and not (ran[0] and late[0])

    def insert():
        own, number = place.direct.again(), 0
        while goes_on():
            number += 1
            try:
                own.run(f"INSERT INTO parents VALUES ({number}, {number % buckets}, 'x')")
            except pymysql.err.OperationalError as refused:
                report.equal(refused.args[0], 1213, "newcomers: an insert fails")  # the deadlock may be its own
            time.sleep(numbers.random() * pause)
        own.close()

    def delete(bucket):
        client = place.gateway.client()
        target = f"{path}?bucket=eq.{bucket}&order=id.desc&limit=3"
        while goes_on():
            told = client.request("DELETE", target + "&_preview=true")
            if told.status != 200 or not told.json()["token"]:
                report.check(told.status in (200, 503), f"newcomers: preview: {short(repr(told))}")
                continue
            answer = client.request("DELETE", target, headers=[("X-Delete-Token", told.json()["token"]), ("Prefer", "return=representation")])
            report.check(answer.status in (200, 412, 503), f"newcomers: {short(repr(answer))}")
            late[0] += answer.status == 412
            if answer.status == 200:
                ran[0] += 1
                gone = sorted(row["id"] for row in answer.json())
                report.check(gone == sorted(told.json()["sample"]), f"newcomers: shown {told.json()['sample']}, gone {gone}")
        client.close()

    try:
        crowd = [threading.Thread(target=insert)] + [threading.Thread(target=delete, args=(bucket,)) for bucket in range(buckets)]
        for thread in crowd:
            thread.start()
        for thread in crowd:
            thread.join()
        report.check(ran[0] and late[0], f"newcomers: {ran[0]} tokens ran, {late[0]} came too late: it proves nothing")
        report.note(f"newcomers: {ran[0]} tokens ran, {late[0]} came too late")
    finally:
        place.close(report)


# kill -9.


def kills(context, report, victim, kind, times):
    """A delete of 10,000 keys, and the end of somebody at a random moment of it."""
    numbers = context.random(f"kill-{victim}-{kind}")
    server = MariaDB(["--innodb-flush-log-at-trx-commit=1"]).start() if victim == "database" else None
    place = Place(context, kind, "kill", server)
    all_gone = none_gone = 0
    usual = None
    try:
        for at in range(times + 1):
            fill(place)
            answer, took = struck(place, None if at == 0 else (victim, numbers.uniform(0, 1.2 * usual)))
            if at == 0:
                usual = took
                report.equal(getattr(answer, "status", None), 200, f"kill: the delete of {KEYS} keys that nobody disturbs")
            if not place.gateway.is_running():
                place.gateway.start()
            if place.kind == "ms" and server is not None:
                place.direct.close()
                place.direct = open_mariadb(server, SCHEMA)
            left = settled(place)
            told = f"kill of the {victim} [{kind}], {at}: {answer!r}"
            report.check(left in (0, KEYS), f"{told}: {left} of {KEYS} rows are left")
            report.equal(place.direct.one("SELECT COUNT(*) FROM children"), left, f"{told}: children")
            if getattr(answer, "status", 0) == 200:
                report.check(left == 0 and answer.json() == {"rows_affected": KEYS}, f"{told}: it was said to be done, {left} rows are left")
            elif answer is not None and answer.problem().get("code") != "outcome_unknown":
                report.check(left == KEYS, f"{told}: it was said to have failed, {left} rows are left")
            all_gone, none_gone = all_gone + (left == 0), none_gone + (left != 0)
            usual *= 0.85 if left == 0 else 1.15  # about as many blows come too late as in time
        report.check(times < 20 or min(all_gone, none_gone) >= times // 8,
                     f"kill of the {victim} [{kind}]: {all_gone} done, {none_gone} not: the moments were not random enough to prove much")
        report.note(f"kill of the {victim} [{kind}]: {all_gone} done, {none_gone} not")
    finally:
        place.close(report)
        if server is not None:
            server.destroy()


def fill(place):
    place.direct.run("BEGIN")
    for table in ("children", "parents"):
        place.direct.run(f"DELETE FROM {table}")
    for begin in range(1, KEYS + 1, 1000):
        for table, more in (("parents", ",0,'x'"), ("children", "")):
            place.direct.run(f"INSERT INTO {table} VALUES " + ",".join(f"({n},{n})" if not more else f"({n}{more})" for n in range(begin, begin + 1000)))
    place.direct.run("COMMIT")


def struck(place, blow):
    """(the answer, None when there was none; seconds)."""
    found = []

    def ask():
        client = place.gateway.client()
        try:
            found.append(client.request("POST", table_path(place.kind, "parents") + "/bulk-delete", {"ids": list(range(1, KEYS + 1))}))
        except (Broken, OSError):
            found.append(None)
        client.close()

    begun = time.monotonic()
    asking = threading.Thread(target=ask)
    asking.start()
    if blow is not None:
        victim, after = blow
        time.sleep(after)
        if victim == "gateway":
            place.gateway.signal(signal.SIGKILL)
            place.gateway.wait()
        else:
            place.server.kill()
            place.server.start()
    asking.join()
    return found[0], time.monotonic() - begun


def settled(place):
    """The rows left once the database is done with what a killed gateway left behind."""
    if place.kind == "ms":
        end = time.monotonic() + 10
        while place.direct.one("SELECT COUNT(*) FROM information_schema.innodb_trx") and time.monotonic() < end:
            time.sleep(0.02)
    return place.direct.one("SELECT COUNT(*) FROM parents")


# Tokens that nobody signed.


def altered(token, other, numbers):
    """A token that is not `token`, though it may be near."""
    while True:
        at = numbers.randrange(len(token))
        way = numbers.randrange(8)
        if way < 3:
            made = token[:at] + numbers.choice(ALPHABET) + token[at + 1:]
        elif way == 3:
            made = token[:-1] + numbers.choice(ALPHABET)  # the last letter has bits that a careless reader drops
        elif way == 4:
            made = token[:at]
        elif way == 5:
            made = token[:at] + other[at:]
        elif way == 6:
            standard = token.replace("-", "+").replace("_", "/")
            made = numbers.choice((token + "=", token + "A", token + token, token[1:], token.swapcase(), token + ".", standard))
        else:
            made = base64.urlsafe_b64encode(numbers.randbytes(numbers.choice((1, 32, 64, 120)))).rstrip(b"=").decode()
        if made not in (token, other) and made:
            return made


def forged(context, report, times):
    place = Place(context, "ms", "forged")
    numbers = context.random("forged")
    place.direct.run("INSERT INTO parents VALUES " + ",".join(f"({n},{n % 3},'x')" for n in range(1, 31)))
    client, before = place.gateway.client(), place.ids()
    path = table_path("ms", "parents")
    target = f"{path}?bucket=eq.1"
    try:
        token, other = (client.request("DELETE", f"{path}?bucket=eq.{bucket}&_preview=true").json().get("token") for bucket in (1, 2))
        if not report.check(token and other, "forged: a preview gives no token"):
            return
        for _ in range(times):
            made = altered(token, other, numbers)
            answer = client.request("DELETE", target, headers=[("X-Delete-Token", made)])
            report.check(answer.status == 412 and not audit(answer), f"forged: {made}, near {token}: {short(repr(answer))}")
        foreign = [("DELETE", f"{path}?bucket=eq.2", None, IDENTITY), ("DELETE", f"{path}?bucket=in.1", None, IDENTITY),
                   ("PATCH", target, {"note": "y"}, IDENTITY), ("DELETE", f"{table_path('ms', 'children')}?parent=eq.1", None, IDENTITY),
                   ("DELETE", target, {"ids": [1]}, IDENTITY)]
        foreign += [("DELETE", target, None, [(name, value) if name != changed else (name, to) for name, value in IDENTITY])
                    for changed, to in (("X-User-Id", "user-2"), ("X-User-Roles", "admin"))]
        for method, where, body, identity in foreign:
            client.identity = identity
            answer = client.request(method, where, body, [("X-Delete-Token", token)])
            report.check(answer.status == 412, f"forged: the token of another request: {method} {where} {json.dumps(body)} {identity}: {short(repr(answer))}")
        client.identity = list(IDENTITY)
        report.equal(place.ids(), before, "forged: the rows")
        answer = client.request("DELETE", target, headers=[("X-Delete-Token", token)])
        report.check(answer.status == 200 and answer.json() == {"rows_affected": 10}, f"forged: the token itself: {short(repr(answer))}")
        again = client.request("DELETE", target, headers=[("X-Delete-Token", token)])
        report.equal(again.status, 412, "forged: the token once more")
    finally:
        client.close()
        place.close(report)
