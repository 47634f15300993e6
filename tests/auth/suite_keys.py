"""API keys, made, used, narrowed, revoked and mistyped against a gateway that serves; the audit log of writes; keys with row filters, columns
and forced values (key_grants.py)."""
import hashlib
import json
import os
import re
import signal
import stat
import subprocess
import threading
import time

from key_grants import check_key_grants
from lib import places
from lib.client import Client, audit
from lib.direct import open_sqlite
from lib.gateway import Gateway, grant, sqlite_database, table_path, tenant
from lib.report import Report, short

TENANT = {"--org-id": "org-1", "--project-id": "project-1", "--space-id": "space-1", "--user": "user-7", "--roles": "users,admin"}
FORM = re.compile(r"rg_[a-z2-7]{8}_[A-Za-z0-9_-]{43}[a-z2-7]{6}")
REVOKED_WITHIN_S = 2
GRANTS = [grant("admin", ["people", "orders", "log*"]), grant("reader", ["people"], ["GET"])]


class Keys:
    """`rowgate keys` on the folder of one gateway."""

    def __init__(self, report, gateway):
        self.report, self.gateway = report, gateway
        self.folder = os.path.join(gateway.folder, "keys")

    def run(self, *arguments):
        return subprocess.run([self.gateway.binary, "keys", arguments[0], "--config", self.gateway.config, *arguments[1:]],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.gateway.environment(), check=False, timeout=60)

    def create(self, **more):
        options = {**TENANT, **{"--" + name.replace("_", "-"): value for name, value in more.items()}}
        ran = self.run("create", *[part for pair in options.items() for part in pair])
        out = ran.stdout.decode()
        self.report.check(ran.returncode == 0 and out.endswith("\n"), f"keys create ends with {ran.returncode}: {ran.stderr.decode()}")
        key = out.splitlines()[-1]
        self.report.check(FORM.fullmatch(key), f"keys create prints {out!r}")
        self.report.check(key not in ran.stderr.decode(), "keys create says the key on standard error too")
        return key

    def revoke(self, key):
        ran = self.run("revoke", key[3:11])
        self.report.equal((ran.returncode, ran.stderr), (0, b""), "keys revoke")


class Caller:
    def __init__(self, report, gateway):
        self.report = report
        self.client = Client(gateway.port)

    def ask(self, method, target, status, key=None, code=None, headers=(), body=None):
        sent = ([("X-API-Key", key)] if key is not None else []) + list(headers)
        answer = self.client.request(method, target, body=body, headers=sent, identity=False)
        wrong = audit(answer, method)
        self.report.check(not wrong, f"{method} {target}: {wrong}")
        if self.report.equal(answer.status, status, f"{method} {target} {short(answer.body.decode(errors='replace'), 200)}") and code:
            self.report.equal(answer.problem().get("code"), code, f"{method} {target}")
        return answer

    def until(self, status, key, seconds=REVOKED_WITHIN_S):
        """How long it took until a request with the key had this status."""
        begun = time.monotonic()
        while time.monotonic() - begun < seconds + 5:
            if self.client.request("GET", table_path("sl", "people"), headers=[("X-API-Key", key)], identity=False).status == status:
                break
            time.sleep(0.02)
        took = time.monotonic() - begun
        self.report.check(took <= seconds, f"{status} came after {took:.2f} s, {seconds} s at most")
        return took


def bearer(key):
    return [("Authorization", "Bearer " + key)]


def same(answer):
    """All that tells answers apart, but for what differs from request to request anyway."""
    return answer.status, answer.body, tuple(sorted((name, value) for name, value in answer.headers if name.lower() not in ("x-request-id", "date")))


def make_tables(path):
    direct = open_sqlite(path)
    for table in ("people", "orders", "log1", "secret"):
        direct.run(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, v VARCHAR(20))")
        direct.run(f"INSERT INTO {table} VALUES (1, 'one'), (2, 'two'), (3, 'three')")
    return direct


def used_both_ways(t, keys):
    people = table_path("sl", "people", "main") + "?id=eq.1"
    key = keys.create(name="nightly \"job\"")
    t.until(200, key)
    t.ask("GET", people, 200, key)
    t.ask("GET", people, 200, headers=bearer(key))
    t.ask("GET", people, 200, headers=[("authorization", "bearer  " + key)])
    agreeing = [("X-Org-Id", "org-1"), ("X-Project-Id", "project-1"), ("X-Space-Id", "space-1"), ("X-User-Id", "user-7"), ("X-User-Roles", "admin")]
    t.ask("GET", people, 200, key, headers=agreeing)
    for name, value in agreeing:
        for other in ("other", "", value + "x", value.upper()):
            t.ask("DELETE", people, 403, key, headers=[(name, other)], code="identity_mismatch")
            t.ask("DELETE", people, 403, headers=bearer(key) + [(name, other)], code="identity_mismatch")
        t.ask("DELETE", people, 403, key, headers=[(name, value), (name, value)], code="identity_mismatch")
    t.ask("DELETE", people, 403, key, headers=[("X-User-Roles", "admin, root")], code="identity_mismatch")
    for headers in ([("X-API-Key", key)] * 2, [("X-API-Key", key)] + bearer(key), bearer(key) * 2, [("X-API-Key", key), ("X-API-Key", "other")]):
        t.ask("DELETE", people, 400, headers=headers, code="request_malformed")
    t.ask("DELETE", people, 401, code="identity_missing")
    t.ask("DELETE", people, 401, headers=agreeing, code="identity_missing")
    t.ask("GET", people, 200, key)
    # Stored is a hash alone, for its owner alone.
    path = os.path.join(keys.folder, key[3:11] + ".toml")
    with open(path, encoding="utf-8") as stored:
        text = stored.read()
    t.report.check(key[12:] not in text and hashlib.sha256(key.encode()).hexdigest() in text, "the file of the key holds more than its hash")
    t.report.equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, "the mode of the key's file")
    return key


def bad_keys(context, t, keys, gateway, good):
    """Whatever is wrong with a key, the answer is the same byte for byte."""
    people = table_path("sl", "people") + "?id=eq.1"
    rng = context.random("keys")
    expired, revoked, stolen, gone = keys.create(), keys.create(), keys.create(), keys.create()
    for key in (expired, revoked, stolen, gone):
        t.until(200, key)  # else the 401 would come from a key that is not known yet
    for name, change in ((expired, 'expires = "2020-01-01T00:00:00Z"\n'), (revoked, 'revoked = "2020-01-01T00:00:00Z"\n')):
        with open(os.path.join(keys.folder, name[3:11] + ".toml"), "a", encoding="utf-8") as out:
            out.write(change)
    stolen_file = os.path.join(keys.folder, stolen[3:11] + ".toml")
    with open(stolen_file, encoding="utf-8") as stored:
        text = re.sub(r'sha256 = "\w+"', f'sha256 = "{"0" * 64}"', stored.read())
    with open(stolen_file, "w", encoding="utf-8") as out:
        out.write(text)
    os.unlink(os.path.join(keys.folder, gone[3:11] + ".toml"))
    for key in (expired, revoked, stolen, gone):
        t.until(401, key)
    bad = [expired, revoked, stolen, gone, "rg_", "rg", "x", good[:-1], good + "a", good.upper(), "rg_" + "a" * 58, hashlib.sha256(good.encode()).hexdigest(),
           good[:12] + "A" * 49, good + "\t" + good, "'; DROP TABLE people; --", "rg_" + "x" * 6000]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_ .%\""
    while len(bad) < 70:
        at = rng.randrange(len(good))
        mutated = good[:at] + rng.choice(alphabet) + good[at + rng.choice((1, 1, 1, 0, 2)):]
        if mutated.strip() != good:
            bad.append(mutated)
    answers = {same(t.ask("DELETE", people, 401, key, code="credential_invalid")) for key in bad}
    t.report.equal(len(answers), 1, f"answers to {len(bad)} bad keys: {short(repr(answers), 1500)}")
    answers = {same(t.ask("DELETE", people, 401, headers=bearer(key), code="credential_invalid")) for key in bad if key.startswith("rg_")}
    t.report.equal(len(answers), 1, "answers to bad keys as bearer tokens")
    for _, _, headers in answers:
        t.report.check(any(name == "WWW-Authenticate" and 'error="invalid_token"' in value for name, value in headers), f"no challenge in {headers}")
    t.ask("GET", people, 200, good)
    # The log tells them apart, and holds no key.
    time.sleep(0.4)
    with open(gateway.access_log, encoding="utf-8") as log:
        text = log.read()
    for key, why in ((expired, "has expired"), (revoked, "is revoked"), (stolen, "has another secret"), (gone, "is unknown")):
        t.report.check(f'"internal":"the API key {key[:11]} {why}"' in text, f"the log does not say that a key {why}")
        t.report.check(key[12:] not in text, "the log holds a key")
    for why in ("the API key is malformed", "the API key is mistyped"):
        t.report.check(why in text, f"the log does not say: {why}")
    t.report.check(good[12:] not in text, "the log holds a key")


def other_tenant(t, good):
    """A path of another tenant answers as one that there is not."""
    own = table_path("sl", "people") + "?id=eq.1"
    for method in ("GET", "DELETE", "OPTIONS"):
        answers = {t.ask(method, own.replace("/acme/", f"/{org}/"), 403, good, code="tenant_mismatch").body for org in ("other", "nosuch")}
        answers |= {t.ask(method, own.replace("/demo/", "/nosuch/"), 403, good, code="tenant_mismatch").body}
        t.report.equal(len(answers), 1, f"{method}: the other tenant's 403")


def narrowed(t, keys):
    path = lambda table, query="?id=eq.2": table_path("sl", table) + query  # noqa: E731
    key = keys.create(verbs="GET,DELETE", tables="people,log*,secret")
    t.until(200, key)
    t.ask("GET", path("people"), 200, key)
    t.ask("GET", path("log1"), 200, key)
    for method, body in (("POST", {"id": 9}), ("PUT", {"v": "x"}), ("PATCH", {"v": "x"})):
        t.ask(method, path("people", "" if method == "POST" else "?id=eq.2"), 403, key, body=body, code="forbidden")
        t.ask(method, path("orders", "" if method == "POST" else "?id=eq.2"), 404, key, body=body, code="table_unknown")
    hidden, absent = (t.ask("DELETE", path(table), 404, key, code="table_unknown").body for table in ("orders", "nosuch"))
    t.report.equal(hidden.replace(b"orders", b"nosuch"), absent, "hidden and absent tables")
    t.ask("GET", path("secret"), 404, key, code="table_unknown")  # the roles do not name it: a key never widens
    t.report.equal(t.ask("OPTIONS", path("people", ""), 204, key).header("Allow"), "GET, HEAD, DELETE, OPTIONS", "Allow")
    listed = t.ask("GET", table_path("sl"), 200, key).json()["tables"]
    t.report.equal(sorted(table["name"] for table in listed), ["log1", "people"], "the tables that the key lists")
    t.ask("DELETE", path("log1"), 200, key)
    reader = keys.create(roles="reader", verbs="GET,POST,PUT,PATCH,DELETE", tables="*")
    t.until(200, reader)
    t.ask("DELETE", path("people"), 403, reader, code="forbidden")
    t.ask("GET", path("orders"), 404, reader, code="table_unknown")
    nobody = keys.create(roles="nobody")
    t.until(404, nobody)
    writer = keys.create(verbs="POST", tables="people")
    t.until(403, writer)
    t.ask("POST", path("people", ""), 201, writer, body={"id": 50, "v": "w"})
    t.ask("GET", path("people"), 403, writer, code="forbidden")


def revoked_while_serving(t, keys, gateway):
    key, other = keys.create(), keys.create()
    t.until(200, key)
    t.until(200, other)
    statuses, is_over = [], threading.Event()

    def call(used, answers):
        client = Client(gateway.port)
        while not is_over.is_set():
            answers.append((time.monotonic(), client.request("GET", table_path("sl", "people"), headers=[("X-API-Key", used)], identity=False).status))
        client.close()

    others = []
    callers = [threading.Thread(target=call, args=(key, statuses)) for _ in range(2)] + [threading.Thread(target=call, args=(other, others))]
    for caller in callers:
        caller.start()
    time.sleep(0.3)
    keys.revoke(key)
    revoked = time.monotonic()
    time.sleep(REVOKED_WITHIN_S)
    is_over.set()
    for caller in callers:
        caller.join()
    last = max((when for when, status in statuses if status == 200), default=0)
    t.report.check(statuses and {status for _, status in statuses} == {200, 401}, f"statuses {sorted({status for _, status in statuses})}")
    t.report.check(last - revoked < REVOKED_WITHIN_S - 0.2, f"the revoked key was taken {last - revoked:.2f} s later")
    t.report.equal({status for _, status in others}, {200}, "the other key while one is revoked")
    t.report.note(f"revoked within {max(last - revoked, 0):.2f} s, {len(statuses)} requests")


def expiry(t, keys):
    ends = int(time.time()) + 4
    key = keys.create(expires=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ends)))
    t.until(200, key, 3)
    while time.time() < ends + 0.5:
        begun = time.time()
        status = t.client.request("GET", table_path("sl", "people"), headers=[("X-API-Key", key)], identity=False).status
        done = time.time()
        if done < ends:
            t.report.equal(status, 200, f"{ends - done:.3f} s before the key expires")
        elif begun >= ends:
            t.report.equal(status, 401, f"{begun - ends:.3f} s after the key expired")
        time.sleep(0.01)
    listed = {entry["id"]: entry["state"] for entry in json.loads(keys.run("list", "--json").stdout)}
    t.report.equal(listed.get(key[3:11]), "expired", "the state of an expired key")


def commands(t, keys, good):
    """What the command line refuses, and what it lists."""
    def refused(name, *arguments, code=1):
        ran = keys.run(name, *arguments)
        t.report.check(ran.returncode == code and ran.stderr and not FORM.search(ran.stdout.decode()), f"keys {name} {arguments}: {ran}")

    def options(**more):
        merged = {**TENANT, **{"--" + name.replace("_", "-"): value for name, value in more.items()}}
        return [part for pair in merged.items() for part in pair]

    before = sorted(os.listdir(keys.folder))
    for more in ({"org_id": ""}, {"org_id": " a"}, {"roles": ""}, {"roles": "a,,b"}, {"user": "x\ny"}, {"expires": "tomorrow"},
                 {"expires": "2020-01-01T00:00:00Z"}, {"verbs": "GET"}, {"tables": "people"}, {"verbs": "get", "tables": "people"},
                 {"verbs": "GET,DROP", "tables": "people"}, {"verbs": "GET", "tables": "a,"}, {"name": "a\u0007"}, {"user": "u" * 257}):
        refused("create", *options(**more))
    refused("create", *options()[2:], code=2)
    for bad in ("nosuchid", "aaaaaaaa", "", "../../etc", good[3:10]):
        refused("revoke", bad)
    t.report.equal(sorted(os.listdir(keys.folder)), before, "the folder after refused commands")
    for ran in (keys.run("list"), keys.run("list", "--json")):
        text = ran.stdout.decode()
        t.report.check(ran.returncode == 0 and good[3:11] in text and "user-7" in text, f"keys list: {short(repr(ran))}")
        for word in (good, good[12:], hashlib.sha256(good.encode()).hexdigest()):
            t.report.check(word not in text, "keys list shows a secret or its hash")
    entry = [entry for entry in json.loads(text) if entry["id"] == good[3:11]][0]
    wanted = {"id": good[3:11], "name": "nightly \"job\"", "org_id": "org-1", "project_id": "project-1", "space_id": "space-1", "user_id": "user-7",
              "roles": ["users", "admin"], "state": "active"}
    t.report.equal({name: entry.get(name) for name in wanted}, wanted, "the listed key")
    made = []

    def make(changes):
        for _ in range(4):
            key = keys.create(name="at once")
            made.append(key)
            if changes:
                keys.revoke(key)

    makers = [threading.Thread(target=make, args=(at % 2,)) for at in range(4)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    states = [entry["state"] for entry in json.loads(keys.run("list", "--json").stdout) if entry["name"] == "at once"]
    t.report.equal(sorted(states), ["active"] * 8 + ["revoked"] * 8, "the keys made and revoked at once")
    t.report.check(not [name for name in os.listdir(keys.folder) if name.startswith(".")], "files are left behind")
    refused_again = keys.run("revoke", made[0])  # the whole key is taken for its id
    t.report.equal(refused_again.returncode, 0, "keys revoke by the whole key")


def faulty_file(t, keys, gateway):
    key = keys.create()
    t.until(200, key)
    path = os.path.join(keys.folder, key[3:11] + ".toml")
    with open(path, encoding="utf-8") as stored:
        text = stored.read()
    fault = f"{path}:8: roles: must not be empty; the key stays as it was"

    def said():
        with open(gateway.access_log, encoding="utf-8") as log:
            return sum(fault in line for line in log)

    with open(path, "w", encoding="utf-8") as out:
        out.write(re.sub(r"roles = .*", "roles = []", text))
    end = time.monotonic() + 4
    while said() == 0 and time.monotonic() < end:
        time.sleep(0.05)
    t.ask("GET", table_path("sl", "people"), 200, key)
    time.sleep(2)
    t.report.equal(said(), 1, "lines of the log about the faulty file")
    t.report.check(keys.run("list").returncode == 1, "keys list does not fail on a faulty file")
    checked = subprocess.run([gateway.binary, "config", "check", "--config", gateway.config], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             env=gateway.environment(), check=False, timeout=60)
    t.report.check(checked.returncode == 1 and f"{path}:8".encode() in checked.stderr, f"config check: {checked}")
    os.unlink(path)
    t.until(401, key)


def resident_mb(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) / 1024


def many(context, t, keys, gateway):
    count = 10_000 if context.full else 3_000
    good = keys.create()
    t.until(200, good)
    with open(os.path.join(keys.folder, good[3:11] + ".toml"), encoding="utf-8") as stored:
        text = stored.read().replace(good[3:11], "{id}").replace(hashlib.sha256(good.encode()).hexdigest(), "{hash}")
    before = resident_mb(gateway.pid)
    for number in range(count):
        name = "".join("abcdefghijklmnopqrstuvwxyz234567"[number >> shift & 31] for shift in range(0, 40, 5))
        handle = os.open(os.path.join(keys.folder, name + ".toml"), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(handle, text.replace("{id}", name).replace("{hash}", hashlib.sha256(name.encode()).hexdigest()).encode())
        os.close(handle)
    last = keys.create()
    took = t.until(200, last, 10)
    t.ask("GET", table_path("sl", "people"), 200, good)
    grown = resident_mb(gateway.pid) - before
    t.report.check(context.is_sanitized or grown < 4 + count * 0.002, f"{count} keys take {grown:.1f} MB")
    t.report.note(f"{count} keys: {grown:.1f} MB, the last one taken after {took:.2f} s")


def constant_time(report):
    with open(os.path.join(places.ROOT, "gateway", "auth", "api_keys.cpp"), encoding="utf-8") as source:
        text = source.read()
    report.equal(len(re.findall(r"CRYPTO_memcmp\(hash\.data\(\), known\.hash\.data\(\)", text)), 1, "the comparison of hashes")
    report.check(not re.search(r"hash\s*[!=]=|[!=]=\s*\w*\.?hash\b|std::memcmp|std::equal", text), "a hash is compared in a way that stops early")


def lines_of(path):
    with open(path, encoding="utf-8") as log:
        return [json.loads(line) for line in log]


def audited(context, report, databases, has_values):
    gateway = Gateway(context.preset, [tenant(databases)], {"": {"audit_log": "audit.log", "audit_values": has_values},
                                                            "auth": {"modes": ["headers", "api_key"]}}).start()
    path = os.path.join(gateway.folder, "audit.log")
    try:
        keys = Keys(report, gateway)
        key = keys.create()
        t = Caller(report, gateway)
        t.until(200, key)
        people = table_path("sl", "people")
        ids = [("X-Request-Id", "case-1")]
        wanted = []
        first = 200 if has_values else 100  # of the two rows that come and are changed; the tables are those of the last turn

        def write(method, target, status, rows=None, filter_with=None, filter_without=None, table="people", code=None, body=None, key=key, method_noted=None,
                  **more):
            t.ask(method, target, status, key, headers=ids, body=body, code=code)
            line = {"event": "write", "request_id": "case-1", "org": "acme", "project": "demo", "space": "space-1", "user": "user-7", "key": key[3:11],
                    "method": method_noted or method, "database": "sl/main", "table": table, "filter": filter_with if has_values else filter_without, "rows": rows,
                    "status": status, "code": code, **more}
            wanted.append({name: value for name, value in line.items() if value is not None})

        write("POST", people, 201, rows=2, body=[{"id": first, "v": "Ann"}, {"id": first + 1, "v": "Bob"}])
        write("PUT", people + "?v=eq.Ann%20&id=100", 417, code="operator_unknown", body={"v": "x"})
        write("PUT", people + f"?id=in.{first},{first + 1}&v=ne.Secret%20one", 200, rows=2, body={"v": "Hidden"},
              filter_with=f"id=in.{first},{first + 1}&v=ne.Secret%20one", filter_without="id=in._,_&v=ne._")
        write("DELETE", people + "?id=eq.9999", 200, rows=0, filter_with="id=eq.9999", filter_without="id=eq._")
        write("DELETE", people + f"?%69d=eq.{first + 1}", 200, rows=1, filter_with=f"id=eq.{first + 1}", filter_without="id=eq._")
        write("DELETE", people, 406, code="filter_required")
        # Rows by key: of the path, of `ids` in query and body, of a filter in a body.
        masked = None if has_values else "_"
        write("DELETE", people + "/9999", 404, rows=0, code="row_unknown", row=masked or "9999")
        write("PATCH", people + "/9999?v=eq.Secret%20one&id=7", 417, code="operator_unknown", body={"v": "x"}, row=masked or "9999")
        write("PATCH", people + "/99%39%39?v=eq.Secret%20one", 404, rows=0, code="row_unknown", body={"v": "x"}, row=masked or "99%39%39",
              filter_with="v=eq.Secret%20one", filter_without="v=eq._")
        write("DELETE", people + "?ids=9998,9999", 200, rows=0, filter_with="ids=9998,9999", filter_without="ids=_", ids=2)
        write("DELETE", people + "?v=is.null", 200, rows=0, body={"ids": [9997, 9998, "9999"]}, filter_with="v=is.null&ids=9997;9998;9999",
              filter_without="v=is.null&ids=_", ids=3)
        write("POST", people + "/bulk-delete", 200, rows=0, body={"filter": "id=in.9998,9999"}, method_noted="DELETE", filter_with="id=in.9998,9999",
              filter_without="id=in._,_")
        write("POST", people + "/bulk-delete?v=is.null", 400, code="body_invalid", body={"idz": [9999]}, method_noted="DELETE", filter_with="v=is.null",
              filter_without="v=is.null")
        write("DELETE", people + "?nosuch=eq.1", 400, code="column_unknown", filter_with="nosuch=eq.1", filter_without="nosuch=eq._")
        write("DELETE", table_path("sl", "secret") + "?id=eq.1", 404, code="table_unknown", table="secret")
        write("DELETE", people.replace("/acme/", "/nosuch/") + "?id=eq.1", 403, code="tenant_mismatch", org="nosuch")
        write("POST", people, 409, code="constraint_violated", body={"id": 1, "v": "x"})
        # Reads, and callers who are nobody, are not there.
        t.ask("GET", people, 200, key)
        t.ask("OPTIONS", people, 204, key)
        t.ask("DELETE", people + "?id=eq.1", 401, "rg_nobody")
        t.client.identity = [("X-Org-Id", "org-1"), ("X-Project-Id", "project-1"), ("X-Space-Id", "space-1"), ("X-User-Id", "u\"1\n".strip()), ("X-User-Roles", "admin")]
        answer = t.client.request("DELETE", people + "?id=eq.9999", headers=ids)
        report.equal(answer.status, 200, "a write by headers")
        line = {**{name: value for name, value in wanted[3].items() if name != "key"}, "user": "u\"1"}
        wanted.append(line)
        time.sleep(0.3)
        got = lines_of(path)
        for entry in got:
            report.check(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry.pop("time", "")), f"a line's time in {entry}")
        report.equal(len(got), len(wanted), "lines of the audit log")
        for have, want in zip(got, wanted):
            report.equal(have, want, "a line of the audit log")
        with open(path, encoding="utf-8") as log:
            text = log.read()
        for word in ("Hidden", key[12:]) + (() if has_values else ("Secret", "9999")):
            report.check(word not in text, f"the audit log holds {word}")
        never_lost(report, gateway, path, key)
    finally:
        gateway.destroy(report)


def never_lost(report, gateway, path, key):
    """Each write that was answered has its line, whether the file is put aside under load, or the gateway is stopped at once."""
    answered, is_over = [], threading.Event()

    def call(number):
        client = Client(gateway.port)
        at = 0
        while not is_over.is_set() and at < 400:
            name = f"w-{number}-{at}"
            at += 1
            try:
                answer = client.request("DELETE", table_path("sl", "people") + "?id=eq.424242", headers=[("X-API-Key", key), ("X-Request-Id", name)], identity=False)
            except OSError:
                break
            except Exception:  # the gateway was stopped: what was not answered is not counted
                break
            if answer.status == 200:
                answered.append(name)
        client.close()

    callers = [threading.Thread(target=call, args=(number,)) for number in range(4)]
    for caller in callers:
        caller.start()
    for turn in range(3):
        time.sleep(0.1)
        os.rename(path, f"{path}.{turn}")
        gateway.signal(signal.SIGUSR1)
        time.sleep(0.15)
    gateway.signal(signal.SIGTERM)
    gateway.wait()
    is_over.set()
    for caller in callers:
        caller.join()
    names = [line["request_id"] for at in (".0", ".1", ".2", "") if os.path.exists(path + at) for line in lines_of(path + at)]
    missing = set(answered) - set(names)
    report.check(len(answered) > 50, f"only {len(answered)} writes")
    report.check(not missing, f"{len(missing)} of {len(answered)} answered writes are not in the audit log")
    written = [name for name in names if name.startswith("w-")]
    report.equal(len(written), len(set(written)), "lines that stand twice")
    report.check(os.path.exists(path), "the audit log was not opened anew")
    gateway.start()


def run(context):
    report = Report("keys")
    folder = places.scratch("keys")
    main, other = os.path.join(folder, "main.sqlite"), os.path.join(folder, "other.sqlite")
    directs = [make_tables(main), make_tables(other)]
    databases = [sqlite_database(main, grants=GRANTS)]
    tenants = [tenant(databases), tenant([sqlite_database(other, grants=GRANTS)], name="other", org_id="org-2", project_id="project-2", space_id="space-2")]
    constant_time(report)
    gateway = Gateway(context.preset, tenants, {"auth": {"modes": ["api_key"]}}).start()
    try:
        keys, t = Keys(report, gateway), Caller(report, gateway)
        good = used_both_ways(t, keys)
        bad_keys(context, t, keys, gateway, good)
        other_tenant(t, good)
        narrowed(t, keys)
        commands(t, keys, good)
        revoked_while_serving(t, keys, gateway)
        expiry(t, keys)
        faulty_file(t, keys, gateway)
        many(context, t, keys, gateway)
        report.equal(directs[1].one("SELECT count(*) FROM people"), 3, "rows of the other tenant")
        report.equal(directs[0].one("SELECT count(*) FROM people WHERE id < 10"), 3, "rows of our own after what was refused")
    finally:
        gateway.destroy(report)
    audited(context, report, databases, False)
    audited(context, report, databases, True)
    check_key_grants(context, report)
    for direct in directs:
        direct.close()
    places.remove(folder)
    return report
