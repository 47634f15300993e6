"""/metrics on the operators' listener: what is counted, how it is labelled, who can read it; and the log's file: late by a little,
opened anew for rotation, no reason to stop."""
import json
import os
import re
import signal
import subprocess
import threading
import time

from lib import places
from lib.client import Broken, Client, audit
from lib.direct import open_sqlite, small_table
from lib.gateway import Gateway, encode, free_port, mariadb_database, merged, sqlite_database, table_path, tenant
from lib.report import Report, short

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SAMPLE = re.compile(r'([a-z_]+)(\{([a-z_]+="[^"\\\n]*"(?:,[a-z_]+="[^"\\\n]*")*)\})? ([0-9.]+)')
TABLE = "/{org}/{project}/{db_type}/{db}/{table}"


def run(context):
    report = Report("metrics")
    folder = places.scratch("metrics")
    path = os.path.join(folder, "main.sqlite")
    direct = small_table(path)
    server = context.mariadb.get()
    server.make_schema("rg_metrics")
    try:
        databases = [sqlite_database(path), mariadb_database(server, "rg_metrics")]
        listener(context, report, databases)
        counting(context, report, databases)
        series(context, report, databases)
        database_gone(context, report, path)
        log_is_late_by_little(context, report, databases)
        rotation(context, report, databases)
        full_disk(context, report, databases)
        pipe_without_reader(context, report, databases)
        bad_settings(context, report, databases)
    finally:
        direct.close()
        places.remove(folder)
    return report


def started(context, databases, settings=None):
    """A gateway with an operators' listener, and a client of that."""
    port = free_port()
    gateway = Gateway(context.preset, [tenant(databases)], merged({"admin": {"port": port}}, settings)).start()
    return gateway, Client(port)


def scrape(report, admin):
    """Every sample by name and labels; what is not well formed is a failure."""
    answer = admin.request("GET", "/metrics")
    if not report.equal(answer.status, 200, "GET /metrics"):
        return {}
    found, typed = {}, set()
    for line in answer.body.decode().splitlines():
        if line.startswith("# TYPE "):
            name = line.split(" ")[2]
            report.check(name not in typed, f"{name} stands twice")
            typed.add(name)
            continue
        if line.startswith("# HELP "):
            continue
        match = SAMPLE.fullmatch(line)
        if not report.check(match, f"not a sample: {short(line)}"):
            continue
        family = re.sub(r"_(bucket|sum|count)$", "", match.group(1))
        report.check(match.group(1) in typed or family in typed, f"{match.group(1)} has no type")
        key = match.group(1) + (match.group(2) or "")
        report.check(key not in found, f"{key} stands twice")
        found[key] = float(match.group(4))
    return found


def request_count(samples, method, route, status, code=""):
    return samples.get(f'http_server_request_duration_seconds_count{{http_request_method="{method}",http_route="{route}",'
                       f'http_response_status_code="{status}",error_type="{code}"}}', 0)


def call_count(samples, system, operation, code=""):
    return samples.get(f'db_client_operation_duration_seconds_count{{db_system_name="{system}",db_operation_name="{operation}",error_type="{code}"}}', 0)


def listener(context, report, databases):
    gateway, admin = started(context, databases)
    try:
        for method in ("GET", "HEAD"):
            answer = admin.request(method, "/metrics")
            report.equal((answer.status, answer.header("Content-Type")), (200, CONTENT_TYPE), f"{method} /metrics")
            report.check(int(answer.header("Content-Length")) > 1000, f"{method} /metrics: a length of {answer.header('Content-Length')}")
            report.equal(audit(answer), [], f"{method} /metrics")
            for path in ("/livez", "/readyz"):
                report.equal(admin.request(method, path).status, 200, f"{method} {path} on the operators' listener")
        for method, target, status, code in (("POST", "/metrics", 405, "method_not_allowed"), ("DELETE", "/metrics", 405, "method_not_allowed"),
                                             ("POST", "/livez", 405, "method_not_allowed"), ("GET", "/metrics?x=1", 400, "query_invalid"),
                                             ("GET", "/metrics/", 404, "path_unknown"), ("GET", "/", 404, "path_unknown"),
                                             ("GET", "/metricsx", 404, "path_unknown"), ("GET", "/%6Detrics", 404, "path_unknown"),
                                             ("GET", table_path("sl", "t"), 404, "path_unknown"),
                                             ("DELETE", table_path("sl", "t") + "?id=eq.1", 404, "path_unknown")):
            answer = admin.request(method, target)
            report.equal((answer.status, answer.problem().get("code")), (status, code), f"{method} {target} on the operators' listener")
            report.equal(audit(answer, method), [], f"{method} {target} on the operators' listener")
        client = gateway.client()
        for headers in (True, False):
            answer = client.request("GET", "/metrics", identity=headers)
            report.equal((answer.status, answer.problem().get("code")), (404, "path_unknown"), "/metrics on the clients' listener")
        report.check(b"process_" not in answer.body and b"http_server" not in answer.body, "the clients' listener shows metrics")
        report.equal(len(client.request("GET", table_path("sl", "t") + "?id=eq.1").json()), 1, "the row that a DELETE to the operators' listener names")
        gateway.signal(signal.SIGTERM)
        report.equal(gateway.wait(20), 0, "the end with an operators' listener open and connected")
    finally:
        places.remove(gateway.folder)
    # Off unless it is asked for.
    gateway = Gateway(context.preset, [tenant(databases)]).start()
    try:
        time.sleep(0.3)
        with open(gateway.access_log, encoding="utf-8") as log:
            report.check("admin_started" not in log.read(), "an operators' listener without a port")
    finally:
        gateway.destroy(report)
    # On a unix socket of its own.
    folder = places.scratch("admin-socket")
    gateway = Gateway(context.preset, [tenant(databases)], {"admin": {"address": f"unix:{folder}/admin"}}).start()
    try:
        ran = subprocess.run(["curl", "-sS", "--unix-socket", f"{folder}/admin", "http://gateway/metrics"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             check=False, timeout=20)
        report.check(b"rowgate_build_info" in ran.stdout, f"metrics on a unix socket: {short(ran.stdout.decode())}")
    finally:
        gateway.destroy(report)
        places.remove(folder)


def counting(context, report, databases):
    gateway, admin = started(context, databases)
    try:
        client = gateway.client()
        before = scrape(report, admin)
        sl, ms = table_path("sl", "t"), table_path("ms", "absent")
        for method, target, body, status in (("GET", sl + "?id=eq.1", None, 200), ("GET", sl + "?id=eq.2", None, 200), ("POST", sl, {"id": 9, "v": 9}, 201),
                                             ("POST", sl, {"id": 9, "v": 9}, 409), ("PUT", sl + "?id=eq.9", {"v": 8}, 200),
                                             ("PATCH", sl + "?id=eq.9", {"v": 7}, 200), ("DELETE", sl + "?id=eq.9", None, 200),
                                             ("DELETE", sl, None, 406), ("GET", ms, None, 404), ("GET", sl + "/1", None, 200), ("GET", sl + "/99", None, 404),
                                             ("DELETE", sl + "/99", None, 404), ("POST", sl + "/bulk-delete", {"ids": [99]}, 200), ("GET", table_path("sl"), None, 200),
                                             ("BREW", sl, None, 501), ("GET", "/nowhere", None, 404)):
            report.equal(client.request(method, target, body).status, status, f"{method} {target}")
        after = scrape(report, admin)
        for labels, wanted in ((("GET", TABLE, 200), 2), (("POST", TABLE, 201), 1), (("POST", TABLE, 409, "constraint_violated"), 1), (("PUT", TABLE, 200), 1),
                               (("PATCH", TABLE, 200), 1), (("DELETE", TABLE, 200), 1), (("DELETE", TABLE, 406, "filter_required"), 1),
                               (("GET", TABLE, 404, "table_unknown"), 1), (("GET", TABLE + "/{key}", 200), 1),
                               (("GET", TABLE + "/{key}", 404, "row_unknown"), 1), (("DELETE", TABLE + "/{key}", 404, "row_unknown"), 1),
                               (("POST", TABLE + "/bulk-delete", 200), 1),
                               (("GET", TABLE.rsplit("/", 1)[0], 200), 1), (("_OTHER", "", 501, "method_unknown"), 1), (("GET", "", 404, "path_unknown"), 1)):
            report.equal(request_count(after, *labels) - request_count(before, *labels), wanted, f"requests counted under {labels}")
        for labels, wanted in ((("sqlite", "SELECT"), 4), (("sqlite", "INSERT"), 1), (("sqlite", "INSERT", "constraint_violated"), 1), (("sqlite", "UPDATE"), 2),
                               (("sqlite", "DELETE"), 3), (("mariadb", "SELECT"), 0)):
            report.equal(call_count(after, *labels) - call_count(before, *labels), wanted, f"database calls counted under {labels}")
        sent = 'http_server_request_body_size_bytes_sum{http_request_method="POST",http_route="' + TABLE + '"}'
        report.equal(after.get(sent, 0) - before.get(sent, 0), 2 * len(json.dumps({"id": 9, "v": 9})), "bytes of POST bodies")
        report.check(after.get('db_client_connection_count{db_system_name="sqlite",db_client_connection_state="idle"}', 0) >= 1, "no idle connection to SQLite")
        report.equal(after.get('db_client_connection_count{db_system_name="sqlite",db_client_connection_state="used"}'), 0, "connections to SQLite in use")
        report.check(after.get('db_client_connection_max{db_system_name="mariadb"}', 0) >= 1, "no room for connections to MariaDB")
        report.check(after["rowgate_front_connections"] >= 1, "no connection of a client")
        report.check(after["rowgate_front_connections_accepted_total"] >= 2, "no connection was accepted")
        report.check(after["process_resident_memory_bytes"] > 1 << 20 and after["process_open_fds"] > 5, "no memory or descriptors in use")
        report.check(abs(after["process_start_time_seconds"] - time.time()) < 120, f"started at {after['process_start_time_seconds']}")
        report.check(after["process_cpu_seconds_total"] >= before["process_cpu_seconds_total"] > 0, "the processor's time goes back")
        report.equal(sum(value for key, value in after.items() if key.startswith("http_server_active_requests")), 0, "active requests of an idle gateway")
        for key, value in before.items():
            if re.match(r"[a-z_]+_(total|count|bucket|sum)\b", key) and not key.startswith("db_client_connection_count"):
                report.check(after.get(key, -1) >= value, f"{key} fell from {value} to {after.get(key)}")
        active(report, gateway, admin, databases[0]["path"])
    finally:
        gateway.destroy(report)


def active(report, gateway, admin, path):
    """A DELETE that waits for a lock is active, and its connection is used."""
    lock = open_sqlite(path)
    lock.run("BEGIN IMMEDIATE")
    waiting = threading.Thread(target=lambda: gateway.client().request("DELETE", table_path("sl", "t") + "?id=eq.77"))
    waiting.start()
    try:
        requests = 'http_server_active_requests{http_request_method="DELETE"}'
        used = 'db_client_connection_count{db_system_name="sqlite",db_client_connection_state="used"}'
        seen = wait_for(lambda: [scrape(report, admin).get(key) for key in (requests, used)] == [1, 1])
        report.check(seen, "a DELETE that waits for a lock is not active, or has no connection")
    finally:
        lock.run("ROLLBACK")
        lock.close()
        waiting.join(20)


def series(context, report, databases):
    """Whatever clients send, there are no more series: 10,000 requests with random paths, methods and headers."""
    gateway, admin = started(context, databases, {"": {"access_log": ""}})
    try:
        client = gateway.client()
        random = context.random("metrics")

        def text(most):
            return "".join(random.choice("abcXYZ019-._~") for _ in range(random.randint(1, most)))

        def one():
            method = random.choice(["GET", "HEAD", "DELETE", "POST", "PUT", "PATCH", "OPTIONS", "GET" + text(3), text(6)])
            kind = random.randrange(4)
            target = ("/" + text(8), table_path("sl", text(8)), table_path(text(3), text(4)), table_path("sl", "t") + f"?{text(5)}=eq.{encode(text(5))}")[kind]
            headers = [("X-Org-Id", text(20)), ("X-Request-Id", text(20))] if random.random() < 0.5 else [("X-" + text(9).replace("~", ""), text(20))]
            try:
                client.request(method, target, headers=headers)
            except Broken:
                pass

        def tuples(samples):
            return {key for key in samples if not key.startswith("db_client_connection") and not re.search(r'le="', key)}

        for _ in range(3000):
            one()
        first = tuples(scrape(report, admin))
        for _ in range(7000 if context.full or not context.is_sanitized else 2000):
            one()
        second = tuples(scrape(report, admin))
        report.check(len(second) <= len(first) + 10, f"{len(second) - len(first)} series more after 7,000 more random requests: {short(sorted(second - first))}")
        report.check(len(second) < 400, f"{len(second)} series after random requests")
        routes = {match for key in second for match in re.findall(r'http_route="([^"]*)"', key)}
        report.check(routes <= {"", "/livez", "/readyz", TABLE, TABLE + "/{key}", TABLE.rsplit("/", 1)[0]}, f"routes: {sorted(routes)}")
        methods = {match for key in second for match in re.findall(r'http_request_method="([^"]*)"', key)}
        report.equal(methods, {"GET", "HEAD", "DELETE", "POST", "PUT", "PATCH", "OPTIONS", "_OTHER"}, "methods")
        report.note(f"{len(second)} series")
    finally:
        gateway.destroy(report)


def database_gone(context, report, path):
    """A database that does not answer is told by /readyz of either listener, and counted; /metrics and /livez go on."""
    gateway, admin = started(context, [sqlite_database(path)])
    try:
        os.rename(path, path + ".away")
        try:
            time.sleep(0.3)
            report.equal(admin.request("GET", "/readyz").status, 503, "/readyz without its database")
            report.equal(admin.request("GET", "/livez").status, 200, "/livez without a database")
            answer = gateway.client().request("GET", table_path("sl", "t") + "?id=eq.1")
            report.equal(answer.status, 503, "a read without its database")
            samples = scrape(report, admin)
            report.check(request_count(samples, "GET", TABLE, 503, "database_unavailable") >= 1, "the 503 is not counted")
        finally:
            os.rename(path + ".away", path)
    finally:
        gateway.destroy(report)


def lines_of(path):
    with open(path, encoding="utf-8") as log:
        text = log.read()
    return [json.loads(line) for line in text.split("\n")[:-1]], text.endswith("\n") or not text


def wait_for(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False


def ids_of(path):
    return [line.get("request_id") for line in lines_of(path)[0] if line["event"] == "request_served"] if os.path.exists(path) else []


def log_is_late_by_little(context, report, databases):
    gateway, _ = started(context, databases)
    try:
        client = gateway.client()
        for number in range(5):
            client.request("GET", "/livez", headers=[("X-Request-Id", f"late-{number}")])
            report.check(wait_for(lambda n=number: f"late-{n}" in ids_of(gateway.access_log), 2), f"line {number} is not in the log after 2 s")
        for number in range(300):
            client.request("GET", "/livez", headers=[("X-Request-Id", f"many-{number}")])
        # Everything is there when the gateway has ended.
        gateway.signal(signal.SIGTERM)
        report.equal(gateway.wait(20), 0, "exit code")
        lines, is_whole = lines_of(gateway.access_log)
        report.check(is_whole, "the log ends within a line")
        report.equal([line["request_id"] for line in lines if str(line.get("request_id")).startswith("many-")], [f"many-{n}" for n in range(300)], "the lines, in order")
        report.equal(lines[-1]["event"], "stopping", "the last line")
    finally:
        places.remove(gateway.folder)


def rotation(context, report, databases):
    """SIGUSR1 under load: what was logged before is in the old file, what comes after in the new one, each request once."""
    gateway, admin = started(context, databases)
    old = [gateway.access_log + f".{n}" for n in range(3)]
    stop = threading.Event()
    sent = [0, 0]

    def load(which):
        client = gateway.client()
        while not stop.is_set():
            client.request("GET", "/livez", headers=[("X-Request-Id", f"r-{which}-{sent[which]}")])
            sent[which] += 1

    threads = [threading.Thread(target=load, args=(which,)) for which in (0, 1)]
    try:
        for thread in threads:
            thread.start()
        for name in old:
            time.sleep(0.3)
            os.rename(gateway.access_log, name)
            gateway.signal(signal.SIGUSR1)
            report.check(wait_for(lambda: os.path.exists(gateway.access_log)), "no new file after SIGUSR1")
        time.sleep(0.3)
        stop.set()
        for thread in threads:
            thread.join()
        report.equal(scrape(report, admin).get("rowgate_log_lines_lost_total"), 0, "lines lost")
        gateway.signal(signal.SIGTERM)
        report.equal(gateway.wait(20), 0, "exit code after three times SIGUSR1")
        found = []
        for name in (*old, gateway.access_log):
            lines, is_whole = lines_of(name)
            report.check(is_whole and len(lines) > 0, f"{os.path.basename(name)}: {len(lines)} lines, whole: {is_whole}")
            found += [line["request_id"] for line in lines if str(line.get("request_id")).startswith("r-")]
        wanted = [f"r-{which}-{n}" for which in (0, 1) for n in range(sent[which])]
        report.equal(len(found), len(wanted), "lines in the four files together")
        report.equal(sorted(found), sorted(wanted), "each request once")
    finally:
        stop.set()
        places.remove(gateway.folder)


def full_disk(context, report, databases):
    """A log that cannot be written: everything is served, nothing is slow, and the loss is counted."""
    gateway, admin = started(context, databases, {"": {"access_log": "/dev/full"}})
    try:
        client = gateway.client()
        target = "/nowhere?" + "x" * 6000
        begun = time.monotonic()
        for _ in range(2500):
            report.equal(client.request("GET", target).status, 404, "a request while the log cannot be written")
        report.check(time.monotonic() - begun < 60, f"2,500 requests took {time.monotonic() - begun:.1f} s")
        samples = scrape(report, admin)
        report.check(samples["rowgate_log_write_failures_total"] > 0, "no failure counted")
        report.check(samples["rowgate_log_lines_lost_total"] > 0, "no lost line counted")
        report.check(samples["process_resident_memory_bytes"] < 400e6, f"memory: {samples['process_resident_memory_bytes']}")
    finally:
        gateway.destroy(report)


def pipe_without_reader(context, report, databases):
    """Standard output whose reader has gone: no SIGPIPE, and the end is not held up."""
    gateway = Gateway(context.preset, [tenant(databases)], {"": {"access_log": "-"}})
    with open(gateway.stderr, "ab") as err:
        server = subprocess.Popen([gateway.binary, "serve", "--config", gateway.config], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=err,
                                  env=gateway.environment())
    try:
        client = gateway.client()

        def answers():
            try:
                return client.request("GET", "/livez").status == 200
            except (OSError, Broken):
                return False

        report.check(wait_for(answers, 20), "the gateway does not start")
        first = [json.loads(server.stdout.readline()).get("event") for _ in range(2)]
        report.equal(first, ["tenants_read", "started"], "the first lines on standard output")
        server.stdout.close()
        for _ in range(50):
            report.equal(client.request("GET", "/livez").status, 200, "a request after standard output has gone")
            time.sleep(0.01)
        server.terminate()
        report.equal(server.wait(20), 0, "exit code without standard output")
    finally:
        if server.poll() is None:
            server.kill()
            server.wait()
        places.remove(gateway.folder)


def bad_settings(context, report, databases):
    for admin, word in (({"address": "0.0.0.0"}, "[admin] port"), ({"address": "systemd"}, "[admin] address"), ({"address": "", "port": 1}, "[admin] address"),
                        ({"port": 70000}, "[admin] port"), ({"prot": 1}, "port")):
        gateway = Gateway(context.preset, [tenant(databases)], {"admin": admin})
        ran = subprocess.run([gateway.binary, "config", "check", "--config", gateway.config], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                             env=gateway.environment(), timeout=20)
        text = (ran.stdout + ran.stderr).decode()
        report.check(ran.returncode != 0 and word in text, f"[admin] {admin}: {ran.returncode} {short(text)}")
        places.remove(gateway.folder)
    # A port that is taken ends the start, and says which.
    gateway, admin = started(context, databases)
    second = Gateway(context.preset, [tenant(databases)], {"admin": {"port": admin.port}})
    try:
        ran = subprocess.run([second.binary, "serve", "--config", second.config], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                             env=second.environment(), timeout=20)
        report.check(ran.returncode == 1 and str(admin.port) in ran.stderr.decode(), f"a taken operators' port: {ran.returncode} {short(ran.stderr.decode())}")
        with open(second.access_log, encoding="utf-8") as log:
            report.check('"failed"' in log.read(), "the log does not say why the gateway ended")
    finally:
        gateway.destroy(report)
        places.remove(second.folder)
