"""Pages of other origins: preflights and answers by raw requests, then a page in headless Chromium that lists, inserts and deletes from an
origin that is listed, and one of an origin that is not, whose browser keeps it out."""
import functools
import http.server
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time

from lib import places
from lib.client import audit
from lib.gateway import IDENTITY, Gateway, free_port, sqlite_database
from lib.report import Report, say, short

APP = "https://app.example.org"
PREFLIGHT = [("Access-Control-Request-Method", "DELETE"), ("Access-Control-Request-Headers", "x-org-id,x-user-id")]
METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
EXPOSED = ("Allow, Content-Range, ETag, Location, Preference-Applied, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, "
           "X-Request-Id")
SECURITY = [("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-store"), ("Referrer-Policy", "no-referrer"),
            ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"), ("Cross-Origin-Resource-Policy", "same-origin")]


def project(name, database, space=None, **more):
    return {"name": name, "id": f"{name}-id", "spaces": [{"id": "space-1", **(space or {}), "databases": [database]}], **more}


def tenants(path, page_origin):
    """One org: `demo` lists two origins, `slow` has a rate of one a second, `lost` has no database file, `closed` lists nobody."""
    database = sqlite_database(path)
    lost = {**sqlite_database(path + ".none"), "required": False}
    origins = [APP, page_origin]
    return {"name": "acme", "id": "org-1", "projects": [
        {**project("demo", database, cors_origins=origins, cors_max_age_s=120), "id": "project-1"},
        project("slow", database, {"rate": 1, "burst": 1}, cors_origins=origins, cors_credentials=True),
        project("lost", lost, cors_origins=origins),
        project("closed", database)]}


def identity(project_id):
    return [(name, project_id if name == "X-Project-Id" else value) for name, value in IDENTITY]


def cors_headers(answer):
    return {name: value for name, value in answer.headers if name.lower().startswith("access-control-")}


def nameless(answer):
    """The answer without what differs between any two."""
    return answer.status, [(name, value) for name, value in answer.headers if name not in ("X-Request-Id", "Date")], answer.body


def check_preflights(report, client):
    path = "/v1/acme/demo/sl/main/people"
    for target in (path, path + "?id=eq.1", "/v1/acme/demo", "/v1/acme/demo/xx/none/nothing", "/minimal/api/rest/auto/v1/acme/demo/sl/main",
                   "/v1/%61cme/d%65mo/sl/main/people", "/v1/acme/demo/sl/main/people?id=id%zz"):
        answer = client.request("OPTIONS", target, headers=[("Origin", APP), *PREFLIGHT], identity=False)
        report.equal(answer.status, 204, f"preflight of {target}")
        got = cors_headers(answer)
        allowed = got.pop("Access-Control-Allow-Headers", "").split(", ")
        report.equal(got, {"Access-Control-Allow-Origin": APP, "Access-Control-Allow-Methods": METHODS, "Access-Control-Max-Age": "120"},
                     f"preflight of {target}")
        report.check({"Authorization", "Content-Type", "Prefer", "Accept", "X-API-Key", "X-Request-Id", "If-Match", "If-None-Match",
                      "Idempotency-Key"} | {name for name, _ in IDENTITY} <= set(allowed), f"allowed headers are {allowed}")
        report.equal(answer.header("Vary"), "Origin", f"preflight of {target}: Vary")
        report.check(not audit(answer), f"preflight of {target}: {audit(answer)}")
    answer = client.request("OPTIONS", "/v1/acme/slow/sl/main", headers=[("Origin", APP), *PREFLIGHT], identity=False)
    report.equal((answer.header("Access-Control-Allow-Credentials"), answer.header("Access-Control-Max-Age")), ("true", "600"), "slow's preflight")
    for _ in range(20):  # a preflight costs nothing of the rate, and needs no database
        answer = client.request("OPTIONS", "/v1/acme/slow/sl/main/people", headers=[("Origin", APP), *PREFLIGHT], identity=False)
        report.equal((answer.status, answer.header("RateLimit")), (204, None), "preflights of a project with a rate")
    answer = client.request("OPTIONS", "/v1/acme/lost/sl/main/people", headers=[("Origin", APP), *PREFLIGHT], identity=False)
    report.equal((answer.status, answer.header("Access-Control-Allow-Origin")), (204, APP), "preflight of a project without its database")


def check_strangers(report, client):
    """An origin that is not listed, and a project that is not there, look the same to the byte."""
    path = "sl/main/people?id=eq.1"
    seen = set()
    strangers = ["https://evil.example", "http://app.example.org", "https://app.example.org:8443", "https://app.example.org.evil.example",
                 "https://xapp.example.org", "https://APP.example.org", "null", "https://app.example.org/", "https://app.example.org, https://b", "*"]
    for origin in strangers:
        answers = [client.request("OPTIONS", f"/v1/{place}/{path}", headers=[("Origin", origin), *PREFLIGHT], identity=False)
                   for place in ("acme/demo", "acme/closed", "acme/none", "none/demo", "none/none")]
        for answer in answers:
            report.equal((answer.status, cors_headers(answer)), (204, {}), f"preflight from {origin}")
            seen.add(repr(nameless(answer)))
    listed_elsewhere = client.request("OPTIONS", f"/v1/acme/closed/{path}", headers=[("Origin", APP), *PREFLIGHT], identity=False)
    seen.add(repr(nameless(listed_elsewhere)))
    report.equal(len(seen), 1, f"different answers to preflights of strangers: {seen}")
    for origin in strangers[:3]:
        for place in ("acme/demo", "acme/none"):
            answer = client.request("GET", f"/v1/{place}/{path}", headers=[("Origin", origin)])
            report.equal((cors_headers(answer), answer.header("Vary")), ({}, "Origin"), f"GET from {origin}")
    twice = client.request("OPTIONS", f"/v1/acme/demo/{path}", headers=[("Origin", APP), ("Origin", APP), *PREFLIGHT])
    report.equal(cors_headers(twice), {}, "two Origin headers")


def check_answers(report, client):
    """Every kind of answer of a project that lists the origin can be read by its page; without an Origin nothing is said."""
    base = "/v1/acme/demo/sl/main"
    slow = identity("slow-id")
    cases = [
        ("GET", f"{base}/people", None, [], (200,)), ("HEAD", f"{base}/people", None, [], (200,)), ("GET", base, None, [], (200,)),
        ("POST", f"{base}/people", {"name": "x"}, [], (201,)), ("OPTIONS", f"{base}/people", None, [], (204,)),
        ("DELETE", f"{base}/people?id=eq.999", None, [], (200,)), ("DELETE", f"{base}/people", None, [], (406,)),
        ("GET", f"{base}/none", None, [], (404,)), ("GET", f"{base}/people?id=zz.1", None, [], (417,)), ("GET", f"{base}/people?no=eq.1", None, [], (400,)),
        ("GET", f"{base}/people", None, [("X-Org-Id", "other")], (403,)), ("GET", f"{base}/people", None, [("X-User-Id", "")], (401,)),
        ("GET", f"{base}/people", None, [("X-Org-Id", "")], (400,)), ("GET", "/v1/acme/demo/sl", None, [], (404,)),
        ("BREW", f"{base}/people", None, [], (501,)), ("POST", f"{base}/people", {"nope": 1}, [], (400, 422)),
        ("GET", "/v1/acme/slow/sl/main/people", None, slow, (200,)), ("GET", "/v1/acme/slow/sl/main/people", None, slow, (429,)),
        ("GET", "/v1/acme/lost/sl/main/people", None, identity("lost-id"), (503,)),
    ]
    for method, target, body, headers, statuses in cases:
        what = f"{method} {target} {headers[:1]}"
        answer = client.request(method, target, body, headers=[("Origin", APP), *headers])
        report.check(answer.status in statuses, f"{what}: {answer}, wanted {statuses}")
        got = cors_headers(answer)
        report.equal(got.pop("Access-Control-Allow-Credentials", None), "true" if "/slow/" in target else None, f"{what}: credentials")
        report.equal(got, {"Access-Control-Allow-Origin": APP, "Access-Control-Expose-Headers": EXPOSED}, what)
        report.equal(answer.header("Vary"), "Origin", f"{what}: Vary")
        report.check(not audit(answer, method), f"{what}: {audit(answer, method)}")
        if method == "OPTIONS":
            report.equal(answer.header("Allow"), "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS", "OPTIONS that is no preflight")
        if answer.status == 429:
            report.equal([answer.header(name) for name in ("Retry-After", "RateLimit-Policy", "RateLimit")],
                         ["1", '"tenant";q=1;w=1', '"tenant";r=0;t=1'], "the headers of 429")
        without = client.request(method, target, body, headers=headers)
        report.equal((cors_headers(without), without.header("Vary")), ({}, None), f"{what} without Origin")
    answer = client.request("OPTIONS", f"{base}/people", headers=[("Access-Control-Request-Method", "GET")])
    report.equal((answer.header("Allow") is None, cors_headers(answer)), (False, {}), "a preflight without Origin is none")


def check_security_headers(report, client):
    for method, target, raw in (("GET", "/livez", None), ("GET", "/readyz", None), ("GET", "/v1/acme/demo/sl/main/people", None),
                                ("OPTIONS", "/v1/acme/demo/sl/main/people", None), ("GET", "/nothing", None), (None, None, b"GET / HTTP/1.1\r\n\r\n")):
        answer = client.request(method, target) if raw is None else client.exchange(raw)
        for name, value in SECURITY:
            report.equal(answer.header(name), value, f"{method} {target}: {name}")


def check_load(report, gateway):
    """What a file may not say: `rowgate config check` names the line."""
    file = os.path.join(gateway.folder, "tenants", "acme.toml")
    with open(file, encoding="utf-8") as text:
        good = text.read()
    for wrong, reason in (('["*"]', "every page there is"), ('["https://*.example.org"]', "must be exact"), ('["https://app.example.org/"]', "has no path"),
                          ('["null"]', "sandbox"), ('["app.example.org"]', "scheme://host"), ('["https://app.example.org:443"]', "own port")):
        folder = tempfile.mkdtemp(prefix="rowgate-cors-")
        try:
            os.mkdir(os.path.join(folder, "tenants"))
            shutil.copy(gateway.config, os.path.join(folder, "config.toml"))
            bad = re.sub(r"cors_origins = \[.*\]", f"cors_origins = {wrong}", good, count=1)
            with open(os.path.join(folder, "tenants", "acme.toml"), "w", encoding="utf-8") as out:
                out.write(bad)
            line = bad[:bad.index("cors_origins")].count("\n") + 1
            ran = subprocess.run([gateway.binary, "config", "check", "--config", os.path.join(folder, "config.toml")], stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, check=False, env=gateway.environment(), timeout=30)
            text = ran.stdout.decode()
            report.check(ran.returncode == 1 and reason in text and f"acme.toml:{line}: [[project]] cors_origins:" in text, f"{wrong}: {ran.returncode} {short(text)}")
        finally:
            shutil.rmtree(folder)


def check_reload(report, gateway, client):
    """An origin that is listed while the gateway runs, and one that is taken off."""
    file = os.path.join(gateway.folder, "tenants", "acme.toml")
    with open(file, encoding="utf-8") as text:
        good = text.read()
    new = "https://new.example.org"

    def permitted(origin):
        return client.request("OPTIONS", "/v1/acme/demo/sl/main", headers=[("Origin", origin), *PREFLIGHT]).header("Access-Control-Allow-Origin") == origin

    with open(file + ".part", "w", encoding="utf-8") as out:
        out.write(good.replace(f'"{APP}"', f'"{new}"'))
    os.replace(file + ".part", file)
    gateway.signal(signal.SIGHUP)
    end = time.monotonic() + 10
    while not permitted(new) and time.monotonic() < end:
        time.sleep(0.05)
    report.check(permitted(new) and not permitted(APP), "a reload does not change who may call")
    with open(file, "w", encoding="utf-8") as out:
        out.write(good)
    gateway.signal(signal.SIGHUP)


PAGE = """<!doctype html><meta charset="utf-8"><title>a page</title><script>
const base = "%(gateway)s/v1/acme/demo/sl/main";
const who = {"X-Org-Id": "org-1", "X-Project-Id": "project-1", "X-Space-Id": "space-1", "X-User-Id": "user-1", "X-User-Roles": "admin"};
async function call(method, target, body, headers) {
  const init = {method, headers: {...who, ...headers}};
  if (body !== undefined) { init.body = JSON.stringify(body); init.headers["Content-Type"] = "application/json"; }
  try {
    const answer = await fetch(target, init);
    const names = ["X-Request-Id", "Content-Range", "Location", "Retry-After", "RateLimit", "WWW-Authenticate", "Allow", "Date"];
    const seen = Object.fromEntries(names.map(name => [name, answer.headers.get(name)]));
    const text = await answer.text();
    return {status: answer.status, headers: seen, body: text ? JSON.parse(text) : null};
  } catch (error) { return {blocked: String(error)}; }
}
async function all() {
  const said = {origin: location.origin};
  said.list = await call("GET", base + "/people?order=id");
  said.insert = await call("POST", base + "/people", {name: "from a page, ü"});
  said.replace = await call("PATCH", base + "/people?id=eq.2", {name: "changed"}, {"Prefer": "numbers=string", "X-Request-Id": "page-1"});
  said.erase = await call("DELETE", base + "/people?id=eq.1");
  said.after = await call("GET", base + "/people?order=id");
  said.unfiltered = await call("DELETE", base + "/people");
  said.options = await call("OPTIONS", base + "/people");
  said.stranger = await call("GET", base + "/people", undefined, {"X-User-Id": "", "X-User-Roles": ""});
  const slow = "%(gateway)s/v1/acme/slow/sl/main/people", id = {"X-Project-Id": "slow-id"};
  await Promise.all([1, 2, 3].map(() => call("GET", slow, undefined, id)));
  said.flood = await call("GET", slow, undefined, id);
  said.closed = await call("GET", "%(gateway)s/v1/acme/closed/sl/main/people", undefined, {"X-Project-Id": "closed-id"});
  try { const blind = await fetch(base + "/people", {mode: "no-cors"}); said.blind = blind.type; } catch (error) { said.blind = String(error); }
  await fetch("/said", {method: "POST", body: JSON.stringify(said)});
}
all();
</script>"""


class Page(http.server.BaseHTTPRequestHandler):
    """Serves the page of one origin and takes what the page says."""

    def __init__(self, box, gateway_port, *rest):
        self.box, self.gateway_port = box, gateway_port
        super().__init__(*rest)

    def do_GET(self):  # noqa: N802
        text = (PAGE % {"gateway": f"http://127.0.0.1:{self.gateway_port}"}).encode() if self.path == "/" else b""
        self.send_response(200 if text else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_POST(self):  # noqa: N802
        self.box["said"] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()
        self.box["done"].set()

    def log_message(self, *_):
        pass


def visit(gateway_port, port, patience):
    """What the page of the origin http://127.0.0.1:PORT says in Chromium, or None."""
    box = {"done": threading.Event()}
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), functools.partial(Page, box, gateway_port))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    folder = tempfile.mkdtemp(prefix="rowgate-chromium-")
    browser = subprocess.Popen(
        ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={folder}", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions", "--remote-debugging-port=0",
         f"http://127.0.0.1:{port}/"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, env={**os.environ, "HOME": folder})
    try:
        box["done"].wait(patience)
    finally:
        os.killpg(browser.pid, signal.SIGKILL)
        browser.wait()
        server.shutdown()
        server.server_close()
        shutil.rmtree(folder, ignore_errors=True)
    return box.get("said")


def check_browser(report, gateway, port, path):
    installed = subprocess.run([os.path.join(places.ROOT, "deploy", "install.sh"), "cors"], check=False).returncode == 0
    if not installed:
        say("   SKIPPED: Chromium cannot be installed here; no page was loaded, and the browser part of this suite has proved nothing")
        report.note("no browser")
        return

    def rows():
        connection = sqlite3.connect(path)
        try:
            return connection.execute("SELECT id, name FROM people ORDER BY id").fetchall()
        finally:
            connection.close()

    def reset():
        connection = sqlite3.connect(path)
        connection.executescript("DELETE FROM people; INSERT INTO people VALUES (1, 'one'), (2, 'two'), (3, 'three');")
        connection.close()

    reset()
    time.sleep(1.1)  # the rate of `slow` is rested
    said = visit(gateway.port, port, 180)
    if report.check(said is not None, "the page of the listed origin said nothing within its time"):
        report.equal((said["list"].get("status"), [row["id"] for row in said["list"].get("body") or []]), (200, [1, 2, 3]), f"the page lists: {said['list']}")
        report.equal(said["list"].get("headers", {}).get("Content-Range"), "rows 0-2/3", "the page reads Content-Range")
        report.check(said["list"].get("headers", {}).get("X-Request-Id"), "the page reads X-Request-Id")
        report.equal(said["list"].get("headers", {}).get("Date"), None, "what is not exposed is not read")
        report.equal((said["insert"].get("status"), said["insert"].get("headers", {}).get("Location")), (201, "/v1/acme/demo/sl/main/people/4"),
                     f"the page inserts: {said['insert']}")
        report.equal((said["replace"].get("status"), said["replace"].get("headers", {}).get("X-Request-Id")), (200, "page-1"), f"the page changes: {said['replace']}")
        report.equal(said["erase"].get("body"), {"rows_affected": 1}, "the page deletes")
        report.equal(said["after"].get("body"), [{"id": 2, "name": "changed"}, {"id": 3, "name": "three"}, {"id": 4, "name": "from a page, ü"}],
                     "the page lists again")
        report.equal((said["unfiltered"].get("status"), (said["unfiltered"].get("body") or {}).get("code")), (406, "filter_required"), "the page reads a 406")
        report.equal(said["options"].get("headers", {}).get("Allow"), "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS", f"the page asks: {said['options']}")
        report.equal((said["stranger"].get("status"), said["stranger"].get("headers", {}).get("WWW-Authenticate")), (401, "Rowgate-Headers"), "the page reads a 401")
        flood = said["flood"].get("headers", {})
        report.equal((said["flood"].get("status"), flood.get("Retry-After"), flood.get("RateLimit")), (429, "1", '"tenant";r=0;t=1'), f"the page reads a 429: {said['flood']}")
        report.check("blocked" in said["closed"], f"a project that lists nobody is read by the page: {said['closed']}")
        report.check("TypeError" in said["blind"], f"Cross-Origin-Resource-Policy does not keep a request without CORS out: {said['blind']}")
    report.equal(rows(), [(2, "changed"), (3, "three"), (4, "from a page, ü")], "the table after the page")

    reset()
    said = visit(gateway.port, free_port(), 180)
    if report.check(said is not None, "the page of the other origin said nothing within its time"):
        for name in ("list", "insert", "replace", "erase", "after", "unfiltered", "options", "stranger", "flood", "closed"):
            report.check("blocked" in said[name], f"a page of an origin that is not listed does {name}: {said[name]}")
    report.equal(rows(), [(1, "one"), (2, "two"), (3, "three")], "the table after the page of an origin that is not listed")


def run(context):
    report = Report("cors")
    folder = places.scratch("cors")
    path = os.path.join(folder, "people.sqlite")
    connection = sqlite3.connect(path)
    connection.executescript("PRAGMA journal_mode=WAL; CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL); INSERT INTO people VALUES (1, 'one');")
    connection.close()
    port = free_port()
    gateway = Gateway(context.preset, [tenants(path, f"http://127.0.0.1:{port}")])
    try:
        gateway.start()
        client = gateway.client()
        check_preflights(report, client)
        check_strangers(report, client)
        check_answers(report, client)
        check_security_headers(report, client)
        check_load(report, gateway)
        check_reload(report, gateway, client)
        if not context.is_sanitized:
            check_browser(report, gateway, port, path)
    finally:
        gateway.destroy(report)
        places.remove(folder)
    return report
